package peers_test

import (
	"context"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const (
	issuer   = "https://consumer.example"
	audience = "https://producer.example"
)

func profile(algorithm tokenprofile.Algorithm) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: algorithm, Issuer: issuer, Audience: []string{audience}, Subject: "billing",
	}
}

// secrets are a source of one secret key.
type secrets struct{ key keystore.SecretKey }

func (s secrets) SecretKeys(context.Context, string) ([]keystore.SecretKey, error) {
	return []keystore.SecretKey{s.key}, nil
}

func newSecrets(tb testing.TB, key []byte) secrets {
	tb.Helper()
	secret, err := keystore.NewSecretKey(key, "")
	if err != nil {
		tb.Fatal(err)
	}
	return secrets{secret}
}
