package keystore

// ReadUnchanged reads an open file, for a test in which it changes meanwhile.
var ReadUnchanged = readUnchanged

// WithPasswords calls use with the passwords of a load, which are those the
// readers get: the store's, and those to try for an alias.
func WithPasswords(f File, use func(store []byte, key func(alias string) [][]byte)) error {
	return withPasswords(f, func(p *passwords) error {
		use(p.store, p.key)
		return nil
	})
}
