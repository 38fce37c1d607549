package ber

// reader takes the headers of BER values apart.
type reader struct{ data []byte }

// tag takes the identifier octets (X.690 8.1.2).
func (r *reader) tag() ([]byte, error) {
	if len(r.data) == 0 {
		return nil, damaged("the file ends where a value should begin")
	}
	n := 1
	if r.data[0]&numberMask == numberMask {
		for n < len(r.data) && r.data[n]&0x80 != 0 {
			n++
		}
		n++
	}
	if n > 5 || n > len(r.data) {
		return nil, damaged("a tag is too long")
	}
	return r.take(n), nil
}

// length takes the length octets (X.690 8.1.3) and holds the length against
// what is left.
func (r *reader) length() (n int, indefinite bool, err error) {
	if len(r.data) == 0 {
		return 0, false, damaged("the file ends where a length should be")
	}
	first := r.take(1)[0]
	switch {
	case first == 0x80:
		return 0, true, nil
	case first < 0x80:
		n = int(first)
	default:
		count := int(first & 0x7f)
		if count > len(r.data) {
			return 0, false, damaged("the file ends within a length")
		}
		var long uint64
		for _, b := range r.take(count) {
			if long = long<<8 | uint64(b); long > uint64(len(r.data)) {
				return 0, false, damaged("a value of %d bytes or more where %d are left", long, len(r.data))
			}
		}
		n = int(long)
	}
	if n > len(r.data) {
		return 0, false, damaged("a value of %d bytes where %d are left", n, len(r.data))
	}
	return n, false, nil
}

// ends reports whether the content of a value is read: all of it, or where it
// has no length up to the octets that end it, which are taken.
func (r *reader) ends(indefinite bool) bool {
	if !indefinite {
		return len(r.data) == 0
	}
	marked := len(r.data) >= 2 && r.data[0] == 0 && r.data[1] == 0
	if marked {
		r.data = r.data[2:]
	}
	return marked
}

func (r *reader) take(n int) []byte {
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}
