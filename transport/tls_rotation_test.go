package transport_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

func TestMutualTLSFollowsRotation(t *testing.T) {
	ca, next := newAuthority(t, "CA"), newAuthority(t, "next CA")
	both := append(ca.trust(), next.trust()...)
	serverKeys, replaceServerKeys := storeFile(t, ca.leaf(t, "server", "127.0.0.1"))
	serverTrust, replaceServerTrust := storeFile(t, ca.trust())
	clientKeys, replaceClientKeys := storeFile(t, ca.leaf(t, "before"))
	clientTrust, replaceClientTrust := storeFile(t, ca.trust())
	server := serveTLS(t, transport.TLS{Keys: serverKeys, Trust: serverTrust})
	client := &asker{config: transport.TLS{Keys: clientKeys, Trust: clientTrust}, url: server.URL}
	for _, step := range []struct {
		name    string
		replace func([]byte)
		data    []byte
		want    string
	}{
		{"before", func([]byte) {}, nil, "before"},
		{"the client's new key", replaceClientKeys, ca.leaf(t, "after"), "after"},
		{"a client's key of the next CA, too early", replaceClientKeys, next.leaf(t, "next"), ""},
		{"the server trusts the next CA", replaceServerTrust, both, "next"},
		{"the server's key of the next CA, too early", replaceServerKeys, next.leaf(t, "server", "127.0.0.1"), ""},
		{"the client trusts the next CA", replaceClientTrust, both, "next"},
		{"the server trusts the old CA no more", replaceServerTrust, next.trust(), "next"},
		{"the client's old key no longer opens", replaceClientKeys, ca.leaf(t, "before"), ""},
	} {
		step.replace(step.data)
		if got, err := client.ask(); got != step.want || (err != nil) != (step.want == "") {
			t.Fatalf("%s: got %q, %v, want %q", step.name, got, err, step.want)
		}
	}
}

// storeFile is a store in a file, and a function that replaces it.
func storeFile(t testing.TB, data []byte) (*keystore.Store, func(data []byte)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.pem")
	write := func(data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(data)
	s, err := keystore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, func(data []byte) {
		write(data)
		if err := s.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}
