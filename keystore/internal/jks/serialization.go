package jks

import (
	"bytes"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// What one serialized object may hold. A sealed key has about ten handles
// and nests four deep.
const (
	maxHandles = 200
	maxNesting = 16
	maxFields  = 64 // of a class
)

var streamHeader = []byte{0xac, 0xed, 0, 5}

// The elements of the stream (Java Object Serialization Specification,
// section 6.4.2) that the classes of interest need.
const (
	tcNull         = 0x70
	tcReference    = 0x71
	tcClass        = 0x72
	tcObject       = 0x73
	tcString       = 0x74
	tcArray        = 0x75
	tcBlock        = 0x77
	tcEndBlock     = 0x78
	tcLongBlock    = 0x7a
	tcEnum         = 0x7e
	baseHandle     = 0x7e0000
	flagWriteData  = 0x01
	flagSerialized = 0x02
)

// object is a deserialized object: data, never code. Its fields are strings,
// byte arrays and objects; those of other types are skipped.
type object struct {
	class  *class
	fields map[string]any
}

type class struct {
	name   string
	flags  uint8
	fields []field
	super  *class
}

type field struct {
	name string
	kind uint8
}

func (o *object) bytes(name string) []byte  { b, _ := o.fields[name].([]byte); return b }
func (o *object) string(name string) string { s, _ := o.fields[name].(string); return s }

// extends reports whether the object's class is name or a subclass of it.
func (o *object) extends(name string) bool {
	for c := o.class; c != nil; c = c.super {
		if c.name == name {
			return true
		}
	}
	return false
}

// readObject reads a stream of one object, which its own grammar ends. It
// understands only the elements that keys consist of.
func readObject(r *reader) *object {
	d := &deserializer{reader: r}
	if !bytes.Equal(r.take(4), streamHeader) {
		r.fail(format.ErrDamaged, "a secret key is not a serialized object")
	}
	o, ok := d.value().(*object)
	if r.err == nil && !ok {
		r.fail(format.ErrUnsupported, "a secret key is a serialized value of another kind")
	}
	if r.err != nil {
		return nil
	}
	return o
}

type deserializer struct {
	*reader
	handles []any
	depth   int
}

func (d *deserializer) assign(v any) {
	if len(d.handles) == maxHandles {
		d.fail(format.ErrLimit, "a serialized object of more than %d parts", maxHandles)
	}
	d.handles = append(d.handles, v)
}

// value reads one element: nil, string, []byte, *class or *object.
func (d *deserializer) value() any {
	if d.depth++; d.depth > maxNesting {
		d.fail(format.ErrLimit, "a serialized object nested deeper than %d", maxNesting)
	}
	defer func() { d.depth-- }()
	switch tag := d.uint8(); {
	case d.err != nil || tag == tcNull:
		return nil
	case tag == tcReference:
		return d.reference()
	case tag == tcClass:
		return d.classDescription()
	case tag == tcString:
		at := len(d.handles)
		d.assign(nil)
		if d.err == nil {
			d.handles[at] = d.utf()
			return d.handles[at]
		}
	case tag == tcArray:
		return d.array()
	case tag == tcObject:
		return d.object()
	case tag == tcEnum:
		d.class()
		d.assign(nil)
		return d.value()
	default:
		d.fail(format.ErrUnsupported, "serialized element %#x", tag)
	}
	return nil
}

func (d *deserializer) reference() any {
	handle := d.uint32()
	if handle < baseHandle || uint64(handle-baseHandle) >= uint64(len(d.handles)) {
		d.fail(format.ErrDamaged, "a serialized object refers to nothing")
		return nil
	}
	return d.handles[handle-baseHandle]
}

// class reads an element that must describe a class or be null.
func (d *deserializer) class() *class {
	v := d.value()
	c, ok := v.(*class)
	if v != nil && !ok {
		d.fail(format.ErrDamaged, "a serialized object has no class")
	}
	return c
}

func (d *deserializer) classDescription() any {
	c := &class{name: d.utf()}
	d.uint64() // serialVersionUID
	d.assign(c)
	c.flags = d.uint8()
	count := d.uint16()
	if count > maxFields {
		d.fail(format.ErrLimit, "a serialized class of %d fields", count)
	}
	for range count {
		f := field{kind: d.uint8(), name: d.utf()}
		if f.kind == 'L' || f.kind == '[' {
			d.value() // the field's type
		}
		if d.err != nil {
			return nil
		}
		c.fields = append(c.fields, f)
	}
	d.annotation()
	c.super = d.class()
	depth := 0
	for s := c.super; s != nil; s = s.super {
		if depth++; depth > maxNesting {
			d.fail(format.ErrDamaged, "a serialized class extends itself")
			return nil
		}
	}
	return c
}

// annotation skips what a class wrote in its own way, up to its end.
func (d *deserializer) annotation() {
	for d.err == nil && len(d.data) > 0 {
		switch d.data[0] {
		case tcEndBlock:
			d.take(1)
			return
		case tcBlock:
			d.take(1)
			d.take(uint32(d.uint8()))
		case tcLongBlock:
			d.take(1)
			d.take(d.uint32())
		default:
			d.value()
		}
	}
	d.fail(format.ErrDamaged, "a serialized object has no end")
}

func (d *deserializer) array() any {
	c := d.class()
	at := len(d.handles)
	d.assign(nil)
	if d.err != nil || c == nil || c.name != "[B" {
		d.fail(format.ErrUnsupported, "a serialized array not of bytes")
		return nil
	}
	array := d.reader.bytes()
	d.handles[at] = array
	return array
}

func (d *deserializer) object() any {
	o := &object{class: d.class(), fields: map[string]any{}}
	d.assign(o)
	if d.err == nil && o.class == nil {
		d.fail(format.ErrDamaged, "a serialized object has no class")
	}
	var line []*class // the superclass's data comes first
	for c := o.class; c != nil && d.err == nil; c = c.super {
		line = append([]*class{c}, line...)
	}
	for _, c := range line {
		if c.flags&flagSerialized == 0 {
			d.fail(format.ErrUnsupported, "an object of class %.80s writes itself", c.name)
		}
		for _, f := range c.fields {
			d.field(o, f)
		}
		if c.flags&flagWriteData != 0 {
			d.annotation()
		}
	}
	return o
}

func (d *deserializer) field(o *object, f field) {
	switch f.kind {
	case 'B', 'Z':
		d.take(1)
	case 'C', 'S':
		d.take(2)
	case 'I', 'F':
		d.take(4)
	case 'J', 'D':
		d.take(8)
	case 'L', '[':
		o.fields[f.name] = d.value()
	default:
		d.fail(format.ErrDamaged, "a serialized field of type %q", f.kind)
	}
}
