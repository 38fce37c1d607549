// Package examples_test holds the rules of the house: what must not compile,
// what may be imported where, and what may be seen from outside.
package examples_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tokenprofile/tokenprofile-go"

var packages = []string{"keystore", "jwks", "tokenprofile", "transport"}

// misuses are programs that must not compile, each a single mistake.
var misuses = []struct{ name, code string }{
	{"signing with a JWKS client", `profile.Signer(&jwks.Client{})`},
	{"signing with trusted keys", `profile.Signer(store.Trust())`},
	{"signing with a public key", `keystore.New(keystore.PublicKey{})`},
	{"making a private key of a public one", `keystore.NewPrivateKey(&rsa.PublicKey{})`},
	{"publishing a private key", `_ = &jwks.Handler{Source: keystore.PrivateKey{}}`},
	{"publishing a secret key", `_ = &jwks.Handler{Source: keystore.SecretKey{}}`},
	{"publishing trusted keys", `_ = &jwks.Handler{Source: store.Trust()}`},
	{"publishing what a client fetched", `_ = &jwks.Handler{Source: &jwks.Client{}}`},
	{"verifying an HMAC with public keys", `profile.SecretVerifier(&jwks.Client{})`},
	{"verifying an HMAC with trusted keys", `profile.SecretVerifier(store.Trust())`},
	{"signing an HMAC with public keys", `profile.SecretSigner(&jwks.Client{})`},
	{"verifying with a private key", `profile.Verifier(keystore.PrivateKey{})`},
	{"decrypting with a public key", `tokenprofile.DecryptWith(&jwks.Client{})`},
	{"decrypting with a store of which a wrapper shows the signing keys alone", `tokenprofile.DecryptWith(struct{ keystore.PrivateSource }{store})`},
	{"encrypting to a private key", `tokenprofile.EncryptTo(keystore.PrivateKey{})`},
	{"decryption keys where encryption keys belong", `profile.Signer(store, tokenprofile.DecryptWith(store))`},
	{"swapping the arguments of Open", `keystore.Open(keystore.EnvPassword("P"), "consumer.jks")`},
	{"a password in plain text for Open", `keystore.Open("consumer.jks", "changeit")`},
	{"a password in plain text for a declared store", `_ = transport.DeclaredStore{Path: "consumer.jks", Password: "changeit"}`},
	{"a private key as a secret one", `var _ keystore.SecretKey = keystore.PrivateKey{}`},
	{"guarding with a signer", `_ = &transport.Guard{Verifier: &tokenprofile.Signer{}}`},
	{"carrying a verifier's tokens", `_ = &transport.Bearer{Source: &tokenprofile.Verifier{}}`},
	{"using a token that was not verified", `tokenprofile.NewContext(ctx, "eyJhbGciOiJub25lIn0.e30.")`},
}

const correctUse = `profile.Signer(store)
	profile.SecretSigner(store)
	profile.Verifier(store.Trust())
	profile.Verifier(&jwks.Client{})
	profile.SecretVerifier(store)
	profile.Signer(store, tokenprofile.EncryptTo(&jwks.Client{}))
	profile.Verifier(&jwks.Client{}, tokenprofile.DecryptWith(store))
	tokenprofile.DecryptWith(keystore.DecryptionFunc(store.PrivateKeys))
	_ = &jwks.Handler{Source: store}
	_ = &transport.Bearer{Source: &tokenprofile.Signer{}}
	_ = &transport.Guard{Verifier: &tokenprofile.Verifier{}}
	keystore.Open("consumer.jks", keystore.EnvPassword("P"))
	keystore.NewPrivateKey(&rsa.PrivateKey{})
	tokenprofile.NewContext(ctx, &tokenprofile.Token{})`

func TestMisuseDoesNotCompile(t *testing.T) {
	imp := exportImporter(t)
	// The frame itself is sound, or every misuse would "fail" for its sake.
	if err := typeCheck(imp, correctUse); err != nil {
		t.Fatalf("the correct program does not compile: %v", err)
	}
	for _, misuse := range misuses {
		t.Run(misuse.name, func(t *testing.T) {
			err := typeCheck(imp, misuse.code)
			if err == nil {
				t.Fatalf("%s compiles", misuse.code)
			}
			if strings.Contains(err.Error(), "undefined") {
				t.Errorf("refused for the wrong reason: %v", err)
			}
		})
	}
}

func typeCheck(imp types.Importer, statement string) error {
	source := fmt.Sprintf(`package misuse

import (
	"context"
	"crypto/rsa"

	%q
	%q
	%q
	%q
)

var (
	_ rsa.PublicKey
	_ jwks.Handler
	_ transport.Guard
)

func use(ctx context.Context, profile tokenprofile.Profile, store *keystore.Store) {
	%s
}
`, module+"/jwks", module+"/keystore", module+"/tokenprofile", module+"/transport", statement)
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "misuse.go", source, 0)
	if err != nil {
		return err
	}
	_, err = (&types.Config{Importer: imp}).Check("misuse", fset, []*ast.File{file}, nil)
	return err
}

// exportImporter reads what the go command compiled. Further flags are those
// of go list.
func exportImporter(t *testing.T, flags ...string) types.Importer {
	t.Helper()
	exports := make(map[string]string)
	flags = append(flags, "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}")
	for line := range strings.Lines(goList(t, flags...)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[path] = file
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
}

func goList(t *testing.T, arguments ...string) string {
	t.Helper()
	command := append([]string{"list"}, arguments...)
	for _, name := range packages {
		command = append(command, module+"/"+name)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("go", command...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(command, " "), err, &stderr)
	}
	return string(out)
}

// maxModules is what a program that imports all four packages may link besides us.
const maxModules = 8

func TestLinkedModules(t *testing.T) {
	linked := strings.Fields(goList(t, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}"))
	slices.Sort(linked)
	linked = slices.Compact(linked)
	if len(linked) > maxModules {
		t.Errorf("%d modules are linked, at most %d may be:\n%s", len(linked), maxModules, strings.Join(linked, "\n"))
	}
	for _, asked := range []string{"github.com/lestrrat-go/jwx/v2", "software.sslmate.com/src/go-pkcs12"} {
		if !slices.Contains(linked, asked) {
			t.Errorf("%s is not linked", asked)
		}
	}
}

// maxJWXFiles keeps the library replaceable.
const maxJWXFiles = 3

func TestFewFilesImportJWX(t *testing.T) {
	var found []string
	for _, name := range packages {
		err := filepath.WalkDir("../"+name, func(path string, entry os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range file.Imports {
				if strings.Contains(spec.Path.Value, "lestrrat-go") {
					found = append(found, path)
					break
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) == 0 || len(found) > maxJWXFiles {
		t.Errorf("%d files import jwx, 1 to %d may: %q", len(found), maxJWXFiles, found)
	}
}

// arrows are the imports between our packages; each points towards keystore.
var arrows = map[string][]string{
	"keystore":     nil,
	"jwks":         {"keystore"},
	"tokenprofile": {"keystore"},
	"transport":    {"keystore", "jwks", "tokenprofile"},
}

func TestImportsPointTowardsKeystore(t *testing.T) {
	for line := range strings.Lines(goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], module+"/")
		for _, to := range fields[1:] {
			to, ours := strings.CutPrefix(to, module+"/")
			if ours && !strings.HasPrefix(to, from+"/internal/") && !slices.Contains(arrows[from], to) {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
}

// TestNoForeignTypeIsExported walks every exported signature and field.
func TestNoForeignTypeIsExported(t *testing.T) {
	imp := exportImporter(t)
	for _, name := range packages {
		pkg, err := imp.Import(module + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		walk := walker{t: t, seen: make(map[types.Type]bool)}
		for _, object := range pkg.Scope().Names() {
			if o := pkg.Scope().Lookup(object); o.Exported() {
				walk.visit(o.Type(), name+"."+object)
			}
		}
		if len(walk.seen) == 0 {
			t.Errorf("%s exports nothing", name)
		}
	}
}

type walker struct {
	t    *testing.T
	seen map[types.Type]bool
}

func (w walker) visit(typ types.Type, where string) {
	if w.seen[typ] {
		return
	}
	w.seen[typ] = true
	switch typ := typ.(type) {
	case *types.Named:
		pkg := typ.Obj().Pkg()
		if pkg != nil && pkg.Path() != module && !strings.HasPrefix(pkg.Path(), module+"/") {
			if strings.Contains(strings.Split(pkg.Path(), "/")[0], ".") {
				w.t.Errorf("%s shows %s", where, typ)
			}
			return
		}
		for method := range typ.Methods() {
			if method.Exported() {
				w.visit(method.Type(), where+"."+method.Name())
			}
		}
		w.visit(typ.Underlying(), where)
	case *types.Struct:
		for field := range typ.Fields() {
			if field.Exported() {
				w.visit(field.Type(), where+"."+field.Name())
			}
		}
	case *types.Interface:
		for method := range typ.Methods() {
			w.visit(method.Type(), where+"."+method.Name())
		}
	case *types.Signature:
		w.visit(typ.Params(), where)
		w.visit(typ.Results(), where)
	case *types.Tuple:
		for v := range typ.Variables() {
			w.visit(v.Type(), where)
		}
	case *types.Map:
		w.visit(typ.Key(), where)
		w.visit(typ.Elem(), where)
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		w.visit(typ.Elem(), where)
	}
}
