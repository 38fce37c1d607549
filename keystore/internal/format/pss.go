package format

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// pssHashes are the hashes of JOSE's RSASSA-PSS algorithms, with the length of
// their salt.
var pssHashes = map[string]struct {
	algorithm string
	size      int
}{
	"2.16.840.1.101.3.4.2.1": {"PS256", 32},
	"2.16.840.1.101.3.4.2.2": {"PS384", 48},
	"2.16.840.1.101.3.4.2.3": {"PS512", 64},
}

// PSSAlgorithm returns the one JWA algorithm that an RSASSA-PSS key may be used
// with, "" if any: the parameters of its algorithm may name a hash and the
// least length of the salt (RFC 4055 section 3.1). info is a PKCS #8 key or a
// SubjectPublicKeyInfo.
func PSSAlgorithm(info []byte) (string, error) {
	parts, err := Few(info, 6)
	if err != nil {
		return "", err
	}
	if len(parts) > 1 && parts[0].Tag == asn1.TagInteger {
		parts = parts[1:] // the version of PKCS #8
	}
	var algorithm Algorithm
	if len(parts) == 0 {
		return "", fmt.Errorf("%w: a key without its algorithm", ErrDamaged)
	}
	if _, err := asn1.Unmarshal(parts[0].FullBytes, &algorithm); err != nil {
		return "", fmt.Errorf("%w: the algorithm of a key: %w", ErrDamaged, err)
	}
	if len(algorithm.Parameters.FullBytes) == 0 || algorithm.Parameters.Tag == asn1.TagNull {
		return "", nil // NULL is what an RSA key has there, and says as little
	}
	var p struct {
		Hash    pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:0"` // absent: SHA-1
		MGF     pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:1"`
		Salt    int                      `asn1:"optional,explicit,tag:2,default:20"`
		Trailer int                      `asn1:"optional,explicit,tag:3,default:1"`
	}
	if _, err := asn1.Unmarshal(algorithm.Parameters.FullBytes, &p); err != nil {
		return "", fmt.Errorf("%w: RSASSA-PSS parameters: %w", ErrDamaged, err)
	}
	var mask pkix.AlgorithmIdentifier // the hash of MGF1, which has to be the same; absent: SHA-1
	asn1.Unmarshal(p.MGF.Parameters.FullBytes, &mask)
	hash, ok := pssHashes[p.Hash.Algorithm.String()]
	if !ok || !mask.Algorithm.Equal(p.Hash.Algorithm) || p.Salt > hash.size {
		return "", fmt.Errorf("%w: the key is for RSASSA-PSS with another hash or a longer salt than PS256, PS384 and PS512 have", ErrUnsupported)
	}
	return hash.algorithm, nil
}
