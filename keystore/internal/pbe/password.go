package pbe

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// UTF16 returns a UTF-8 password as Java hashes it: UTF-16BE, without a
// terminator.
func UTF16(password []byte) []byte {
	units := utf16.Encode([]rune(string(password)))
	out := make([]byte, 0, 2*len(units)+2) // Room for the terminator of BMP.
	for _, unit := range units {
		out = binary.BigEndian.AppendUint16(out, unit)
	}
	clear(units)
	return out
}

// BMP returns the forms of a password for the key derivation of PKCS #12:
// UTF-16 with a terminator (RFC 7292 appendix B.1), the empty password also
// without one; and with each UTF-8 byte widened, as OpenSSL up to 1.0.2 did.
func BMP(password []byte) [][]byte {
	forms := [][]byte{append(UTF16(password), 0, 0)}
	if len(password) == 0 {
		return append(forms, nil)
	}
	if !isASCII(password) {
		widened := make([]byte, 0, 2*len(password)+2)
		for _, b := range password {
			widened = append(widened, 0, b)
		}
		forms = append(forms, append(widened, 0, 0))
	}
	return forms
}

// plain returns the forms of a password where the scheme takes bytes: UTF-8
// (RFC 8018 section 3); one byte for each character, as JavaScript tools have
// it; and UTF-16 with a terminator, as NSS had it in PKCS #12.
func plain(password []byte) [][]byte {
	forms := [][]byte{bytes.Clone(password)}
	if isASCII(password) {
		return forms
	}
	wide := UTF16(password)
	if latin, ok := narrow(wide); ok {
		forms = append(forms, latin)
	}
	return append(forms, append(wide, 0, 0))
}

// narrow returns UTF-16 with one byte for each unit, if they all fit.
func narrow(wide []byte) (form []byte, ok bool) {
	form, ok = make([]byte, 0, len(wide)/2), true
	for unit := range slices.Chunk(wide, 2) {
		ok = ok && unit[0] == 0
		form = append(form, unit[1])
	}
	return form, ok
}

func isASCII(password []byte) bool {
	for _, b := range password {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
