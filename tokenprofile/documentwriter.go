package tokenprofile

import (
	"encoding/json"
	"reflect"
	"time"
)

func encodeStruct(value reflect.Value) ([]byte, error) {
	var o object
	if err := encodeFields(&o, value); err != nil {
		return nil, err
	}
	switch {
	case o.err != nil:
		return nil, o.err
	case o.data == nil:
		return []byte("{}"), nil
	}
	return append(o.data, '}'), nil
}

func encodeFields(o *object, value reflect.Value) error {
	for i := range value.NumField() {
		field, tag := value.Field(i), value.Type().Field(i)
		name, form := tagOf(tag), tag.Tag.Get("document")
		if form == inline {
			if err := encodeFields(o, field); err != nil {
				return err
			}
			continue
		}
		if name == "-" || name == "" || field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0 {
			continue
		}
		encoded, err := encodeField(reflect.Indirect(field), form)
		if err != nil {
			return err
		}
		o.member(name, encoded)
	}
	return nil
}

func encodeField(field reflect.Value, form string) (any, error) {
	switch value := field.Interface().(type) {
	case time.Duration:
		return formatDuration(value), nil
	case json.Marshaler:
		data, err := value.MarshalJSON()
		return json.RawMessage(data), err
	case []string:
		if form == singly && len(value) == 1 {
			return value[0], nil
		}
	}
	switch {
	case field.Kind() == reflect.Struct:
		data, err := encodeStruct(field)
		return json.RawMessage(data), err
	case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
		var list []any
		for i := range field.Len() {
			element, err := encodeField(field.Index(i), "")
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		return list, nil
	}
	return field.Interface(), nil
}
