package keystore_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Under GODEBUG=fips140=only much of what keystores are made of is forbidden,
// and crypto panics where nobody looks first. So a process of its own opens,
// writes and asks everything.
func TestFIPSOnlyNeverPanics(t *testing.T) {
	if os.Getenv("KEYSTORE_FIPS_CHILD") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "KEYSTORE_FIPS_CHILD=1", "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	forbidden := 0
	for _, path := range must(filepath.Glob("testdata/*.*")) {
		store, err := keystore.Open(path, keystore.StaticPassword(changeit))
		if err != nil {
			if strings.Contains(err.Error(), "FIPS 140-only") {
				forbidden++
			}
			continue
		}
		for _, e := range store.Entries() {
			e.PublicKey.X5T()
		}
		store.TLSCertificate("")
	}
	if forbidden == 0 {
		t.Error("no store says that FIPS 140 forbids it")
	}
	key, err := keystore.Generate("ES256", "CN=a", time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	err = keystore.WriteFile(filepath.Join(t.TempDir(), "a.p12"), keystore.StaticPassword(changeit), keystore.Entry{Alias: "a", PrivateKey: key})
	if err == nil || !strings.Contains(err.Error(), "FIPS 140-only") {
		t.Errorf("writing: got %v, want that FIPS 140 forbids it", err)
	}
	keystore.Generate("EdDSA", "CN=a", time.Now(), time.Now().Add(time.Hour))
	keystore.Parse([]byte(jwkSet("one")), nil)
}
