package tokenprofile

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrNonce is the reason, together with [ErrInvalid], for refusing a proof
// without a nonce of this server's, or with one that is too old (RFC 9449
// section 8): the client asks again with the nonce the server names.
var ErrNonce = errors.New("nonce not accepted")

// A ProofVerifier admits DPoP proofs (RFC 9449 section 4.3). The zero value
// is ready for use. It is safe for concurrent use.
type ProofVerifier struct {
	Algorithms []Algorithm      // accepted; nil: ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512
	MaxAge     time.Duration    // how long after its iat a proof is good, and how far iat may lie ahead; zero: 1 minute
	Replay     ReplayGuard      // nil: a bounded one in memory, for one process
	Now        func() time.Time // nil: time.Now

	memory MemoryReplayGuard
}

// Verify checks that the proof is for the request that want describes. The
// thumbprint is that of the key it must be signed with (the token's cnf jkt);
// "" accepts any key, as a token endpoint does. Verify returns the thumbprint
// of the key the proof was signed with.
//
// An error that wraps [ErrInvalid] is the proof's fault; any other means that
// the [ReplayGuard] failed.
func (v *ProofVerifier) Verify(ctx context.Context, proof string, want Proof, thumbprint string) (string, error) {
	return "", errNotBuilt
}

// Accepts returns the algorithms of the proofs that v admits, as a challenge
// lists them (RFC 9449 section 5.1).
func (v *ProofVerifier) Accepts() []Algorithm {
	if v.Algorithms == nil {
		return slices.Clone(proofAlgorithms)
	}
	return slices.Clone(v.Algorithms)
}

var proofAlgorithms = []Algorithm{ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512}
