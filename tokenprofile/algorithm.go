package tokenprofile

import "github.com/tokenprofile/tokenprofile-go/keystore"

// An Algorithm is the JWS algorithm of a profile (RFC 7518 section 3.1, RFC
// 8037, RFC 9864, RFC 9964). What it is stands in one table of package keystore.
type Algorithm = keystore.Algorithm

// The algorithms a profile can have. There is no "none".
const (
	RS256   = keystore.RS256 // RSASSA-PKCS1-v1_5 with SHA-256
	RS384   = keystore.RS384
	RS512   = keystore.RS512
	PS256   = keystore.PS256 // RSASSA-PSS with SHA-256 and a salt of 32 bytes
	PS384   = keystore.PS384
	PS512   = keystore.PS512
	ES256   = keystore.ES256 // ECDSA on P-256 with SHA-256
	ES384   = keystore.ES384
	ES512   = keystore.ES512   // on P-521
	EdDSA   = keystore.EdDSA   // Ed25519, under the name most software knows
	Ed25519 = keystore.Ed25519 // the same by its own name (RFC 9864)
	MLDSA44 = keystore.MLDSA44 // needs Go 1.27, as the next two do
	MLDSA65 = keystore.MLDSA65
	MLDSA87 = keystore.MLDSA87
	HS256   = keystore.HS256 // HMAC with SHA-256
	HS384   = keystore.HS384
	HS512   = keystore.HS512
)
