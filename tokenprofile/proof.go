package tokenprofile

import (
	"context"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// A Proof says which request a DPoP proof is for (RFC 9449 section 4.2). As
// with a [Profile], one value serves both ends: what the [Prover] writes, the
// [ProofVerifier] demands.
type Proof struct {
	Method string // htm, the HTTP method
	URL    string // htu, the URL of the request; query and fragment do not count
	Token  string // the access token that goes with the proof (ath); "" at a token endpoint
	Nonce  string // the nonce the server gave last; "" for none
}

// A Prover makes DPoP proofs with one key. It is safe for concurrent use.
type Prover struct {
	key       keystore.PrivateKey
	algorithm Algorithm
}

// NewProver returns a prover with the key, which must be fit for one of the
// asymmetric algorithms. The algorithm is the one the key is bound to, else
// ES256, ES384 or ES512 by the curve, EdDSA, or PS256 for RSA.
func NewProver(key keystore.PrivateKey) (*Prover, error) { return nil, errNotBuilt }

// Prove returns a new proof, good for one request: a fresh jti, the time, and
// what proof says, signed, with the public key in its header.
func (p *Prover) Prove(ctx context.Context, proof Proof) (string, error) {
	return "", errNotBuilt
}

// Thumbprint is the RFC 7638 thumbprint of the key, to which a server binds
// tokens (cnf jkt, RFC 9449 section 6.1) and which a client may announce
// (dpop_jkt, section 10).
func (p *Prover) Thumbprint() string { return p.key.KeyID() }
