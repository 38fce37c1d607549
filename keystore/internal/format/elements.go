package format

import (
	"encoding/asn1"
	"fmt"
	"iter"
)

// Elements yields the values of a SEQUENCE or SET one after the other, given
// its content in DER, and ends with an error where one cannot be read. Nothing
// is built of those nobody looks at: empty values take two bytes in a file and
// forty times that in a slice.
func Elements(content []byte) iter.Seq2[asn1.RawValue, error] {
	return func(yield func(asn1.RawValue, error) bool) {
		var v asn1.RawValue
		for len(content) > 0 {
			rest, err := asn1.Unmarshal(content, &v)
			if !yield(v, err) || err != nil {
				return
			}
			content = rest
		}
	}
}

// Few are the elements of the SEQUENCE der, of which there may be most.
func Few(der []byte, most int) ([]asn1.RawValue, error) {
	var sequence asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &sequence); err != nil || len(rest) > 0 || !isSequence(sequence) {
		return nil, fmt.Errorf("%w: a value that is no SEQUENCE", ErrDamaged)
	}
	var all []asn1.RawValue
	for element, err := range Elements(sequence.Bytes) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		case len(all) == most:
			return nil, fmt.Errorf("%w: more than %d elements", ErrLimit, most)
		}
		all = append(all, element)
	}
	return all, nil
}

func isSequence(v asn1.RawValue) bool {
	return v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence && v.IsCompound
}

func isTagged(v asn1.RawValue, tag int) bool {
	return v.Class == asn1.ClassContextSpecific && v.Tag == tag
}
