package tokenprofile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// maxDocument is the size in bytes of the largest document that is read.
const maxDocument = 64 << 10

// A Document is a kind of document that people write, by the name that its
// [Fault]s begin with. It reads structs as [Parse] reads a [Profile], and is
// for documents that have profiles in them.
//
// A struct's json tags name its members, and none is known but those. Each
// stands once. Durations are texts such as "15m" ([time.ParseDuration]). null
// is no value. A struct with an UnmarshalText method can be a text as well as
// an object; a field with the tag document:"inline" has its members
// in the object around it. A document has at most 64 KiB and 256 members.
type Document string

// profiles are the documents of [Profile].
const profiles Document = "tokenprofile: profile"

// Load reads a file, as [Document.Parse] does.
func (d Document) Load(path string, into any) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	if err := d.Parse(data, into); err != nil {
		return fmt.Errorf("%s:\n%w", path, err)
	}
	return nil
}

// Parse reads JSON into the struct that into points to, and has it validated if
// it has a method Validate() error. All faults are reported at once: those of
// Validate too, but not what is missing only because it could not be read.
func (d Document) Parse(data []byte, into any) error {
	unread := decode(data, into)
	f := slices.Clone(unread)
	if v, ok := into.(interface{ Validate() error }); ok {
		for _, err := range split(v.Validate()) {
			var fault *Fault
			switch {
			case !errors.As(err, &fault):
				f.add("", "%v", err)
			case !unread.covers(fault.Path):
				f = append(f, fault)
			}
		}
	}
	return f.in(d)
}

// split returns the errors that were joined.
func split(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	}
	return []error{err}
}

// Decode reads JSON into the struct that into points to, and leaves its
// validation to whoever has the whole: for UnmarshalJSON methods.
func (d Document) Decode(data []byte, into any) error { return decode(data, into).in(d) }

// DecodeYAML decodes as [Document.Decode] does, for UnmarshalYAML methods,
// which all usual YAML libraries call with such a function. What it yields is
// read as JSON, so that no library is more generous than another. Whether a
// member that stands twice is an error is for the library to say.
func (d Document) DecodeYAML(unmarshal func(any) error, into any) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	value, err := (&yamlReader{left: maxDocument}).plain(value)
	if err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	return d.Decode(data, into)
}

// Encode writes a struct as it is read. Members that are zero are left out.
func (d Document) Encode(value any) ([]byte, error) {
	data, err := encodeStruct(reflect.Indirect(reflect.ValueOf(value)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d, err)
	}
	return data, nil
}

// EncodeYAML encodes as [Document.Encode] does, for MarshalYAML methods.
func (d Document) EncodeYAML(value any) (any, error) {
	data, err := d.Encode(value)
	if err != nil {
		return nil, err
	}
	return yamlOf(data)
}

// A yamlReader makes what JSON can say of what a YAML library has read.
type yamlReader struct {
	left int // how many bytes there may still be, for an alias takes none where it stands
}

// take counts what a value takes at least when it is written out.
func (r *yamlReader) take(bytes int) error {
	if r.left -= bytes; r.left < 0 {
		return fmt.Errorf("more than %d bytes", maxDocument)
	}
	return nil
}

func (r *yamlReader) plain(value any) (any, error) {
	if err := r.take(1); err != nil {
		return nil, err
	}
	switch value := value.(type) {
	case string:
		return value, r.take(len(value))
	case map[string]any:
		for name, member := range value {
			plain, err := r.plain(member)
			if err != nil {
				return nil, err
			}
			value[name] = plain
		}
	case map[any]any:
		return r.object(value)
	case []any:
		for i, element := range value {
			plain, err := r.plain(element)
			if err != nil {
				return nil, err
			}
			value[i] = plain
		}
	case time.Time:
		return nil, errors.New("a date, which stands for several texts: put it in quotes")
	}
	return value, nil
}

// object returns a mapping whose keys could have been anything.
func (r *yamlReader) object(value map[any]any) (any, error) {
	object := make(map[string]any, len(value))
	for name, member := range value {
		text, ok := name.(string)
		if !ok {
			return nil, fmt.Errorf("%v is not a name: put it in quotes", name)
		}
		plain, err := r.plain(member)
		if err != nil {
			return nil, err
		}
		object[text] = plain
	}
	return object, nil
}

// yamlOf returns JSON as values that a YAML library writes unchanged.
func yamlOf(document []byte) (any, error) {
	var value any
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	return withNumbers(value), nil
}

// withNumbers makes numbers of texts that are numbers.
func withNumbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = withNumbers(member)
		}
	case []any:
		for i, element := range value {
			value[i] = withNumbers(element)
		}
	case json.Number:
		if n, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseUint(value.String(), 10, 64); err == nil {
			return n
		}
		if n, err := value.Float64(); err == nil {
			return n
		}
	}
	return value
}
