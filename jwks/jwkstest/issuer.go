// Package jwkstest runs an issuer for tests: it publishes a JWK Set over
// HTTP, makes tokens, rotates its key, and misbehaves on demand.
//
//	issuer := jwkstest.NewIssuer("ES256")
//	defer issuer.Close()
//	keys := &jwks.Client{URL: issuer.KeysURL()}
//	token := issuer.Token(map[string]any{"sub": "alice", "aud": "https://api.example"})
package jwkstest

import (
	"context"
	"encoding/base64"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Issuer is an issuer of tokens with an HTTP server on a loopback address. It
// is also an [http.Handler], for a server of your own, and a source of its
// keys: [keystore.PrivateSource], [keystore.PublicSource] and
// [keystore.Publisher]. It is safe for concurrent use.
//
// Its methods panic where a test could not go on anyway, as those of
// [net/http/httptest] do.
type Issuer struct {
	URL string // the issuer's identifier, the base of all its addresses

	algorithm keystore.Algorithm
	server    *httptest.Server // nil: not started
	mux       *http.ServeMux

	mu       sync.Mutex
	signing  keystore.PrivateKey  // guarded by mu
	public   []keystore.PublicKey // guarded by mu; published, the signing key's first
	fault    http.HandlerFunc     // guarded by mu; nil: behaves
	requests int                  // guarded by mu; for the key set
}

var (
	_ http.Handler           = (*Issuer)(nil)
	_ keystore.PrivateSource = (*Issuer)(nil)
	_ keystore.PublicSource  = (*Issuer)(nil)
	_ keystore.Publisher     = (*Issuer)(nil)
)

// NewIssuer starts an issuer that signs with the algorithm, any that has key
// pairs: [keystore.ES256] is the quickest. The caller calls
// [Issuer.Close] when done.
func NewIssuer(algorithm keystore.Algorithm) *Issuer {
	i := NewUnstartedIssuer(algorithm, "")
	i.listen()
	i.server.Start()
	i.URL = i.server.URL
	return i
}

// NewTLSIssuer starts an issuer as [NewIssuer] does, over https.
// [Issuer.Client] trusts its certificate.
func NewTLSIssuer(algorithm keystore.Algorithm) *Issuer {
	i := NewUnstartedIssuer(algorithm, "")
	i.listen()
	i.server.StartTLS()
	i.URL = i.server.URL
	return i
}

func (i *Issuer) listen() {
	i.server = httptest.NewUnstartedServer(i)
	i.server.Config.ErrorLog = log.New(io.Discard, "", 0) // it misbehaves on purpose
}

// NewUnstartedIssuer returns an issuer without a server, under any URL: for a
// server of your own, and for [testing/synctest], where [Issuer.Client] reaches
// it without a network.
func NewUnstartedIssuer(algorithm keystore.Algorithm, url string) *Issuer {
	i := &Issuer{URL: url, algorithm: algorithm, mux: http.NewServeMux()}
	i.Use(NewKey(algorithm))
	i.mux.Handle("/jwks.json", &jwks.Handler{Source: i})
	i.mux.HandleFunc("GET /.well-known/openid-configuration", i.metadata)
	i.mux.HandleFunc("GET /.well-known/oauth-authorization-server", i.metadata)
	return i
}

// Close stops the server, and closes every connection to it.
func (i *Issuer) Close() {
	if i.server != nil {
		i.Break(Reset) // so that nobody comes back to hang
		i.server.CloseClientConnections()
		i.server.Close()
	}
}

// Client returns an HTTP client that reaches the issuer and trusts its
// certificate. Without a server it hands every request to the issuer in
// memory, whatever the host: no socket is opened, so that time can stand
// still in a [testing/synctest] bubble.
func (i *Issuer) Client() *http.Client {
	if i.server != nil {
		return i.server.Client()
	}
	return &http.Client{Transport: memory{i}}
}

// KeysURL returns the address of the key set.
func (i *Issuer) KeysURL() string { return i.URL + "/jwks.json" }

// Use makes this the key that signs. It is published beside those that are
// published already, and replaces one of the same kid.
func (i *Issuer) Use(key keystore.PrivateKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	key = key.WithKeyID(key.KeyID()) // named, as it is in the key set
	i.signing = key
	i.public = slices.DeleteFunc(slices.Clone(i.public), func(k keystore.PublicKey) bool { return k.KeyID() == key.KeyID() })
	i.public = slices.Insert(i.public, 0, key.Public())
}

// Rotate makes a new key the one that signs. The old ones stay published until
// [Issuer.Withdraw].
func (i *Issuer) Rotate() keystore.PrivateKey {
	key := NewKey(i.algorithm)
	i.Use(key)
	return key
}

// Withdraw publishes the keys of these kids no longer.
func (i *Issuer) Withdraw(kids ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.public = slices.DeleteFunc(slices.Clone(i.public), func(k keystore.PublicKey) bool { return slices.Contains(kids, k.KeyID()) })
}

// KeyID returns the kid of the key that signs.
func (i *Issuer) KeyID() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signing.KeyID()
}

// Token returns a token with these claims, signed by the key in force. iss,
// iat and exp (in 5 minutes) are added where the claims do not have them; a
// claim that is nil is left out, to make a token without it.
func (i *Issuer) Token(claims map[string]any) string {
	return i.TokenWith(nil, claims)
}

// TokenWith returns a token as [Issuer.Token] does, with header parameters that
// replace those it would write (alg, typ, kid); nil leaves one out. The
// issuer's algorithm signs, whatever the header says, so that a test can see
// such tokens refused.
func (i *Issuer) TokenWith(header, claims map[string]any) string {
	i.mu.Lock()
	key := i.signing
	i.mu.Unlock()
	now := time.Now()
	text := segment(map[string]any{"alg": i.algorithm, "typ": "JWT", "kid": key.KeyID()}, header) + "." +
		segment(map[string]any{"iss": i.URL, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}, claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(key, i.algorithm, text))
}

// Break lets the fault answer every request for the key set, until
// [Issuer.Mend]: [Hang], [Reset], [Status] and the others of this package, or
// any other handler.
func (i *Issuer) Break(fault http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = fault
}

// Mend ends what [Issuer.Break] began.
func (i *Issuer) Mend() { i.Break(nil) }

// Requests returns the number of requests for the key set so far.
func (i *Issuer) Requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests
}

// PrivateKeys returns the key that signs.
func (i *Issuer) PrivateKeys(context.Context) ([]keystore.PrivateKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return []keystore.PrivateKey{i.signing}, nil
}

// PublicKeys returns the published key of the kid, or all of them for "".
func (i *Issuer) PublicKeys(ctx context.Context, kid string) ([]keystore.PublicKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return jwks.Set{Keys: i.public}.PublicKeys(ctx, kid)
}

// PublishedKeys returns the keys of the set.
func (i *Issuer) PublishedKeys(context.Context) ([]keystore.PublicKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.public, nil // replaced, never changed
}

// ServeHTTP serves the key set at /jwks.json, and the metadata of OpenID
// Connect Discovery and of RFC 8414.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/jwks.json" {
		i.mu.Lock()
		i.requests++
		fault := i.fault
		i.mu.Unlock()
		if fault != nil {
			fault(w, r)
			return
		}
	}
	i.mux.ServeHTTP(w, r)
}

func (i *Issuer) metadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(mustJSON(jwks.Metadata{Issuer: i.URL, KeySetURL: i.KeysURL(), SigningAlgorithms: []keystore.Algorithm{i.algorithm}}))
}
