package keystore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// The key lies in a secret manager with an HTTP API like HashiCorp Vault's. It
// is asked every half a minute, and a new key is published before it signs.
func ExampleFile_secretManager() {
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"key": jwkSet("2026-11")}})
	}))
	defer vault.Close()
	read := func(ctx context.Context) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, "GET", vault.URL+"/v1/secret/data/signing", nil)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, errors.New(resp.Status)
		}
		var answer struct{ Data struct{ Key string } }
		err = json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 1<<20)).Decode(&answer)
		return []byte(answer.Data.Key), err
	}
	store, err := keystore.File{Path: "vault: secret/signing", Read: read, Interval: 30 * time.Second}.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range store.Status().Keys {
		fmt.Println(key.KeyID, key.State)
	}
	// Output: 2026-11 signing
}

// The key lies in an environment variable, in base64 or not.
func ExampleFile_environment() {
	os.Setenv("SIGNING_KEY", jwkSet("2026-11"))
	read := func(context.Context) ([]byte, error) { return []byte(os.Getenv("SIGNING_KEY")), nil }
	store, err := keystore.File{Path: "SIGNING_KEY", Read: read}.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(store.Entries()[0].KeyID)
	// Output: 2026-11
}

// A Kubernetes secret of type kubernetes.io/tls is mounted as two files.
func ExampleFile_kubernetesTLS() {
	file := keystore.File{Path: "/etc/tls/tls.key", Certificate: "/etc/tls/tls.crt"}
	if _, err := file.Open(); err != nil {
		fmt.Println(err)
	}
	// Output: keystore: /etc/tls/tls.key with /etc/tls/tls.crt: tls.key: no such file or directory
}
