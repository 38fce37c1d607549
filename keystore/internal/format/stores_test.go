package format_test

import (
	"os"
	"slices"
	"testing"
)

// testdata is made by keystore/testdata/make.sh with keytool, OpenSSL and
// BouncyCastle.
const testdata = "../../testdata"

// What a store holds is compared in package keystore, where its users see it.
// Here are only those with keys whose encoding cannot be compared there.
func TestKeysAreAsOtherToolsEncodeThem(t *testing.T) {
	for _, dir := range []string{testdata, os.Getenv("TOKENPROFILE_CORPUS")} {
		if dir == "" {
			t.Log("TOKENPROFILE_CORPUS names no directory")
			continue
		}
		compared := 0
		for _, want := range expectations(t, dir) {
			if want.hasKeyOtherThanRSA() && !slices.Contains(namedOtherwise, want.File) {
				compared++
				t.Run(want.File, func(t *testing.T) { want.check(t, dir) })
			}
		}
		if compared < 30 {
			t.Errorf("%s: %d stores are few", dir, compared)
		}
	}
}

// namedOtherwise were read by BouncyCastle alone, which names a nameless key by
// its localKeyID; the JDK counts.
var namedOtherwise = []string{"ece8a96d4bb5.p12"}

func (want expectation) hasKeyOtherThanRSA() bool {
	return slices.ContainsFunc(want.Entries, func(e expectedEntry) bool { return e.Kind == "private" && e.Alg != "RSA" })
}
