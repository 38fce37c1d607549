package tokenprofile_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// refusedDocuments are the documents that any JSON parser must accept and that
// we refuse in a token. The test fails if the list is not exactly this.
var refusedDocuments = map[string]string{
	"y_object_duplicated_key.json":           "a name twice",
	"y_object_duplicated_key_and_value.json": "a name twice",
}

// Every document stands once as the payload, once as the value of a claim.
func TestJSONTestSuite(t *testing.T) {
	files := ok(filepath.Glob(filepath.Join(os.Getenv("TOKENPROFILE_VECTORS"), "JSONTestSuite", "test_parsing", "*.json")))(t)
	const documents = 318
	if vectors(t, "MANIFEST.md"); len(files) != documents {
		t.Fatalf("got %d documents, want %d", len(files), documents)
	}
	key := []byte("0123456789abcdef0123456789abcdef")
	p := tokenprofile.Profile{Algorithm: "HS256", Issuer: "i", Audience: []string{"a"}, Now: fixedClock}
	verifier := ok(p.SecretVerifier(secrets{ok(keystore.NewSecretKey(key, "k1"))(t)}))(t)
	accepts := func(payload string) error {
		_, err := verifier.Verify(t.Context(), handmade(key, `{"alg":"HS256","kid":"k1"}`, payload))
		return err
	}
	const claims = `"iss":"i","aud":"a","iat":1900000000,"exp":1900000100`
	if err := accepts("{" + claims + "}"); err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, file := range files {
		name, document := filepath.Base(file), string(ok(os.ReadFile(file))(t))
		alone, inside := accepts(document), accepts(`{`+claims+`,"claim":`+document+`}`)
		switch {
		case strings.HasPrefix(name, "n_") && (alone == nil || inside == nil):
			t.Errorf("%s: accepted", name)
		case strings.HasPrefix(name, "y_") && inside != nil:
			refused = append(refused, name)
		}
		if strings.HasPrefix(name, "y_object") && errors.Is(alone, tokenprofile.ErrMalformed) && refusedDocuments[name] == "" {
			t.Errorf("%s: %v", name, alone)
		}
	}
	for _, name := range refused {
		if refusedDocuments[name] == "" {
			t.Errorf("%s: refused", name)
		}
	}
	for name := range refusedDocuments {
		if !slices.Contains(refused, name) {
			t.Errorf("%s: accepted, but listed as refused", name)
		}
	}
}
