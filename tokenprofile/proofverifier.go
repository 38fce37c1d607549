package tokenprofile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// ErrNonce is the reason, together with [ErrInvalid], for refusing a proof
// without a nonce of this server, or with one that is too old (RFC 9449 section
// 8). The client asks again with the nonce that the server names.
var ErrNonce = errors.New("nonce not accepted")

// What a proof may be at most.
const (
	maxProof   = 8 << 10 // bytes; an RSA key of 8192 bits and a long URL fit
	maxProofID = 256     // bytes of jti
)

// defaultProofAge is short, because a proof is made for one request that is
// sent at once, and is remembered as long as it is good.
const defaultProofAge = time.Minute

// defaultProofsPerKey is how many proofs of one key are remembered while they
// are good: 80 requests a second.
const defaultProofsPerKey = 10_000

// A ProofVerifier admits DPoP proofs (RFC 9449 section 4.3). The zero value
// is ready for use. It is safe for concurrent use; its fields must not change
// once it is in use.
type ProofVerifier struct {
	Algorithms []Algorithm      // accepted, EdDSA also by the name Ed25519 (RFC 9864); nil: all but the HMACs
	MaxAge     time.Duration    // how long after its iat a proof is good, and how far iat may lie ahead; zero: 1 minute
	Nonces     *ProofNonces     // if set, demands a nonce of these in every proof (RFC 9449 sections 8 and 9)
	Replay     ReplayGuard      // nil: a [MemoryReplayGuard] in which one key may have 10,000 proofs
	Now        func() time.Time // nil: time.Now

	once   sync.Once
	memory *MemoryReplayGuard // set by once
}

// Accepts returns the algorithms of the proofs that v admits, as a challenge
// lists them (RFC 9449 section 5.1).
func (v *ProofVerifier) Accepts() []Algorithm {
	if v == nil || v.Algorithms == nil {
		return slices.DeleteFunc(keystore.SignatureAlgorithms(), Algorithm.UsesSecret)
	}
	return slices.Clone(v.Algorithms)
}

// accepts takes EdDSA also by the name Ed25519 (RFC 9864), which some clients
// write in their proofs.
func (v *ProofVerifier) accepts(a Algorithm) bool {
	accepted := v.Accepts()
	return !a.UsesSecret() && (slices.Contains(accepted, a) || a == Ed25519 && slices.Contains(accepted, EdDSA))
}

// Verify checks that the proof is for the request that want describes. With an
// empty want.Nonce, v.Nonces decides on the nonce. The thumbprint is that of
// the key that must have signed (the token's cnf jkt); "" accepts any key, as a
// token endpoint does. Verify returns the thumbprint of the key that signed. A
// proof that passes is used up.
//
// An error that wraps [ErrInvalid] is the proof's fault; any other means that
// it could not be judged.
func (v *ProofVerifier) Verify(ctx context.Context, proof string, want Proof, thumbprint string) (string, error) {
	if err := errors.Join(v.check(), want.check()); err != nil {
		return "", err
	}
	r, err := receive(proof, maxProof, signedDots)
	if err != nil {
		return "", err
	}
	defer r.release()
	key, err := v.judgeKey(r, thumbprint)
	if err != nil {
		return "", err
	}
	if err := r.readClaims(); err != nil {
		return "", err
	}
	if err := v.judgeClaims(&r.claims, want); err != nil {
		return "", err
	}
	if !key.algorithm.Verify(key.public, r.input, r.signature) {
		return "", refuse(ErrSignature, "DPoP proof")
	}
	if err := v.useUp(ctx, &r.claims, key.thumbprint); err != nil {
		return "", err
	}
	return key.thumbprint, nil
}

// check reports what is wrong with v itself, and not with a proof.
func (v *ProofVerifier) check() error {
	switch {
	case v == nil:
		return errors.New("tokenprofile: DPoP: the ProofVerifier is nil")
	case v.MaxAge < 0:
		return fmt.Errorf("tokenprofile: DPoP: ProofVerifier.MaxAge is negative: %s", formatDuration(v.MaxAge))
	case v.Nonces != nil && v.Nonces.MaxAge < 0:
		return fmt.Errorf("tokenprofile: DPoP: ProofNonces.MaxAge is negative: %s", formatDuration(v.Nonces.MaxAge))
	}
	for _, a := range v.Algorithms {
		if err := a.Check(); err != nil {
			return fmt.Errorf("tokenprofile: DPoP: ProofVerifier.Algorithms: %w", err)
		}
	}
	return nil
}

// Nonce returns the nonce a client is told to use next (the header DPoP-Nonce,
// RFC 9449 section 8), or "" if v.Nonces is nil.
func (v *ProofVerifier) Nonce() string {
	if v == nil || v.Nonces == nil {
		return ""
	}
	return v.Nonces.next(v.now())
}

// judgeClaims makes checks 2 and 8 to 12 of RFC 9449 section 4.3.
func (v *ProofVerifier) judgeClaims(c *claims, want Proof) error {
	if len(c.id) == 0 || len(c.id) > maxProofID {
		return refuse(ErrClaim, "jti is missing, or longer than 256 bytes")
	}
	if err := v.judgeTime(c); err != nil {
		return err
	}
	if err := demandText(c, "htm", want.Method); err != nil {
		return err
	}
	if err := judgeURL(c, want.URL); err != nil {
		return err
	}
	if want.TokenHash != "" {
		if err := demandText(c, "ath", want.TokenHash); err != nil {
			return err
		}
	}
	return v.judgeNonce(c, want.Nonce)
}

// judgeTime also obeys exp and nbf, which a proof need not have. They get the
// same allowance for a clock that is ahead as iat.
func (v *ProofVerifier) judgeTime(c *claims) error {
	now := v.now()
	age := now.Sub(c.issuedAt)
	switch {
	case c.issuedAt.IsZero():
		return refuse(ErrClaim, "iat is missing")
	case age > v.maxAge():
		return refuse(ErrExpired, "DPoP proof: iat is too old")
	case -age > v.maxAge():
		return refuse(ErrNotYetValid, "DPoP proof: iat lies in the future")
	case !c.expiry.IsZero() && !now.Before(c.expiry):
		return refuse(ErrExpired, "DPoP proof: exp has passed")
	case c.notBefore.Sub(now) > v.maxAge():
		return refuse(ErrNotYetValid, "DPoP proof: nbf lies in the future")
	}
	return nil
}

// demandText demands that a claim is this text.
func demandText(c *claims, name, want string) error {
	value, err := c.find(name)
	if err != nil {
		return err
	}
	if got, _ := value.Text(); want == "" || string(got) != want {
		return refuse(ErrClaim, name+" is missing, or not that of the request")
	}
	return nil
}

func judgeURL(c *claims, want string) error {
	wanted, err := proofURL(want)
	if err != nil {
		return fmt.Errorf("tokenprofile: DPoP: the request's own URL: %w", err)
	}
	value, err := c.find("htu")
	if err != nil {
		return err
	}
	text, _ := value.Text()
	if got, err := proofURL(string(text)); err != nil || got != wanted {
		return refuse(ErrClaim, "htu is missing, or not that of the request")
	}
	return nil
}

func (v *ProofVerifier) judgeNonce(c *claims, want string) error {
	if want == "" && v.Nonces == nil {
		return nil
	}
	value, err := c.find("nonce")
	if err != nil {
		return err
	}
	nonce, _ := value.Text()
	if want != "" && string(nonce) != want || v.Nonces != nil && !v.Nonces.accepts(string(nonce), v.now()) {
		return refuse(ErrNonce, "")
	}
	return nil
}

// useUp remembers the proof as long as it would be accepted. Ids are kept
// apart by key (as RFC 9278 names it), so that nobody can use up another's.
func (v *ProofVerifier) useUp(ctx context.Context, c *claims, thumbprint string) error {
	const urn = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"
	expiry := c.issuedAt.Add(v.maxAge() + time.Second) // the guard looks at the clock once more
	first, err := v.replay().First(ctx, urn+thumbprint, string(c.id), expiry)
	switch {
	case err != nil:
		return fmt.Errorf("tokenprofile: replay guard: %w", err)
	case !first:
		return refuse(ErrReplayed, "DPoP proof")
	}
	return nil
}

func (v *ProofVerifier) replay() ReplayGuard {
	if v.Replay != nil {
		return v.Replay
	}
	v.once.Do(func() { v.memory = &MemoryReplayGuard{MaxPerIssuer: defaultProofsPerKey, Now: v.Now} })
	return v.memory
}

func (v *ProofVerifier) maxAge() time.Duration {
	if v.MaxAge == 0 {
		return defaultProofAge
	}
	return v.MaxAge
}

func (v *ProofVerifier) now() time.Time {
	if v.Now == nil {
		return time.Now()
	}
	return v.Now()
}

// A proofKey is the key in a proof's header. Nobody vouches for it: only its
// thumbprint counts.
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
