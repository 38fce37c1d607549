package format_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/jks"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pemfile"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pkcs12"
)

func FuzzJKS(f *testing.F) {
	seed(f, ".jks", ".jceks")
	f.Fuzz(func(t *testing.T, data []byte) { bounded(t, data, jks.Read) })
}

func FuzzPKCS12(f *testing.F) {
	seed(f, ".p12")
	f.Add(pfx(seq(shrouded(pbkdf2(1)))))
	f.Add(pfx(seq(shrouded(scrypt(2, 1, 1)))))
	f.Fuzz(func(t *testing.T, data []byte) { bounded(t, data, pkcs12.Read) })
}

func FuzzPEM(f *testing.F) {
	seed(f, ".pem")
	f.Fuzz(func(t *testing.T, data []byte) { bounded(t, data, pemfile.Read) })
}

func FuzzDER(f *testing.F) {
	seed(f, ".der")
	f.Add(encryptedKey(pbkdf2(1)))
	f.Fuzz(func(t *testing.T, data []byte) { bounded(t, data, pemfile.ReadDER) })
}

func FuzzPKCS7(f *testing.F) {
	f.Add(signedData(fixture(f, "certificate.der")))
	f.Add(signedData())
	f.Fuzz(func(t *testing.T, data []byte) { bounded(t, data, pemfile.ReadPKCS7) })
}

// FuzzDetect: whatever the data, there is a format, or an error that says why.
func FuzzDetect(f *testing.F) {
	f.Add([]byte("-----BEGIN PKCS12-----\nMAA=\n-----END PKCS12-----\n"))
	f.Add([]byte("-----BEGIN PKCS12-----\n\n-----END PKCS12-----\n"))
	f.Add([]byte(base64.StdEncoding.EncodeToString(fixture(f, "certificate.der"))))
	f.Add([]byte("\xff\xfe-\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		name, content, err := format.Detect(data)
		if (err == nil) != (name != "") || err == nil && len(content) == 0 || err != nil && !known(err) {
			t.Errorf("got %q, %d bytes, %v", name, len(content), err)
		}
	})
}

// FuzzPKCS8: a key we parse has the size and the public part we say.
func FuzzPKCS8(f *testing.F) {
	for _, want := range expectations(f, testdata) {
		if want.Format != format.PEM {
			continue // The same keys, at greater cost.
		}
		if store, err := read(fixture(f, want.File), want.passwords()); err == nil {
			for _, e := range store.Entries {
				f.Add(e.PKCS8)
			}
		}
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		var keys format.KeyReader
		if key, name, bits, err := keys.ParsePKCS8(der); (err == nil) != (key != nil) || err == nil && (name == "" || bits == 0) {
			t.Errorf("got %T, %q, %d bits, %v", key, name, bits, err)
		}
		keys.PublicBits(der)
	})
}

func FuzzCert(f *testing.F) {
	f.Add(fixture(f, "certificate.der"))
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := format.ParseCert(der)
		if err != nil {
			return
		}
		cert.PublicKeyAlgorithm()
		cert.ParsePublicKey()
		var pool format.Pool
		pool.Add(cert)
		if chain := pool.Chain(cert); len(chain) != 1 || !bytes.Equal(chain[0], der) {
			t.Errorf("a certificate alone has a chain of %d", len(chain))
		}
	})
}

// fuzzing reports whether the fuzzer runs, and not only its seeds.
func fuzzing() bool { return flag.Lookup("test.fuzz").Value.String() != "" }

// seed adds our own stores and, where there is one, the corpus when the fuzzer
// runs. Without it other tests open them all.
func seed(f *testing.F, extensions ...string) {
	if !fuzzing() {
		return
	}
	dirs := []string{testdata}
	if corpus := os.Getenv("TOKENPROFILE_CORPUS"); corpus != "" {
		dirs = append(dirs, corpus)
	}
	for _, dir := range dirs {
		for _, extension := range extensions {
			files, err := filepath.Glob(filepath.Join(dir, "*"+extension))
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(data)
			}
		}
	}
}

// bounded reads data, which must neither panic nor take more than it may of
// memory and time, and yields either an error we know or a store that makes sense.
func bounded(t *testing.T, data []byte, read func([]byte, format.Passwords) (*format.Store, error)) {
	before, start := allocated(), time.Now()
	store, err := read(data, password("changeit"))
	entries := 0
	if store != nil {
		entries = len(store.Entries)
	}
	// Of the key derivations only scrypt takes memory: 64 MiB each time.
	if taken := allocated() - before; taken > affordable(len(data), entries) && !namesScrypt(data) {
		t.Errorf("%d bytes allocated for %d", taken, len(data))
	}
	if elapsed := time.Since(start); fuzzing() && elapsed > 2*time.Second*patience {
		t.Errorf("took %v", elapsed)
	}
	if err != nil {
		if store != nil || !known(err) {
			t.Errorf("got %v, %v", store, err)
		}
		return
	}
	for _, e := range store.Entries {
		if e.Err != nil && (!known(e.Err) || e.PKCS8 != nil || e.Secret != nil) {
			t.Errorf("%q: got %v", e.Alias, e.Err)
		}
		if e.Kind == format.Certificate && len(e.Chain) != 1 && e.Err == nil {
			t.Errorf("%q: a trusted certificate of %d", e.Alias, len(e.Chain))
		}
	}
}

// patience is how much slower than it should be a shared machine may be. Where
// the race detector slows it down too, time says nothing.
const patience = 4

// namesScrypt reports whether the file, or a PEM block in it, names scrypt.
func namesScrypt(data []byte) bool {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if bytes.Contains(block.Bytes, scryptOID) {
			return true
		}
	}
	return bytes.Contains(data, scryptOID)
}

var scryptOID = []byte{0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
