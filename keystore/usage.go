package keystore

import (
	"fmt"
	"slices"
)

// usage is what a JWK says about the use of its key.
type usage struct {
	alg Algorithm // the one JWA algorithm the key is bound to, or ""
	use string    // "sig", "enc" or "" (RFC 7517 section 4.2)
	ops []string  // key_ops (RFC 7517 section 4.3)
}

// permits applies RFC 7517 sections 4.2 and 4.3. A use that is neither "sig"
// nor "enc" permits nothing here.
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
