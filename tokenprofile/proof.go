package tokenprofile

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// proofType is the typ of a DPoP proof (RFC 9449 section 4.2).
const proofType = "dpop+jwt"

// A Proof says which request a DPoP proof is for (RFC 9449 section 4.2). As
// with a [Profile], one value serves both ends: what the [Prover] writes, the
// [ProofVerifier] demands.
type Proof struct {
	Method    string // htm, the HTTP method
	URL       string // htu, the URL of the request; query and fragment do not count
	TokenHash string // ath, the [HashToken] of the access token that goes with the proof; "" at a token endpoint
	Nonce     string // the nonce the server gave last; "" for none
}

// HashToken returns the ath of an access token (RFC 9449 section 4.2): its
// SHA-256 in base64url, or "" without a token.
func HashToken(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return canonical.EncodeToString(sum[:])
}

// check refuses a TokenHash that is not a hash: a token in its place would be
// printed.
func (p Proof) check() error {
	if p.TokenHash != "" && len(p.TokenHash) != canonical.EncodedLen(sha256.Size) {
		return errors.New("tokenprofile: DPoP: Proof.TokenHash is not what HashToken makes of the access token")
	}
	return nil
}

// Format prints the method and the URL's normal form, whatever the verb. A
// query may hold what does not belong in logs.
func (p Proof) Format(f fmt.State, _ rune) { io.WriteString(f, p.text()) }

// MarshalText returns what Format prints, for JSON and XML.
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.text()), nil }

// GobEncode always fails: a proof is for one request.
func (p Proof) GobEncode() ([]byte, error) {
	return nil, errors.New("tokenprofile: a proof has no gob form")
}

// LogValue returns what Format prints.
func (p Proof) LogValue() slog.Value { return slog.StringValue(p.text()) }

func (p Proof) text() string {
	target, err := proofURL(p.URL)
	if err != nil {
		target = "a malformed URL"
	}
	return "proof for " + p.Method + " " + target
}

// A Prover makes DPoP proofs with one key: see [NewProver]. It is safe for
// concurrent use; Now must not change once it is in use.
type Prover struct {
	Now func() time.Time // the clock; nil: time.Now

	key        keystore.PrivateKey
	algorithm  Algorithm
	thumbprint string
	header     []byte // the first segment: it is the same in every proof
}

// NewProver returns a prover with the key, which must be fit for one of the
// asymmetric algorithms. The algorithm is the one the key is bound to, else
// ES256, ES384 or ES512 by the curve, EdDSA, or PS256 for RSA.
func NewProver(key keystore.PrivateKey) (*Prover, error) {
	algorithm := proofAlgorithm(key.Public())
	if !algorithm.IsSignature() {
		return nil, fmt.Errorf("tokenprofile: DPoP: a key of type %s does not sign", key.Public().Describe())
	}
	if err := key.Fits(algorithm); err != nil {
		return nil, fmt.Errorf("tokenprofile: DPoP: %w", err)
	}
	bare, err := keystore.NewPublicKey(key.Public().CryptoKey()) // its kid is the thumbprint, whatever the file calls it
	if err != nil {
		return nil, fmt.Errorf("tokenprofile: DPoP: %w", err)
	}
	header, err := encode(struct {
		Type      string             `json:"typ"`
		Algorithm Algorithm          `json:"alg"`
		Key       keystore.PublicKey `json:"jwk"`
	}{proofType, algorithm, bare.WithKeyID("")})
	if err != nil {
		return nil, fmt.Errorf("tokenprofile: DPoP: %w", err)
	}
	return &Prover{key: key, algorithm: algorithm, thumbprint: bare.KeyID(), header: appendSegment(nil, header, false)}, nil
}

func proofAlgorithm(key keystore.PublicKey) Algorithm {
	if _, ok := key.CryptoKey().(*rsa.PublicKey); ok && key.Algorithm() == "" {
		return PS256
	}
	return key.DefaultAlgorithm()
}

// Prove returns a new proof, good for one request: a fresh jti, the time, and
// what proof says, signed, with the public key in its header.
func (p *Prover) Prove(ctx context.Context, proof Proof) (string, error) {
	switch {
	case p == nil || p.header == nil:
		return "", errors.New("tokenprofile: DPoP: the prover was not made by NewProver")
	case proof.Method == "":
		return "", errors.New("tokenprofile: DPoP: the method is empty")
	}
	if err := proof.check(); err != nil {
		return "", err
	}
	target, err := proofURL(proof.URL)
	if err != nil {
		return "", fmt.Errorf("tokenprofile: DPoP: %w", err)
	}
	claims, err := encode(struct {
		ID       string `json:"jti"`
		Method   string `json:"htm"`
		URL      string `json:"htu"`
		IssuedAt int64  `json:"iat"`
		Token    string `json:"ath,omitempty"`
		Nonce    string `json:"nonce,omitempty"`
	}{rand.Text(), proof.Method, target, p.now().Unix(), proof.TokenHash, proof.Nonce})
	if err != nil {
		return "", fmt.Errorf("tokenprofile: DPoP: %w", err)
	}
	text := appendSegment(append(append([]byte{}, p.header...), '.'), claims, false)
	signature, err := p.algorithm.Sign(ctx, p.key, nil, text)
	if err != nil {
		return "", fmt.Errorf("tokenprofile: DPoP: %w", err)
	}
	return string(appendSegment(append(text, '.'), signature, false)), nil
}

// Thumbprint returns the RFC 7638 thumbprint of the key, to which a server
// binds tokens (cnf jkt, RFC 9449 section 6.1) and which a client may announce
// (dpop_jkt, section 10).
func (p *Prover) Thumbprint() string {
	if p == nil {
		return ""
	}
	return p.thumbprint
}

func (p *Prover) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// proofURL returns the htu of a URL: without user, query and fragment, in the
// normal form of RFC 3986 sections 6.2.2 and 6.2.3, so that two spellings of
// one URL compare equal (RFC 9449 section 4.3).
func proofURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("the URL is malformed") // err would quote it
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "https" && scheme != "http" || u.Host == "" {
		return "", errors.New("the URL is not one of https or http with a host")
	}
	host := strings.ToLower(u.Host)
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":"), port)
	// Resolved against anything, a path loses its dot segments.
	path := (&url.URL{Path: "/"}).ResolveReference(&url.URL{Path: u.Path, RawPath: u.RawPath}).EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + normalEscapes(path), nil
}

// normalEscapes resolves the escapes of unreserved characters and writes the
// others in capitals (RFC 3986 sections 6.2.2.1 and 6.2.2.2).
func normalEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			b.WriteByte(path[i])
			continue
		}
		escape := path[i : i+3]
		i += 2
		if c, err := url.PathUnescape(escape); err == nil && isUnreserved(c[0]) {
			b.WriteByte(c[0])
			continue
		}
		b.WriteString(strings.ToUpper(escape))
	}
	return b.String()
}

// isUnreserved reports whether RFC 3986 section 2.3 calls the character
// unreserved.
func isUnreserved(c byte) bool {
	letter := 'a' <= c|0x20 && c|0x20 <= 'z'
	return letter || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
