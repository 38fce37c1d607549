package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Without a name all are listed, and each that is listed is shown.
func TestRun(t *testing.T) {
	var listed bytes.Buffer
	if err := run(t.Context(), nil, &listed); err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Concat(receivers, senders, exchanges) {
		if !strings.Contains(listed.String(), "\n  "+r.name+" ") || !strings.Contains(listed.String(), " "+r.line+"\n") {
			t.Errorf("%s is not listed", r.name)
		}
		if _, err := os.Stat(r.name + ".go"); err != nil {
			t.Errorf("%s has no file: %v", r.name, err)
		}
		var shown bytes.Buffer
		if err := show(t.Context(), &shown, r, keysFor(t, string(r.algorithm))); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		if isReceiver := prescribed[r.name].header != ""; isReceiver != strings.Contains(shown.String(), `"alg": "`+string(r.algorithm)+`"`) {
			t.Errorf("%s: got\n%s", r.name, &shown)
		}
	}
	for _, name := range []string{"apns", "twilio", "githubinstallation"} { // quick ones
		if err := run(t.Context(), []string{name}, &listed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := run(t.Context(), []string{"nobody"}, &listed)
	if err == nil || !strings.Contains(err.Error(), `no recipe "nobody"`) {
		t.Errorf("got %v", err)
	}
}

// withFunctions are the recipes that compute something for each token, from the
// key or from the issuer, which no document can say.
var withFunctions = []string{"coinbase", "entratenants", "openbankingcritical", "snowflake", "twilio", "zoommeeting"}

// TestDocuments holds each recipe and its profile document equal.
func TestDocuments(t *testing.T) {
	for _, r := range slices.Concat(receivers, senders) {
		document, err := documents.ReadFile("profiles/" + r.name + ".json")
		if slices.Contains(withFunctions, r.name) {
			if err == nil {
				t.Errorf("%s has a document, which cannot say all of it", r.name)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		profile := ok(tokenprofile.Parse(document))(t)
		k := keysFor(t, string(r.algorithm))
		var fromDocument, fromRecipe tokenprofile.Profile
		switch end := ok(r.make(k))(t).(type) {
		case *tokenprofile.Signer:
			fromDocument, fromRecipe = ok(profile.Signer(k.own))(t).Profile(), end.Profile()
		case *tokenprofile.Verifier:
			fromDocument, fromRecipe = ok(profile.Verifier(k.own))(t).Profile(), end.Profile()
		default:
			t.Errorf("%s: a %T has no profile to hold the document against", r.name, end)
		}
		got, want := ok(json.Marshal(fromDocument))(t), ok(json.Marshal(fromRecipe))(t)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the document says\n%s, the recipe\n%s", r.name, got, want)
		}
	}
	files := ok(documents.ReadDir("profiles"))(t)
	if want := len(receivers) + len(senders) - len(withFunctions); len(files) != want {
		t.Errorf("got %d documents, want %d", len(files), want)
	}
}

// maxLines is how much code of one recipe a reader has to copy and to understand.
const maxLines = 40

func TestRecipesAreShort(t *testing.T) {
	for _, name := range ok(filepath.Glob("*.go"))(t) {
		if name == "main.go" || name == "catalogue.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		lines := 0
		for line := range strings.Lines(string(ok(os.ReadFile(name))(t))) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				lines++
			}
		}
		if lines > maxLines {
			t.Errorf("%s has %d lines of code, at most %d are for copying", name, lines, maxLines)
		}
	}
}
