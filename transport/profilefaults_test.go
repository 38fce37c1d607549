package transport_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// with is a document with other members; one that is nil is taken away.
func with(t testing.TB, document, members string) []byte {
	t.Helper()
	var all, changed map[string]any
	if err := errors.Join(json.Unmarshal([]byte(document), &all), json.Unmarshal([]byte(members), &changed)); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, changed)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const (
	plainClient = `{"keystore":{"path":"k"},"token":{"algorithm":"RS256","issuer":"i"}}`
	plainGuard  = `{"truststore":{"path":"t"},"token":{"algorithm":"RS256","issuer":"i","audience":"a"},"issuers":[{}]}`
	plainGrant  = `"grant":{"tokenURL":"https://p.example/t"}`
)

// faultPaths are the paths of the faults, and their whole text.
func faultPaths(t testing.TB, err error, document string) (paths []string, text string) {
	t.Helper()
	if err == nil {
		return nil, ""
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		t.Fatalf("got %v, want faults", err)
	}
	for _, err := range joined.Unwrap() {
		var fault *tokenprofile.Fault
		if !errors.As(err, &fault) || string(fault.Document) != document {
			t.Fatalf("got %v, want a fault of a %s", err, document)
		}
		paths = append(paths, fault.Path)
	}
	return paths, err.Error()
}

func TestFaultsOfAClientProfile(t *testing.T) {
	for _, test := range []struct{ name, members, want string }{
		{"none", `{}`, ""},
		{"every kind of use", `{"use":"tokenExchange",` + plainGrant + `}`, ""},
		{"a member that is misspelt", `{"one-use":true}`, "one-use"},
		{"a member of a store", `{"keystore":{"path":"k","pasword":{}}}`, "keystore.pasword"},
		{"a password in the document", `{"keystore":{"path":"k","password":"secret-password"}}`, "keystore.password"},
		{"a key password in the document", `{"keystore":{"path":"k","keyPassword":"secret-password"}}`, "keystore.keyPassword"},
		{"a password from nowhere", `{"keystore":{"path":"k","password":{}}}`, "keystore.password"},
		{"a password from two places", `{"keystore":{"path":"k","password":{"env":"A","file":"b"}}}`, "keystore.password"},
		{"a store without a path", `{"keystore":{}}`, "keystore.path"},
		{"a truststore without a path", `{"truststore":{"password":{"env":"A"}}}`, "truststore.path"},
		{"a duration that is none", `{"keystore":{"path":"k","publishBefore":5}}`, "keystore.publishBefore"},
		{"nothing to sign with", `{"keystore":null}`, "keystore"},
		{"nothing to send", `{"token":null}`, "token"},
		{"a token of two kinds", `{"tokenFile":"f"}`, "tokenFile"},
		{"a fault of the token", `{"token":{"algorithm":"RS256","issuer":"i","header":{"kid":"a","noKeyID":true}}}`, "token.header.noKeyID"},
		{"a member of the token", `{"token":{"algorithm":"RS256","issuer":"i","one-use":true}}`, "token.one-use"},
		{"a token that nobody signs", `{"token":{"issuer":"i","encryption":{"keyAlgorithm":"RSA-OAEP-256","contentAlgorithm":"A256GCM"}},"encryptTo":"https://p.example/k"}`, "token.algorithm"},
		{"a token encrypted to nobody", `{"token":{"algorithm":"RS256","issuer":"i","encryption":{"keyAlgorithm":"RSA-OAEP-256","contentAlgorithm":"A256GCM"}}}`, "encryptTo"},
		{"a token file that is not there", `{"token":"nobody.json"}`, "token"},
		{"an empty path of a token", `{"token":""}`, "token"},
		{"a token that is a number", `{"token":5}`, "token"},
		{"a use that nobody knows", `{"use":"jwt-bearer"}`, "use"},
		{"a grant that nobody asks", `{` + plainGrant + `}`, "grant"},
		{"no grant for an assertion", `{"use":"jwtBearer"}`, "grant"},
		{"no grant for credentials", `{"use":"clientCredentials"}`, "grant"},
		{"no grant for an exchange", `{"use":"tokenExchange"}`, "grant"},
		{"no token URL", `{"use":"jwtBearer","grant":{}}`, "grant.tokenURL"},
		{"a token URL that is a path", `{"use":"jwtBearer","grant":{"tokenURL":"/token"}}`, "grant.tokenURL"},
		{"a token URL that is none", `{"use":"jwtBearer","grant":{"tokenURL":"https://["}}`, "grant.tokenURL"},
		{"a token URL with a user", `{"use":"jwtBearer","grant":{"tokenURL":"https://u:p@p.example/t"}}`, "grant.tokenURL"},
		{"a token URL anybody can read", `{"use":"jwtBearer","grant":{"tokenURL":"http://p.example/t"}}`, "grant.tokenURL"},
		{"a token URL in a mesh", `{"use":"jwtBearer","plainHTTP":true,"grant":{"tokenURL":"http://p.example/t"}}`, ""},
		{"a client's secret in the document", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","clientID":"c","clientSecret":"secret-password"}}`, "grant.clientSecret"},
		{"a client's secret from nowhere", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","clientID":"c","clientSecret":{}}}`, "grant.clientSecret"},
		{"a secret of no client", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","clientSecret":{"env":"S"}}}`, "grant.clientID"},
		{"a client of two proofs", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","clientID":"c","clientSecret":{"env":"S"},"clientAssertion":{"algorithm":"RS256","issuer":"c"}}}`, "grant.clientSecret"},
		{"a client assertion with a fault", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","clientAssertion":{"algorithm":"RS256"}}}`, "grant.clientAssertion.issuer"},
		{"an actor with a fault", `{"use":"tokenExchange","grant":{"tokenURL":"https://p.example/t","actor":{"algorithm":"RS256"}}}`, "grant.actor.issuer"},
		{"an exchange's member", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","subjectType":"x"}}`, "grant.subjectType"},
		{"exchange's members", `{"use":"clientCredentials","grant":{"tokenURL":"https://p.example/t","requestedType":"x","actor":{"algorithm":"RS256","issuer":"i"},"actorType":"x"}}`, "grant.requestedType grant.actor grant.actorType"},
		{"credentials of two kinds", `{"use":"clientCredentials","grant":{"tokenURL":"https://p.example/t","clientID":"c","clientSecret":{"env":"S"}}}`, "grant.clientSecret"},
		{"credentials named twice", `{"use":"clientCredentials","grant":{"tokenURL":"https://p.example/t","clientAssertion":{"algorithm":"RS256","issuer":"i"}}}`, "grant.clientAssertion"},
		{"credentials of nobody", `{"use":"clientCredentials","token":null,` + plainGrant + `}`, "grant.clientID"},
		{"an exchange of nothing", `{"use":"tokenExchange","token":null,` + plainGrant + `}`, "token"},
		{"an assertion of nothing", `{"use":"jwtBearer","token":null,` + plainGrant + `}`, "token"},
		{"a parameter that is a credential", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","params":{"client_secret":"x"}}}`, "grant.params.client_secret"},
		{"a parameter that is a number", `{"use":"jwtBearer","grant":{"tokenURL":"https://p.example/t","params":{"a":1}}}`, "grant.params"},
		{"an ID token that is bound", `{"use":"jwtBearer","dpop":{},"grant":{"tokenURL":"https://p.example/t","idToken":true}}`, "grant.idToken"},
		{"no origin", `{"origins":[]}`, "origins"},
		{"an origin with a path", `{"origins":["https://a.example","https://a.example/x"]}`, "origins[1]"},
		{"an origin anybody can read", `{"origins":["http://a.example"]}`, "origins[0]"},
		{"a header of the letters and digits at the ends", `{"header":"AZaz09"}`, ""},
		{"a header that is none", `{"header":"X Y"}`, "header"},
		{"a scheme that is none", `{"scheme":"a:b"}`, "scheme"},
		{"no certificate to present", `{"keystore":null,"token":null,"tokenFile":"f","mutualTLS":{}}`, "mutualTLS"},
		{"no key to prove", `{"keystore":null,"token":null,"use":"jwtBearer","tokenFile":"f","dpop":{"alias":"x"},` + plainGrant + `}`, "dpop.alias"},
		{"a file's token that is bound", `{"token":null,"tokenFile":"f","dpop":{}}`, "dpop"},
		{"encrypted to anybody", `{"encryptTo":"http://p.example/k"}`, "encryptTo"},
		{"nothing to publish", `{"keystore":null,"token":null,"tokenFile":"f","publish":{"keySet":"https://c.example/k"}}`, "publish"},
		{"published nowhere", `{"publish":{}}`, "publish.keySet"},
		{"published for anybody to change", `{"publish":{"keySet":"http://c.example/k"}}`, "publish.keySet"},
		{"published for longer than a key waits", `{"publish":{"keySet":"https://c.example/k","maxAge":"2h"}}`, "publish.maxAge"},
		{"published for as long as a key waits", `{"keystore":{"path":"k","publishBefore":"2h"},"publish":{"keySet":"https://c.example/k","maxAge":"2h"}}`, ""},
		{"options that are null", `{"options":null}`, ""},
		{"several", `{"x":1,"truststore":{},"use":"?","origins":["a"]}`, "x truststore.path use origins[0]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := transport.ParseClient(with(t, plainClient, test.members), nil)
			paths, text := faultPaths(t, err, "transport: client profile")
			if got := strings.Join(paths, " "); got != test.want {
				t.Errorf("got %q, want %q: %s", got, test.want, text)
			}
			if strings.Contains(text, "secret-password") || strings.Contains(text, "u:p@") {
				t.Errorf("the error tells a secret: %s", text)
			}
		})
	}
}

func TestFaultsOfAGuardProfile(t *testing.T) {
	const encrypted = `"encryption":{"keyAlgorithm":"RSA-OAEP-256","contentAlgorithm":"A256GCM"}`
	for _, test := range []struct{ name, members, want string }{
		{"none", `{}`, ""},
		{"a member that is misspelt", `{"scope":"a"}`, "scope"},
		{"a member of an issuer", `{"issuers":[{"keyset":"https://c.example/k"}]}`, "issuers[0].keyset"},
		{"a password in the document", `{"truststore":{"path":"t","password":"secret-password"}}`, "truststore.password"},
		{"a keystore without a path", `{"keystore":{}}`, "keystore.path"},
		{"no issuer", `{"issuers":null}`, "issuers"},
		{"an empty list", `{"issuers":[]}`, "issuers"},
		{"an issuer that is a text", `{"issuers":["i"]}`, "issuers[0]"},
		{"no token profile", `{"token":null}`, "token.algorithm issuers[0].issuer"},
		{"a token without an audience", `{"token":{"algorithm":"RS256","issuer":"i"}}`, "token.audience"},
		{"a token with two faults", `{"token":{"algorithm":"none","issuer":"i","audience":"a","leeway":"1h"}}`, "token.algorithm token.leeway"},
		{"a token file that is not there", `{"token":"nobody.json"}`, "token"},
		{"nobody's name", `{"token":{"algorithm":"RS256","audience":"a"}}`, "issuers[0].issuer"},
		{"an issuer's own name", `{"token":{"algorithm":"RS256","audience":"a"},"issuers":[{"issuer":"x"}]}`, ""},
		{"tokens without iss", `{"token":{"algorithm":"RS256","audience":"a","waive":{"omit":["iss"]}}}`, ""},
		{"one name twice", `{"issuers":[{"keySet":"https://c.example/k"},{"issuer":"i","keySet":"https://d.example/k"}]}`, "issuers[1].issuer"},
		{"no keys", `{"truststore":null}`, "issuers[0].keySet"},
		{"keys that anybody can change", `{"issuers":[{"keySet":"http://c.example/k"}]}`, "issuers[0].keySet"},
		{"keys in a mesh", `{"plainHTTP":true,"issuers":[{"keySet":"http://c.example/k"}]}`, ""},
		{"an alias of a key set", `{"issuers":[{"keySet":"https://c.example/k","alias":"x"}]}`, "issuers[0].alias"},
		{"two issuers of one truststore", `{"issuers":[{},{"issuer":"x","alias":"x"}]}`, "issuers[0].alias"},
		{"two aliases of one truststore", `{"issuers":[{"alias":"i"},{"issuer":"x","alias":"x"}]}`, ""},
		{"users of one issuer alone", `{"issuers":[{"alias":"i","identities":{"a":"b"}},{"issuer":"x","alias":"x"}]}`, "issuers[1].identities"},
		{"a user who is a number", `{"issuers":[{"identities":{"a":1}}]}`, "issuers[0].identities"},
		{"HMACs without a keystore", `{"token":{"algorithm":"HS256","issuer":"i","audience":"a"}}`, "keystore"},
		{"HMACs with a key set", `{"keystore":{"path":"k"},"token":{"algorithm":"HS256","issuer":"i","audience":"a"},"issuers":[{"keySet":"https://c.example/k"}]}`, "issuers[0]"},
		{"HMACs", `{"keystore":{"path":"k"},"truststore":null,"token":{"algorithm":"HS256","issuer":"i","audience":"a"}}`, ""},
		{"nothing to decrypt with", `{"token":{"algorithm":"RS256","issuer":"i","audience":"a",` + encrypted + `}}`, "keystore"},
		{"tokens that nobody signed", `{"keystore":{"path":"k"},"token":{"issuer":"i","audience":"a",` + encrypted + `}}`, "token.algorithm"},
		{"a scope of two", `{"scopes":["a","b c",""]}`, "scopes[1] scopes[2]"},
		{"a header that is none", `{"header":"X Y"}`, "header"},
		{"proofs for no URL", `{"dpop":true}`, "baseURL"},
		{"proofs for a path", `{"dpop":true,"baseURL":"/x"}`, "baseURL"},
		{"unbound for nothing", `{"allowUnbound":true}`, "allowUnbound"},
		{"certificates of nobody", `{"clientCertificates":true,"truststore":null,"issuers":[{"keySet":"https://c.example/k"}]}`, "truststore"},
		{"a name of nothing", `{"name":"n"}`, "resource"},
		{"servers of nothing", `{"authorizationServers":["https://a.example"]}`, "resource"},
		{"a resource that is a path", `{"resource":"/x"}`, "resource"},
		{"a memory of nothing", `{"replay":{"max":5}}`, "replay"},
		{"a memory that is negative", `{"replay":{"max":-5},"token":{"algorithm":"RS256","issuer":"i","audience":"a","oneUse":true}}`, "replay"},
		{"a memory", `{"replay":{"max":5,"maxPerIssuer":2,"sinceStart":true},"token":{"algorithm":"RS256","issuer":"i","audience":"a","oneUse":true}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := transport.ParseGuard(with(t, plainGuard, test.members))
			paths, text := faultPaths(t, err, "transport: guard profile")
			if got := strings.Join(paths, " "); got != test.want {
				t.Errorf("got %q, want %q: %s", got, test.want, text)
			}
			if strings.Contains(text, "secret-password") {
				t.Errorf("the error tells a secret: %s", text)
			}
		})
	}
}

// What only a program can set is looked at as well.
func TestFaultsThatNoDocumentHas(t *testing.T) {
	p := must[*transport.GuardProfile](t)(transport.ParseGuard(with(t, plainGuard, `{"issuers":[{"identities":{"a":"b"}}]}`)))
	p.Identify = (&transport.GuardProfile{}).Identity
	p.Replay = &tokenprofile.MemoryReplayGuard{}
	p.Token.Profile.OneUse = true
	p.Memory = &transport.DeclaredMemory{Max: 1}
	paths, text := faultPaths(t, p.Validate(), "transport: guard profile")
	if want := []string{"replay", "issuers[0].identities"}; !slices.Equal(paths, want) {
		t.Errorf("got %q, want %q: %s", paths, want, text)
	}
	if _, err := p.Guard(); err == nil {
		t.Error("got a guard of a profile with faults")
	}
	if _, err := p.TLS(); err == nil {
		t.Error("got a server of a profile with faults")
	}
}

// Missing files are not faults of the document, and keep what it declares from
// being built.
func TestDeclaredStoresThatDoNotOpen(t *testing.T) {
	c := must[*transport.ClientProfile](t)(transport.ParseClient([]byte(`{"keystore":{"path":"no.jks"},"truststore":{"path":"none.jks"},"token":{"algorithm":"RS256","issuer":"i"}}`), nil))
	_, err := c.Client()
	for _, want := range []string{"transport: client profile: ", "no.jks", "none.jks"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	g := must[*transport.GuardProfile](t)(transport.ParseGuard(with(t, plainGuard, `{"keystore":{"path":"no.jks"}}`)))
	if _, err := g.Guard(); err == nil || !strings.Contains(err.Error(), "no.jks") {
		t.Errorf("got %v", err)
	}
	if _, err := g.TLS(); err == nil || !strings.Contains(err.Error(), "no.jks") {
		t.Errorf("got %v", err)
	}
	g.Keystore = nil
	if _, err := g.TLS(); err == nil || !strings.Contains(err.Error(), "keystore: is missing") {
		t.Errorf("got %v", err)
	}
	_, err = transport.LoadClient("testdata/profiles/nobody.json", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "transport: client profile: ") {
		t.Errorf("got %v", err)
	}
	if _, err = transport.LoadGuard("testdata/profiles/client.json"); err == nil || !strings.Contains(err.Error(), "client.json:\n") {
		t.Errorf("got %v, want the name of the file", err)
	}
}

func FuzzClientProfile(f *testing.F) {
	f.Add([]byte(plainClient))
	f.Add([]byte(`{"keystore":{"path":"k","password":{"env":"A"}},"token":{"algorithm":"RS256","issuer":"i"},"use":"tokenExchange","dpop":{},"grant":{"tokenURL":"https://p.example/t","params":{"a":"b"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		profile, err := transport.ParseClient(data, nil)
		if err != nil {
			return
		}
		again, err := profile.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if profile, err = transport.ParseClient(again, nil); err != nil {
			t.Fatalf("%s is not read again: %v", again, err)
		}
		if third, err := profile.MarshalJSON(); err != nil || string(third) != string(again) {
			t.Fatalf("got %s, want %s: %v", third, again, err)
		}
	})
}

func FuzzGuardProfile(f *testing.F) {
	f.Add([]byte(plainGuard))
	f.Add([]byte(`{"token":{"algorithm":"RS256","audience":"a"},"issuers":[{"issuer":"i","keySet":"https://c.example/k","identities":{"a":"b"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		profile, err := transport.ParseGuard(data)
		if err != nil {
			return
		}
		again, err := profile.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if profile, err = transport.ParseGuard(again); err != nil {
			t.Fatalf("%s is not read again: %v", again, err)
		}
		if third, err := profile.MarshalJSON(); err != nil || string(third) != string(again) {
			t.Fatalf("got %s, want %s: %v", third, again, err)
		}
	})
}

// A fault is looked for where it stands, which may be in a file of its own.
func TestFaultsOfATokenProfileNameItsFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"consumer.json": `{"algorithm":"RS256","issuer":"i","audience":"a","header":{"kid":"a","noKeyID":true}}`,
		"misspelt.json": `{"algorithm":"RS256","issuer":"i","audience":"a","one-use":true}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ token, path, file string }{
		{"consumer.json", "token.header.noKeyID", "(in consumer.json)"},
		{"misspelt.json", "token.one-use", "(in misspelt.json)"},
		{"nobody.json", "token", filepath.Join(dir, "nobody.json")},
	} {
		token := transport.DeclaredToken{Path: test.token}
		client := transport.ClientProfile{Dir: dir, Keystore: &transport.DeclaredStore{Path: "k"}, Token: &token}
		guard := transport.GuardProfile{Dir: dir, Truststore: &transport.DeclaredStore{Path: "t"}, Token: token, Issuers: []transport.DeclaredIssuer{{}}}
		for document, err := range map[string]error{"client": client.Validate(), "guard": guard.Validate()} {
			paths, text := faultPaths(t, err, "transport: "+document+" profile")
			if !slices.Contains(paths, test.path) || strings.Count(text, test.file) != 1 {
				t.Errorf("%s of a %s: got %v, %q", test.token, document, paths, text)
			}
		}
	}
}

// One that stands in the document itself is in no file.
func TestFaultsOfATokenProfileInTheDocument(t *testing.T) {
	token := transport.DeclaredToken{}
	client := transport.ClientProfile{Keystore: &transport.DeclaredStore{Path: "k"}, Token: &token}
	guard := transport.GuardProfile{Truststore: &transport.DeclaredStore{Path: "t"}, Token: token}
	for document, err := range map[string]error{"client": client.Validate(), "guard": guard.Validate()} {
		paths, text := faultPaths(t, err, "transport: "+document+" profile")
		if !slices.Contains(paths, "token.algorithm") || strings.Contains(text, "(in ") {
			t.Errorf("a %s: got %v, %q", document, paths, text)
		}
	}
}

// One that cannot be read hides none of the others.
func TestFaultsOfATokenProfileAreToldAtOnce(t *testing.T) {
	dir := t.TempDir()
	text := `{"algorithm":"RS265","issuer":"","lifetime":15,"leeway":"1h","one-use":true}`
	if err := os.WriteFile(filepath.Join(dir, "consumer.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client := transport.ClientProfile{Dir: dir, Keystore: &transport.DeclaredStore{Path: "k"}, Token: &transport.DeclaredToken{Path: "consumer.json"}}
	got, _ := faultPaths(t, client.Validate(), "transport: client profile")
	slices.Sort(got)
	want := []string{"token.algorithm", "token.issuer", "token.leeway", "token.lifetime", "token.one-use"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
