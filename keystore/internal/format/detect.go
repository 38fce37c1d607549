package format

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
)

// The formats a file may have. The content tells them apart, never the name:
// half of the files called .jks are PKCS #12.
const (
	JKS    = "JKS"
	JCEKS  = "JCEKS"
	PKCS12 = "PKCS12"
	PKCS7  = "PKCS7" // certificates, as .p7b files have them
	PEM    = "PEM"
	DER    = "DER" // one certificate, PKCS #8 key or public key
	JWK    = "JWK" // JSON: a key or a set
	JWE    = "JWE" // compact: a JWK or a set, encrypted
)

// Detect says which format data is in, and returns what is to be read: data
// itself, or its content if it is base64, as in environment variables,
// Kubernetes and Vault. For a format that is not read, the error names it and
// the remedy.
func Detect(data []byte) (name string, content []byte, err error) {
	name, err = detect(data)
	if inner, ok := armoured(data); name == PEM && ok {
		if len(inner) == 0 {
			return "", nil, fmt.Errorf("%w: the PKCS12 block is empty", ErrDamaged)
		}
		return PKCS12, inner, nil
	}
	if name != "" || err != nil {
		return name, data, err
	}
	if decoded := fromBase64(data); decoded != nil {
		if name, err = detect(decoded); name != "" || err != nil {
			return name, decoded, err
		}
	}
	return "", nil, unknown(data)
}

// detect is the format, "" for none.
func detect(data []byte) (string, error) {
	text := trimText(data)
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return JKS, nil
	case bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}):
		return JCEKS, nil
	case bytes.HasPrefix(text, []byte("{")):
		return JWK, nil
	case bytes.HasPrefix(text, []byte("eyJ")) && bytes.Count(text, []byte(".")) == 4:
		return JWE, nil
	case bytes.Contains(data, []byte("-----BEGIN ")):
		return PEM, nil
	case isBouncy(data):
		return "", notSupported("BKS")
	case len(data) > 1 && data[0] == 0x30 && (data[1] >= 0x80 || int(data[1]) <= len(data)):
		return detectASN1(data)
	}
	return "", nil
}

// armoured is the PKCS #12 file that a PEM file has for its first block, as
// GnuTLS writes it.
func armoured(data []byte) (inner []byte, ok bool) {
	if at := bytes.Index(data, []byte("-----BEGIN ")); at >= 0 && bytes.HasPrefix(data[at:], []byte("-----BEGIN PKCS12-----")) {
		if block, _ := pem.Decode(data[at:]); block != nil {
			return block.Bytes, true
		}
	}
	return nil, false
}

// trimText leaves out the byte order mark and white space around a text.
func trimText(data []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
}

// minEncoded is how long a text has to be to count as base64 and not as a word.
const minEncoded = 64

// fromBase64 is what data encodes in base64 of either alphabet, whatever the
// lines and the padding, nil if it encodes nothing.
func fromBase64(data []byte) []byte {
	text := bytes.Join(bytes.Fields(trimText(data)), nil)
	if len(text) < minEncoded {
		return nil
	}
	text = bytes.TrimRight(text, "=")
	decoded := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if n, err := encoding.Decode(decoded, text); err == nil {
			return decoded[:n]
		}
	}
	return nil
}

// detectASN1 looks at what the outer SEQUENCE begins with, so that a file
// with its end missing is still a damaged one of its format.
func detectASN1(data []byte) (string, error) {
	inner := data[2:]
	if data[1]&0x80 != 0 {
		inner = inner[min(int(data[1]&0x7f), len(inner)):]
	}
	switch {
	case bytes.HasPrefix(inner, []byte{2, 1, 3}):
		return PKCS12, nil
	case bytes.HasPrefix(inner, []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")): // signedData, RFC 5652 section 5.1
		return PKCS7, nil
	case isBCFKS(data):
		return "", notSupported("BCFKS")
	}
	return DER, nil
}

// isBouncy recognizes BKS and UBER: a version of 1 or 2, then a salt of 20
// bytes, give or take, with its length.
func isBouncy(data []byte) bool {
	if len(data) < 12 {
		return false
	}
	version, salt := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	return (version == 1 || version == 2) && salt >= 8 && salt <= 64
}

// isBCFKS recognizes encrypted store data followed by an integrity check.
func isBCFKS(data []byte) bool {
	var store struct {
		Data struct {
			Encryption struct{ ID, Parameters asn1.RawValue }
			Content    []byte
		}
		Check asn1.RawValue
	}
	_, err := asn1.Unmarshal(data, &store)
	return err == nil && store.Check.Tag == asn1.TagSequence
}

// notSupported returns the error for a store that Java can convert.
func notSupported(store string) error {
	return Unsupported(store + " store: not supported, convert it with keytool -importkeystore")
}

// Unsupported is an [ErrUnsupported] whose text does not speak of an algorithm.
type Unsupported string

func (u Unsupported) Error() string { return string(u) }

// Is makes it an [ErrUnsupported].
func (Unsupported) Is(target error) bool { return target == ErrUnsupported }

// foreign are files that people take for keystores, by their first bytes, and
// what to do about them.
var foreign = []struct{ begin, what string }{
	{"PuTTY-User-Key-File", "a PuTTY key: convert it with puttygen KEY -O private-openssh -o KEY.pem"},
	{"ssh-", "an OpenSSH public key: convert it with ssh-keygen -e -m PKCS8 -f KEY"},
	{"ecdsa-sha2-", "an OpenSSH public key: convert it with ssh-keygen -e -m PKCS8 -f KEY"},
	{"apiVersion:", "a Kubernetes manifest: mount the secret as files, or take a value out of it with kubectl get secret NAME -o jsonpath and base64 -d"},
	{"<", "a page of HTML or XML, as a server sends it for an error or a login"},
	{"PK\x03\x04", "a ZIP archive: unpack it"},
	{"\x1f\x8b", "compressed with gzip: unpack it"},
	{"\x05\x02", "a Kerberos keytab, which has no keys of this kind"},
	{"$ANSIBLE_VAULT", "encrypted with ansible-vault: decrypt it when it is deployed"},
	{"\xff\xfe", "text in UTF-16, as PowerShell writes it: save it as UTF-8 (Set-Content -Encoding ascii)"},
	{"\xfe\xff", "text in UTF-16: save it as UTF-8"},
}

// unknown returns the error for a file of no known format. It says what the
// file looks like.
func unknown(data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("%w: there is nothing in it", ErrUnknownFormat)
	}
	text := trimText(data)
	for _, f := range foreign {
		if bytes.HasPrefix(data, []byte(f.begin)) || bytes.HasPrefix(text, []byte(f.begin)) {
			return fmt.Errorf("%w: it is %s", ErrUnknownFormat, f.what)
		}
	}
	if len(text) == 0 {
		return fmt.Errorf("%w: the file has only white space", ErrUnknownFormat)
	}
	return fmt.Errorf("%w: neither JKS, JCEKS, PKCS #12, PEM, DER nor JWK", ErrUnknownFormat)
}
