package keystore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// maxSeed is in bytes: larger stores say nothing new, slowly.
const maxSeed = 8 << 10

// FuzzParse looks for a file that panics, hangs, or fails without a reason.
func FuzzParse(f *testing.F) {
	roots := []string{"testdata"}
	fuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	if root := os.Getenv("TOKENPROFILE_CORPUS"); fuzzing && root != "" { // without the fuzzer other tests open the corpus
		roots = append(roots, root)
	}
	for _, root := range roots {
		for _, file := range must(filepath.Glob(filepath.Join(root, "*.*"))) {
			if !fuzzing && filepath.Ext(file) == ".jceks" {
				continue // 200,000 rounds for every key and password
			}
			if data, err := os.ReadFile(file); err == nil && len(data) <= maxSeed {
				f.Add(data)
			}
		}
	}
	f.Add([]byte(jwkSet("one", "two")))
	f.Add([]byte(rfc7638))
	reasons := []error{
		keystore.ErrPassword, keystore.ErrPasswordRequired, keystore.ErrDamaged, keystore.ErrUnknownFormat,
		keystore.ErrUnsupported, keystore.ErrLimit, keystore.ErrAmbiguous, keystore.ErrNoKey,
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		original := bytes.Clone(data)
		for _, password := range []keystore.Password{nil, keystore.StaticPassword(changeit)} {
			before := allocated()
			store, err := keystore.Parse(data, password)
			// One scrypt may take 64 MiB, and each of three passwords is tried.
			if got := allocated() - before; len(data) <= 64<<10 && got > 4*64<<20 {
				t.Errorf("%d MiB were allocated for %d bytes", got>>20, len(data))
			}
			if err != nil {
				if !slices.ContainsFunc(reasons, func(reason error) bool { return errors.Is(err, reason) }) {
					t.Errorf("an error without a reason: %v", err)
				}
				continue
			}
			checkStore(t, store)
		}
		if !bytes.Equal(data, original) {
			t.Error("the caller's bytes have changed")
		}
	})
}

// allocated is all the process ever took from the heap, in bytes.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// checkStore holds a store of whatever content to what every store promises.
func checkStore(t *testing.T, store *keystore.Store) {
	for _, e := range store.Entries() {
		if e.Kind == "" || len(e.Chain) > len(e.RawChain) {
			t.Errorf("got entry %+v", e)
		}
		if e.Err == nil && e.Kind == keystore.KindPrivateKey && (e.KeyID == "" || e.PrivateKey.CryptoKey() == nil) {
			t.Errorf("private key %q has no kid or no key", e.Alias)
		}
	}
	published, err := store.PublishedKeys(t.Context())
	if err != nil {
		return
	}
	for _, key := range published {
		found, err := store.PublicKeys(t.Context(), key.KeyID())
		if err != nil || !slices.ContainsFunc(found, key.Equal) {
			t.Errorf("the published key %s is not found: %v", key, err)
		}
		if _, err := json.Marshal(key); err != nil {
			t.Errorf("the published key %s has no JSON form: %v", key, err)
		}
	}
	store.CertPool()
	store.TLSCertificate("")
}

// FuzzPublicKey looks for a JWK that we read and others do not, or otherwise.
func FuzzPublicKey(f *testing.F) {
	f.Add([]byte(rfc7638))
	f.Add([]byte(`{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `,"use":"sig","alg":"ES256","key_ops":["verify"],"kid":"1"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256",` + ecX + `,` + ecY + `,"use":"tls","alg":"XS256","key_ops":["attest","verify"],"kid":"1"}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519",` + edX + `}`))
	f.Add([]byte(`{"kty":"OKP","crv":"X25519",` + edX + `}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","kid":"",` + edX + `}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","kid":null,"x5c":["AAAA"],"x":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}`))
	f.Add([]byte(strings.Replace(rfc7638, "AQAB", "AAEAAQ==", 1)))
	if root := os.Getenv("TOKENPROFILE_VECTORS"); root != "" {
		for _, file := range must(filepath.Glob(filepath.Join(root, "ietf-jose-cookbook", "jwk", "*.json"))) {
			f.Add(must(os.ReadFile(file)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var key, again keystore.PublicKey
		strict := key.UnmarshalJSON(data)
		if lenient, err := keystore.ParsePublicJWK(data); err == nil {
			if strict == nil && (!key.Equal(lenient) || key.KeyID() != lenient.KeyID() || key.Algorithm() != lenient.Algorithm()) {
				t.Errorf("%s is another key read leniently", data)
			}
			key = lenient
		} else if strict != nil {
			return
		}
		text, err := json.Marshal(key)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if err := again.UnmarshalJSON(text); err != nil {
			t.Fatalf("%s became %s: %v", data, text, err)
		}
		if !key.Equal(again) || key.KeyID() != again.KeyID() || key.Algorithm() != again.Algorithm() {
			t.Errorf("%s became %s", data, text)
		}
		if _, err := jwk.ParseKey(text); err != nil {
			t.Fatalf("%s is nothing to another implementation: %v", text, err)
		}
		plain := must(keystore.NewPublicKey(key.CryptoKey()))
		if got, want := plain.KeyID(), thumbprintOf(t, text); got != want {
			t.Errorf("got thumbprint %s, want %s", got, want)
		}
	})
}
