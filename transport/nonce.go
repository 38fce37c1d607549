package transport

import (
	"cmp"
	"net/http"
	"net/url"
	"sync"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

const (
	maxNonce  = 256  // bytes
	maxNonces = 1024 // origins
)

// nonces remembers, per origin, the nonce that a server wants in the next DPoP
// proof (RFC 9449 section 8.2).
type nonces struct {
	mu       sync.Mutex
	byOrigin map[string]string // guarded by mu
}

// learn remembers the nonce of a response, if RFC 9449 section 8.1 allows it.
func (n *nonces) learn(u *url.URL, header http.Header) {
	nonce := header.Get(oauth.HeaderNonce)
	if nonce == "" || len(nonce) > maxNonce || !isNonce(nonce) {
		return
	}
	key := origin(u)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byOrigin == nil {
		n.byOrigin = map[string]string{}
	}
	if _, known := n.byOrigin[key]; !known && len(n.byOrigin) >= maxNonces {
		for other := range n.byOrigin {
			delete(n.byOrigin, other) // any: forgetting one costs a refused request, so that no order is kept
			break
		}
	}
	n.byOrigin[key] = nonce
}

// prove sets the DPoP header of the request.
func (n *nonces) prove(req *http.Request, prover *tokenprofile.Prover, token string) error {
	n.mu.Lock()
	nonce := n.byOrigin[origin(req.URL)]
	n.mu.Unlock()
	target := *req.URL
	if req.Host != "" {
		target.Host = req.Host // RFC 9110 section 7.1: the target URI is the one the Host header names
	}
	proof, err := prover.Prove(req.Context(), tokenprofile.Proof{
		Method:    cmp.Or(req.Method, http.MethodGet),
		URL:       target.String(),
		TokenHash: tokenprofile.HashToken(token),
		Nonce:     nonce,
	})
	if err != nil {
		return err
	}
	req.Header[oauth.HeaderProof] = []string{proof}
	return nil
}

// isNonce reports whether the text is NQCHARs of RFC 6749 appendix A.
func isNonce(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
