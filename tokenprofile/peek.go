package tokenprofile

import (
	"bytes"
	"encoding/json"
)

// Peek shows what a token says that nobody has verified: anybody can write one.
// It is for finding out why a token was refused, and never for a decision. The
// claims of an encrypted token are nil. What it returns is for eyes that may
// see the claims, and not for a log.
//
// The error is [ErrMalformed] for what no [Verifier] would read.
func Peek(token string) (header, claims json.RawMessage, err error) {
	r, err := receive(token, maxMaxSize)
	if err != nil {
		return nil, nil, err
	}
	defer r.release()
	if bytes.Count(r.text, []byte(".")) == encryptedDots {
		encrypted, err := receiveEncrypted(r.text)
		if err != nil {
			return nil, nil, err
		}
		defer encrypted.release()
		return bytes.Clone(encrypted.header.document), nil, nil
	}
	if err := r.read(); err != nil {
		return nil, nil, err
	}
	return bytes.Clone(r.rawHeader), bytes.Clone(r.payload), nil
}
