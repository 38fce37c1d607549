package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer is the Node.js program peer.mjs, running. It ends when its standard
// input does, with the test program, which must not lose sight of it before.
type peer struct {
	address string
	stdin   io.Closer
}

// startPeer is the peer. All tests share one: it makes many keys.
func startPeer(t *testing.T) *peer {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") == "" {
		t.Skip("TOKENPROFILE_TOOLS is not set: needs Node.js, and npm install in this directory")
	}
	node, err := shared()
	if err != nil {
		t.Fatalf("node peer.mjs (npm install?): %v", err)
	}
	return node
}

var shared = sync.OnceValues(func() (*peer, error) {
	node := exec.Command("node", "peer.mjs")
	node.Stderr = os.Stderr
	stdin, err := node.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := node.Start(); err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	return &peer{strings.TrimSpace(address), stdin}, err
})

// jwks is where the peer publishes its keys, or the one named.
func (p *peer) jwks(name string) string {
	if name == "" {
		return p.address + "/jwks.json"
	}
	return p.address + "/keys/" + url.PathEscape(name)
}

type request struct {
	Alg       string         `json:"alg,omitempty"`
	Enc       string         `json:"enc,omitempty"`
	K         string         `json:"k,omitempty"` // a shared secret, base64url
	JWKS      string         `json:"jwks,omitempty"`
	KeyID     string         `json:"kid,omitempty"`
	Name      string         `json:"name,omitempty"` // of one of the peer's own keys
	Type      string         `json:"typ,omitempty"`
	Content   string         `json:"cty,omitempty"`
	Token     string         `json:"token,omitempty"`
	Plaintext string         `json:"plaintext,omitempty"`
	Issuer    string         `json:"issuer,omitempty"`
	Audience  string         `json:"audience,omitempty"`
	Claims    map[string]any `json:"claims,omitempty"`
}

type response struct {
	Token, Plaintext, Error string
	Claims, Header          map[string]any
}

// err is the peer's refusal, or nil.
func (r response) err() error {
	if r.Error == "" {
		return nil
	}
	return errors.New(r.Error)
}

// do asks the peer for an operation, and fails the test if the peer refuses.
func (p *peer) do(t *testing.T, operation string, in request) response {
	t.Helper()
	out := p.try(t, operation, in)
	if out.Error != "" {
		t.Fatalf("jose %s: %s", operation, out.Error)
	}
	return out
}

func (p *peer) try(t *testing.T, operation string, in request) (out response) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address+"/"+operation, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
