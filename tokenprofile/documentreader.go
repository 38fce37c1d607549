package tokenprofile

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// decode reads a document into the struct that into points to.
func decode(data []byte, into any) faults {
	var f faults
	if len(data) > maxDocument {
		f.add("", "more than %d bytes", maxDocument)
		return f
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // RFC 8259 section 8.1: some editors write one
	decodeStruct(&f, "", data, reflect.ValueOf(into).Elem())
	return f
}

// decodeStruct reads an object into a struct by the names of its tags.
func decodeStruct(f *faults, path string, data []byte, target reflect.Value) {
	var s strictjson.Scanner
	s.Reset(data)
	for s.Next() {
		name := string(s.Name())
		field, tag, ok := fieldByTag(target, name)
		if !ok {
			f.add(path+cmp.Or(name, `""`), "there is no such field")
			continue
		}
		if text, ok := s.Value().Text(); ok && tag == singly {
			field.Set(reflect.ValueOf([]string{string(text)}))
			continue
		}
		decodeField(f, path+name, s.Value(), field)
	}
	if err := s.Err(); err != nil {
		f.add(strings.TrimSuffix(path, "."), "%v", err)
	}
}

func decodeField(f *faults, path string, value strictjson.Value, field reflect.Value) {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	text, isText := value.Text()
	switch target := field.Addr().Interface().(type) {
	case *time.Duration:
		decodeDuration(f, path, value, target)
		return
	case encoding.TextUnmarshaler:
		if isText {
			if err := target.UnmarshalText(text); err != nil {
				f.add(path, "%v", err)
			}
			return
		}
	}
	switch {
	case field.Kind() == reflect.Struct:
		decodeStruct(f, path+".", value, field)
	case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
		decodeList(f, path, value, field)
	default:
		decodeValue(f, path, value, field)
	}
}

// decodeList reads an array of objects.
func decodeList(f *faults, path string, value strictjson.Value, field reflect.Value) {
	if !value.IsArray() {
		f.add(path, "is not an array of objects")
		return
	}
	for element := range value.Elements() {
		next := reflect.New(field.Type().Elem()).Elem()
		decodeField(f, fmt.Sprintf("%s[%d]", path, field.Len()), element, next)
		field.Set(reflect.Append(field, next))
	}
}

func decodeDuration(f *faults, path string, value strictjson.Value, target *time.Duration) {
	text, ok := value.Text()
	if !ok {
		f.add(path, `is not a duration in a string, such as "15m"`)
		return
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		f.add(path, `%q is not a duration such as "15m"`, text)
	}
	*target = d
}

func decodeValue(f *faults, path string, value strictjson.Value, field reflect.Value) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if string(value) == "null" || d.Decode(field.Addr().Interface()) != nil {
		f.add(path, "is not %s", kindName(field.Type()))
	}
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "an array of strings"
	case reflect.Map:
		if t.Elem().Kind() == reflect.String {
			return "an object of strings"
		}
	}
	return "an object"
}

// What the document tag of a field may say.
const (
	inline = "inline" // its members stand in the object around it
	singly = "singly" // one text can stand for the list of it
)

// fieldByTag finds a field by exactly the name in its json tag, also in structs
// that are inline. The tag returned is the one above.
func fieldByTag(target reflect.Value, name string) (field reflect.Value, tag string, ok bool) {
	for i := range target.NumField() {
		field := target.Type().Field(i)
		tag := field.Tag.Get("document")
		if tag == inline {
			if found, tag, ok := fieldByTag(target.Field(i), name); ok {
				return found, tag, true
			}
		}
		if named := tagOf(field); named == name && named != "-" && named != "" {
			return target.Field(i), tag, true
		}
	}
	return reflect.Value{}, "", false
}

func tagOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}
