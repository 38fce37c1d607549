package tokenprofile_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func TestSmoke(t *testing.T) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	store := keystore.New(private)
	p := tokenprofile.Profile{Algorithm: "ES256", Issuer: "i", Audience: []string{"a"}}
	s, err := p.Signer(store)
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.Verifier(store)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Sign(t.Context(), map[string]any{"sub": "x", "n": 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s %v", got.Header, got.Claims, got)
	}
	if _, err := v.Verify(t.Context(), token[:len(token)-8]+"AAAAAAAA"); err == nil {
		t.Error()
	} else {
		t.Log(err)
	}
	_, err = s.Sign(t.Context(), map[string]any{"iss": "x"})
	t.Log(err)
	data, _ := p.MarshalJSON()
	q, err := tokenprofile.Parse(data)
	t.Log(string(data), q, err)
	_, err = tokenprofile.Parse([]byte(`{"lifetime":15,"issuer":"","x":1,"encryption":{"keyAlgorithm":1,"y":2}}`))
	t.Log(err)
}
