package format_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// What reading a file may allocate: so many times its size, beside what each
// entry and the reader itself take.
const (
	timesSize = 8
	perEntry  = 8 << 10
	always    = 8 << 20
)

// affordable is what a store of so many bytes and entries may allocate.
func affordable(size, entries int) uint64 { return uint64(timesSize*size + perEntry*entries + always) }

// size is that of the files below, large enough for each to do harm.
const size = 1 << 20

// repeated is a SEQUENCE of as many copies of part as fit into that.
func repeated(part any) asn1.RawValue {
	der := marshal(part)
	return asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Repeat(der, size/len(der))}
}

func within(v asn1.RawValue, depth int) asn1.RawValue {
	for range depth {
		v = seq(v)
	}
	return v
}

var (
	null       = asn1.NullRawValue
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidDSA     = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}
	oidEdwards = asn1.ObjectIdentifier{1, 3, 101, 112}
)

func safes(parts asn1.RawValue) []byte { return marshal(seq(3, seq(oidData, tagged(marshal(parts))))) }

func pkcs8(oid asn1.ObjectIdentifier, parameters any, key any) []byte {
	return marshal(seq(0, seq(oid, parameters), marshal(key)))
}

// rsaNumbers are those of a PKCS #1 key that is not a real key.
func rsaNumbers(bits int, more ...any) asn1.RawValue {
	n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
	return seq(append([]any{0, n, 3, 3, 3, 5, 1, 1, 2}, more...)...)
}

// dsaKey is one of a prime and a private key of so many bits.
func dsaKey(prime, private int) []byte {
	p, x := new(big.Int).SetBit(big.NewInt(1), prime-1, 1), new(big.Int).SetBit(big.NewInt(1), private-1, 1)
	return pkcs8(oidDSA, seq(p, 7, 3), x)
}

// certificate is one by that name and with these extensions.
func certificate(name, extensions asn1.RawValue) []byte {
	key := seq(seq(oidEdwards), asn1.BitString{Bytes: make([]byte, 32), BitLength: 256})
	validity := seq(time.Unix(0, 0).UTC(), time.Unix(1e9, 0).UTC())
	tbs := seq(tagged(2), 1, seq(oidEdwards), name, validity, name, key, constructed(asn1.ClassContextSpecific, 3, []any{extensions}))
	return marshal(seq(tbs, seq(oidEdwards), asn1.BitString{Bytes: make([]byte, 64), BitLength: 512}))
}

func alternatives(name asn1.RawValue) asn1.RawValue {
	return seq(seq(asn1.ObjectIdentifier{2, 5, 29, 17}, marshal(name)))
}

var (
	commonName = set(seq(asn1.ObjectIdentifier{2, 5, 4, 3}, "a"))
	noName     = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2}
)

// crowd is PEM of so many keys and as many certificates of other keys, all of
// one name, each with a long name of its own above it.
func crowd(t testing.TB, n int) []byte {
	var out bytes.Buffer
	for i := range n {
		key := ed25519.NewKeyFromSeed(fmt.Appendf(nil, "%032d", i))
		other := ed25519.NewKeyFromSeed(fmt.Appendf(nil, "%032d", n+i))
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i)), Subject: pkix.Name{CommonName: "same"}}
		cert, err := x509.CreateCertificate(rand.Reader, template, template, other.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("Bag Attributes\n friendlyName: %0100d\n", i)
		out.WriteString(name + block("PRIVATE KEY", der) + name + block("CERTIFICATE", cert))
	}
	return out.Bytes()
}

// costly are files that take much for nothing when their parts are taken into
// memory before they are counted.
func costly(t testing.TB) map[string][]byte {
	jksEntry := func(kind uint32, body ...byte) []byte { return slices.Concat(uint32s(kind), entryHead, body) }
	field := []byte{'B', 0, 0}
	class := slices.Concat([]byte{0xac, 0xed, 0, 5, 0x73, 0x72, 0, 1, 'A'}, make([]byte, 8), []byte{2, 0xff, 0xff}, bytes.Repeat(field, 0xffff), []byte{0x78, 0x70}, make([]byte, 0xffff))
	return map[string][]byte{
		"empty values beside the content":         marshal(seq(3, repeated(null))),
		"two million empty values":                safes(seq(repeated(null), repeated(null))),
		"empty values as safes":                   safes(repeated(null)),
		"safes of nothing":                        safes(repeated(seq(oidData, tagged(marshal(seq()))))),
		"empty values as bags":                    pfx(repeated(null)),
		"bags of nothing":                         pfx(repeated(seq(null, null))),
		"attributes of a bag":                     pfx(seq(seq(oidKeyBag, tagged(seq()), set(raw(repeated(seq(null, null)).Bytes))))),
		"values of an attribute":                  pfx(seq(seq(oidKeyBag, tagged(seq()), set(seq(oidName, set(raw(repeated(null).Bytes))))))),
		"an identifier of a million digits":       pfx(seq(seq(asn1.RawValue{Tag: asn1.TagOID, Bytes: append(bytes.Repeat([]byte{0xff}, size), 0x7f)}, tagged(seq())))),
		"sequences within each other":             pfx(within(repeated(seq(null)), 20)),
		"sequences without length":                append(append([]byte{0x30, 0x80}, safes(within(repeated(seq(null)), 20))[4:]...), 0, 0),
		"a key of empty values in PKCS #12":       pfx(seq(seq(oidKeyBag, tagged(repeated(null))))),
		"a DER file of empty values":              marshal(repeated(null)),
		"a PEM key of empty values":               []byte(block("PRIVATE KEY", marshal(repeated(null)))),
		"a PKCS #1 key of many primes":            []byte(block("RSA PRIVATE KEY", marshal(rsaNumbers(64, repeated(seq(1, 1, 1)))))),
		"a PKCS #8 key of many primes":            []byte(block("PRIVATE KEY", pkcs8(oidRSA, null, rsaNumbers(64, repeated(seq(1, 1, 1)))))),
		"an RSA key of a million bits":            []byte(block("RSA PRIVATE KEY", marshal(rsaNumbers(size)))),
		"DSA keys":                                []byte(strings.Repeat(block("PRIVATE KEY", dsaKey(4096, 512)), 1000)),
		"a certificate with a name of many parts": certificate(repeated(commonName), seq()),
		"a certificate of many extensions":        certificate(seq(), repeated(seq(asn1.ObjectIdentifier{2, 5, 29, 99}, []byte{}))),
		"a certificate of many names":             certificate(seq(), alternatives(repeated(noName))),
		"headers of a PEM block":                  []byte("-----BEGIN X-----\n" + strings.Repeat("a: \n", size/4) + "\nAAAA\n-----END X-----\n"),
		"keys and certificates of one name":       crowd(t, 500),
		"JKS chains of nothing":                   slices.Concat(uint32s(jksMagic, 1, 2000), bytes.Repeat(jksEntry(1, slices.Concat(uint32s(0, 100), make([]byte, 400))...), 2000), noise[:20]),
		"JKS names":                               slices.Concat(uint32s(jksMagic, 1, 16), bytes.Repeat(slices.Concat(uint32s(2), []byte{0xff, 0xfe}, bytes.Repeat([]byte{0xc3, 0xbc}, 0x7fff), make([]byte, 8), uint32s(0)), 16), noise[:20]),
		"fields of a serialized class":            slices.Concat(uint32s(jceksMagic, 2, 4), bytes.Repeat(jksEntry(3, class...), 4), noise[:20]),
	}
}

func TestNoFileTakesMuchMemory(t *testing.T) {
	for name, data := range costly(t) {
		before := allocated()
		store, err := read(data, format.Passwords{})
		entries := 0
		if store != nil {
			entries = len(store.Entries)
		}
		if got := allocated() - before; got > affordable(len(data), entries) {
			t.Errorf("%s: %.1f MB were allocated for %.1f MB (%d entries, %v)", name, float64(got)/1e6, float64(len(data))/1e6, entries, err)
		}
	}
}

func TestCounts(t *testing.T) {
	few := func(n int, part asn1.RawValue) asn1.RawValue {
		return asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Repeat(marshal(part), n)}
	}
	extension := seq(asn1.ObjectIdentifier{2, 5, 29, 99}, []byte{})
	for _, row := range []struct {
		name         string
		most, beyond []byte
	}{
		{"attributes of a certificate's name", certificate(few(128, commonName), seq()), certificate(few(129, commonName), seq())},
		{"extensions of a certificate", certificate(seq(), few(128, extension)), certificate(seq(), few(129, extension))},
		{"names in an extension", certificate(seq(), alternatives(few(2048, noName))), certificate(seq(), alternatives(few(2049, noName)))},
		{"bytes of a certificate", certificate(seq(), padded(64<<10)), certificate(seq(), padded(64<<10+1))},
	} {
		if _, err := format.ParseCert(row.most); err != nil {
			t.Errorf("%s: the most is refused: %v", row.name, err)
		}
		if _, err := format.ParseCert(row.beyond); !errors.Is(err, format.ErrLimit) {
			t.Errorf("%s: got %v for one more, want %v", row.name, err, format.ErrLimit)
		}
	}
}

// Nothing is read behind the element at which a reader stops.
func TestElementsEnd(t *testing.T) {
	seen := 0
	for v, err := range format.Elements(bytes.Repeat(marshal(null), 3)) {
		if err != nil || v.Tag != asn1.TagNull {
			t.Fatalf("got %v, %v", v, err)
		}
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("got %d elements, want to stop after 2", seen)
	}
}

// padded are extensions that make a certificate so long.
func padded(length int) asn1.RawValue {
	pad := length - len(certificate(seq(), seq(seq(asn1.ObjectIdentifier{2, 5, 29, 99}, make([]byte, 50_000))))) + 50_000
	return seq(seq(asn1.ObjectIdentifier{2, 5, 29, 99}, make([]byte, pad)))
}

// The public key of a DSA key is computed: of a prime and a private key that
// are not too long, and not for too many keys of a file.
func TestDSAPublicKeysAreComputedWithinBounds(t *testing.T) {
	for _, row := range []struct {
		name           string
		prime, private int
		want           bool
	}{
		{"a prime of 4096 bits", 4096, 256, true},
		{"a prime of 4097 bits", 4097, 256, false},
		{"a private key of 512 bits", 4096, 512, true},
		{"a private key of 513 bits", 4096, 513, false},
	} {
		if got := new(format.KeyReader).PublicBits(dsaKey(row.prime, row.private)) != nil; got != row.want {
			t.Errorf("%s: computed: %v, want %v", row.name, got, row.want)
		}
	}
	var keys format.KeyReader
	keys.Spend(10_000 - 2*(4*4*512/64))
	for i, want := range []bool{true, true, false} {
		if got := keys.PublicBits(dsaKey(4096, 512)) != nil; got != want {
			t.Errorf("key %d, when two can be afforded: computed: %v, want %v", i+1, got, want)
		}
	}
}

func TestKeysAreCountedByWhatTheyCost(t *testing.T) {
	curve := func(oid asn1.ObjectIdentifier) []byte {
		return pkcs8(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, oid, seq(1))
	}
	for _, row := range []struct {
		name string
		key  []byte
		most int
	}{
		{"RSA of 2048 bits", pkcs8(oidRSA, null, rsaNumbers(2048)), 10_000 / 9},
		{"RSA of 4096 bits", pkcs8(oidRSA, null, rsaNumbers(4096)), 10_000 / 36},
		{"RSA of 16384 bits", pkcs8(oidRSA, null, rsaNumbers(16384)), 10_000 / 576},
		{"RSA of 16385 bits", pkcs8(oidRSA, null, rsaNumbers(16385)), 0},
		{"P-521", curve(asn1.ObjectIdentifier{1, 3, 132, 0, 35}), 10_000 / 30},
		{"P-384", curve(asn1.ObjectIdentifier{1, 3, 132, 0, 34}), 10_000 / 8},
		{"P-256", curve(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}), 10_000},
		{"ML-DSA", pkcs8(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17}, null, []byte{0}), 10_000 / 5},
	} {
		var keys format.KeyReader
		most := 0
		for ; most < 20_000; most++ {
			if _, _, _, err := keys.ParsePKCS8(row.key); errors.Is(err, format.ErrLimit) {
				break
			}
		}
		if most != row.most {
			t.Errorf("%s: got %d keys, want %d", row.name, most, row.most)
		}
	}
}

// BenchmarkCrowd must grow as the number of keys does.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := crowd(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(data, format.Passwords{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/key")
		})
	}
}
