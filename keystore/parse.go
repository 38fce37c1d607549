package keystore

import (
	"bytes"
	"fmt"
)

// maxFile is in bytes: the largest keystore read.
const maxFile = 16 << 20

// parse reads a keystore of any format, told from its content.
func (f File) parse(data []byte) (*contents, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrLimit, maxFile)
	}
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		format, entries, err := parseJSON(text)
		if err != nil {
			return nil, err
		}
		return f.contents(format, entries, true)
	}
	return nil, ErrUnknownFormat
}

func (f File) contents(format string, entries []Entry, verified bool) (*contents, error) {
	for i := range entries {
		f.identify(&entries[i])
	}
	c, err := newContents(entries)
	if err != nil {
		return nil, err
	}
	c.format, c.verified = format, verified
	if !verified && !f.AllowUnverified {
		c.refusal = fmt.Errorf("keystore: %w: the store has no integrity check, or no password was given for it", ErrUnverified)
	}
	return c, nil
}

// identify gives the entry's key its kid, and fills in what follows from it.
func (f File) identify(e *Entry) {
	if f.KeyID != nil && e.Kind == KindPrivateKey && e.Err == nil {
		e.PrivateKey = e.PrivateKey.WithKeyID(f.KeyID(e.Alias, e.PublicKey))
		e.PublicKey = e.PrivateKey.public
	}
	*e = e.described()
}
