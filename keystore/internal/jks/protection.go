package jks

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// oidJKS is Sun's protection of keys in JKS.
const oidJKS = "1.3.6.1.4.1.42.2.17.1.1"

// unprotect decrypts a private key, an EncryptedPrivateKeyInfo.
func unprotect(key []byte, passwords [][]byte, budget *pbe.Budget) ([]byte, error) {
	var info struct {
		Algorithm format.Algorithm
		Data      []byte
	}
	if err := ber.Unmarshal(key, &info); err != nil {
		return nil, err
	}
	if info.Algorithm.OID() != oidJKS {
		return pbe.Open(info.Algorithm, info.Data, passwords, budget, ber.IsSequence)
	}
	if err := pbe.Legacy("SHA-1"); err != nil {
		return nil, err
	}
	for _, password := range passwords {
		plain, err := unmask(info.Data, password)
		if err == nil || !errors.Is(err, format.ErrPassword) {
			return plain, err
		}
	}
	return nil, format.ErrPassword
}

// unmask undoes Sun's protection: salt, the key under a chain of SHA-1
// digests of the password, and a digest to know the right password by.
func unmask(data, password []byte) ([]byte, error) {
	if len(data) < 2*sha1.Size {
		return nil, fmt.Errorf("%w: a protected key of %d bytes", format.ErrDamaged, len(data))
	}
	mask, masked, check := data[:sha1.Size], data[sha1.Size:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	plain := make([]byte, len(masked))
	for at := 0; at < len(masked); at += sha1.Size {
		mask = keyedDigest(password, mask)
		subtle.XORBytes(plain[at:], masked[at:], mask)
	}
	if subtle.ConstantTimeCompare(keyedDigest(password, plain), check) != 1 {
		clear(plain)
		return nil, format.ErrPassword
	}
	return plain, nil
}

// sealing is the identifier of PBEWithMD5AndTripleDES, 1.3.6.1.4.1.42.2.19.1.
var sealing = asn1.RawValue{Tag: asn1.TagOID, Bytes: []byte{0x2b, 6, 1, 4, 1, 0x2a, 2, 0x13, 1}}

// unseal decrypts a secret key: a javax.crypto.SealedObject around another
// Java object, of which only the two classes JDKs write are known.
func unseal(sealed *object, passwords [][]byte, budget *pbe.Budget) (secret []byte, algorithm string, err error) {
	if !sealed.extends("javax.crypto.SealedObject") {
		return nil, "", fmt.Errorf("%w: a secret key sealed as %.80s", format.ErrUnsupported, sealed.class.name)
	}
	if alg := sealed.string("sealAlg"); alg != "PBEWithMD5AndTripleDES" {
		return nil, "", fmt.Errorf("%w: a secret key sealed with %.80q", format.ErrUnsupported, alg)
	}
	scheme := format.Algorithm{ID: sealing, Parameters: asn1.RawValue{FullBytes: sealed.bytes("encodedParams")}}
	plain, err := pbe.Open(scheme, sealed.bytes("encryptedContent"), passwords, budget, isSerialized)
	if err != nil {
		return nil, "", err
	}
	defer clear(plain)
	r := &reader{data: plain}
	key := readObject(r)
	if r.err != nil {
		return nil, "", r.err
	}
	switch key.class.name {
	case "java.security.KeyRep":
		secret = key.bytes("encoded")
	case "javax.crypto.spec.SecretKeySpec":
		secret = key.bytes("key")
	default:
		return nil, "", fmt.Errorf("%w: a secret key of class %.80s", format.ErrUnsupported, key.class.name)
	}
	return bytes.Clone(secret), key.string("algorithm"), nil
}

// isSerialized tells a serialized object from what a wrong password leaves.
func isSerialized(plain []byte) bool { return bytes.HasPrefix(plain, streamHeader) }
