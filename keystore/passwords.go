package keystore

import (
	"fmt"
)

// passwords are those of one load. They are wiped after it.
type passwords struct {
	store   []byte // nil: none was given
	keys    File
	fetched [][]byte
	err     error // the first that a function of the caller's returned
}

// withPasswords asks for the store's password, lets use read the store with
// it, and wipes it and every other password that was asked for. Those of keys
// are asked for when a key needs one.
func withPasswords(f File, use func(*passwords) error) error {
	p := &passwords{keys: f}
	defer p.wipe()
	p.store = p.fetch(f.Password)
	if p.err != nil {
		return p.err
	}
	if err := use(p); err != nil && p.err == nil {
		return err
	}
	return p.err
}

// key yields what to try for the key of an alias: its own password, the one
// for keys, the store's, and the empty one, with which some tools encrypt keys
// inside a store that has a password.
func (p *passwords) key(alias string) [][]byte {
	var tries [][]byte
	for name, password := range p.keys.KeyPasswords {
		if sameAlias(name, alias) {
			tries = p.add(tries, p.fetch(password))
		}
	}
	tries = p.add(tries, p.fetch(p.keys.KeyPassword))
	tries = p.add(tries, p.store)
	if len(tries) == 0 {
		return nil
	}
	return p.add(tries, []byte{})
}

// add leaves out what was not given or is there already: every try costs a
// key derivation.
func (p *passwords) add(tries [][]byte, password []byte) [][]byte {
	if password == nil {
		return tries
	}
	for _, other := range tries {
		if string(other) == string(password) {
			return tries
		}
	}
	return append(tries, password)
}

func (p *passwords) fetch(password Password) []byte {
	if password == nil || p.err != nil {
		return nil
	}
	text, err := password()
	switch {
	case err != nil:
		p.err = err
		return nil
	case len(text) > maxPasswordFile:
		p.err = fmt.Errorf("%w: a password of more than %d bytes", ErrLimit, maxPasswordFile)
		return nil
	}
	secret := append([]byte{}, text...)
	p.fetched = append(p.fetched, secret)
	return secret
}

func (p *passwords) wipe() {
	for _, secret := range p.fetched {
		clear(secret)
	}
}
