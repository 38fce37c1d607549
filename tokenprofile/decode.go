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

// Decode stores the claims in the value that target points to, as
// [json.Unmarshal] does, with three differences. A number that goes to an any
// becomes a [json.Number], so that integers stay exact. An aud that is a string
// also fits a slice of strings. A claim whose name differs only in case from
// the name in a field's tag is an error. A field without a tag takes the claim
// of its name in any case, if there is only one. Dates go to a [NumericDate].
func (t *Token) Decode(target any) error {
	if t == nil || len(t.Claims) == 0 {
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

// decodeNumbers decodes as [json.Unmarshal] does, but keeps numbers exact.
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

// faultyClaim returns the first claim that alone cannot be decoded, or "".
// (What encoding/json names may be a path with keys of the token's own.)
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

// A field is a field of a struct that a claim can go to.
type field struct {
	claim  string // the name of the claim
	tagged bool   // by the field's tag, and not by its own name
	slice  bool
	taken  bool // set by a claim
}

type fields []field

// fieldsOf returns the fields that claims can go to. It returns nil for a value
// that is not a pointer to a struct, or that decodes itself.
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

// find returns the field for a claim: the one of exactly its name, else one
// whose name differs in case.
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
