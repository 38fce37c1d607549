package ber_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

func TestToDER(t *testing.T) {
	for _, row := range []struct{ name, in, der, rest string }{
		{"DER stays as it is", "3003020105", "3003020105", ""},
		{"what follows is left", "0201050000", "020105", "0000"},
		{"an indefinite length", "30800201050000", "3003020105", ""},
		{"indefinite lengths within each other", "3080a08002010500000000", "3005a003020105", ""},
		{"a length with leading zeros", "30840000000402810105", "3003020105", ""},
		{"a string in pieces", "240804020102040203ff", "0404010203ff", ""},
		{"a string in pieces of indefinite length", "24800402010204010300000500", "0403010203", "0500"},
		{"pieces within pieces", "24802480040101000004010200000500", "04020102", "0500"},
		{"a text in pieces", "338013014113014200000500", "13024142", "0500"},
		{"a string without pieces", "24800000", "0400", ""},
		{"an implicit string stays constructed", "a0800401010000", "a003040101", ""},
		{"an implicit one with the number of a string too", "a4800401410000", "a403040141", ""},
		{"a tag of five bytes", "9f8181810100", "9f8181810100", ""},
		{"a length of zero in two bytes", "308100", "3000", ""},
		{"a tag of several bytes", "bf81018005000000", "bf8101020500", ""},
	} {
		in, err := hex.DecodeString(row.in)
		if err != nil {
			t.Fatal(err)
		}
		der, rest, err := ber.ToDER(in)
		if err != nil || hex.EncodeToString(der) != row.der || hex.EncodeToString(rest) != row.rest {
			t.Errorf("%s: got %x, rest %x, %v; want %s, rest %s", row.name, der, rest, err, row.der, row.rest)
		}
	}
}

// What is DER already costs no memory.
func TestDERIsNotCopied(t *testing.T) {
	in := []byte{0x30, 3, 2, 1, 5}
	if der, _, err := ber.ToDER(in); err != nil || &der[0] != &in[0] {
		t.Errorf("got %x, %v, want the memory of the input", der, err)
	}
}

func TestLimits(t *testing.T) {
	nested := func(levels int) []byte {
		return append(bytes.Repeat([]byte{0x30, 0x80}, levels), bytes.Repeat([]byte{0, 0}, levels)...)
	}
	values := func(count int) []byte { // in one more
		size := 2 * count
		return append([]byte{0x30, 0x83, byte(size >> 16), byte(size >> 8), byte(size)}, bytes.Repeat([]byte{5, 0}, count)...)
	}
	for name, test := range map[string]struct {
		in   []byte
		want error
	}{
		"33 levels":          {nested(33), nil},
		"34 levels":          {nested(34), format.ErrLimit},
		"1,000,000 values":   {values(999_999), nil},
		"one more than that": {values(1_000_000), format.ErrLimit},
	} {
		if _, _, err := ber.ToDER(test.in); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

func TestIsSequence(t *testing.T) {
	for in, want := range map[string]bool{"3000": true, "30800000": true, "": false, "0400": false, "300005": false, "3001": false} {
		data, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := ber.IsSequence(data); got != want {
			t.Errorf("%s: got %t, want %t", in, got, want)
		}
	}
}

func TestLongLengths(t *testing.T) {
	for _, size := range []int{0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000} {
		in := append([]byte{0x24, 0x80, 0x04, 0x84, 0, byte(size >> 16), byte(size >> 8), byte(size)}, make([]byte, size)...)
		der, _, err := ber.ToDER(append(in, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		var content []byte
		if err := ber.Unmarshal(der, &content); err != nil || len(content) != size {
			t.Errorf("%d bytes: got %d, %v", size, len(content), err)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, row := range []struct {
		name string
		in   []byte
		err  error
	}{
		{"nothing", nil, format.ErrDamaged},
		{"no length", []byte{0x30}, format.ErrDamaged},
		{"less than the length", []byte{0x30, 3, 2, 1}, format.ErrDamaged},
		{"a length cut off", []byte{0x30, 0x84, 0, 0}, format.ErrDamaged},
		{"no end of contents", []byte{0x30, 0x80, 2, 1, 5}, format.ErrDamaged},
		{"a primitive value without length", []byte{0x04, 0x80, 0, 0}, format.ErrDamaged},
		{"a tag of six bytes", []byte{0x9f, 0x81, 0x81, 0x81, 0x81, 1, 0}, format.ErrDamaged},
		{"a tag without end", bytes.Repeat([]byte{0x9f}, 9), format.ErrDamaged},
	} {
		if _, _, err := ber.ToDER(row.in); !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
	}
}

// FuzzToDER: what comes out is DER already, and as long as what went in.
func FuzzToDER(f *testing.F) {
	for _, seed := range []string{"30800201050000", "24802480040101000004010200000500", "30840000000402810105", "bf81018005000000"} {
		data, _ := hex.DecodeString(seed)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		der, _, err := ber.ToDER(data)
		if err != nil {
			return
		}
		again, rest, err := ber.ToDER(der)
		if err != nil || len(rest) > 0 || !bytes.Equal(again, der) {
			t.Errorf("%x became %x, then %x, %v", data, der, again, err)
		}
		if len(der) > len(data)+32*8 {
			t.Errorf("%d bytes became %d", len(data), len(der))
		}
	})
}
