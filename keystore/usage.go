package keystore

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// usage is what a JWK says about the use of its key.
type usage struct {
	alg string   // the one JWA algorithm the key is bound to, or ""
	use string   // "sig", "enc" or "" (RFC 7517 section 4.2)
	ops []string // key_ops (RFC 7517 section 4.3)
}

// operations are those of RFC 7517 section 4.3.
var operations = []string{"sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"}

// permits applies RFC 7517 sections 4.2 and 4.3. A use that is neither "sig"
// nor "enc" is somebody else's, and permits nothing here.
func (u usage) permits(operation string) error {
	want := "enc"
	if operation == "sign" || operation == "verify" {
		want = "sig"
	}
	if u.use != "" && u.use != want {
		return fmt.Errorf("the key's use is %q", clip(u.use))
	}
	if len(u.ops) > 0 && !slices.Contains(u.ops, operation) {
		return fmt.Errorf("the key's key_ops are %q", u.ops)
	}
	return nil
}

// permitsKeyUsage applies RFC 5280 section 4.2.1.3. A certificate without the
// extension permits everything.
func permitsKeyUsage(cert *x509.Certificate, operation string) error {
	if cert.KeyUsage == 0 {
		return nil
	}
	switch operation {
	case "sign", "verify":
		// contentCommitment was called nonRepudiation, and certificates
		// with nothing else sign documents.
		if cert.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
			return errors.New("the certificate's key usage does not include digital signatures")
		}
	case "encrypt", "decrypt", "wrapKey", "unwrapKey":
		if cert.KeyUsage&(x509.KeyUsageKeyEncipherment|x509.KeyUsageDataEncipherment) == 0 {
			return errors.New("the certificate's key usage does not include encipherment")
		}
	case "deriveKey", "deriveBits":
		if cert.KeyUsage&x509.KeyUsageKeyAgreement == 0 {
			return errors.New("the certificate's key usage does not include key agreement")
		}
	}
	return nil
}

// publicOperations are what the public half does where the private half does
// the operations given.
func publicOperations(private []string) []string {
	counterpart := map[string]string{"sign": "verify", "decrypt": "encrypt", "unwrapKey": "wrapKey"}
	var public []string
	for _, op := range private {
		if other, ok := counterpart[op]; ok {
			op = other
		}
		if !slices.Contains(public, op) {
			public = append(public, op)
		}
	}
	return public
}

// algorithmFits refuses a key bound to an algorithm that its type cannot do:
// an RSA key that says HS256 is the oldest of the tricks. Names this package
// does not know are left to whoever uses the key.
func algorithmFits(alg string, key crypto.PublicKey) error {
	kind := ""
	switch key := key.(type) {
	case *rsa.PublicKey:
		kind = "RSA"
	case *ecdsa.PublicKey:
		kind = key.Curve.Params().Name
	case ed25519.PublicKey:
		kind = "Ed25519"
	case *ecdh.PublicKey:
		kind = "X25519"
	}
	wants := algorithmKinds(alg)
	if wants == nil || slices.Contains(wants, kind) {
		return nil
	}
	return fmt.Errorf("alg %q does not fit a key of type %s", alg, kind)
}

// algorithmKinds are the types of keys an algorithm takes (RFC 7518 sections
// 3.1 and 4.1, RFC 8037), nil if the name is not known.
func algorithmKinds(alg string) []string {
	switch alg {
	case "ES256":
		return []string{"P-256"}
	case "ES384":
		return []string{"P-384"}
	case "ES512":
		return []string{"P-521"}
	case "EdDSA", "Ed25519":
		return []string{"Ed25519"}
	}
	switch {
	case strings.HasPrefix(alg, "RS"), strings.HasPrefix(alg, "PS"):
		return []string{"RSA"}
	case strings.HasPrefix(alg, "ECDH-ES"):
		return []string{"P-256", "P-384", "P-521", "X25519"}
	case alg == "none", alg == "dir", strings.HasPrefix(alg, "ES"), strings.HasPrefix(alg, "HS"),
		strings.HasPrefix(alg, "A128"), strings.HasPrefix(alg, "A192"), strings.HasPrefix(alg, "A256"):
		return []string{}
	}
	return nil
}
