package keystore

import (
	"crypto/x509"
	"fmt"
	"slices"
)

func (k PublicKey) permits(operation string) error {
	if err := permits(k.use, k.ops, operation); err != nil {
		return err
	}
	if len(k.chain) == 0 || k.chain[0].KeyUsage == 0 {
		return nil
	}
	usage := k.chain[0].KeyUsage
	switch operation {
	case "sign", "verify":
		// RFC 5280 section 4.2.1.3: contentCommitment was called
		// nonRepudiation, and certificates with nothing else sign documents.
		if usage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
			return fmt.Errorf("the certificate's key usage does not include digital signatures")
		}
	case "encrypt", "decrypt", "wrapKey", "unwrapKey":
		if usage&(x509.KeyUsageKeyEncipherment|x509.KeyUsageDataEncipherment) == 0 {
			return fmt.Errorf("the certificate's key usage does not include encipherment")
		}
	case "deriveKey", "deriveBits":
		if usage&x509.KeyUsageKeyAgreement == 0 {
			return fmt.Errorf("the certificate's key usage does not include key agreement")
		}
	}
	return nil
}

func (k SecretKey) permits(operation string) error { return permits(k.use, k.ops, operation) }

// permits applies RFC 7517 sections 4.2 and 4.3.
func permits(use string, ops []string, operation string) error {
	signature := operation == "sign" || operation == "verify"
	if use == "sig" && !signature || use == "enc" && signature {
		return fmt.Errorf("the key's use is %q", use)
	}
	if len(ops) > 0 && !slices.Contains(ops, operation) {
		return fmt.Errorf("the key's key_ops are %q", ops)
	}
	return nil
}
