package examples_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"log/slog"
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
		client := &http.Client{Transport: &transport.Bearer{Source: signer, Logger: slog.Default()}} // every request now carries the token
		http.Handle("GET /jwks.json", &jwks.Handler{Source: keys, Algorithm: profile.Algorithm})     // the JSON Web Key Set URI

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
		guard := &transport.Guard{Verifier: verifier, Logger: slog.Default()}
		return http.ListenAndServe(":8080", guard.Handler(mux)) // in a handler: token, ok := tokenprofile.FromContext(r.Context())
	}
	fmt.Println(run())
}

// The README's code, word for word: the service that calls, in two lines.
func Example_profile() {
	run := func() error {
		profile, err := transport.LoadClient("consumer.json", nil)
		if err != nil {
			return err
		}
		client, err := profile.Client() // an http.Client whose requests carry the token
		if err != nil {
			return err
		}
		http.Handle("GET /jwks.json", client.Handler)

		_, err = client.Get("https://producer.example/orders")
		return err
	}
	fmt.Println(run())
}

// The README's document is one.
func TestReadmeProfileIsRead(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) != 1 {
		t.Fatalf("README.md has %d blocks of JSON, want 1", len(blocks))
	}
	if _, err := transport.ParseClient(blocks[0][1], nil); err != nil {
		t.Error(err)
	}
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
	if len(blocks) != 3 {
		t.Fatalf("README.md has %d blocks of Go, want 3", len(blocks))
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
// function and type of the four packages.
func TestEveryEntryPointHasAnExample(t *testing.T) {
	imp := exportImporter(t, "-test")
	used := make(map[string]bool)
	for _, name := range packages {
		noteExamples(t, used, imp, name)
	}
	for _, name := range packages {
		pkg, err := imp.Import(module + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range pkg.Scope().Names() {
			switch o := pkg.Scope().Lookup(entry).(type) {
			case *types.Func, *types.TypeName:
				if name, ok := o.(*types.TypeName); ok && name.IsAlias() {
					continue // the type it stands for is asked for in its own package
				}
				if o.Exported() && !used[name+"."+entry] {
					t.Errorf("%s.%s has no example", name, entry)
				}
			}
		}
	}
}

// noteExamples notes the functions that the Examples of a package use, and the
// types of all they name: values, fields, and what functions take and return.
func noteExamples(t *testing.T, used map[string]bool, imp types.Importer, name string) {
	t.Helper()
	files, err := filepath.Glob("../" + name + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, path := range files {
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file.Name.Name, "_test") {
			parsed = append(parsed, file)
		}
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object), Types: make(map[ast.Expr]types.TypeAndValue)}
	ignored := func(error) {} // what export_test.go adds is not known here
	(&types.Config{Importer: imp, Error: ignored}).Check(name+"_test", fset, parsed, info)
	for _, file := range parsed {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Example") {
				ast.Inspect(f, func(n ast.Node) bool { noteNode(used, info, n); return true })
			}
		}
	}
}

func noteNode(used map[string]bool, info *types.Info, n ast.Node) {
	if ident, ok := n.(*ast.Ident); ok && info.Uses[ident] != nil {
		o := info.Uses[ident]
		if o.Pkg() != nil && o.Parent() == o.Pkg().Scope() {
			used[o.Pkg().Name()+"."+o.Name()] = true
		}
		noteType(used, o.Type())
	}
	if expr, ok := n.(ast.Expr); ok && info.Types[expr].Type != nil {
		noteType(used, info.Types[expr].Type)
	}
}

func noteType(used map[string]bool, typ types.Type) {
	switch typ := typ.(type) {
	case *types.Named:
		if o := typ.Obj(); o.Pkg() != nil {
			used[o.Pkg().Name()+"."+o.Name()] = true
		}
	case *types.Signature:
		noteType(used, typ.Params())
		noteType(used, typ.Results())
	case *types.Tuple:
		for v := range typ.Variables() {
			noteType(used, v.Type())
		}
	case interface{ Elem() types.Type }: // pointer, slice, array, map, channel
		noteType(used, typ.Elem())
	}
}
