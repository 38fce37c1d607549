package tokenprofile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// encode returns the JSON of a value, without the escapes that are for HTML.
func encode(value any) ([]byte, error) { return appendJSON(nil, value) }

func appendJSON(dst []byte, value any) ([]byte, error) { return appendValue(dst, value, 0) }

// appendValue writes what claims mostly are by itself, because that is five
// times as fast, and leaves the rest to encoding/json, which writes the same:
// other types, texts that need an escape, and values so deep that they may
// contain themselves.
func appendValue(dst []byte, value any, depth int) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendText(dst, v)
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		if whole := int64(v); float64(whole) == v && whole != 0 && -1e15 < v && v < 1e15 {
			return strconv.AppendInt(dst, whole, 10), nil
		}
	case []string:
		if v != nil {
			return appendArray(dst, v, appendText)
		}
	case []any:
		if v != nil && depth < strictjson.MaxDepth {
			return appendArray(dst, v, func(dst []byte, element any) ([]byte, error) { return appendValue(dst, element, depth+1) })
		}
	case map[string]any:
		if v != nil && depth < strictjson.MaxDepth {
			return appendObject(dst, v, depth)
		}
	}
	return appendReflected(dst, value)
}

func appendText(dst []byte, text string) ([]byte, error) {
	if !strictjson.IsPlain(text) {
		return appendReflected(dst, text)
	}
	return append(append(append(dst, '"'), text...), '"'), nil
}

func appendArray[E any](dst []byte, elements []E, appendElement func([]byte, E) ([]byte, error)) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, element := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendElement(dst, element); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// appendObject writes the members in the order of their names.
func appendObject(dst []byte, members map[string]any, depth int) (_ []byte, err error) {
	const usual = 16
	names := make([]string, 0, usual)
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendText(dst, name); err != nil {
			return nil, err
		}
		if dst, err = appendValue(append(dst, ':'), members[name], depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendReflected(dst []byte, value any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer e.release()
	if err := e.json.Encode(value); err != nil {
		return nil, encodeError(err)
	}
	text := bytes.TrimSuffix(e.text.Bytes(), []byte("\n"))
	if isMended(text) && !isUTF8(reflect.ValueOf(value), 0) {
		return nil, errNotUTF8
	}
	return append(dst, text...), nil
}

// encodeError says why a value has no JSON form from the error's type alone:
// texts of encoding/json, and of the methods it calls, may quote the value.
func encodeError(err error) error {
	wrongType, wrongValue, method := new(json.UnsupportedTypeError), new(json.UnsupportedValueError), new(json.MarshalerError)
	text := errNumber
	switch {
	case errors.As(err, &wrongType):
		text = fmt.Sprintf("the type %s has no JSON form", wrongType.Type)
	case errors.As(err, &wrongValue):
		text = "a number is not finite, or a value contains itself"
	case errors.As(err, &method) && pointedTo(method.Type) != reflect.TypeFor[json.Number]():
		text = fmt.Sprintf("the type %s did not write its JSON", pointedTo(method.Type))
	}
	return &veiled{text, err}
}

// errNumber is what is left where an error of encoding/json has no type.
const errNumber = "a json.Number is not a number, or the key of a map was not written"

// pointedTo returns the type without its pointer, which Go 1.27 adds to a type
// whose method failed.
func pointedTo(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// An encoder is kept for its buffer.
type encoder struct {
	text bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.json = json.NewEncoder(&e.text)
	e.json.SetEscapeHTML(false)
	return e
}}

func (e *encoder) release() {
	if e.text.Cap() <= maxKept {
		e.text.Reset()
		encoders.Put(e)
	}
}

var errNotObject = errors.New("not a JSON object: give a struct or a map")

// appendMembers appends the JSON of a struct or a map, without its braces. A
// nil one has no members.
func appendMembers(dst []byte, value any) ([]byte, error) {
	start := len(dst)
	dst, err := appendJSON(dst, value)
	if err != nil {
		return nil, err
	}
	data := dst[start:]
	if string(data) == "null" {
		return dst[:start], nil
	}
	if len(data) < 2 || data[0] != '{' {
		return nil, errNotObject
	}
	return append(dst[:start], data[1:len(data)-1]...), nil
}

// An object writes a JSON object member by member.
type object struct {
	data []byte
	err  error
}

func (o *object) member(name string, value any) {
	members, err := appendMembers(nil, map[string]any{name: value})
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("%q: %w", name, err)
	}
	o.members(members)
}

// members adds members that are encoded already.
func (o *object) members(members []byte) {
	if len(members) == 0 {
		return
	}
	if len(o.data) == 0 {
		o.data = append(o.data, '{')
	} else {
		o.data = append(o.data, ',')
	}
	o.data = append(o.data, members...)
}

// encoding/json silently writes U+FFFD for bytes that are not UTF-8. A claim
// that differs from what was given is worse than no token.
var errNotUTF8 = errors.New("a string is not UTF-8")

// isMended reports whether the JSON has U+FFFD, which encoding/json writes for
// bytes that are not UTF-8. The text may have had it before: see isUTF8.
func isMended(text []byte) bool {
	return bytes.Contains(text, []byte(`\ufffd`)) || bytes.Contains(text, []byte("\ufffd"))
}

// maxReflected is how deep isUTF8 looks, pointers and interfaces included. A
// deeper value is refused for its depth as JSON.
const maxReflected = 100

// isUTF8 reports whether every text that encoding/json writes of the value is
// UTF-8.
func isUTF8(v reflect.Value, depth int) bool {
	if !v.IsValid() || depth > maxReflected {
		return true
	}
	if text, ok := ownText(v); ok {
		return utf8.Valid(text)
	}
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return isUTF8(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if !isUTF8(v.Index(i), depth+1) {
				return false
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if !isUTF8(entries.Key(), depth+1) || !isUTF8(entries.Value(), depth+1) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if isWritten(v.Type().Field(i)) && !isUTF8(v.Field(i), depth+1) {
				return false
			}
		}
	}
	return true
}

// ownText returns what a type with a JSON or text form of its own writes.
func ownText(v reflect.Value) (text []byte, ok bool) {
	if v.CanAddr() {
		v = v.Addr()
	}
	if !v.CanInterface() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, false
	}
	var err error
	switch own := v.Interface().(type) {
	case json.Marshaler:
		text, err = own.MarshalJSON()
	case encoding.TextMarshaler:
		text, err = own.MarshalText()
	default:
		return nil, false
	}
	return text, err == nil
}

func isWritten(field reflect.StructField) bool {
	return tagOf(field) != "-" && (field.IsExported() || field.Anonymous)
}
