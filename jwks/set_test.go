package jwks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func TestParse(t *testing.T) {
	other := strings.Replace(publicJWK, `"kid":"1"`, `"kid":"2"`, 1)
	foreign := `{"kty":"LATER","kid":"1","alg":"LATER-1","pub":"AA"}`
	tests := []struct {
		name, text    string
		keys, skipped int
		want          string // in the error; empty: none
	}{
		{"two keys", `{"keys":[` + publicJWK + `,` + other + `]}`, 2, 0, ""},
		{"no keys", `{"keys":[]}`, 0, 0, ""},
		{"as many members as are read", `{` + numbered(255) + `"keys":[` + publicJWK + `]}`, 1, 0, ""},
		{"after a byte order mark", "\ufeff" + `{"keys":[` + publicJWK + `]}`, 1, 0, ""},
		{"further members", ` { "a" : {"keys":null}, "keys" : [ ` + publicJWK + ` ], "z" : [1] } `, 1, 0, ""},
		{"a key of an unknown kind, whatever its kid", `{"keys":[` + publicJWK + `,` + foreign + `]}`, 1, 1, ""},
		{"a key of more bits than are read", `{"keys":[` + publicJWK + `,{"kty":"RSA","kid":"big","e":"AQAB","n":"` + strings.Repeat("_", 3000) + `"}]}`, 1, 1, ""},
		{"a key with a kid that no token has", `{"keys":[` + other + `,` + strings.Replace(publicJWK, `"1"`, `"`+strings.Repeat("1", 257)+`"`, 1) + `]}`, 1, 1, ""},
		{"nothing", ``, 0, 0, "not a JSON object"},
		{"null", `null`, 0, 0, "not a JSON object"},
		{"an array", `[` + publicJWK + `]`, 0, 0, "not a JSON object"},
		{"no member keys", `{}`, 0, 0, "jwks: not a JWK Set"},
		{"a bare JWK", publicJWK, 0, 0, "a single JWK"},
		{"another name", `{"Keys":[` + publicJWK + `]}`, 0, 0, `no member "keys"`},
		{"keys twice", `{"keys":[],"keys":[` + publicJWK + `]}`, 0, 0, "occurs twice"},
		{"keys twice, written differently", `{"keys":[],"\u006beys":[` + publicJWK + `]}`, 0, 0, "occurs twice"},
		{"keys null", `{"keys":null}`, 0, 0, "not an array"},
		{"keys an object", `{"keys":` + publicJWK + `}`, 0, 0, "not an array"},
		{"a key null", `{"keys":[null]}`, 0, 1, ""},
		{"a key that is a text", `{"keys":["kty"]}`, 0, 1, ""},
		{"a malformed key", `{"keys":[` + publicJWK + `,{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, 1, 1, ""},
		{"a weak key", `{"keys":[` + publicJWK + `,{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 172) + `"}]}`, 1, 1, ""},
		{"the same key twice", `{"keys":[` + publicJWK + `,` + publicJWK + `]}`, 1, 0, ""},
		{"the same key twice, once without a kid", `{"keys":[` + publicJWK + `,` + nameless + `,` + nameless + `]}`, 2, 0, ""},
		{"the same key for two algorithms", `{"keys":[` + publicJWK + `,` + strings.Replace(publicJWK, "{", `{"alg":"ES256",`, 1) + `]}`, 2, 0, ""},
		{"the same key for two uses", `{"keys":[` + publicJWK + `,` + strings.Replace(publicJWK, "{", `{"use":"enc",`, 1) + `]}`, 2, 0, ""},
		{"two keys of one kid", `{"keys":[` + publicJWK + `,{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`, 2, 0, ""},
		{"a private key", `{"keys":[` + other + `,` + privateJWK + `]}`, 0, 0, "key 2 of 2"},
		{"a secret key", `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, 0, 0, "key 1 of 1"},
		{"truncated", `{"keys":[` + publicJWK, 0, 0, "truncated"},
		{"truncated after the keys", `{"keys":[` + publicJWK + `]`, 0, 0, "truncated"},
		{"two objects", `{"keys":[]}{}`, 0, 0, "more follows"},
		{"text after the object", `{"keys":[]}x`, 0, 0, "more follows"},
		{"HTML", `<html></html>`, 0, 0, "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := jwks.Parse([]byte(tt.text))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if len(set.Keys) != tt.keys || set.Skipped != tt.skipped {
				t.Errorf("got %d keys and %d skipped, want %d and %d", len(set.Keys), set.Skipped, tt.keys, tt.skipped)
			}
		})
	}
}

var nameless = strings.Replace(publicJWK, `"kid":"1",`, "", 1)

func TestParseLimits(t *testing.T) {
	for name, text := range map[string]string{
		"size":    `{"keys":[]}` + strings.Repeat(" ", 512<<10),
		"count":   `{"keys":[` + strings.Repeat(`{"kty":"AKP"},`, 100) + `{"kty":"AKP"}]}`,
		"members": `{` + numbered(256) + `"keys":[]}`,
	} {
		if _, err := jwks.Parse([]byte(text)); !errors.Is(err, keystore.ErrLimit) {
			t.Errorf("%s: got %v, want ErrLimit", name, err)
		}
	}
}

// numbered are so many members, each with a comma.
func numbered(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `"%d":0,`, i)
	}
	return text.String()
}

// Half a megabyte can cost no more than the megabytes it takes to read it.
func TestHostileSetsCostLittle(t *testing.T) {
	const size = 512 << 10
	for name, text := range map[string]string{
		"nested":           strings.Repeat(`{"keys":[`, size/9),
		"nested in a key":  `{"keys":[{"kty":` + strings.Repeat(`[`, size-20),
		"nested elsewhere": `{"a":` + strings.Repeat(`[`, size/2-20) + strings.Repeat(`]`, size/2-20) + `,"keys":[]}`,
		"members":          `{` + numbered(50_000),
		"members of a key": `{"keys":[{` + numbered(50_000) + `"kty":"AKP"}]}`,
		"keys":             `{"keys":[` + strings.Repeat(`{},`, size/3-10) + `{}]}`,
		"one long number":  `{"keys":[{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", size-60) + `"}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		set, err := jwks.Parse([]byte(text))
		runtime.ReadMemStats(&after)
		if err == nil && len(set.Keys) == 0 && set.Skipped == 0 {
			t.Errorf("%s: accepted", name)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
			t.Errorf("%s: %d MiB were allocated for %d KiB", name, taken>>20, len(text)>>10)
		}
	}
}

func TestSetIsASourceOfKeys(t *testing.T) {
	set, err := jwks.Parse([]byte(`{"keys":[` + publicJWK + `,` + nameless + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	for kid, want := range map[string]int{"": 2, "1": 1, "unknown": 0} {
		keys, err := set.PublicKeys(t.Context(), kid)
		if err != nil || len(keys) != want {
			t.Errorf("PublicKeys(%q): got %v, %v, want %d", kid, keys, err, want)
		}
	}
}

func TestReasonsOfSkippedKeysAreLimited(t *testing.T) {
	set, err := jwks.Parse([]byte(`{"keys":[` + strings.Repeat(`{"kty":"`+strings.Repeat("x", 1000)+`"},`, 99) + `{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if text := set.SkipErr.Error(); set.Skipped != 100 || strings.Count(text, " of 100: ") != 10 || len(text) > 2000 || strings.Contains(text, "\n") {
		t.Errorf("got %d skipped, %s, want 100 and ten short reasons", set.Skipped, text)
	}
	if set, _ := jwks.Parse([]byte(`{"keys":[` + publicJWK + `]}`)); set.SkipErr != nil {
		t.Errorf("got %v, want no reason", set.SkipErr)
	}
}

func TestSetAsJSON(t *testing.T) {
	text := `{"keys":[{"alg":"ES256","crv":"P-256","kid":"1","kty":"EC","use":"sig","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`
	var holder struct{ Keys jwks.Set }
	if err := json.Unmarshal([]byte(`{"Keys":`+text+`}`), &holder); err != nil || len(holder.Keys.Keys) != 1 {
		t.Fatalf("got %v, %v, want one key", holder.Keys, err)
	}
	if got, err := json.Marshal(holder); err != nil || string(got) != `{"Keys":`+text+`}` {
		t.Errorf("got %s, %v, want %s", got, err, text)
	}
	if got, err := json.Marshal(jwks.Set{}); err != nil || string(got) != `{"keys":[]}` {
		t.Errorf("got %s, %v, want a set of no keys", got, err)
	}
	if got, err := json.Marshal(jwks.Set{Keys: make([]keystore.PublicKey, 1)}); err == nil {
		t.Errorf("got %s of a key that is none", got)
	}
	if err := json.Unmarshal([]byte(`{"keys":[`+privateJWK+`]}`), &holder.Keys); !errors.Is(err, keystore.ErrNotPublic) {
		t.Errorf("got %v, want ErrNotPublic", err)
	}
}

// FuzzParse demands that a set that was accepted is written as a set that is
// read as the same keys, and that the file of a keystore has the same ones.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"keys":[` + publicJWK + `,` + nameless + `]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","key_ops":["verify"]}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","key_ops":["attest"]}]}`))
	f.Add([]byte(`{"keys":[{"kty":"LATER","alg":"LATER-1","pub":"AA"}],"keys":[]}`))
	f.Add([]byte(`{"keys":[` + publicJWK + `,` + publicJWK + `,{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}]}`))
	if dir := os.Getenv("TOKENPROFILE_VECTORS"); dir != "" {
		addFiles(f, filepath.Join(dir, "ietf-jose-cookbook", "jwk"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := jwks.Parse(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		again, err := jwks.Parse(text)
		if err != nil || again.Skipped != 0 {
			t.Fatalf("%s: got %+v, %v", text, again, err)
		}
		wantSameKeys(t, again.Keys, set.Keys)
		if store, err := keystore.Parse(data, nil); err == nil {
			trusted, err := store.Trust().PublicKeys(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			wantSameKeys(t, trusted, set.Keys)
		}
	})
}

func wantSameKeys(t *testing.T, got, want []keystore.PublicKey) {
	t.Helper()
	same := func(a, b keystore.PublicKey) bool {
		return a.Equal(b) && a.KeyID() == b.KeyID() && a.Algorithm() == b.Algorithm()
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// addFiles adds each JWK of a directory, as a set of one.
func addFiles(f *testing.F, dir string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		f.Fatalf("%s: no JSON files: %v", dir, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"keys":[` + string(data) + `]}`))
	}
}
