package tokenprofile

import (
	"encoding/json"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A proofKey is the key in a proof's header. Nobody vouches for it: it is
// worth what its thumbprint is worth.
type proofKey struct {
	algorithm  Algorithm
	public     keystore.PublicKey
	thumbprint string
}

func (v *ProofVerifier) judgeKey(r *received, thumbprint string) (*proofKey, error) {
	h := &r.header
	if err := r.readHeader(); err != nil {
		return nil, err
	}
	algorithm := Algorithm(h.algorithm)
	switch {
	case h.critical != nil:
		return nil, refuse(ErrCritical, "DPoP proof")
	case !sameType(h.typ, proofType):
		return nil, refuse(ErrType, "not a DPoP proof")
	case !v.accepts(algorithm):
		return nil, refuse(ErrAlgorithm, "DPoP proof")
	}
	key := &proofKey{algorithm: algorithm}
	if err := json.Unmarshal(h.find("jwk"), &key.public); err != nil {
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
