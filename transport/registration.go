package transport

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// ErrUnknownClient is what a [Registry] returns for an id it does not know.
var ErrUnknownClient = errors.New("unknown client")

// A Registry knows the clients of a [TokenEndpoint]. The error for an id that
// is not registered wraps [ErrUnknownClient]; any other means that the
// registry could not tell.
type Registry interface {
	Registration(ctx context.Context, clientID string) (*Registration, error)
}

// A Registration says how a client authenticates. A client may have several
// ways; it uses one in each request.
type Registration struct {
	// SecretHash is the [HashSecret] of the client's secret, for
	// client_secret_basic and client_secret_post (RFC 6749 section 2.3.1).
	// Empty: the client has no secret.
	SecretHash string

	// Assertions verifies the client's own assertions, for private_key_jwt
	// (RFC 7523 section 2.2), or with [tokenprofile.Profile.SecretVerifier] for
	// client_secret_jwt (OpenID Connect Core section 9). Several clients may share a verifier
	// ([tokenprofile.ByIssuer]): issuer and subject must both be the client id
	// in any case (OpenID Connect Core section 9), and the audience this
	// server alone. The profile says the audience and the type, and should
	// have OneUse. Nil: the client has no key.
	Assertions TokenVerifier

	// AssertionIssuer is the issuer of the client's assertions where another
	// party signs them, which then speaks for this client: a workload platform,
	// for instance. The subject still is the client id. Empty: the client is
	// the issuer.
	AssertionIssuer string

	// Certificate says which certificates are the client's, for mutual TLS as
	// client authentication (RFC 8705 section 2). The request names the client
	// by client_id. Nil: none.
	Certificate *ClientCertificate
}

// methods returns the ways in which the client may authenticate, and the
// algorithms of its assertions, in the words of RFC 8414 section 2.
func (r Registration) methods() (methods []string, algorithms []tokenprofile.Algorithm) {
	if r.SecretHash != "" {
		methods = append(methods, oauth.AuthSecretBasic, oauth.AuthSecretPost)
	}
	for _, profile := range profilesOf(r.Assertions) {
		algorithms = append(algorithms, profile.Algorithm)
		if profile.Algorithm.UsesSecret() {
			methods = append(methods, oauth.AuthSecretJWT)
		} else {
			methods = append(methods, oauth.AuthPrivateKeyJWT)
		}
	}
	switch {
	case r.Certificate == nil:
	case len(r.Certificate.Thumbprints) > 0:
		methods = append(methods, oauth.AuthSelfSignedTLS)
	default:
		methods = append(methods, oauth.AuthTLS)
	}
	return methods, algorithms
}

// profilesOf returns the profiles of the verifier, if it tells them.
func profilesOf(verifier TokenVerifier) []tokenprofile.Profile {
	switch v := verifier.(type) {
	case interface{ Profile() tokenprofile.Profile }:
		return []tokenprofile.Profile{v.Profile()}
	case interface{ Profiles() []tokenprofile.Profile }:
		return v.Profiles()
	}
	return nil
}

// Registrations is a fixed [Registry], by client id.
type Registrations map[string]Registration

// Registration implements [Registry].
func (r Registrations) Registration(_ context.Context, clientID string) (*Registration, error) {
	registration, ok := r[clientID]
	if !ok {
		return nil, ErrUnknownClient
	}
	return &registration, nil
}

// minSecret is the length of 128 random bits in base64url.
const minSecret = 22

const hashPrefix = "sha256:"

// HashSecret returns what a [Registration] keeps of a client secret: its
// SHA-256. That is enough for a random secret, as [crypto/rand.Text] makes
// them, but not for one that a person has thought up; so a secret of less than
// 22 bytes is refused.
func HashSecret(secret string) (string, error) {
	if len(secret) < minSecret {
		return "", fmt.Errorf("transport: a client secret of less than %d bytes; let crypto/rand.Text make one", minSecret)
	}
	return hashSecret(secret), nil
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hashPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}
