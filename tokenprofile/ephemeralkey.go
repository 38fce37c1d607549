package tokenprofile

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// checkEphemeralKey demands a public key on the curve of the recipient's, with
// the parameters that name it and no others (RFC 7518 section 4.6.1.1). A
// point off the curve would reveal the private key bit by bit.
func checkEphemeralKey(epk strictjson.Value, recipient crypto.PublicKey) error {
	members := map[string]strictjson.Value{}
	var s strictjson.Scanner
	for s.Reset(epk); s.Next(); {
		members[string(s.Name())] = s.Value()
	}
	if s.Err() != nil {
		return errEphemeralKey
	}
	x, errX := decodeText(textOf(members["x"]))
	y, errY := decodeText(textOf(members["y"]))
	if errX != nil || errY != nil {
		return errEphemeralKey
	}
	kty, crv := textOf(members["kty"]), textOf(members["crv"])
	switch recipient := recipient.(type) {
	case *ecdsa.PublicKey:
		if len(members) == 4 && kty == "EC" && crv == recipient.Curve.Params().Name && onCurve(recipient.Curve, x, y) {
			return nil
		}
	case *ecdh.PublicKey:
		if len(members) == 3 && kty == "OKP" && crv == "X25519" && len(x) == len(recipient.Bytes()) && len(y) == 0 {
			return nil
		}
	}
	return errEphemeralKey
}

// onCurve wants coordinates in their full length (RFC 7518 section 6.2.1.2).
func onCurve(curve elliptic.Curve, x, y []byte) bool {
	size := (curve.Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size {
		return false
	}
	const uncompressed = 4
	point := append(append([]byte{uncompressed}, x...), y...)
	_, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	return err == nil
}
