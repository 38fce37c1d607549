package format_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// TestFIPS runs the tests that open stores again with FIPS 140-3 on, where
// all still open, and enforced, where what it forbids is a clear error.
func TestFIPS(t *testing.T) {
	for mode, tests := range map[string]string{"on": "^TestStores$/^(openssl|pem|keytool-.*jks)", "only": "^TestFIPSOnly$"} {
		cmd := exec.Command(os.Args[0], "-test.run="+tests, "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, "TOKENPROFILE_FIPS="+mode)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("fips140=%s: %v\n%s", mode, err, out)
		}
	}
}

func TestFIPSOnly(t *testing.T) {
	if os.Getenv("TOKENPROFILE_FIPS") != "only" {
		t.Skip("run by TestFIPS")
	}
	open := 0
	for _, want := range expectations(t, testdata) {
		store, err := read(fixture(t, want.File), want.passwords())
		if err != nil {
			if !errors.Is(err, format.ErrUnsupported) {
				t.Errorf("%s: got %v, want %v", want.File, err, format.ErrUnsupported)
			}
			continue
		}
		for _, e := range store.Entries {
			switch {
			case e.Err == nil:
				open++
				format.ParsePKCS8(e.PKCS8) // Must not panic either.
			case !errors.Is(e.Err, format.ErrUnsupported):
				t.Errorf("%s: %q: got %v, want %v", want.File, e.Alias, e.Err, format.ErrUnsupported)
			}
		}
	}
	if open == 0 {
		t.Error("nothing opens, not even plain PEM")
	}
	if _, err := read(fixture(t, "keytool-ec.jks"), password("changeit")); err == nil || err.Error() != "unsupported algorithm: SHA-1 is not allowed in FIPS 140-only mode" {
		t.Errorf("JKS: got %v", err)
	}
}
