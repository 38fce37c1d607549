package examples_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// The README's code, word for word: the service that calls.
func Example_consumer() {
	run := func() error {
		keys, err := keystore.Open("consumer.jks", keystore.EnvPassword("CONSUMER_JKS_PASSWORD"))
		if err != nil {
			return err
		}
		profile := tokenprofile.Profile{
			Algorithm: tokenprofile.RS256,
			Issuer:    "https://consumer.example",
			Audience:  []string{"https://producer.example"},
			Subject:   "billing",
		}
		signer, err := profile.Signer(keys)
		if err != nil {
			return err
		}
		client := &http.Client{Transport: &transport.Bearer{Source: signer}} // every request now carries the token
		http.Handle("GET /jwks.json", &jwks.Handler{Source: keys})           // the JSON Web Key Set URI

		_, err = client.Get("https://producer.example/orders")
		return err
	}
	fmt.Println(run())
}

// The README's code, word for word: the service that is called.
func Example_producer() {
	var profile tokenprofile.Profile // as above
	mux := http.NewServeMux()
	run := func() error {
		verifier, err := profile.Verifier(&jwks.Client{URL: "https://consumer.example/jwks.json"})
		if err != nil {
			return err
		}
		guard := &transport.Guard{Verifier: verifier}
		return http.ListenAndServe(":8080", guard.Handler(mux)) // in a handler: token, ok := tokenprofile.FromContext(r.Context())
	}
	fmt.Println(run())
}

func TestReadmeCodeIsCompiled(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) != 2 {
		t.Fatalf("README.md has %d blocks of Go, want 2", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(unindent(source), unindent(block[1])) {
			t.Errorf("not the code of an example:\n%s", block[1])
		}
	}
}

func unindent(code []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(code)) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// TestEveryEntryPointHasAnExample asks that some Example uses every exported
// function of the four packages.
func TestEveryEntryPointHasAnExample(t *testing.T) {
	for _, name := range packages {
		examples, exported := declarations(t, "../"+name)
		if len(exported) == 0 {
			t.Errorf("%s exports nothing", name)
		}
		for _, entry := range exported {
			if !examples[entry] {
				t.Errorf("%s.%s has no example", name, entry)
			}
		}
	}
}

// declarations returns the names that the Examples of a package use, and its
// exported functions.
func declarations(t *testing.T, dir string) (examples map[string]bool, exported []string) {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	examples = make(map[string]bool)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			switch {
			case !ok:
			case !strings.HasSuffix(path, "_test.go"):
				if f.Recv == nil && f.Name.IsExported() {
					exported = append(exported, f.Name.Name)
				}
			case strings.HasPrefix(f.Name.Name, "Example"):
				ast.Inspect(f, func(n ast.Node) bool {
					if used, ok := n.(*ast.SelectorExpr); ok {
						examples[used.Sel.Name] = true
					}
					return true
				})
			}
		}
	}
	return examples, exported
}
