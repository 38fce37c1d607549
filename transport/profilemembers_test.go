package transport_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A document with every member comes back the same, and none is forgotten here.
func TestEveryMemberRoundTrips(t *testing.T) {
	const (
		store  = `{"path":"k","certificate":"c","password":{"env":"A"},"keyPassword":{"file":"f"},"alias":"a","publishBefore":"2h","publishAfter":"48h","allowUnverified":true,"ignoreCertificateDates":true}`
		token  = `{"algorithm":"RS256","issuer":"i","audience":"a"}`
		client = `{"keystore":` + store + `,"truststore":` + store + `,"token":` + token + `,"use":"tokenExchange",` +
			`"grant":{"tokenURL":"http://p.example/t","clientID":"c","clientSecret":{"env":"S"},"secretInBody":true,"clientAssertionType":"x","grantType":"g",` +
			`"scopes":["a"],"resources":["b"],"audiences":["c"],"idToken":true,"params":{"p":"q"},"subjectType":"s","requestedType":"r","actor":` + token + `,"actorType":"t"},` +
			`"options":{"o":[1]},"origins":["http://p.example"],"plainHTTP":true,"header":"H","scheme":"S","mutualTLS":{"alias":"m"},"encryptTo":"http://p.example/k",` +
			`"publish":{"keySet":"http://c.example/k","alias":"p","certificates":true,"maxAge":"10m"}}`
		clientToo = `{"keystore":` + store + `,"tokenFile":"f","use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","clientAssertion":` + token + `},"dpop":{"alias":"d"}}`
		guard     = `{"keystore":` + store + `,"truststore":` + store + `,"token":{"algorithm":"RS256","issuer":"i","audience":"a","oneUse":true},` +
			`"issuers":[{"issuer":"j","keySet":"http://c.example/k","identities":{"a":"b"}},{"alias":"x","identities":{}}],"identityClaim":"login","scopes":["a"],` +
			`"header":"H","realm":"r","plainHTTP":true,"replay":{"max":9,"maxPerIssuer":3,"sinceStart":true},"dpop":true,"baseURL":"https://p.example",` +
			`"mutualTLS":true,"allowUnbound":true,"clientCertificates":true,"resource":"https://p.example","authorizationServers":["https://a.example"],"name":"n"}`
	)
	for _, document := range []string{client, clientToo} {
		p := must[*transport.ClientProfile](t)(transport.ParseClient([]byte(document), nil))
		if got := string(must[[]byte](t)(json.Marshal(p))); got != document {
			t.Errorf("got %s, want %s", got, document)
		}
	}
	p := must[*transport.GuardProfile](t)(transport.ParseGuard([]byte(guard)))
	if got := string(must[[]byte](t)(json.Marshal(p))); got != guard {
		t.Errorf("got %s, want %s", got, guard)
	}
	for _, typ := range []any{
		transport.ClientProfile{}, transport.GuardProfile{}, transport.DeclaredStore{}, transport.DeclaredSecret{}, transport.DeclaredKey{},
		transport.DeclaredGrant{}, transport.DeclaredKeySet{}, transport.DeclaredIssuer{}, transport.DeclaredMemory{},
	} {
		for field := range reflect.TypeOf(typ).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "-" && !strings.Contains(client+clientToo+guard, `"`+name+`":`) {
				t.Errorf("%T.%s is not in the documents of this test", typ, field.Name)
			}
		}
	}
}

// What a grant declares arrives at the endpoint, under the names of the RFCs.
func TestEveryMemberOfAGrantIsSent(t *testing.T) {
	t.Setenv("CLIENT_SECRET", "s")
	var form url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form = r.PostForm
		fmt.Fprint(w, `{"access_token":"a","token_type":"Bearer","id_token":"b","expires_in":60}`)
	}))
	t.Cleanup(server.Close)
	d := newDeclared(t)
	d.write("sent", "file-token")
	d.write("client.json", fmt.Sprintf(`{"tokenFile":"sent","use":"tokenExchange","grant":{"tokenURL":%q,"clientID":"c","clientSecret":{"env":"CLIENT_SECRET"},"secretInBody":true,
		"grantType":"urn:g","scopes":["a","b"],"resources":["https://r.example"],"audiences":["x","y"],"idToken":true,"params":{"p":"q"},"subjectType":"urn:s","requestedType":"urn:r"}}`, server.URL))
	if token, _, err := d.client().Bearer.Source.Token(t.Context()); err != nil || token != "b" {
		t.Errorf("got %q, %v, want the ID token", token, err)
	}
	want := url.Values{
		"grant_type": {"urn:g"}, "subject_token": {"file-token"}, "subject_token_type": {"urn:s"}, "requested_token_type": {"urn:r"},
		"scope": {"a b"}, "resource": {"https://r.example"}, "audience": {"x", "y"}, "p": {"q"}, "client_id": {"c"}, "client_secret": {"s"},
	}
	if !reflect.DeepEqual(form, want) {
		t.Errorf("got %v, want %v", form, want)
	}
	d.write("client.json", fmt.Sprintf(`{"tokenFile":"sent","use":"clientCredentials","grant":{"tokenURL":%q,"clientAssertionType":"urn:t"}}`, server.URL))
	if _, _, err := d.client().Bearer.Source.Token(t.Context()); err != nil {
		t.Error(err)
	}
	want = url.Values{"grant_type": {"client_credentials"}, "client_assertion": {"file-token"}, "client_assertion_type": {"urn:t"}}
	if !reflect.DeepEqual(form, want) {
		t.Errorf("got %v, want %v", form, want)
	}
}

// Stores open as keystore.File would open them.
func TestEveryMemberOfAStore(t *testing.T) {
	t.Setenv("STORE_PASSWORD", "changeit")
	t.Setenv("KEY_PASSWORD", "password-one")
	const folder = "../keystore/testdata/"
	d := newDeclared(t)
	consumer := must[*keystore.Store](t)(keystore.Open(d.path("consumer.jks"), keystore.StaticPassword("changeit")))
	entry := consumer.Entries()[0]
	d.write("tls.key", string(pemOf("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(entry.PrivateKey.CryptoKey())))))
	d.write("tls.crt", string(pemOf("CERTIFICATE", entry.Chain[0].Raw)))
	absolute := must[string](t)(os.Getwd()) + "/" + folder
	for _, test := range []struct{ name, store, algorithm, want string }{
		{"a key's own password", `{"path":"` + absolute + `keytool-keypass.jks","password":{"env":"STORE_PASSWORD"},"keyPassword":{"env":"KEY_PASSWORD"},"alias":"ONE"}`, "ES256", ""},
		{"a key's password that is not there", `{"path":"` + absolute + `keytool-keypass.jks","password":{"env":"STORE_PASSWORD"},"alias":"one"}`, "ES256", "one"},
		{"two files", `{"path":"tls.key","certificate":"tls.crt"}`, "RS256", ""},
		{"no integrity check", `{"path":"` + absolute + `openssl-no-mac.p12","password":{"env":"STORE_PASSWORD"}}`, "ES256", "integrity"},
		{"no integrity check, waived", `{"path":"` + absolute + `openssl-no-mac.p12","password":{"env":"STORE_PASSWORD"},"allowUnverified":true}`, "ES256", ""},
		{"a key that nobody would know long enough", `{"path":"tls.key","certificate":"tls.crt","publishAfter":"1m"}`, "RS256", "lifetime"},
		{"an environment variable that is not set", `{"path":"consumer.jks","password":{"env":"NOT_SET_ANYWHERE"}}`, "RS256", "NOT_SET_ANYWHERE is not set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.write("client.json", `{"keystore":`+test.store+`,"token":{"algorithm":"`+test.algorithm+`","issuer":"i","audience":"a"}}`)
			profile := must[*transport.ClientProfile](t)(transport.LoadClient(d.path("client.json"), nil))
			client, err := profile.Client()
			if err == nil {
				_, _, err = client.Token.Token(t.Context())
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// An expired certificate keeps a key from signing, unless the document waives it.
func TestDeclaredCertificateDates(t *testing.T) {
	d := newDeclared(t)
	now := time.Now()
	key := must[keystore.PrivateKey](t)(keystore.Generate(keystore.ES256, "CN=old", now.Add(-2*time.Hour), now.Add(-time.Hour)))
	if err := keystore.WriteFile(d.path("old.p12"), keystore.StaticPassword("changeit"), keystore.Entry{Alias: "old", PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	for _, ignored := range []bool{false, true} {
		d.write("client.json", fmt.Sprintf(`{"keystore":{"path":"old.p12","password":{"file":"password"},"ignoreCertificateDates":%t},"token":{"algorithm":"ES256","issuer":"i"}}`, ignored))
		_, err := must[*transport.ClientProfile](t)(transport.LoadClient(d.path("client.json"), nil)).Client()
		if (err == nil) != ignored {
			t.Errorf("ignoreCertificateDates %t: got %v", ignored, err)
		}
	}
}

// The clock of a profile is that of its tokens.
func TestDeclaredClock(t *testing.T) {
	d := newDeclared(t)
	server := d.serve()
	profile := must[*transport.ClientProfile](t)(transport.LoadClient(d.path("client.json"), nil))
	for late, want := range map[time.Duration]string{20 * time.Second: "200", time.Hour: "401"} {
		profile.Now = func() time.Time { return time.Now().Add(-late) }
		client := must[*transport.Client](t)(profile.Client())
		if got := d.answer(client.Client, server.URL); !strings.HasPrefix(got, want) {
			t.Errorf("%s late: got %q, want %s", late, got, want)
		}
		if client.Token.(*tokenprofile.Signer).Now().After(time.Now().Add(-late)) {
			t.Errorf("%s late: the clock is another", late)
		}
	}
}

func TestDeclaredPlainHTTP(t *testing.T) {
	profile := must[*transport.ClientProfile](t)(transport.ParseClient([]byte(`{"tokenFile":"f","use":"jwtBearer","plainHTTP":true,"grant":{"tokenURL":"http://p.example/t"},"origins":["http://p.example"]}`), nil))
	client := must[*transport.Client](t)(profile.Client())
	if !client.Bearer.PlainHTTP || !client.Bearer.Source.(*transport.Grant).PlainHTTP {
		t.Error("plainHTTP is for the Bearer and the Grant")
	}
}
