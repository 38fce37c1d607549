package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// prescribed are the tokens as the receivers document them. A text that begins
// with ~ is a pattern. Of the certificate and the key there are the x5t#S256 and
// the RFC 7638 thumbprint, and the fingerprint that Snowflake wants.
var prescribed = map[string]struct{ header, claims string }{
	"apns": {
		`{"alg":"ES256","kid":"ABC123DEFG"}`,
		`{"iss":"DEF123GHIJ","iat":946684800}`},
	"applesignin": {
		`{"alg":"ES256","kid":"ABC123DEFG"}`,
		`{"iss":"DEF123GHIJ","iat":946684800,"exp":946685100,"aud":"https://appleid.apple.com","sub":"com.example.app"}`},
	"appstoreconnect": {
		`{"alg":"ES256","kid":"2X9R4HXF34","typ":"JWT"}`,
		`{"iss":"57246542-96fe-1a63-e053-0824d011072a","iat":946684800,"exp":946685700,"aud":"appstoreconnect-v1","scope":["GET /v1/apps"]}`},
	"appstoreserver": {
		`{"alg":"ES256","kid":"2X9R4HXF34","typ":"JWT"}`,
		`{"iss":"57246542-96fe-1a63-e053-0824d011072a","iat":946684800,"exp":946685700,"aud":"appstoreconnect-v1","bid":"com.example.app"}`},
	"box": {
		`{"alg":"RS512","typ":"JWT","kid":"4mz8x2ab"}`,
		`{"iss":"client","sub":"801234","box_sub_type":"enterprise","aud":"https://api.box.com/oauth2/token","jti":"~^[0-9a-f-]{36}$","iat":946684800,"exp":946684845}`},
	"coinbase": {
		`{"alg":"ES256","typ":"JWT","kid":"organizations/7b1c/apiKeys/9d2e","nonce":"~^[A-Z2-7]{26}$"}`,
		`{"sub":"organizations/7b1c/apiKeys/9d2e","iss":"cdp","nbf":946684800,"exp":946684920,"uri":"GET api.coinbase.com/v2/accounts"}`},
	"docusign": {
		`{"alg":"RS256","typ":"JWT"}`,
		`{"iss":"7c2b8d7e-83c3-4940-af5e-cda8a50dd73f","sub":"464f7988-86b9-4ad5-9459-f2fd8c35dd16","aud":"account-d.docusign.com","iat":946684800,"exp":946688400,"scope":"signature impersonation"}`},
	"entra": {
		`{"alg":"PS256","typ":"JWT","x5t#S256":"X5T"}`,
		`{"aud":"https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token","iss":"11112222-bbbb-3333-cccc-4444dddd5555","sub":"11112222-bbbb-3333-cccc-4444dddd5555","jti":"~^[0-9a-f-]{36}$","nbf":946684800,"iat":946684800,"exp":946685100}`},
	"epic": {
		`{"alg":"RS384","typ":"JWT","kid":"THUMBPRINT","jku":"https://consumer.example/jwks.json"}`,
		`{"iss":"client","sub":"client","aud":"https://ehr.example/oauth2/token","jti":"~^[0-9a-f-]{36}$","iat":946684800,"exp":946685100}`},
	"githubapp": {
		`{"alg":"RS256","typ":"JWT"}`,
		`{"iss":"123456","iat":946684740,"exp":946685340}`},
	"google": {
		`{"alg":"RS256","typ":"JWT","kid":"f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"}`,
		`{"iss":"billing@project.iam.gserviceaccount.com","scope":"https://www.googleapis.com/auth/pubsub","aud":"https://oauth2.googleapis.com/token","iat":946684800,"exp":946685700}`},
	"googleapi": {
		`{"alg":"RS256","typ":"JWT","kid":"f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"}`,
		`{"iss":"billing@project.iam.gserviceaccount.com","sub":"billing@project.iam.gserviceaccount.com","aud":"https://pubsub.googleapis.com/","iat":946684800,"exp":946688400}`},
	"googleidtoken": {
		`{"alg":"RS256","typ":"JWT","kid":"f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"}`,
		`{"iss":"billing@project.iam.gserviceaccount.com","target_audience":"https://service.run.app","aud":"https://oauth2.googleapis.com/token","iat":946684800,"exp":946685700}`},
	"googlescope": {
		`{"alg":"RS256","typ":"JWT","kid":"f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"}`,
		`{"iss":"billing@project.iam.gserviceaccount.com","sub":"billing@project.iam.gserviceaccount.com","scope":"https://www.googleapis.com/auth/pubsub","iat":946684800,"exp":946688400}`},
	"openbanking": {
		`{"alg":"PS256","typ":"JWT","kid":"THUMBPRINT"}`,
		`{"iss":"client","sub":"client","aud":"https://bank.example/token","jti":"~^[0-9a-f-]{36}$","iat":946684800,"exp":946684860}`},
	"openbankingcritical": {
		`{"alg":"PS256","typ":"JWT","kid":"THUMBPRINT","crit":["http://openbanking.org.uk/iat","http://openbanking.org.uk/iss","http://openbanking.org.uk/tan"],"http://openbanking.org.uk/iat":946684800,"http://openbanking.org.uk/iss":"0015800001041RHAAY","http://openbanking.org.uk/tan":"openbanking.org.uk"}`,
		`{"iss":"client","sub":"client","aud":"https://bank.example/token","jti":"~^[0-9a-f-]{36}$","iat":946684800,"exp":946684860}`},
	"salesforce": {
		`{"alg":"RS256"}`,
		`{"iss":"client","sub":"billing@consumer.example","aud":"https://login.salesforce.com","exp":946684980}`},
	"snowflake": {
		`{"alg":"RS256","typ":"JWT"}`,
		`{"iss":"ORG-ACCOUNT.BILLING.SHA256:FINGERPRINT","sub":"ORG-ACCOUNT.BILLING","iat":946684800,"exp":946688400}`},
	"twilio": {
		`{"alg":"HS256","typ":"JWT","cty":"twilio-fpa;v=1"}`,
		`{"jti":"~^SK4567-[A-Z2-7]{26}$","iss":"SK4567","sub":"AC0123","exp":946688400,"grants":{"identity":"alice"}}`},
	"zoommeeting": {
		`{"alg":"HS256","typ":"JWT"}`,
		`{"appKey":"sdk-key","sdkKey":"sdk-key","mn":"87270695528","role":0,"iat":946684800,"exp":946692000,"tokenExp":946692000}`},
}

// TestReceivers holds what each recipe writes against what its receiver documents:
// every member, none besides, with its type.
func TestReceivers(t *testing.T) {
	for _, r := range receivers {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want, found := prescribed[r.name]
				if !found {
					t.Fatal("nothing says what the receiver prescribes")
				}
				signer := ok(r.make(keysFor(t, string(r.algorithm))))(t).(*tokenprofile.Signer)
				header, claims := takeApart(t, ok(signer.Sign(t.Context(), r.claims))(t))
				compare(t, "header", header, object(t, filled(t, r, want.header)))
				compare(t, "claims", claims, object(t, filled(t, r, want.claims)))
			})
		})
	}
	if len(prescribed) != len(receivers) {
		t.Errorf("%d receivers prescribe, and there are %d recipes", len(prescribed), len(receivers))
	}
}

// filled puts in what only the key can say.
func filled(t *testing.T, r recipe, text string) string {
	if r.algorithm.UsesSecret() {
		return text
	}
	p := pairFor(string(r.algorithm))
	certificate := sha256.Sum256(p.certificate.Raw)
	spki := sha256.Sum256(ok(x509.MarshalPKIXPublicKey(p.key.Public()))(t))
	return strings.NewReplacer(
		"X5T\"", encode(certificate[:])+`"`,
		"THUMBPRINT", thumbprint(p.key.Public()),
		"FINGERPRINT", base64.StdEncoding.EncodeToString(spki[:]),
	).Replace(text)
}

// compare compares member by member, each as its JSON.
func compare(t *testing.T, what string, got, want map[string]any) {
	t.Helper()
	for name, value := range got {
		if _, found := want[name]; !found {
			t.Errorf("%s: got %s = %s, which is not documented", what, name, text(value))
		}
	}
	for name, value := range want {
		pattern, isPattern := strings.CutPrefix(fmt.Sprint(value), "~")
		found, isText := got[name].(string)
		switch {
		case isPattern && isText && regexp.MustCompile(pattern).MatchString(found):
		case isPattern || text(got[name]) != text(value):
			t.Errorf("%s: got %s = %s, want %s", what, name, text(got[name]), text(value))
		}
	}
}

func text(value any) string { return string(made(json.Marshal(value))) }

// What is another in every token is another in every token.
func TestMembersPerToken(t *testing.T) {
	for name, member := range map[string]string{"coinbase": "nonce", "twilio": "jti", "box": "jti", "entra": "jti", "epic": "jti", "openbanking": "jti"} {
		r := receivers[slices.IndexFunc(receivers, func(r recipe) bool { return r.name == name })]
		signer := ok(r.make(keysFor(t, string(r.algorithm))))(t).(*tokenprofile.Signer)
		seen := map[any]bool{}
		for range 3 {
			header, claims := takeApart(t, ok(signer.Sign(t.Context(), r.claims))(t))
			seen[header[member]], seen[claims[member]] = true, true
		}
		if delete(seen, nil); len(seen) != 3 {
			t.Errorf("%s: got %d values of %s in 3 tokens", name, len(seen), member)
		}
	}
}
