package format

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
)

// The formats a file may have. The content tells them apart, never the name:
// half of the files called .jks are PKCS #12.
const (
	JKS    = "JKS"
	JCEKS  = "JCEKS"
	PKCS12 = "PKCS12"
	PEM    = "PEM"
	DER    = "DER" // one certificate or PKCS #8 key
	JWK    = "JWK" // JSON: a key or a set
	JWE    = "JWE" // compact: a JWK or a set, encrypted
)

// Detect says which format data is in. BouncyCastle's own formats are
// recognized and refused.
func Detect(data []byte) (string, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
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
	case len(data) > 0 && data[0] == 0x30:
		return detectASN1(data)
	case len(data) == 0:
		return "", fmt.Errorf("%w: the file is empty", ErrUnknownFormat)
	}
	return "", ErrUnknownFormat
}

// detectASN1 looks at what the outer SEQUENCE begins with, so that a file
// with its end missing is still a damaged one of its format.
func detectASN1(data []byte) (string, error) {
	inner := data[min(2, len(data)):]
	if len(data) > 1 && data[1] > 0x80 {
		inner = inner[min(int(data[1]&0x7f), len(inner)):]
	}
	switch {
	case bytes.HasPrefix(inner, []byte{2, 1, 3}):
		return PKCS12, nil
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

// notSupported is the error for a format that Java can convert for us.
type notSupported string

func (n notSupported) Error() string {
	return string(n) + " store: not supported, convert it with keytool -importkeystore"
}

// Is makes it an [ErrUnsupported] whose text speaks of the format.
func (notSupported) Is(target error) bool { return target == ErrUnsupported }
