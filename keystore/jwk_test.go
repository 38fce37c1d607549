package keystore_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// rfc7638 is the key of RFC 7638 section 3.1.
const rfc7638 = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"}`

func TestJWKWithoutKidIsKnownByItsThumbprint(t *testing.T) {
	for _, jwk := range []string{rfc7638, strings.Replace(rfc7638, "{", `{"kid":"",`, 1)} {
		var key keystore.PublicKey
		if err := json.Unmarshal([]byte(jwk), &key); err != nil {
			t.Fatal(err)
		}
		if got, want := key.KeyID(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
			t.Errorf("got kid %q, want %q", got, want)
		}
		if got, want := key.Describe(), "RSA 2048"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A P-256 key of RFC 7517 appendix A.1 and A.2, and an Ed25519 key of RFC 8037
// appendix A.
const (
	ecX = `"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"`
	ecY = `"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	ecD = `"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"`
	edX = `"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	edD = `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`
)

func TestPublicJWKsThatAreRefused(t *testing.T) {
	ec := func(more string) string { return `{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + more + `}` }
	rsa := strings.TrimSuffix(rfc7638, "}")
	tests := []struct {
		name, jwk string
		want      error // nil: any
	}{
		{"a private EC key", ec(`,` + ecD), nil},
		{"a private Ed25519 key", `{"kty":"OKP","crv":"Ed25519",` + edX + `,` + edD + `}`, nil},
		{"a secret key", `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`, nil},
		{"a secret key without its secret", `{"kty":"oct"}`, nil},
		{"a member given twice", ec(`,"kid":"a","kid":"b"`), nil},
		{"a member given twice in other letters of JSON", ec(`,"kid":"a","\u006bid":"b"`), nil},
		{"text after the object", ec("") + `{}`, nil},
		{"an array", `[]`, nil},
		{"null", `{"kty":null}`, nil},
		{"no type", `{` + ecX + `}`, nil},
		{"an unknown type", `{"kty":"LATER","alg":"LATER-1","pub":"AA"}`, keystore.ErrUnsupported},
		{"an unknown curve", `{"kty":"EC","crv":"secp256k1",` + ecX + `,` + ecY + `}`, keystore.ErrUnsupported},
		{"an unknown Edwards curve", `{"kty":"OKP","crv":"Ed448",` + edX + `}`, keystore.ErrUnsupported},
		{"no curve", `{"kty":"EC",` + ecX + `,` + ecY + `}`, nil},
		{"a point off the curve", `{"kty":"EC","crv":"P-256",` + ecX + `,"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyN"}`, nil},
		{"a point of another curve", `{"kty":"EC","crv":"P-384",` + ecX + `,` + ecY + `}`, nil},
		{"a coordinate without its leading zero", `{"kty":"EC","crv":"P-256","x":"oEJM0hwpRIOKLXXJKzfnbqINnwCJOjtO7oo8Cq_sPg",` + ecY + `}`, nil},
		{"an Ed25519 key of 31 bytes", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ"}`, nil},
		{"padded base64url", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="}`, nil},
		{"base64url with stray bits", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"}`, nil},
		{"base64url with a line break", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7h\ncvPapiMlrwIaaPcHURo"}`, nil},
		{"RSA exponent 1", strings.Replace(rfc7638, "AQAB", "AQ", 1), nil},
		{"an even RSA exponent", strings.Replace(rfc7638, "AQAB", "AQAA", 1), nil},
		{"an RSA exponent with a leading zero", strings.Replace(rfc7638, "AQAB", "AAEAAQ", 1), nil},
		{"an even RSA modulus", strings.Replace(rfc7638, "DKgw", "DKgg", 1), nil},
		{"an RSA modulus beyond measure", `{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 4000) + `"}`, keystore.ErrLimit},
		{"an RSA key for HMAC", rsa + `,"alg":"HS256"}`, nil},
		{"an RSA key for none", rsa + `,"alg":"none"}`, nil},
		{"an RSA key for ECDSA", rsa + `,"alg":"ES256"}`, nil},
		{"a P-256 key for ES384", ec(`,"alg":"ES384"`), nil},
		{"a P-256 key for RSA", ec(`,"alg":"RS256"`), nil},
		{"a kid that is a number", ec(`,"kid":1`), nil},
		{"a kid beyond measure", ec(`,"kid":"` + strings.Repeat("k", 257) + `"`), keystore.ErrLimit},
		{"an alg that is an array", ec(`,"alg":["ES256"]`), nil},
		{"key_ops that is a string", ec(`,"key_ops":"verify"`), nil},
		{"key_ops of numbers", ec(`,"key_ops":[1]`), nil},
		{"key_ops with one twice", ec(`,"key_ops":["verify","verify"]`), nil},
		{"key_ops of others alone", ec(`,"key_ops":["attest"]`), keystore.ErrUnsupported},
		{"x5c that is not base64", ec(`,"x5c":["-_"]`), nil},
		{"x5c that is no certificate", ec(`,"x5c":["AAAA"]`), nil},
		{"nested beyond measure", ec(`,"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20)), keystore.ErrLimit},
		{"a megabyte", ec(`,"a":"` + strings.Repeat("a", 1<<20) + `"`), keystore.ErrLimit},
		{"not UTF-8", ec(`,"a":"` + "\xff" + `"`), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var key keystore.PublicKey
			err := key.UnmarshalJSON([]byte(tt.jwk))
			if err == nil {
				t.Fatalf("accepted %s", tt.jwk)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if tt.want == nil && errors.Is(err, keystore.ErrUnsupported) {
				t.Errorf("a faulty key is called unsupported, so a set would skip it: %v", err)
			}
		})
	}
}

func TestJWKSetOfOwnAndForeignKeys(t *testing.T) {
	set := `{"keys":[
		{"kty":"OKP","crv":"Ed25519","kid":"mine","key_ops":["sign"],` + edX + `,` + edD + `},
		{"kty":"EC","crv":"P-256","kid":"theirs",` + ecX + `,` + ecY + `},
		{"kty":"oct","kid":"ours","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"},
		{"kty":"LATER","kid":"later","alg":"LATER-1","pub":"AA"}]}`
	store, err := keystore.Parse([]byte(set), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	private := must(store.PrivateKeys(ctx))
	if len(private) != 1 || private[0].KeyID() != "mine" || private[0].Alias() != "mine" {
		t.Errorf("got private keys %v, want mine", private)
	}
	if err := private[0].Permits("sign"); err != nil {
		t.Errorf("sign: %v", err)
	}
	if err := private[0].Public().Permits("verify"); err != nil {
		t.Errorf("verify: %v", err)
	}
	if got := must(store.PublishedKeys(ctx)); len(got) != 1 || got[0].KeyID() != "mine" {
		t.Errorf("got published keys %v, want mine", got)
	}
	if got := must(store.PublicKeys(ctx, "theirs")); len(got) != 0 {
		t.Errorf("a foreign key is among our own: %v", got)
	}
	if got := must(store.Trust().PublicKeys(ctx, "theirs")); len(got) != 1 {
		t.Errorf("got trusted keys %v, want theirs", got)
	}
	if got := must(store.SecretKeys(ctx, "ours")); len(got) != 1 || got[0].Algorithm() != "HS256" {
		t.Errorf("got secret keys %v, want ours", got)
	}
	entries := store.Entries()
	var algorithms []string
	for _, e := range entries {
		algorithms = append(algorithms, e.Algorithm)
	}
	if got, want := strings.Join(algorithms, " "), "Ed25519 EC HS256 LATER-1"; got != want {
		t.Errorf("got algorithms %q, want %q", got, want)
	}
	if len(entries) != 4 || !errors.Is(entries[3].Err, keystore.ErrUnsupported) {
		t.Errorf("got entries %+v, want four, the last of them unsupported", entries)
	}
}

func TestSetWithTwoKeysOfOneKidIsRefused(t *testing.T) {
	secret := func(k string) string { return `{"kty":"oct","kid":"same","k":"` + k + `"}` }
	const one, two = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T", "ByM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"
	sets := map[string]string{
		"private keys": strings.ReplaceAll(jwkSet("one", "two"), `"two"`, `"one"`),
		"secret keys":  `{"keys":[` + secret(one) + `,` + secret(two) + `]}`,
		"public keys": `{"keys":[` + strings.Replace(rfc7638, "{", `{"kid":"same",`, 1) + `,{"kty":"EC","crv":"P-256","kid":"same",` +
			ecX + `,` + ecY + `}]}`,
	}
	for name, set := range sets {
		if _, err := keystore.Parse([]byte(set), nil); !errors.Is(err, keystore.ErrAmbiguous) {
			t.Errorf("%s: got %v, want %v", name, err, keystore.ErrAmbiguous)
		}
	}
	if _, err := keystore.Parse([]byte(`{"keys":[`+secret(one)+`,`+secret(one)+`]}`), nil); err != nil {
		t.Errorf("the same key twice: %v", err)
	}
}
