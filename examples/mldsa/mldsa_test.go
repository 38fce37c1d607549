// Package mldsa shows ML-DSA tokens and key sets exchanged with jwx v4.
package mldsa

import (
	"crypto/mldsa"
	"crypto/rsa"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v4/jwa"
	"github.com/lestrrat-go/jwx/v4/jwk"
	"github.com/lestrrat-go/jwx/v4/jws"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

var algorithms = []struct {
	name       tokenprofile.Algorithm
	parameters mldsa.Parameters
	theirs     func() jwa.SignatureAlgorithm
}{
	{tokenprofile.MLDSA44, mldsa.MLDSA44(), jwa.MLDSA44},
	{tokenprofile.MLDSA65, mldsa.MLDSA65(), jwa.MLDSA65},
	{tokenprofile.MLDSA87, mldsa.MLDSA87(), jwa.MLDSA87},
}

func profile(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: algorithm,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Subject:   "billing",
	}
}

func generate(t *testing.T, algorithm keystore.Algorithm) keystore.PrivateKey {
	t.Helper()
	key, err := keystore.Generate(algorithm, "CN=billing", time.Now().Add(-time.Minute), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// One store, one key set: who knows ML-DSA takes the one key, who does not the other.
func TestTheyVerifyOurTokens(t *testing.T) {
	for _, a := range algorithms {
		t.Run(string(a.name), func(t *testing.T) {
			store := keystore.New(generate(t, a.name), generate(t, tokenprofile.RS256))
			set := published(t, store)
			for _, algorithm := range []tokenprofile.Algorithm{a.name, tokenprofile.RS256} {
				signer, err := profile(algorithm).Signer(store)
				if err != nil {
					t.Fatal(err)
				}
				token, err := signer.Sign(t.Context(), map[string]any{"order": 4711})
				if err != nil {
					t.Fatal(err)
				}
				payload, err := jws.Verify([]byte(token), jws.WithKeySet(set))
				if err != nil {
					t.Fatalf("%s: %v", algorithm, err)
				}
				var claims map[string]any
				if err := json.Unmarshal(payload, &claims); err != nil || claims["order"] != 4711.0 {
					t.Errorf("%s: got %v, %v", algorithm, claims, err)
				}
				middle := len(token) / 2
				altered := token[:middle] + string(token[middle]^1) + token[middle+1:]
				if _, err := jws.Verify([]byte(altered), jws.WithKeySet(set)); err == nil {
					t.Errorf("%s: an altered token verifies: this test checks nothing", algorithm)
				}
			}
		})
	}
}

// published is the store's key set as the others read it.
func published(t *testing.T, store *keystore.Store) jwk.Set {
	t.Helper()
	answer := httptest.NewRecorder()
	(&jwks.Handler{Source: store}).ServeHTTP(answer, httptest.NewRequest("GET", "/jwks.json", nil))
	set, err := jwk.Parse(answer.Body.Bytes())
	if err != nil {
		t.Fatalf("%v in %s", err, answer.Body)
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if _, err := jwk.Export[*rsa.PublicKey](key); err == nil {
			return set
		}
	}
	t.Fatal("the RSA key is not in the set")
	return nil
}

func TestWeVerifyTheirTokens(t *testing.T) {
	for _, a := range algorithms {
		t.Run(string(a.name), func(t *testing.T) {
			raw, err := mldsa.GenerateKey(a.parameters)
			if err != nil {
				t.Fatal(err)
			}
			private, err := jwk.Import[jwk.Key](raw)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]any{jwk.KeyIDKey: "theirs", jwk.AlgorithmKey: a.theirs()} {
				if err := private.Set(name, value); err != nil {
					t.Fatal(err)
				}
			}
			verifier, err := profile(a.name).Verifier(theirSet(t, private))
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now().Unix()
			payload, err := json.Marshal(map[string]any{"iss": "https://consumer.example", "aud": "https://producer.example", "sub": "billing", "iat": now, "exp": now + 60})
			if err != nil {
				t.Fatal(err)
			}
			token, err := jws.Sign(payload, jws.WithKey(a.theirs(), private))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verifier.Verify(t.Context(), string(token)); err != nil {
				t.Error(err)
			}
			token[len(token)-2] ^= 1
			if _, err := verifier.Verify(t.Context(), string(token)); err == nil {
				t.Error("an altered token verifies: this test checks nothing")
			}
		})
	}
}

func theirSet(t *testing.T, private jwk.Key) jwks.Set {
	t.Helper()
	public, err := private.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := jwks.Parse(document)
	if err != nil || len(ours.Keys) != 1 {
		t.Fatalf("got %d keys and %v from %s", len(ours.Keys), err, document)
	}
	return ours
}
