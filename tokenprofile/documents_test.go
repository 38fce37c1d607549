package tokenprofile_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// services is a document of somebody else's, with all that one can have.
const services tokenprofile.Document = "services"

type service struct {
	Name    string               `json:"name"`
	Address address              `json:"address,omitzero"`
	Backup  *address             `json:"backup,omitempty"`
	Others  []address            `json:"others,omitempty"`
	Token   tokenprofile.Profile `json:"token,omitzero"`
	Slots   []timing             `json:"slots,omitempty"`
	Labels  map[string]string    `json:"labels,omitempty"`
	Timing  timing               `json:"-" document:"inline"`
	Secret  string               `json:"-"`
}

type timing struct {
	Every time.Duration `json:"every,omitempty"`
}

type address struct {
	Host string `json:"host"`
}

func (a *address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("is no address")
	}
	a.Host = string(text)
	return nil
}

func (s service) Validate() error {
	return errors.Join(&tokenprofile.Fault{Path: "name", Text: "is missing"}, errors.New("another fault"))
}

func TestADocumentOfSomebodyElses(t *testing.T) {
	const written = `{"name":"n","address":{"host":"a"},"backup":{"host":""},"others":[{"host":"b"},{"host":"c"}],` +
		`"token":{"algorithm":"ES256","issuer":"i","audience":"x"},"slots":[{"every":"1m"}],"labels":{"k":"v"},"every":"5m"}`
	var got service
	err := services.Decode([]byte(strings.Replace(strings.Replace(written, `{"host":"a"}`, `"a"`, 1), `{"host":""}`, `{}`, 1)), &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Timing.Every != 5*time.Minute || got.Address.Host != "a" || got.Backup == nil || len(got.Others) != 2 || got.Others[1].Host != "c" {
		t.Errorf("got %+v", got)
	}
	want := strings.Replace(written, `{"host":""}`, `{}`, 1)
	if again := string(ok(services.Encode(got))(t)); again != want {
		t.Errorf("got %s, want %s", again, want)
	}
}

func TestFaultsOfADocumentOfSomebodyElses(t *testing.T) {
	const document = `{"name":1,"address":"","others":[{"host":"b"},{"prt":1},2],"token":{"lifetime":1,"header":{"x":1}},"labels":{"k":1},"Secret":"s","every":5,"backup":null,"":1}`
	err := services.Parse([]byte(document), new(service))
	want := []string{
		"services: name: is not a string", "services: address: is no address", "services: others[1].prt: there is no such field",
		"services: others[2]: not a JSON object", `services: token.lifetime: is not a duration in a string, such as "15m"`,
		"services: token.header.x: there is no such field", "services: labels: is not an object of strings", "services: Secret: there is no such field",
		`services: every: is not a duration in a string, such as "15m"`, "services: backup: not a JSON object", `services: "": there is no such field`,
		"services: another fault",
	}
	if got := strings.Split(err.Error(), "\n"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var fault *tokenprofile.Fault
	if !errors.As(err, &fault) || fault.Path != "name" || fault.Document != services {
		t.Errorf("got %+v", fault)
	}
	if err := services.Decode([]byte(`{"others":{}}`), new(service)); err == nil || err.Error() != "services: others: is not an array of objects" {
		t.Errorf("got %v", err)
	}
}

// A shelf finds fault with members by paths of all kinds.
type shelf struct {
	Address address `json:"address"`
	Others  string  `json:"addresses,omitempty"`
}

func (shelf) Validate() error {
	var errs []error
	for _, path := range []string{"address", "address.host", "address[0]", "addresses", "other.address", "other"} {
		errs = append(errs, &tokenprofile.Fault{Path: path, Text: "is missing"})
	}
	return errors.Join(errs...)
}

// What could not be read is not missing, nor what would stand in it.
func TestWhatIsUnreadIsNotMissing(t *testing.T) {
	err := services.Parse([]byte(`{"address":""}`), new(shelf))
	want := "services: address: is no address\nservices: addresses: is missing\nservices: other.address: is missing\nservices: other: is missing"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// yamlOf is what a YAML library hands to an UnmarshalYAML method.
func yamlOf(value any) func(any) error {
	return func(target any) error {
		reflect.ValueOf(target).Elem().Set(reflect.ValueOf(&value).Elem())
		return nil
	}
}

func TestProfilesInYAML(t *testing.T) {
	long := strings.Repeat("x", 1000)
	many := make([]any, 100)
	for i := range many {
		many[i] = long
	}
	for _, test := range []struct {
		name  string
		value any
		want  string // in the error
	}{
		{"as one library has it", map[string]any{"issuer": "i", "oneUse": true, "claims": map[string]any{"n": 12, "l": []any{"a"}}}, ""},
		{"as another has it", map[any]any{"issuer": "i", "oneUse": true, "claims": map[any]any{"n": uint64(12), "l": []any{"a"}}}, ""},
		{"a name that is misspelt", map[string]any{"one-use": true}, "one-use: there is no such field"},
		{"a name within", map[any]any{"header": map[any]any{"type": "x"}}, "header.type: there is no such field"},
		{"a name that is a number", map[any]any{"claims": map[any]any{1: "x"}}, "1 is not a name: put it in quotes"},
		{"a date", map[string]any{"subject": time.Now()}, "a date, which stands for several texts"},
		{"a date in a list", map[string]any{"required": []any{time.Now()}}, "a date, which stands for several texts"},
		{"a duration that is a number", map[string]any{"lifetime": 300}, "lifetime: is not a duration in a string"},
		{"nothing", nil, "not a JSON object"},
		{"a list", []any{"a"}, "not a JSON object"},
		{"what JSON cannot say", map[string]any{"claims": map[string]any{"c": func() {}}}, "unsupported type"},
		{"aliases of much", map[string]any{"claims": map[string]any{"c": many}}, "more than 65536 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p tokenprofile.Profile
			err := p.UnmarshalYAML(yamlOf(test.value))
			if test.want != "" {
				mentions(t, err, test.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(ok(json.Marshal(p))(t)), `{"issuer":"i","oneUse":true,"claims":{"l":["a"],"n":12}}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	var p tokenprofile.Profile
	broken := errors.New("broken")
	if err := p.UnmarshalYAML(func(any) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the library's error", err)
	}
}

func TestProfilesAreWrittenAsYAML(t *testing.T) {
	p := ok(tokenprofile.Parse([]byte(`{"algorithm":"ES256","issuer":"i","lifetime":"5m","claims":{"a":9007199254740993,"b":18446744073709551615,"c":1.5,"d":[1]}}`)))(t)
	want := map[string]any{"algorithm": "ES256", "issuer": "i", "lifetime": "5m",
		"claims": map[string]any{"a": int64(9007199254740993), "b": uint64(18446744073709551615), "c": 1.5, "d": []any{int64(1)}}}
	if got := ok(p.MarshalYAML())(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
	p.Claims = map[string]any{"c": func() {}}
	if _, err := p.MarshalYAML(); err == nil {
		t.Error("got no error for a claim that has no JSON form")
	}
}
