package keystore_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

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
				t.Errorf("a faulty key is called unsupported: %v", err)
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

func TestSetWithTwoOwnKeysOfOneKidIsRefused(t *testing.T) {
	secret := func(k string) string { return `{"kty":"oct","kid":"same","k":"` + k + `"}` }
	const one, two = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T", "ByM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"
	sets := map[string]string{
		"private keys": strings.ReplaceAll(jwkSet("one", "two"), `"two"`, `"one"`),
		"secret keys":  `{"keys":[` + secret(one) + `,` + secret(two) + `]}`,
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

// What a set of other people's may be like, beside a key that is as it should
// be. The file of a keystore and a public JWK are read alike.
func TestJWKsAsOtherPeopleWriteThem(t *testing.T) {
	ec := func(more string) string { return `{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + more + `}` }
	rsa := func(old, new string) string { return strings.Replace(rfc7638, old, new, 1) }
	malformed := keystore.ErrDamaged // in a file; by itself it has no name
	tests := []struct {
		name, jwk string
		want      error // nil: it is read
	}{
		{"as it should be", rfc7638, nil},
		{"padding", rsa("DKgw", "DKgw=="), nil},
		{"the standard alphabet", strings.NewReplacer("-G_", "+G/", "-", "+").Replace(rfc7638), nil},
		{"a modulus with a leading zero", `{"kty":"RSA","e":"AQAB","n":"` + leadingZero(t) + `"}`, nil},
		{"an exponent with leading zeros", rsa("AQAB", "AAEAAQ"), nil},
		{"members that are null", rsa("{", `{"kid":null,"alg":null,"use":null,"key_ops":null,"x5c":null,"x5t":null,"d":null,"oth":null,`), nil},
		{"no further primes", rsa("{", `{"oth":[ ],`), nil},
		{"x5c that is no array", ec(`,"x5c":"MIIB"`), nil},
		{"x5c that is not base64", ec(`,"x5c":["-_"]`), nil},
		{"x5c that is no certificate", ec(`,"x5c":["AAAA"]`), nil},
		{"x5t of something", ec(`,"x5t":"00AA","x5t#S256":1`), nil},
		{"a key for encryption", rsa("{", `{"use":"enc","alg":"RSA-OAEP",`), nil},

		{"a private key", ec(`,` + ecD), keystore.ErrNotPublic},
		{"a part of a private key", rsa("{", `{"dp":"AQ",`), keystore.ErrNotPublic},
		{"a further prime", rsa("{", `{"oth":[{}],`), keystore.ErrNotPublic},
		{"a secret key", `{"kty":"oct","k":"AA"}`, keystore.ErrNotPublic},
		{"a secret key without its secret", `{"kty":"oct"}`, keystore.ErrNotPublic},

		{"a short modulus", `{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 172) + `"}`, keystore.ErrUnsupported},
		{"an exponent of 3", rsa("AQAB", "Aw"), keystore.ErrUnsupported},
		{"an algorithm nobody knows", ec(`,"alg":"ES999"`), keystore.ErrUnsupported},
		{"a use nobody knows", ec(`,"use":"tls"`), keystore.ErrUnsupported},
		{"operations for others", ec(`,"key_ops":["attest"]`), keystore.ErrUnsupported},

		{"an alg that does not fit", ec(`,"alg":"RS256"`), malformed},
		{"a kid that is a number", ec(`,"kid":1`), malformed},
		{"a kid beyond measure", ec(`,"kid":"` + strings.Repeat("k", 257) + `"`), keystore.ErrLimit},
		{"a coordinate with a leading zero too many", `{"kty":"EC","crv":"P-256","x":"ADCgQkzSHClEg4otdckrN-duog2fAIk6O07uijwKr-w-",` + ecY + `}`, malformed},
		{"a missing coordinate", `{"kty":"EC","crv":"P-256",` + ecX + `}`, malformed},
		{"a coordinate that is null", `{"kty":"EC","crv":"P-256","y":null,` + ecX + `}`, malformed},
		{"stray bits", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"}`, malformed},
		{"a line break", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7h\ncvPapiMlrwIaaPcHURo"}`, malformed},
		{"a member given twice", ec(`,"kid":"a","kid":"b"`), malformed},
		{"no object", `[]`, malformed},
		{"null", `null`, malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := keystore.ParsePublicJWK([]byte(tt.jwk))
			if (err == nil) != (tt.want == nil) || tt.want != malformed && !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "%!") {
				t.Errorf("got %v, want the reason", err)
			}
			if tt.want == keystore.ErrNotPublic {
				return // in a file it may be our own
			}
			store, err := keystore.Parse([]byte(`{"keys":[`+tt.jwk+`,{"kty":"OKP","crv":"Ed25519","kid":"good",`+edX+`}]}`), nil)
			if err != nil {
				t.Fatal(err)
			}
			trusted := must(store.Trust().PublicKeys(t.Context(), ""))
			if !slices.ContainsFunc(trusted, func(k keystore.PublicKey) bool { return k.KeyID() == "good" }) {
				t.Errorf("the key beside it is lost: got %v", trusted)
			}
			if tt.want == nil && (len(trusted) != 2 || !trusted[0].Equal(key) || trusted[0].KeyID() != key.KeyID()) {
				t.Errorf("got %v from a file, want %v", trusted, key)
			}
			if e := store.Entries()[0]; tt.want != nil && !errors.Is(e.Err, tt.want) {
				t.Errorf("from a file: got %v, want %v", e.Err, tt.want)
			}
		})
	}
}

// leadingZero is the modulus of RFC 7638 as a signed integer is written.
func leadingZero(t *testing.T) string {
	var jwk struct{ N string }
	if err := json.Unmarshal([]byte(rfc7638), &jwk); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(append([]byte{0}, must(base64.RawURLEncoding.DecodeString(jwk.N))...))
}

func TestForeignKeysOfOneKid(t *testing.T) {
	rsa := func(more string) string { return strings.Replace(rfc7638, "{", `{"kid":"same"`+more+`,`, 1) }
	set := `{"keys":[` + rsa("") + `,{"kty":"EC","crv":"P-256","kid":"same",` + ecX + `,` + ecY + `},` +
		rsa(`,"alg":"RS256"`) + `,` + rsa("") + `,` + rsa(`,"alg":"RS256"`) + `]}`
	store := must(keystore.Parse([]byte(set), nil))
	var got []string
	for _, key := range must(store.Trust().PublicKeys(t.Context(), "same")) {
		got = append(got, key.Describe()+" "+string(key.Algorithm()))
	}
	if want := []string{"RSA 2048 ", "EC P-256 ", "RSA 2048 RS256"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: each once", got, want)
	}
}

// As over HTTP, the x5c of a JWK says more of the key, and not how long it lives.
func TestForeignJWKOutlivesItsCertificate(t *testing.T) {
	past := time.Now().Add(-48 * time.Hour)
	key := must(keystore.Generate("ES256", "CN=old", past, past.Add(time.Hour))).Public()
	var members map[string]any
	if err := json.Unmarshal(must(key.MarshalJSON()), &members); err != nil {
		t.Fatal(err)
	}
	members["x5c"] = [][]byte{key.Certificates()[0].Raw}
	store := must(keystore.Parse(must(json.Marshal(members)), nil))
	trusted := must(store.Trust().PublicKeys(t.Context(), ""))
	if len(trusted) != 1 || trusted[0].X5TS256() != key.X5TS256() {
		t.Errorf("got %v, want the key with its certificate", trusted)
	}
}

func TestDamagedKeyOfOurOwnRefusesTheSet(t *testing.T) {
	for name, key := range map[string]string{
		"private": `{"kty":"OKP","crv":"Ed25519","d":"AA",` + edX + `}`,
		"secret":  `{"kty":"oct","k":"A"}`,
	} {
		if _, err := keystore.Parse([]byte(`{"keys":[`+rfc7638+`,`+key+`]}`), nil); !errors.Is(err, keystore.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", name, err)
		}
	}
}
