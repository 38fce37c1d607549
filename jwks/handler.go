package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// defaultHandlerMaxAge is the shortest time a [Client] waits between two
// fetches, and short enough for a rotation nobody has to plan.
const defaultHandlerMaxAge = 5 * time.Minute

// Handler serves the public keys of a [keystore.Publisher] as a JWK Set. Each
// key has its kid, its use, and its alg where the key or its type says which.
// A Publisher has no private, secret or trusted keys to give, so none can
// get out this way.
//
// It answers GET and HEAD, with an ETag, and 304 if the asker has that set
// already. A source that fails is 503 with a fixed text; OnError learns why.
type Handler struct {
	Source keystore.Publisher

	// MaxAge is how long those who fetch the set may keep it, as they are told
	// in Cache-Control; zero: 5 minutes. [keystore.File.PublishBefore] must be
	// at least as long, and a key that leaks is trusted for as long.
	MaxAge time.Duration

	// Algorithm is written as the alg of every key that it fits and whose source
	// names none. An RSA key alone does not tell, and some verifiers find a key
	// by kid and alg: name it, [keystore.RS256] say. A name that is no algorithm
	// answers 503. Empty: RSA keys have no alg.
	Algorithm keystore.Algorithm

	// Certificates also writes x5c and x5t#S256 (RFC 7517 sections 4.7, 4.9).
	Certificates bool

	// OnError, if not nil, is called with the reason of every 503.
	OnError func(*http.Request, error)

	mu       sync.Mutex
	rendered rendering // guarded by mu
}

var _ http.Handler = (*Handler)(nil)

// A rendering is a set as it was last written: keys seldom change, and are
// asked for often.
type rendering struct {
	keys []keystore.PublicKey
	body []byte
	etag string
}

// ServeHTTP answers one request for the set.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	set, err := h.render(r)
	if err != nil {
		if h.OnError != nil {
			h.OnError(r, err)
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "key set unavailable", http.StatusServiceUnavailable)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/jwk-set+json") // RFC 7517 section 8.5.2
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(h.maxAge().Seconds())))
	header.Set("ETag", set.etag)
	header.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(set.body)) // answers HEAD and If-None-Match
}

func (h *Handler) maxAge() time.Duration {
	if h.MaxAge <= 0 {
		return defaultHandlerMaxAge
	}
	return h.MaxAge
}

// render returns the set as it is now, written anew only if it has changed.
func (h *Handler) render(r *http.Request) (rendering, error) {
	if h.Source == nil {
		return rendering{}, errors.New("jwks: the handler has no source of keys")
	}
	if h.Algorithm != "" {
		if err := h.Algorithm.Check(); err != nil {
			return rendering{}, fmt.Errorf("jwks: Handler.Algorithm: %w", err)
		}
	}
	keys, err := h.Source.PublishedKeys(r.Context())
	if err != nil {
		return rendering{}, fmt.Errorf("jwks: %w", err)
	}
	h.mu.Lock()
	set := h.rendered
	h.mu.Unlock()
	switch {
	case set.body != nil && sameSlice(set.keys, keys):
		return set, nil
	case set.body != nil && reflect.DeepEqual(set.keys, keys): // slow, if they were read anew
		set.keys = keys
	default:
		if set, err = h.renderNew(keys); err != nil {
			return rendering{}, fmt.Errorf("jwks: %w", err)
		}
	}
	h.mu.Lock()
	h.rendered = set
	h.mu.Unlock()
	return set, nil
}

func (h *Handler) renderNew(keys []keystore.PublicKey) (rendering, error) {
	body, err := h.marshal(keys)
	if err != nil {
		return rendering{}, err
	}
	sum := sha256.Sum256(body)
	return rendering{keys, body, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}, nil
}

// sameSlice reports whether both are one slice, as a store hands it out until
// something changes.
func sameSlice(a, b []keystore.PublicKey) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (h *Handler) marshal(keys []keystore.PublicKey) ([]byte, error) {
	members := make([]map[string]any, 0, len(keys))
	kids := make(map[string]keystore.PublicKey, len(keys))
	for _, key := range keys {
		if other, ok := kids[key.KeyID()]; ok {
			if other.Equal(key) {
				continue
			}
			// Verifiers could not tell which of the two a token means.
			return nil, fmt.Errorf("two keys have the kid %.64q", key.KeyID())
		}
		kids[key.KeyID()] = key
		member, err := h.member(key)
		if err != nil {
			return nil, err
		}
		members = append(members, member)
	}
	return json.Marshal(map[string]any{"keys": members})
}

// member is the JWK of the key with what its users want to know besides.
func (h *Handler) member(key keystore.PublicKey) (map[string]any, error) {
	data, err := key.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var member map[string]any
	if err := json.Unmarshal(data, &member); err != nil {
		return nil, fmt.Errorf("key %s: %w", key, err)
	}
	if member["use"] == nil {
		member["use"] = use(key)
	}
	if alg := h.algorithm(key); alg != "" && member["alg"] == nil && member["use"] == "sig" {
		member["alg"] = alg
	}
	if chain := key.Certificates(); h.Certificates && len(chain) > 0 {
		x5c := make([][]byte, len(chain)) // in JSON: base64, not base64url, as RFC 7517 section 4.7 wants
		for i, certificate := range chain {
			x5c[i] = certificate.Raw
		}
		member["x5c"], member["x5t#S256"] = x5c, key.X5TS256()
	}
	return member, nil
}

// use is "sig" for every key that may verify (RFC 7517 section 4.2): a key
// that signs and decrypts alike is not published as one to encrypt to unless
// its source says so.
func use(key keystore.PublicKey) string {
	signs := func(a keystore.Algorithm) bool {
		_, err := key.WithAlgorithm(a)
		return err == nil && (key.Algorithm() == "" || key.Algorithm().IsSignature())
	}
	if key.Permits("verify") == nil && slices.ContainsFunc(keystore.SignatureAlgorithms(), signs) {
		return "sig"
	}
	return "enc"
}

// algorithm is the handler's, if the key is of its type, else the one
// signature algorithm that the key's type allows, if there is one.
func (h *Handler) algorithm(key keystore.PublicKey) keystore.Algorithm {
	if key.Algorithm() == "" && h.Algorithm != "" {
		if bound, err := key.WithAlgorithm(h.Algorithm); err == nil {
			return bound.Algorithm()
		}
	}
	return key.DefaultAlgorithm()
}
