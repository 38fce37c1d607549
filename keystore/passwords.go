package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// passwords are those of one load. Each is asked for once, when it is needed,
// and wiped after the load.
type passwords struct {
	store   []byte // nil: none was given
	keys    func() []byte
	byAlias map[string]func() []byte
	fetched [][]byte
	err     error // the first error of a Password
}

// withPasswords asks for the store's password, lets use read the store with
// it, and wipes it and every other password that was asked for.
func withPasswords(f File, use func(*passwords) error) error {
	p := &passwords{byAlias: make(map[string]func() []byte, len(f.KeyPasswords))}
	defer p.wipe()
	p.store, p.keys = p.fetch(f.Password), p.once(f.KeyPassword)
	for alias, password := range f.KeyPasswords {
		p.byAlias[format.FoldAlias(alias)] = p.once(password)
	}
	if p.err != nil {
		return p.err
	}
	err := use(p)
	if again, ok := otherLineEnd(p.store); ok && p.err == nil && errors.Is(err, ErrPassword) {
		p.store = p.keep(again)
		if use(p) == nil {
			err = nil
		}
	}
	if p.err != nil {
		return p.err
	}
	return err
}

// otherLineEnd returns the password without the line break it ends in, or with
// one. Tools that keep a password in a file differ in whether the line break is
// part of it.
func otherLineEnd(password []byte) (other []byte, ok bool) {
	other = bytes.TrimRight(password, "\r\n")
	if len(other) == len(password) {
		other = append(bytes.Clone(password), '\n')
	}
	return other, len(password) > 0
}

// once fetches a password when it is asked for first.
func (p *passwords) once(password Password) func() []byte {
	asked, secret := false, []byte(nil)
	return func() []byte {
		if !asked {
			asked, secret = true, p.fetch(password)
		}
		return secret
	}
}

// key yields what to try for the key of an alias: its own password, the one
// for keys, the store's, and the empty one, with which some tools encrypt keys
// inside a store that has a password.
func (p *passwords) key(alias string) [][]byte {
	var tries [][]byte
	if own, there := p.byAlias[format.FoldAlias(alias)]; there {
		tries = add(tries, own())
	}
	tries = add(tries, p.keys())
	tries = add(tries, p.store)
	if len(tries) == 0 {
		return nil
	}
	return add(tries, []byte{})
}

// add leaves out a missing password, and one that is there already: every try
// costs a key derivation.
func add(tries [][]byte, password []byte) [][]byte {
	if password == nil || slices.ContainsFunc(tries, func(other []byte) bool { return string(other) == string(password) }) {
		return tries
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
	return p.keep(append([]byte{}, text...))
}

// keep remembers a secret that is to be wiped.
func (p *passwords) keep(secret []byte) []byte {
	p.fetched = append(p.fetched, secret)
	return secret
}

func (p *passwords) wipe() {
	for _, secret := range p.fetched {
		clear(secret)
	}
}
