package pemfile

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// openKey reads a key in DER that says itself whether it is encrypted (RFC 5958
// section 3).
func openKey(data []byte, passwords [][]byte, budget *pbe.Budget) ([]byte, error) {
	der, _, err := ber.ToDER(data)
	if err != nil {
		return nil, err
	}
	if isPKCS8(der) {
		return der, nil
	}
	var encrypted struct {
		Algorithm format.Algorithm
		Data      []byte
	}
	if ber.Unmarshal(der, &encrypted) != nil {
		return wrap(der)
	}
	return pbe.Open(encrypted.Algorithm, encrypted.Data, passwords, budget, ber.IsSequence)
}

var (
	oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEC  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidDSA = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}
)

// isPKCS8 reports whether der has the shape of RFC 5958 section 2.
func isPKCS8(der []byte) bool {
	var info struct {
		Version   int
		Algorithm format.Algorithm
		Key       []byte
	}
	_, err := asn1.Unmarshal(der, &info)
	return err == nil
}

// wrap makes PKCS #8 of a key in PKCS #8, PKCS #1, SEC 1 or OpenSSL's form
// for DSA, whatever its block is called.
func wrap(der []byte) ([]byte, error) {
	if isPKCS8(der) {
		return der, nil
	}
	parts, _ := format.Few(der, 10)
	switch {
	case len(parts) >= 9:
		return format.WrapPKCS8(pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}, der)
	case len(parts) == 6:
		return wrapDSA(parts)
	case len(parts) >= 3 && parts[2].Class == asn1.ClassContextSpecific && parts[2].Tag == 0: // the curve, RFC 5915 section 3
		return format.WrapPKCS8(pkix.AlgorithmIdentifier{Algorithm: oidEC, Parameters: asn1.RawValue{FullBytes: parts[2].Bytes}}, der)
	}
	return nil, fmt.Errorf("%w of a key", format.ErrUnknownFormat)
}

// wrapDSA takes OpenSSL's version, p, q, g, public and private key.
func wrapDSA(numbers []asn1.RawValue) ([]byte, error) {
	parameters := bytes.Join([][]byte{numbers[1].FullBytes, numbers[2].FullBytes, numbers[3].FullBytes}, nil)
	der, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: parameters})
	if err != nil {
		return nil, err
	}
	return format.WrapPKCS8(pkix.AlgorithmIdentifier{Algorithm: oidDSA, Parameters: asn1.RawValue{FullBytes: der}}, numbers[5].FullBytes)
}
