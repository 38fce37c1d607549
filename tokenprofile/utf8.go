package tokenprofile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"
)

// encoding/json writes U+FFFD for what is not UTF-8 in a text, and says
// nothing. A claim that is not what was given is worse than no token.
var errNotUTF8 = errors.New("a string is not UTF-8")

// isMended reports whether the JSON has U+FFFD, which a text that is not UTF-8
// becomes. The text may have had it before: see isUTF8.
func isMended(text []byte) bool {
	return bytes.Contains(text, []byte(`\ufffd`)) || bytes.Contains(text, []byte("\ufffd"))
}

// maxReflected is how deep isUTF8 looks, pointers and interfaces included. What
// lies deeper is refused for its depth as JSON.
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

// ownText is what a type with a JSON or text form of its own writes.
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
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name != "-" && (field.IsExported() || field.Anonymous)
}
