package format_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

var (
	oidCertBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidCRLBag  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 4}
	oidSecret  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 5}
	oidX509    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidSDSI    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 2}
	oidName    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidKeyID   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	oidTrusted = asn1.ObjectIdentifier{2, 16, 840, 1, 113894, 746875, 1, 1}
	oidAnyUse  = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
)

// hugeOID has an arc of 100 bits, as those made of UUIDs do.
var hugeOID = asn1.RawValue{Tag: asn1.TagOID, Bytes: append([]byte{0x69}, append(slicesOf(0xff, 14), 0x7f)...)}

func slicesOf(b byte, n int) []byte { return []byte(strings.Repeat(string([]byte{b}), n)) }

func set(parts ...any) asn1.RawValue {
	return constructed(asn1.ClassUniversal, asn1.TagSet, parts)
}

func named(name string) asn1.RawValue {
	var units []byte
	for _, r := range name {
		units = append(units, byte(r>>8), byte(r))
	}
	return seq(oidName, set(asn1.RawValue{Tag: asn1.TagBMPString, Bytes: units}))
}

func certBag(der []byte, attributes ...any) asn1.RawValue {
	return seq(oidCertBag, tagged(seq(oidX509, tagged(der))), set(attributes...))
}

func raw(der []byte) asn1.RawValue { return asn1.RawValue{FullBytes: der} }

var trusted = seq(oidTrusted, set(oidAnyUse))

func TestBags(t *testing.T) {
	root, key := fixture(t, "certificate.der"), fixture(t, "key.der")
	for _, row := range []struct {
		name string
		bags asn1.RawValue
		want string // alias kind, with * for what Java leaves out
	}{
		{"nothing", seq(), ""},
		{"a plain key", seq(seq(oidKeyBag, tagged(raw(key)), set(named("k")))), "k private*"},
		{"a trusted certificate", seq(certBag(root, named("r"), trusted)), "r trusted"},
		{"trusted certificates without names", seq(certBag(root, trusted), certBag(root, trusted)), "1 trusted, 2 trusted"},
		{"a certificate without the attribute, and no key", seq(certBag(root, named("r"))), "r trusted*"},
		{"what Java leaves out does not shift its numbers", seq(seq(oidKeyBag, tagged(raw(key))), certBag(root), certBag(root, trusted)), "2 private*, 1 trusted"},
		{"a certificate beside a key is not trusted", seq(seq(oidKeyBag, tagged(raw(key))), certBag(root)), "1 private*"},
		{"the later of two aliases counts", seq(certBag(root, named("A"), trusted), certBag(root, named("a"), trusted)), "A trusted*, a trusted"},
		{"safe contents within safe contents", seq(seq(oidSafe, tagged(seq(certBag(root, named("r"), trusted))))), "r trusted"},
		{"an attribute with an OID of great numbers", seq(certBag(root, seq(hugeOID, set(1)), named("r"), trusted)), "r trusted"},
		{"a CRL", seq(seq(oidCRLBag, tagged(seq(oidX509, tagged(noise))))), ""},
		{"a bag nobody knows", seq(seq(hugeOID, tagged(seq()))), ""},
		{"an SDSI certificate", seq(seq(oidCertBag, tagged(seq(oidSDSI, tagged(noise))))), ""},
		{"a secret of unknown type", seq(seq(oidSecret, tagged(seq(hugeOID, tagged(noise))), set(named("s")))), "s secret!"},
		{"a certificate that is none", seq(certBag([]byte("no"), named("r"), trusted)), "r trusted!"},
		{"attributes that are no SET", seq(seq(oidCertBag, tagged(seq(oidX509, tagged(root))), seq(named("r"), trusted))), "1 trusted*"},
		{"keys without an id: Java has the first", seq(shrouded(pbkdf2(1)), shrouded(pbkdf2(1))), "1 private!, 2 private!*"},
		{"keys with an id each", seq(identified("a"), identified("b")), "1 private!, 2 private!"},
	} {
		store, err := read(pfx(row.bags), password("changeit"))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := describe(store); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

// identified is a key with a localKeyID.
func identified(id string) asn1.RawValue {
	return seq(oidShroud, tagged(raw(encryptedKey(pbkdf2(1)))), set(seq(oidKeyID, set([]byte(id)))))
}

func describe(store *format.Store) string {
	var parts []string
	for _, e := range store.Entries {
		part := e.Alias + " " + map[format.Kind]string{format.PrivateKey: "private", format.SecretKey: "secret", format.Certificate: "trusted"}[e.Kind]
		if e.Err != nil {
			part += "!"
		}
		if e.Untagged {
			part += "*"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestPEM(t *testing.T) {
	root, key := block("CERTIFICATE", fixture(t, "certificate.der")), block("PRIVATE KEY", fixture(t, "key.der"))
	encrypted := block("ENCRYPTED PRIVATE KEY", encryptedKey(pbkdf2(1)))
	for _, row := range []struct {
		name, data, want string
		err              error
	}{
		{"a certificate", root, "1 trusted", nil},
		{"a key", key, "1 private", nil},
		{"names of OpenSSL", "Bag Attributes\n    friendlyName: my key\n    localKeyID: 01 02\nKey Attributes: <No Attributes>\n" + key, "my key private", nil},
		{"a name is not the next block's", "Bag Attributes\n    friendlyName: r\n" + root + key, "1 private, r trusted", nil},
		{"Windows line ends", strings.ReplaceAll("text\n"+key, "\n", "\r\n"), "1 private", nil},
		{"a certificate beside a key nobody can open is not trusted", encrypted + root, "1 private!", nil},
		{"parameters and requests are passed over", block("EC PARAMETERS", []byte{5, 0}) + key + block("CERTIFICATE REQUEST", noise), "1 private", nil},
		{"a block without end", key + root[:len(root)/2], "", format.ErrDamaged},
		{"a block that is no base64", strings.Replace(root, "A", "*", 1) + key, "", format.ErrDamaged},
		{"a certificate that is none", block("CERTIFICATE", []byte("no")), "", format.ErrDamaged},
		{"a key that is none", block("RSA PRIVATE KEY", []byte{0x30, 0}), "1 private!", nil},
		{"a legacy cipher nobody knows", strings.Replace(block("EC PRIVATE KEY", noise), "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: IDEA-CBC,00\n\n", 1), "1 private!", nil},
		{"a legacy cipher without vector", strings.Replace(block("EC PRIVATE KEY", noise), "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC\n\n", 1), "1 private!", nil},
		{"an end that does not fit", strings.Replace(key, "END PRIVATE", "END PUBLIC", 1), "", format.ErrDamaged},
	} {
		store, err := read([]byte(row.data), password("changeit"))
		if !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
		if err != nil || row.want == "" {
			continue
		}
		if got := describe(store); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
		if !store.Unverified {
			t.Errorf("%s: PEM verified", row.name)
		}
	}
}

// JDKs up to 11 put the identifier of PBES2 into its own parameters.
func TestPBES2OfOldJDKs(t *testing.T) {
	encoded, _ := pem.Decode(fixture(t, "pem-aes256.pem"))
	var key struct {
		Algorithm format.Algorithm
		Data      []byte
	}
	if _, err := asn1.Unmarshal(encoded.Bytes, &key); err != nil {
		t.Fatal(err)
	}
	whole := raw(marshal(key.Algorithm))
	data := marshal(seq(seq(oidPBES2, whole), key.Data))
	store, err := read(data, password("changeit"))
	if err != nil || len(store.Entries) != 1 || store.Entries[0].Err != nil {
		t.Errorf("got %v, %v", store, err)
	}
}

// A key on the same line as its block's beginning stays out of the error.
func TestPEMErrorsHoldNoKey(t *testing.T) {
	key := strings.ReplaceAll(block("PRIVATE KEY", fixture(t, "key.der")), "\n", "")
	_, err := read([]byte(key), password("changeit"))
	if want := "damaged file: block 1 has no line breaks: put one behind -----BEGIN …----- and one before -----END, as they were before an unquoted variable lost them"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// A line break too few says so; where there are enough, the text is at fault.
func TestPEMErrorsCountLineBreaks(t *testing.T) {
	for data, want := range map[string]string{
		"-----BEGIN X-----\n*-----END X-----\n":   "has no line breaks",
		"-----BEGIN X-----\n*\n-----END X-----\n": "is not base64",
	} {
		if _, err := read([]byte(data), format.Passwords{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", data, err, want)
		}
	}
}

// What a password opens to that is no key is a wrong password's noise.
func TestKeysEncryptedByHeaders(t *testing.T) {
	encrypt := func(plain []byte) string {
		block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", plain, []byte("changeit"), x509.PEMCipherAES128) //lint:ignore SA1019 what is read
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(block))
	}
	key := marshal(seq(1, []byte{1}, tagged(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}))) // no public half
	for name, row := range map[string]struct {
		data, password string
		want           error
	}{
		"a key":                      {encrypt(key), "changeit", nil},
		"a wrong password":           {encrypt(key), "wrong", format.ErrPassword},
		"what is no key":             {encrypt([]byte("no key")), "changeit", format.ErrPassword},
		"a vector that is no vector": {strings.Replace(encrypt(key), "AES-128-CBC,", "AES-128-CBC,00", 1), "changeit", format.ErrDamaged},
	} {
		store, err := read([]byte(row.data), password(row.password))
		if err != nil || len(store.Entries) != 1 || !errors.Is(store.Entries[0].Err, row.want) {
			t.Errorf("%s: got %v, %v, want an entry with %v", name, store, err, row.want)
		}
	}
}

// Where no certificate is for the key, the one the file ties to it is shown,
// as Java does.
func TestCertificateOfAnotherKey(t *testing.T) {
	id := seq(oidKeyID, set([]byte{7}))
	key, cert := raw(fixture(t, "key.der")), fixture(t, "certificate.der")
	for _, row := range []struct {
		name  string
		bags  asn1.RawValue
		chain int
	}{
		{"with the key's id", seq(seq(oidKeyBag, tagged(key), set(id)), certBag(cert, id)), 1},
		{"with the key's name", seq(seq(oidKeyBag, tagged(key), set(named("k"))), certBag(cert, named("k"))), 0},
		{"with nothing", seq(seq(oidKeyBag, tagged(key)), certBag(cert)), 0},
	} {
		store, err := read(pfx(row.bags), password("changeit"))
		if err != nil || len(store.Entries) != 1 || len(store.Entries[0].Chain) != row.chain {
			t.Errorf("%s: got %v, %v; want a chain of %d", row.name, store, err, row.chain)
		}
	}
}

func TestKeysGoKnowsAndDoesNot(t *testing.T) {
	for _, row := range []struct {
		file, name string
		bits       int
		err        string
	}{
		{"keytool-rsa4096.p12", "RSA", 4096, ""},
		{"keytool-pss.p12", "RSASSA-PSS", 2048, ""},
		{"openssl-pss.p12", "RSASSA-PSS", 2048, ""},
		{"keytool-p521.p12", "EC", 521, ""},
		{"keytool-ed25519.p12", "EdDSA", 255, ""},
		{"openssl-x25519.p12", "XDH", 255, ""},
		{"keytool-ed448.p12", "EdDSA", 448, "Ed448 (1.3.101.113)"},
		{"keytool-dsa.p12", "DSA", 1024, "DSA (1.2.840.10040.4.1)"},
		{"openssl-k1.p12", "EC", 256, "EC secp256k1 (1.3.132.0.10)"},
		{"openssl-brainpool.p12", "EC", 256, "EC brainpoolP256r1 (1.3.36.3.3.2.8.1.1.7)"},
		{"keytool-mldsa.p12", "ML-DSA", 0, "ML-DSA-65 (2.16.840.1.101.3.4.3.18)"},
	} {
		store, err := read(fixture(t, row.file), password("changeit"))
		if err != nil {
			t.Errorf("%s: %v", row.file, err)
			continue
		}
		e := store.Entries[0]
		key, name, bits, err := new(format.KeyReader).ParsePKCS8(e.PKCS8)
		if name != row.name || bits != row.bits || (key == nil) != (row.err != "") {
			t.Errorf("%s: got %T, %s, %d bits; want %s, %d", row.file, key, name, bits, row.name, row.bits)
		}
		if row.err != "" && (!errors.Is(err, format.ErrUnsupported) || !strings.Contains(err.Error(), row.err)) {
			t.Errorf("%s: got %v, want %q", row.file, err, row.err)
		}
		cert, err := format.ParseCert(e.Chain[0])
		if err != nil {
			t.Errorf("%s: %v", row.file, err)
			continue
		}
		if name, bits := cert.PublicKeyAlgorithm(); name != row.name || bits != row.bits {
			t.Errorf("%s: certificate: got %s, %d bits; want %s, %d", row.file, name, bits, row.name, row.bits)
		}
		if row.name == "ML-DSA" {
			continue // Go has known it since 1.27
		}
		if public, err := cert.ParsePublicKey(); (err == nil) != (row.err == "" || row.name == "DSA") {
			t.Errorf("%s: certificate: got %T, %v", row.file, public, err)
		}
	}
}
