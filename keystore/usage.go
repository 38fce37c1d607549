package keystore

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// usage is what a JWK says about the use of its key.
type usage struct {
	alg Algorithm // the one JWA algorithm the key is bound to, or ""
	use string    // "sig", "enc" or "" (RFC 7517 section 4.2)
	ops []string  // key_ops (RFC 7517 section 4.3)
}

func (u usage) equal(other usage) bool {
	return u.alg == other.alg && u.use == other.use && slices.Equal(u.ops, other.ops)
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
