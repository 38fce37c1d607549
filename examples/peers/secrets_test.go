package peers_test

import (
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

func newSecret(tb testing.TB, key []byte) keystore.SecretKey {
	tb.Helper()
	secret, err := keystore.NewSecretKey(key, "")
	if err != nil {
		tb.Fatal(err)
	}
	return secret
}
