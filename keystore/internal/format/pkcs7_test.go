package format_test

import (
	"encoding/asn1"
	"errors"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

var oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}

// signedData is PKCS #7 that has certificates and signs nothing.
func signedData(certificates ...[]byte) []byte {
	var parts []any
	for _, der := range certificates {
		parts = append(parts, raw(der))
	}
	return marshal(seq(oidSignedData, tagged(seq(1, set(), seq(oidData), tagged(parts...), set()))))
}

func TestPKCS7(t *testing.T) {
	root := fixture(t, "certificate.der")
	der := signedData(root, root)
	ber := append(append([]byte{0x30, 0x80}, der[4:]...), 0, 0)
	for _, row := range []struct {
		name string
		data []byte
		want string
		err  error
	}{
		{"two certificates", der, "1 trusted, 2 trusted", nil},
		{"an indefinite length", ber, "1 trusted, 2 trusted", nil},
		{"PEM", []byte(block("PKCS7", der)), "1 trusted, 2 trusted", nil},
		{"PEM of CMS beside a key", []byte(block("CMS", der) + block("PRIVATE KEY", fixture(t, "key.der"))), "1 private, 2 trusted, 3 trusted", nil},
		{"no certificates", signedData(), "", nil},
		{"attribute certificates", signedData(marshal(constructed(asn1.ClassContextSpecific, 1, nil))), "", nil},
		{"a certificate that is none", signedData(marshal(seq())), "1 trusted!", nil},
		{"cut off", der[:len(der)-9], "", format.ErrDamaged},
		{"something else within", marshal(seq(oidSignedData, tagged(seq(1)))), "", format.ErrDamaged},
	} {
		store, err := read(row.data, format.Passwords{})
		if !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
		if err == nil && (len(store.Passed) == 0) != (row.want != "") {
			t.Errorf("%s: got %q passed over", row.name, store.Passed)
		}
		if err == nil && describe(store) != row.want && describe(store) != row.want+"*" {
			t.Errorf("%s: got %q, want %q", row.name, describe(store), row.want)
		}
	}
}
