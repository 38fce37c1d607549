package examples_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// The code of tokenprofile/PEGA.md, word for word.
func Example_pega() {
	mux := http.NewServeMux()
	run := func() error {
		profile, err := tokenprofile.Load("orders.json")
		if err != nil {
			return err
		}
		partners, err := keystore.Open("partners.p12", keystore.EnvPassword("PARTNERS_PASSWORD"))
		if err != nil {
			return err
		}
		verifier, err := profile.Verifier(partners.Trust())
		if err != nil {
			return err
		}
		guard := &transport.Guard{Verifier: verifier, Logger: slog.Default()}
		return http.ListenAndServe(":8080", guard.Handler(mux))
	}
	fmt.Println(run())
}

// The code of transport/COMING.md, word for word.
func Example_keyfunc() {
	mux := http.NewServeMux()
	run := func() error {
		profile := tokenprofile.Profile{
			Algorithm: tokenprofile.ES256,
			Issuer:    "https://issuer.example",
			Audience:  []string{"https://orders.example"},
			Lifetime:  8 * time.Hour, // as long as the issuer's tokens live; 15 minutes unless set
		}
		verifier, err := profile.Verifier(&jwks.Client{URL: "https://issuer.example/jwks.json"})
		if err != nil {
			return err
		}
		guard := &transport.Guard{Verifier: verifier, Scope: "orders", Logger: slog.Default()}
		return http.ListenAndServe(":8080", guard.Handler(mux))
	}
	fmt.Println(run())
}

func TestCodeOfTheGuidesIsCompiled(t *testing.T) {
	source, err := os.ReadFile("coming_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../tokenprofile/PEGA.md", "../transport/COMING.md"} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(page, -1)
		if len(blocks) != 1 {
			t.Fatalf("%s has %d blocks of Go, want 1", path, len(blocks))
		}
		if !strings.Contains(unindent(source), unindent(blocks[0][1])) {
			t.Errorf("%s: not the code of an example:\n%s", path, blocks[0][1])
		}
	}
}

// The document of the guide is a profile, and a verifier can be made of it.
func TestProfileOfTheGuideIsOne(t *testing.T) {
	page, err := os.ReadFile("../tokenprofile/PEGA.md")
	if err != nil {
		t.Fatal(err)
	}
	document := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	if document == nil {
		t.Fatal("PEGA.md has no profile")
	}
	profile, err := tokenprofile.Parse(document[1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := profile.Verifier(&jwks.Client{URL: "https://pega.example/jwks.json"}); err != nil {
		t.Error(err)
	}
}
