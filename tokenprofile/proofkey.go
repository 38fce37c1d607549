package tokenprofile

import (
	"encoding/json"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A proofKey is the key in a proof's header. Nobody vouches for it: it is
// worth what its thumbprint is worth.
type proofKey struct {
	algorithm  Algorithm
	public     keystore.PublicKey
	thumbprint string
}

func (v *ProofVerifier) judgeKey(r *received, thumbprint string) (*proofKey, error) {
	var h proofHeader
	if err := malformed("header", h.read(&r.scanner, r.rawHeader)); err != nil {
		return nil, err
	}
	algorithm := Algorithm(h.algorithm)
	switch {
	case !sameType(h.typ, proofType):
		return nil, refuse(ErrType, "not a DPoP proof")
	case !v.accepts(algorithm):
		return nil, refuse(ErrAlgorithm, "DPoP proof")
	}
	key := &proofKey{algorithm: algorithm}
	if err := json.Unmarshal(h.key, &key.public); err != nil {
		return nil, refuse(ErrMalformed, "header: jwk is not a public key") // the cause may quote it
	}
	bare, err := keystore.NewPublicKey(key.public.CryptoKey()) // jwk may name any kid
	if err != nil {
		return nil, refuse(ErrMalformed, "header: jwk is not a public key")
	}
	key.thumbprint = bare.KeyID()
	switch {
	case key.public.Fits(algorithm) != nil:
		return nil, refuse(ErrAlgorithm, "DPoP proof: the key does not fit alg")
	case thumbprint != "" && key.thumbprint != thumbprint:
		return nil, refuse(ErrUnknownKey, "DPoP proof: not the key the token is bound to")
	}
	return key, nil
}

// A proofHeader is the JOSE header of a proof. Unlike that of a token, it
// brings its key.
type proofHeader struct {
	algorithm, typ []byte
	key            strictjson.Value
}

func (h *proofHeader) read(s *strictjson.Scanner, document []byte) error {
	s.Reset(document)
	for s.Next() {
		if err := h.readMember(s.Name(), s.Value()); err != nil {
			return err
		}
	}
	if s.Err() == nil && h.key == nil {
		return refuse(ErrMalformed, "header: no jwk")
	}
	return s.Err()
}

func (h *proofHeader) readMember(name []byte, value strictjson.Value) (err error) {
	switch string(name) {
	case "alg":
		h.algorithm, err = headerText(value, ErrAlgorithm, "alg")
	case "typ":
		h.typ, err = headerText(value, ErrType, "typ")
	case "jwk":
		h.key = value
	case "crit":
		return refuse(ErrCritical, "DPoP proof")
	case "b64", "zip", "jku", "x5u", "x5c":
		return refuse(ErrMalformed, "header parameter "+string(name)+" is not accepted")
	default:
		if twin := twinOf(name, headerTwins); twin != "" {
			return refuse(ErrMalformed, "a header parameter differs from "+twin+" only in case")
		}
	}
	return err
}
