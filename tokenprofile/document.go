package tokenprofile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// maxDocument is the size in bytes of the largest profile that is read.
const maxDocument = 64 << 10

// Load reads a profile from a JSON file, as [Parse] does.
func Load(path string) (Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return Profile{}, fmt.Errorf("tokenprofile: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return Profile{}, fmt.Errorf("tokenprofile: %w", err)
	}
	p, err := Parse(data)
	if err != nil {
		return Profile{}, fmt.Errorf("%s:\n%w", path, err)
	}
	return p, nil
}

// Parse reads a profile from JSON: an object with the names of the fields'
// tags. Durations are texts such as "15m" ([time.ParseDuration]), the audience
// a string or an array, integers in claims stay exact. An unknown or repeated
// name is an error. All faults are reported at once, those of
// [Profile.Validate] among them, each with its path in the document.
func Parse(data []byte) (Profile, error) {
	var p Profile
	faults := decodeProfile(&p, data)
	for _, err := range faultsOf(&p) {
		if !covered(faults, err) {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return Profile{}, errors.Join(faults...)
	}
	return p, nil
}

// covered reports whether the field is reported as unreadable already: then it
// need not be reported as missing, too.
func covered(faults []error, err error) bool {
	missing := new(fault)
	if !errors.As(err, &missing) {
		return false
	}
	for _, err := range faults {
		if f := new(fault); errors.As(err, &f) && (f.path == missing.path || f.path == "") {
			return true
		}
	}
	return false
}

// decodeProfile reads a document into p.
func decodeProfile(p *Profile, data []byte) faults {
	var f faults
	if len(data) > maxDocument {
		f.add("", "more than %d bytes", maxDocument)
		return f
	}
	decodeStruct(&f, "", data, reflect.ValueOf(p).Elem())
	return f
}

// decodeStruct reads an object into a struct by the names of its tags.
func decodeStruct(f *faults, path string, data []byte, target reflect.Value) {
	var s strictjson.Scanner
	s.Reset(data)
	for s.Next() {
		name := string(s.Name())
		field, ok := fieldByTag(target, name)
		if !ok {
			f.add(path+name, "there is no such field")
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
	switch target := field.Addr().Interface().(type) {
	case *time.Duration:
		decodeDuration(f, path, value, target)
	case *Header, *Encryption, *Waive:
		decodeStruct(f, path+".", value, field)
	case *[]string:
		if text, ok := value.Text(); ok && path == "audience" {
			*target = []string{string(text)}
			return
		}
		decodeValue(f, path, value, target)
	default:
		decodeValue(f, path, value, target)
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

func decodeValue(f *faults, path string, value strictjson.Value, target any) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if string(value) == "null" || d.Decode(target) != nil {
		f.add(path, "is not %s", kindName(reflect.TypeOf(target).Elem()))
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
	}
	return "an object"
}

// fieldByTag finds a field by exactly the name in its json tag.
func fieldByTag(target reflect.Value, name string) (reflect.Value, bool) {
	for i := range target.NumField() {
		if tag := tagOf(target.Type().Field(i)); tag == name && tag != "-" {
			return target.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func tagOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func encodeStruct(value reflect.Value) ([]byte, error) {
	var o object
	for i := range value.NumField() {
		name, field := tagOf(value.Type().Field(i)), value.Field(i)
		if name == "-" || field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0 {
			continue
		}
		encoded, err := encodeField(name, reflect.Indirect(field))
		if err != nil {
			return nil, err
		}
		o.member(name, encoded)
	}
	if o.data == nil {
		return []byte("{}"), nil
	}
	return append(o.data, '}'), o.err
}

func encodeField(name string, field reflect.Value) (any, error) {
	switch value := field.Interface().(type) {
	case time.Duration:
		return formatDuration(value), nil
	case Header, Encryption, Waive:
		data, err := encodeStruct(field)
		return json.RawMessage(data), err
	case []string:
		if name == "audience" && len(value) == 1 {
			return value[0], nil
		}
		return value, nil
	default:
		return value, nil
	}
}
