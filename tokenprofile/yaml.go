package tokenprofile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

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
