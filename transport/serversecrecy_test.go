package transport_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// shapes are the ways in which a value ends up in a log.
func shapes[T any](value T) []any {
	return []any{
		value, &value, []T{value}, []*T{&value}, map[string]T{"a": value}, map[string]*T{"a": &value},
		struct{ Value T }{value}, struct{ Value *T }{&value}, any(value),
	}
}

func TestServersPrintNothingSecret(t *testing.T) {
	claims := map[string]any{canary: canary, "list": []any{canary}}
	token := &tokenprofile.Token{Subject: canary, Claims: []byte(`{"sub":"` + canary + `"}`)}
	guard := &transport.Guard{Verifier: refuses(errors.Join(tokenprofile.ErrInvalid, tokenprofile.ErrSignature))}
	_, err := guard.Check(newPost(header("Authorization", "Bearer "+canary)))
	var refusal *transport.Refusal
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	var values []any
	values = append(values, shapes(transport.AccessRequest{ClientID: "c", Assertion: token, SubjectToken: token, ActorToken: token})...)
	values = append(values, shapes(transport.Access{Subject: canary, Claims: claims})...)
	values = append(values, shapes(transport.Registration{SecretHash: hashOf(t, canary+canary+canary)})...)
	values = append(values, shapes(*refusal)...)
	values = append(values, shapes(*newEndpoint(t))...)
	// In a field that is not exported fmt sees no method. A pointer is as far as
	// it looks, for the verbs that structs are printed with.
	hidden := []any{
		struct{ value *transport.AccessRequest }{&transport.AccessRequest{Assertion: token}},
		struct{ value *transport.Access }{&transport.Access{Subject: canary, Claims: claims}},
		struct{ value *transport.Refusal }{refusal},
	}
	for _, value := range hidden {
		if output := fmt.Sprintf("%v %+v %#v", value, value, value); strings.Contains(output, canary) {
			t.Errorf("%T prints %s", value, output)
		}
	}
	var log bytes.Buffer
	text, structured := slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))
	for _, value := range values {
		check := func(how, output string) {
			if strings.Contains(output, canary) || strings.Contains(output, fmt.Sprint([]byte(canary))) {
				t.Errorf("%s of %T prints %s", how, value, output)
			}
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			check(verb, fmt.Sprintf(verb, value))
		}
		if output, err := json.Marshal(value); err == nil {
			check("JSON", string(output))
		}
		var encoded bytes.Buffer
		gob.NewEncoder(&encoded).Encode(value) // most have no such form
		check("gob", encoded.String())
		log.Reset()
		text.Info("value", "value", value)
		structured.Info("value", "value", value)
		check("slog", log.String())
	}
}
