package keystore_test

import (
	"context"
	"crypto"
	"encoding/base64"
	"testing"
)

func encode64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// noHash are the options of a signature over a message.
type noHash struct{}

func (noHash) HashFunc() crypto.Hash { return 0 }

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
