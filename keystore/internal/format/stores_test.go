package format_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// testdata is made by keystore/testdata/make.sh with keytool, OpenSSL and
// BouncyCastle.
const testdata = "../../testdata"

func TestStores(t *testing.T) {
	all := expectations(t, testdata)
	if len(all) < 60 {
		t.Errorf("%d stores are few", len(all))
	}
	for _, want := range all {
		t.Run(want.File, func(t *testing.T) { want.check(t, testdata) })
	}
}

// corpusExceptions are the stores in which we do not find what is expected,
// each with the error or the reason.
var corpusExceptions = map[string]string{
	"ece8a96d4bb5.p12": "read by BouncyCastle alone, which names a nameless key by its localKeyID; the JDK counts",
}

// corpusUnread are the stores no Java tool opens, and what we say to them.
var corpusUnread = map[string]error{
	"b4e368ad222b.p12":   format.ErrUnsupported, // a BLAKE2 MAC
	"d020c1c59624.p12":   nil,                   // AES-192 for certificates: OpenSSL opens it, and so do we
	"06ab8a54c070.p12":   format.ErrPassword,
	"4cd1f71162e0.p12":   format.ErrPassword,
	"26cc8ec1beac.jks":   format.ErrPassword,
	"2459ec3c9215.jks":   format.ErrPassword,
	"8e153a3b40b3.jks":   format.ErrPassword,
	"ec5fc59cbeca.jks":   format.ErrPassword,
	"92c9d826844a.jceks": format.ErrPassword,
}

func TestCorpus(t *testing.T) {
	dir := os.Getenv("TOKENPROFILE_CORPUS")
	if dir == "" {
		t.Skip("TOKENPROFILE_CORPUS names no directory")
	}
	for _, want := range expectations(t, dir) {
		t.Run(want.File, func(t *testing.T) {
			if reason := corpusExceptions[want.File]; reason != "" {
				t.Skip(reason)
			}
			if want.Entries != nil {
				want.check(t, dir)
				return
			}
			wrong := "no password anybody would take"
			if want.StorePass == nil {
				want.StorePass = &wrong
			}
			data, err := os.ReadFile(filepath.Join(dir, want.File))
			if err != nil {
				t.Fatal(err)
			}
			expected, listed := corpusUnread[want.File]
			if _, err = read(data, want.passwords()); !errors.Is(err, expected) || !listed && err == nil {
				t.Errorf("got %v, want %v", err, expected)
			}
		})
	}
}
