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
	document, err := forStruct(t.Claims, target)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(target); err != nil {
		return decodeError(err)
	}
	return nil
}

// decodeError leaves the value out, which encoding/json and the UnmarshalJSON
// methods of others put into their texts.
func decodeError(err error) error {
	wrong, mistake, date := new(json.UnmarshalTypeError), new(json.InvalidUnmarshalError), new(dateError)
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("tokenprofile: claim %q does not fit the type %s", wrong.Field, wrong.Type)
	case errors.As(err, &mistake):
		return fmt.Errorf("tokenprofile: the claims cannot be decoded: %w", mistake)
	case errors.As(err, date):
		return fmt.Errorf("tokenprofile: the claims cannot be decoded: a date %w", date)
	}
	return &undecodable{err}
}

// An undecodable error keeps its cause for [errors.As] alone: the text of the
// cause may have a claim's value in it.
type undecodable struct{ cause error }

func (e *undecodable) Error() string {
	return fmt.Sprintf("tokenprofile: the claims cannot be decoded: %T", e.cause)
}

func (e *undecodable) Unwrap() error { return e.cause }

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
