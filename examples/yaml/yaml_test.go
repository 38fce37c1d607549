package yaml_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	goccy "github.com/goccy/go-yaml"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
	yamlv3 "go.yaml.in/yaml/v3"
	yamlv2 "gopkg.in/yaml.v2"
	sigs "sigs.k8s.io/yaml"
)

// A configuration is a service's own, with profiles in it. The json tags are
// for sigs.k8s.io/yaml, which reads YAML by way of JSON.
type configuration struct {
	Listen string                   `yaml:"listen" json:"listen"`
	Token  *tokenprofile.Profile    `yaml:"token" json:"token"`
	Client transport.ClientProfile  `yaml:"client" json:"client"`
	Guards []transport.GuardProfile `yaml:"guards" json:"guards"`
}

// A library is one that reads YAML in Go. Not every one minds a member that
// stands twice.
type library struct {
	name         string
	unmarshal    func([]byte, any) error
	marshal      func(any) ([]byte, error)
	refusesTwice bool
}

var libraries = []library{
	{"go.yaml.in/yaml/v3", yamlv3.Unmarshal, yamlv3.Marshal, true},
	{"gopkg.in/yaml.v2", yamlv2.UnmarshalStrict, yamlv2.Marshal, true},
	{"gopkg.in/yaml.v2, not strictly", yamlv2.Unmarshal, yamlv2.Marshal, false},
	{"sigs.k8s.io/yaml", func(data []byte, into any) error { return sigs.Unmarshal(data, into) }, sigs.Marshal, false},
	{"sigs.k8s.io/yaml, strictly", func(data []byte, into any) error { return sigs.UnmarshalStrict(data, into) }, sigs.Marshal, true},
	{"github.com/goccy/go-yaml", goccy.Unmarshal, goccy.Marshal, true},
}

func eachLibrary(t *testing.T, test func(t *testing.T, l library)) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) { test(t, l) })
	}
}

const document = `
listen: :8080
token: &token
  algorithm: RS256
  issuer: https://consumer.example
  audience: https://producer.example
  lifetime: 5m
  oneUse: true
  header: {typ: at+jwt, x5t#S256: true}
  claims:
    tenant: 17
    share: 0.5
    roles: [clerk, "1e3"]
client:
  keystore:
    path: consumer.jks
    password: {env: CONSUMER_JKS_PASSWORD}
    publishBefore: 2h
  token: *token
  use: jwtBearer
  grant:
    tokenURL: https://producer.example/token
    clientSecret: {file: /run/secrets/client}
    clientID: consumer
    scopes: [cases]
    params: {resource_owner: "17"}
  dpop: {}
guards:
  - token: consumer.json
    issuers:
      - issuer: https://consumer.example
        keySet: https://consumer.example/jwks.json
        identities: {ann: operator-17, "4711": operator-18}
    replay: {max: 1000}
`

func TestTheSameDocumentWithEveryLibrary(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l library) {
		var c configuration
		if err := l.unmarshal([]byte(document), &c); err != nil {
			t.Fatal(err)
		}
		if c.Listen != ":8080" || c.Token.Lifetime != 5*time.Minute || !c.Token.OneUse || !c.Token.Header.X5TS256 || c.Token.Audience[0] != "https://producer.example" {
			t.Errorf("got %+v", c.Token)
		}
		if want := map[string]any{"tenant": json.Number("17"), "share": json.Number("0.5"), "roles": []any{"clerk", "1e3"}}; !reflect.DeepEqual(c.Token.Claims, want) {
			t.Errorf("got the claims %#v, want %#v", c.Token.Claims, want)
		}
		if err := errors.Join(c.Token.Validate(), c.Client.Validate()); err != nil {
			t.Error(err)
		}
		if c.Client.DPoP == nil || c.Client.Grant.Params["resource_owner"] != "17" || c.Client.Keystore.PublishBefore != 2*time.Hour {
			t.Errorf("got %+v", c.Client)
		}
		if g := c.Guards[0]; g.Token.Path != "consumer.json" || g.Issuers[0].Identities["4711"] != "operator-18" || g.Memory.Max != 1000 {
			t.Errorf("got %+v", g)
		}

		written, err := l.marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var again configuration
		if err := l.unmarshal(written, &again); err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if got, want := fmt.Sprint(asJSON(t, again)), fmt.Sprint(asJSON(t, c)); got != want {
			t.Errorf("got %s, want %s, written as\n%s", got, want, written)
		}
	})
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// No library is more generous than a file of JSON.
func TestEveryLibraryIsStrict(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"a member of a profile that is misspelt", "oneUse", "one-use", "one-use: there is no such field"},
		{"a member in another case", "oneUse", "oneuse", "oneuse: there is no such field"},
		{"a member within", "typ:", "type:", "header.type: there is no such field"},
		{"a member of a client", "tokenURL", "token_url", "grant.token_url: there is no such field"},
		{"a member of a store", "publishBefore", "publish", "keystore.publish: there is no such field"},
		{"a member of a guard", "identities", "users", "issuers[0].users: there is no such field"},
		{"a duration that is a number", "5m", "300", "lifetime: is not a duration in a string"},
		{"a switch that is a text", "oneUse: true", `oneUse: "true"`, "oneUse: is not true or false"},
		{"a text that is a number", "issuer: https://consumer.example\n  audience", "issuer: 5\n  audience", "issuer: is not a string"},
		{"nothing for a text", "lifetime: 5m", "lifetime:", "lifetime: is not a duration in a string"},
		{"a password in the document", "{env: CONSUMER_JKS_PASSWORD}", "changeit", "keystore.password: stands in the document"},
		{"a user who is a number", "operator-17", "17", "issuers[0].identities: is not an object of strings"},
	} {
		if !strings.Contains(document, test.old) {
			t.Fatalf("the document has no %q", test.old)
		}
		eachLibrary(t, func(t *testing.T, l library) {
			t.Run(test.name, func(t *testing.T) {
				err := l.unmarshal([]byte(strings.Replace(document, test.old, test.new, 1)), new(configuration))
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
				if err != nil && strings.Contains(err.Error(), "changeit") {
					t.Errorf("the error tells the password: %v", err)
				}
			})
		})
	}
}

// Whether a member may stand twice is for the library to say.
func TestMembersThatStandTwice(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l library) {
		err := l.unmarshal([]byte(strings.Replace(document, "lifetime: 5m", "lifetime: 5m\n  lifetime: 50m", 1)), new(configuration))
		if got := err != nil; got != l.refusesTwice {
			t.Errorf("got %v, want an error: %t", err, l.refusesTwice)
		}
	})
}

// A key that YAML takes for a number is refused. (By way of JSON it is a text
// before we see it.)
func TestNamesThatAreNumbers(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l library) {
		err := l.unmarshal([]byte(strings.Replace(document, `"4711"`, "4711", 1)), new(configuration))
		if strings.HasPrefix(l.name, "sigs") || strings.HasPrefix(l.name, "github.com/goccy") {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), "4711 is not a name: put it in quotes") {
			t.Errorf("got %v", err)
		}
	})
}
