package peers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/go-jose/go-jose/v4"
	jwkv3 "github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// readers say what each library makes of a key set: the keys as the standard
// library knows them.
var readers = []struct {
	name string
	read func([]byte) ([]any, error)
}{
	{"tokenprofile", readOurs},
	{"jwx v3", readJWX},
	{"go-jose v4", readGoJose},
	{"keyfunc v3", readKeyfunc},
}

func readOurs(document []byte) (keys []any, err error) {
	set, err := jwks.Parse(document)
	for _, key := range set.Keys {
		keys = append(keys, key.CryptoKey())
	}
	return keys, err
}

func readJWX(document []byte) (keys []any, err error) {
	set, err := jwkv3.Parse(document)
	if err != nil {
		return nil, err
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		var raw any
		if jwkv3.Export(key, &raw) == nil { // else a key of a kind it only carries along
			keys = append(keys, raw)
		}
	}
	return keys, nil
}

func readGoJose(document []byte) (keys []any, err error) {
	var set jose.JSONWebKeySet
	err = json.Unmarshal(document, &set)
	for _, key := range set.Keys {
		keys = append(keys, key.Key)
	}
	return keys, err
}

func readKeyfunc(document []byte) (keys []any, err error) {
	set, err := keyfunc.NewJWKSetJSON(document)
	if err != nil {
		return nil, err
	}
	all, err := set.Storage().KeyReadAll(context.Background())
	for _, key := range all {
		keys = append(keys, key.Key())
	}
	return keys, err
}

// TestKeySetsThatExist prints which keys of each set each library can use. The
// sets that all of them read as expected are counted only.
func TestKeySetsThatExist(t *testing.T) {
	root := os.Getenv("TOKENPROFILE_FIELD")
	if root == "" {
		t.Skip("TOKENPROFILE_FIELD is not set to a folder with jwks/expected.jsonl")
	}
	expected, err := os.ReadFile(filepath.Join(root, "jwks", "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	header := "file\texpected"
	for _, r := range readers {
		header += "\t" + r.name
	}
	fmt.Fprintln(w, header)
	files, alike := 0, 0
	right := make([]int, len(readers))
	for lines := bufio.NewScanner(bytes.NewReader(expected)); lines.Scan(); files++ {
		var want struct {
			File   string
			Refuse bool
			Keys   []struct{ Thumbprint string }
		}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		document, err := os.ReadFile(filepath.Join(root, "jwks", want.File))
		if err != nil {
			t.Fatal(err)
		}
		var usable []string
		for _, key := range want.Keys {
			usable = append(usable, key.Thumbprint)
		}
		usable = distinct(usable)
		row, rightHere := fmt.Sprintf("%s\t%s", want.File, verdict(usable, want.Refuse)), 0
		for i, r := range readers {
			keys, err := r.read(document)
			got := verdict(thumbprints(keys), err != nil)
			if got == verdict(usable, want.Refuse) && (err != nil || slices.Equal(thumbprints(keys), usable)) {
				right[i]++
				rightHere++
			}
			row += "\t" + got
		}
		if rightHere == len(readers) {
			alike++
			continue
		}
		fmt.Fprintln(w, row)
	}
	total := fmt.Sprintf("as expected, of %d\t", files)
	for _, n := range right {
		total += fmt.Sprintf("\t%d", n)
	}
	fmt.Fprintln(w, total)
	w.Flush()
	t.Logf("%d sets that all read as expected are not listed\n%s", alike, table.String())
	if right[0] != files || files == 0 {
		t.Errorf("we read %d of %d sets as expected", right[0], files)
	}
}

func verdict(usable []string, refused bool) string {
	switch {
	case refused:
		return "refused"
	case len(usable) == 1:
		return "1 key"
	}
	return fmt.Sprintf("%d keys", len(usable))
}

// thumbprints are those of the keys that we have a name for, each once. A
// secret key among them is what the set should have been refused for.
func thumbprints(keys []any) (all []string) {
	for _, key := range keys {
		public, err := keystore.NewPublicKey(key)
		if err != nil {
			all = append(all, strings.TrimPrefix(fmt.Sprintf("%T", key), "*"))
			continue
		}
		all = append(all, public.KeyID())
	}
	return distinct(all)
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}
