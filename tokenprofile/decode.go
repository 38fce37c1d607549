package tokenprofile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// Decode maps the claims to the value that target points to, as
// [json.Unmarshal] does, with three differences: numbers that go to an any
// become a [json.Number], so that integers stay exact; an aud that is a string
// goes into a slice of strings too; and a claim whose name differs in case
// from the one a field's tag names is an error instead of its value. A field
// without a tag takes the claim of its name whatever the case, if there is only
// one. Dates go to a [NumericDate].
func (t *Token) Decode(target any) error {
	if t == nil {
		return errors.New("tokenprofile: there is no token to decode")
	}
	document, err := forStruct(t.Claims, target)
	if err != nil {
		return err
	}
	if err := decodeNumbers(document, target); err != nil {
		return decodeError(err, faultyClaim(document, target))
	}
	return nil
}

// decodeNumbers is [json.Unmarshal] that keeps numbers exact.
func decodeNumbers(document []byte, target any) error {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	return d.Decode(target)
}

// decodeError names the claim and says what is wrong from the error's type
// alone: texts of encoding/json, and of the UnmarshalJSON methods of others,
// may quote the value.
func decodeError(err error, claim string) error {
	subject := "the claims"
	if claim != "" {
		subject = fmt.Sprintf("claim %q", claim)
	}
	wrong, mistake, date := new(json.UnmarshalTypeError), new(json.InvalidUnmarshalError), new(dateError)
	text := fmt.Sprintf("%s cannot be decoded: %T", subject, err)
	switch {
	case errors.As(err, &wrong):
		text = fmt.Sprintf("%s does not fit the type %s", subject, wrong.Type)
	case errors.As(err, &mistake):
		text = fmt.Sprintf("%s cannot be decoded: %v", subject, mistake)
	case errors.As(err, date):
		text = fmt.Sprintf("%s cannot be decoded: the date %v", subject, *date)
	}
	return &veiled{"tokenprofile: " + text, err}
}

// faultyClaim is the first claim that alone cannot be decoded, or "". (What
// encoding/json names may be a path with keys of the token's own.)
func faultyClaim(document []byte, target any) string {
	t := reflect.TypeOf(target)
	if t == nil || t.Kind() != reflect.Pointer {
		return ""
	}
	var s strictjson.Scanner
	for s.Reset(document); s.Next(); {
		var alone object
		alone.member(string(s.Name()), json.RawMessage(s.Value()))
		if decodeNumbers(append(alone.data, '}'), reflect.New(t.Elem()).Interface()) != nil {
			return string(s.Name())
		}
	}
	return ""
}

// forStruct prepares the claims for a struct; other targets get them as they are.
func forStruct(document []byte, target any) ([]byte, error) {
	fields := fieldsOf(target)
	if fields == nil {
		return document, nil
	}
	var o object
	var s strictjson.Scanner
	s.Reset(document)
	for s.Next() {
		name, value := string(s.Name()), s.Value()
		f := fields.find(name)
		if f != nil {
			if f.taken || f.tagged && f.claim != name {
				return nil, refuse(ErrMalformed, "a claim differs from a field of the target only in case")
			}
			f.taken = true
		}
		if f != nil && f.slice && strings.EqualFold(name, "aud") && !value.IsArray() {
			o.member(name, []json.RawMessage{json.RawMessage(value)})
			continue
		}
		o.member(name, json.RawMessage(value))
	}
	if len(o.data) == 0 {
		return document, nil
	}
	return append(o.data, '}'), o.err
}

// A field is one of a struct that a claim can go to.
type field struct {
	claim  string // the name of the claim
	tagged bool   // by the field's tag, and not by its own name
	slice  bool
	taken  bool // a claim went there
}

type fields []field

// fieldsOf is nil for what is no pointer to a struct, or decodes itself.
func fieldsOf(target any) fields {
	t := reflect.TypeOf(target)
	if _, ok := target.(json.Unmarshaler); ok || t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	var all fields
	for _, f := range reflect.VisibleFields(t.Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || f.Anonymous && name == "" || !f.IsExported() {
			continue // no claim goes there, or only to the fields of what is embedded
		}
		all = append(all, field{claim: cmp.Or(name, f.Name), tagged: name != "", slice: f.Type.Kind() == reflect.Slice})
	}
	return all
}

// find is the field for a claim: the one of exactly its name, else one whose
// name differs in case.
func (fs fields) find(claim string) *field {
	var twin *field
	for i := range fs {
		switch f := &fs[i]; {
		case f.claim == claim:
			return f
		case twin == nil && strings.EqualFold(f.claim, claim):
			twin = f
		}
	}
	return twin
}
