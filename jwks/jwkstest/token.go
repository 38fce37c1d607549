package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for the algorithms that end in 256
	_ "crypto/sha512" // for the others
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Token returns a token with these claims, signed by the key in force. iss,
// iat and exp (in 5 minutes) are added where the claims do not have them; a
// claim that is nil is left out, to make a token without it.
func (i *Issuer) Token(claims map[string]any) string {
	return i.TokenWith(nil, claims)
}

// TokenWith is [Issuer.Token] with header parameters: they replace those it
// would write (alg, typ, kid), and nil leaves one out. The signature is by the
// issuer's algorithm, whatever the header says: to see such tokens refused.
func (i *Issuer) TokenWith(header, claims map[string]any) string {
	i.mu.Lock()
	key := i.signing
	i.mu.Unlock()
	now := time.Now()
	text := segment(map[string]any{"alg": i.algorithm, "typ": "JWT", "kid": key.KeyID()}, header) + "." +
		segment(map[string]any{"iss": i.URL, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}, claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(key.CryptoKey().(crypto.Signer), i.algorithm, text))
}

// segment is base64url of the defaults with the changes.
func segment(defaults, changes map[string]any) string {
	maps.Copy(defaults, changes)
	maps.DeleteFunc(defaults, func(_ string, value any) bool { return value == nil })
	return base64.RawURLEncoding.EncodeToString(mustJSON(defaults))
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	return data
}

// sign is RFC 7518 section 3 and RFC 8037 section 3.1.
func sign(key crypto.Signer, algorithm, text string) []byte {
	hash := hashes[algorithm]
	digest := []byte(text)
	if hash != 0 {
		h := hash.New()
		h.Write(digest)
		digest = h.Sum(nil)
	}
	var options crypto.SignerOpts = hash
	if algorithm[:2] == "PS" {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := key.Sign(rand.Reader, digest, options)
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	if public, ok := key.Public().(*ecdsa.PublicKey); ok {
		return fixedSize(signature, (public.Curve.Params().BitSize+7)/8)
	}
	return signature
}

// fixedSize turns the ASN.1 form of an ECDSA signature into that of RFC 7518
// section 3.4.
func fixedSize(signature []byte, size int) []byte {
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &numbers); err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	out := make([]byte, 2*size)
	numbers.R.FillBytes(out[:size])
	numbers.S.FillBytes(out[size:])
	return out
}

var hashes = map[string]crypto.Hash{
	"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
	"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512,
	"ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512,
	"EdDSA": 0,
}

// NewKey makes a private key for the JWA algorithm, for [Issuer.Use]. It
// panics if there is no such algorithm.
func NewKey(algorithm string) keystore.PrivateKey {
	signer, err := generate(algorithm)
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	key, err := keystore.NewPrivateKey(signer)
	if err != nil {
		panic(fmt.Sprintf("jwkstest: %v", err))
	}
	return key
}

func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("no signature algorithm %q", algorithm)
}
