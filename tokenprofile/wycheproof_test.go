package tokenprofile_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Wycheproof's payloads are texts like "foo" and no claims, so these tests stop
// where Verify would begin to read claims: see export_test.go. All before that
// is Verify itself: gate, header, key, signature or decryption.
//
// A token that must be refused is refused under every profile there is, not
// only under the one that fits its key.

// notOffered are the valid cases that are refused on purpose, with the reason.
var notOffered = map[string]map[int]string{
	"json_web_encryption": {
		100: "RSA1_5 is not offered",
		101: "RSA1_5 is not offered",
		102: "RSA1_5 is not offered",
		103: "RSA1_5 is not offered",
		104: "RSA1_5 is not offered",
		105: "RSA1_5 is not offered",
		112: "RSA1_5 is not offered",
		128: "RSA1_5 is not offered",
		135: "zip is not offered",
	},
}

type wycheproofFile struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment         string
		Private, Public json.RawMessage
		Tests           []wycheproofCase
	}
}

type wycheproofCase struct {
	TcID     int
	Comment  string
	Result   string
	JWS, JWE json.RawMessage // a string; an object for the JSON serialization
	Pt       *string         // hex
}

// vectors is a file of the vectors, or the test is skipped.
func vectors(t testing.TB, elements ...string) []byte {
	t.Helper()
	dir := os.Getenv("TOKENPROFILE_VECTORS")
	if dir == "" {
		t.Skip("TOKENPROFILE_VECTORS is not set")
	}
	data, err := os.ReadFile(filepath.Join(append([]string{dir}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decodeJSON(t testing.TB, data []byte, value any) {
	t.Helper()
	if err := json.Unmarshal(data, value); err != nil {
		t.Fatal(err)
	}
}

func TestWycheproof(t *testing.T) {
	total := 0
	for file, cases := range map[string]int{
		"json_web_signature": 401, "json_web_key": 26, "json_web_crypto": 83, "json_web_encryption": 139,
	} {
		t.Run(file, func(t *testing.T) {
			var f wycheproofFile
			decodeJSON(t, vectors(t, "wycheproof", "testvectors_v1", file+"_test.json"), &f)
			if f.NumberOfTests != cases {
				t.Errorf("the file has %d cases, want %d", f.NumberOfTests, cases)
			}
			total += f.run(t, notOffered[file], corrections(t, file))
		})
	}
	if total != 649 && !t.Failed() && os.Getenv("TOKENPROFILE_VECTORS") != "" {
		t.Errorf("%d cases ran, want 649", total)
	}
}

// corrections are the published results that are wrong, by case.
func corrections(t *testing.T, file string) map[int]string {
	t.Helper()
	var c struct {
		File        string
		Corrections []struct {
			TcID int
			Use  string
		}
	}
	decodeJSON(t, vectors(t, "wycheproof-corrections.json"), &c)
	corrected := map[int]string{}
	if strings.HasSuffix(c.File, file+"_test.json") {
		for _, correction := range c.Corrections {
			corrected[correction.TcID], _, _ = strings.Cut(correction.Use, " ")
		}
	}
	return corrected
}

func (f wycheproofFile) run(t *testing.T, refused, corrected map[int]string) (ran int) {
	for _, group := range f.TestGroups {
		keys := wycheproofKeys(group.Private, group.Public)
		for _, c := range group.Tests {
			ran++
			want := c.Result
			if use, ok := corrected[c.TcID]; ok {
				want = use
			}
			_, policy := refused[c.TcID]
			if policy && want != "valid" {
				t.Errorf("%d is listed as refused by policy, but it is %s", c.TcID, want)
			}
			c.check(t, keys, want == "valid" && !policy)
		}
	}
	return ran
}

// check verifies the case under every profile.
func (c wycheproofCase) check(t *testing.T, keys []keys, valid bool) {
	t.Helper()
	var accepted []string
	for _, payload := range c.open(t, keys) {
		accepted = append(accepted, payload.profile)
		if c.Pt != nil && hex.EncodeToString(payload.data) != *c.Pt {
			t.Errorf("%d %s: got plaintext %x, want %s", c.TcID, c.Comment, payload.data, *c.Pt)
		}
	}
	switch {
	case valid && len(accepted) != 1:
		t.Errorf("%d %s: accepted under %q, want exactly one profile", c.TcID, c.Comment, accepted)
	case !valid && len(accepted) > 0:
		t.Errorf("%d %s: accepted under %q, want a refusal", c.TcID, c.Comment, accepted)
	}
}

type opened struct {
	profile string
	data    []byte
}

func (c wycheproofCase) open(t *testing.T, sets []keys) (accepted []opened) {
	t.Helper()
	text, encrypted := c.text()
	for _, set := range sets {
		profiles := set.signed
		if encrypted {
			profiles = set.encrypted
		}
		for name, open := range profiles() {
			data, err := open(t.Context(), text)
			if err == nil {
				accepted = append(accepted, opened{name, data})
			} else if !errors.Is(err, tokenprofile.ErrInvalid) {
				t.Errorf("%d %s: %s: got %v, want an error that is the token's fault", c.TcID, c.Comment, name, err)
			}
		}
	}
	return accepted
}

// text is the token. A JSON serialization stays JSON.
func (c wycheproofCase) text() (text string, encrypted bool) {
	raw := c.JWS
	if raw == nil {
		raw, encrypted = c.JWE, true
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		text = string(raw)
	}
	return text, encrypted
}

// keys are what a case's key becomes when it is read as a service reads it:
// own keys by keystore, somebody else's by jwks.
type keys struct {
	public keystore.PublicSource
	own    *keystore.Store
}

// wycheproofKeys reads the keys of a group. Keys that do not read verify
// nothing. A public key is received as a set; and so is a set that holds
// public keys beside secret ones, which jwks refuses for the secret ones.
func wycheproofKeys(private, public json.RawMessage) (sets []keys) {
	received := public
	if kinds := keyTypes(private); kinds["oct"] && len(kinds) > 1 {
		received = private
	}
	if set, err := jwks.Parse(asSet(received)); err == nil {
		sets = append(sets, keys{public: set})
	}
	if store, err := keystore.Parse(private, nil); err == nil && !bytes.Equal(private, received) {
		sets = append(sets, keys{own: store})
	}
	return sets
}

// keyTypes are the kty of a key or of the keys of a set.
func keyTypes(data json.RawMessage) map[string]bool {
	var set struct{ Keys []struct{ Kty string } }
	json.Unmarshal(asSet(data), &set)
	types := map[string]bool{}
	for _, key := range set.Keys {
		types[key.Kty] = true
	}
	return types
}

func asSet(data json.RawMessage) []byte {
	if bytes.Contains(data, []byte(`"keys"`)) {
		return data
	}
	return slices.Concat([]byte(`{"keys":[`), data, []byte(`]}`))
}

type opener func(context.Context, string) ([]byte, error)

var algorithms = []tokenprofile.Algorithm{
	tokenprofile.RS256, tokenprofile.RS384, tokenprofile.RS512, tokenprofile.PS256, tokenprofile.PS384, tokenprofile.PS512,
	tokenprofile.ES256, tokenprofile.ES384, tokenprofile.ES512, tokenprofile.EdDSA,
	tokenprofile.HS256, tokenprofile.HS384, tokenprofile.HS512,
}

func (k keys) signed() map[string]opener {
	openers := map[string]opener{}
	for _, algorithm := range algorithms {
		if verifier := k.verifier(algorithm); verifier != nil {
			openers[string(algorithm)] = verifier.Payload
		}
	}
	return openers
}

func (k keys) verifier(algorithm tokenprofile.Algorithm) *tokenprofile.Verifier {
	p := tokenprofile.Profile{Algorithm: algorithm, Issuer: "https://consumer.example", Audience: []string{"https://producer.example"}}
	var verifier *tokenprofile.Verifier
	var err error
	switch secret := strings.HasPrefix(string(algorithm), "HS"); {
	case secret && k.own != nil:
		verifier, err = p.SecretVerifier(k.own)
	case !secret && k.public != nil:
		verifier, err = p.Verifier(k.public)
	}
	if err != nil {
		return nil
	}
	return verifier
}

var keyAlgorithms = []tokenprofile.KeyAlgorithm{
	tokenprofile.RSAOAEP, tokenprofile.RSAOAEP256,
	tokenprofile.ECDHES, tokenprofile.ECDHESA128KW, tokenprofile.ECDHESA192KW, tokenprofile.ECDHESA256KW,
	tokenprofile.A128KW, tokenprofile.A192KW, tokenprofile.A256KW,
	tokenprofile.A128GCMKW, tokenprofile.A192GCMKW, tokenprofile.A256GCMKW, tokenprofile.Direct,
}

var contentAlgorithms = []tokenprofile.ContentAlgorithm{
	tokenprofile.A128GCM, tokenprofile.A192GCM, tokenprofile.A256GCM,
	tokenprofile.A128CBCHS256, tokenprofile.A192CBCHS384, tokenprofile.A256CBCHS512,
}

func (k keys) encrypted() map[string]opener {
	openers := map[string]opener{}
	if k.own == nil {
		return openers
	}
	for _, e := range encryptions() {
		keys := tokenprofile.DecryptWith(k.own)
		if usesSecret(e.KeyAlgorithm) {
			keys = tokenprofile.DecryptWithSecret(k.own)
		}
		openers[fmt.Sprint(e)] = func(ctx context.Context, text string) ([]byte, error) {
			_, payload, err := keys.Decrypt(ctx, e, text)
			return payload, err
		}
	}
	return openers
}

// encryptions are all there are.
func encryptions() (all []tokenprofile.Encryption) {
	for _, key := range keyAlgorithms {
		for _, content := range contentAlgorithms {
			all = append(all, tokenprofile.Encryption{KeyAlgorithm: key, ContentAlgorithm: content})
		}
	}
	return all
}

func usesSecret(algorithm tokenprofile.KeyAlgorithm) bool {
	return !strings.HasPrefix(string(algorithm), "RSA") && !strings.HasPrefix(string(algorithm), "ECDH")
}
