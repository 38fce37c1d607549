package jwks

import (
	"bytes"
	"context"
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
// key has its kid, its use, and its alg where the key or its type says which. A
// Publisher yields no private, secret or trusted keys, so that none can be
// published by mistake.
//
// It answers GET and HEAD, with an ETag, and with 304 if the client has that
// set already. If the source fails, the answer is 503 with a fixed text, and
// OnError is told why.
type Handler struct {
	Source keystore.Publisher

	// MaxAge is how long those who fetch the set may keep it: the max-age of
	// Cache-Control. Zero: 5 minutes; negative: not at all.
	// [keystore.File.PublishBefore] must be at least as long. A leaked key stays
	// trusted for this long, and for twice as long behind a shared cache that
	// sends no Age.
	MaxAge time.Duration

	// Algorithm is written as the alg of every key that it fits and whose source
	// names none. An RSA key has six algorithms, and some verifiers find a key by
	// kid and alg: so name it, for instance [keystore.RS256]. If it is no name of a
	// signature by key pair, the answer is 503. Empty: RSA keys have no alg.
	Algorithm keystore.Algorithm

	// Alias publishes only the keys with this alias, in any case. If there are
	// none, the answer is 503. Empty: all keys.
	Alias string

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
	keys []keystore.PublicKey // as the source gave them
	document
}

// ServeHTTP answers one request for the set.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	set, err := h.render(r.Context())
	if err != nil {
		if h != nil && h.OnError != nil {
			h.OnError(r, err)
		}
		unavailable(w, "key set unavailable")
		return
	}
	set.serve(w, r, "application/jwk-set+json", orDefault(h.MaxAge, defaultHandlerMaxAge)) // RFC 7517 section 8.5.2
}

// KeySet returns the document that is served now, for handing it over in
// another way.
func (h *Handler) KeySet(ctx context.Context) ([]byte, error) {
	set, err := h.render(ctx)
	return bytes.Clone(set.body), err
}

// render returns the set as it is now, written anew only if it has changed.
func (h *Handler) render(ctx context.Context) (rendering, error) {
	keys, err := h.published(ctx)
	if err != nil {
		return rendering{}, fmt.Errorf("jwks: %w", err)
	}
	h.mu.Lock()
	set := h.rendered
	h.mu.Unlock()
	switch {
	case set.body != nil && sameSlice(set.keys, keys):
		return set, nil
	case set.body != nil && reflect.DeepEqual(set.keys, keys): // comparing keys is slow
		set.keys = keys
	default:
		body, err := h.marshal(keys)
		if err != nil {
			return rendering{}, fmt.Errorf("jwks: %w", err)
		}
		set = rendering{keys, newDocument(body)}
	}
	h.mu.Lock()
	h.rendered = set
	h.mu.Unlock()
	return set, nil
}

// published returns the keys of the source.
func (h *Handler) published(ctx context.Context) ([]keystore.PublicKey, error) {
	if h == nil || h.Source == nil {
		return nil, errors.New("the handler has no source of keys")
	}
	if a := h.Algorithm; a != "" {
		if err := a.Check(); err != nil {
			return nil, fmt.Errorf("Handler.Algorithm: %w", err)
		}
		if a.UsesSecret() || !a.IsSignature() {
			return nil, fmt.Errorf("Handler.Algorithm: %s is no signature by a key pair", a)
		}
	}
	return h.Source.PublishedKeys(ctx)
}

// sameSlice reports whether both are one slice, as a store hands it out until
// something changes.
func sameSlice(a, b []keystore.PublicKey) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// named returns the keys that have the handler's alias.
func (h *Handler) named(keys []keystore.PublicKey) ([]keystore.PublicKey, error) {
	if h.Alias == "" {
		return keys, nil
	}
	named := keystore.ByAlias(keys, h.Alias)
	if len(named) == 0 {
		return nil, fmt.Errorf("%w: no published key has the alias %.64q", keystore.ErrNoKey, h.Alias)
	}
	return named, nil
}

func (h *Handler) marshal(keys []keystore.PublicKey) ([]byte, error) {
	keys, err := h.named(keys)
	if err != nil {
		return nil, err
	}
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

// member returns the JWK of the key, with its use, its alg and, if asked for,
// its certificates.
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

// use returns "sig" for every key that may verify (RFC 7517 section 4.2). A key
// that can sign and decrypt is published for signatures only, unless its source
// says otherwise.
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

// algorithm returns the handler's, if the key is of its type, else the one
// signature algorithm that the key's type allows, if there is one.
func (h *Handler) algorithm(key keystore.PublicKey) keystore.Algorithm {
	if key.Algorithm() == "" && h.Algorithm != "" {
		if bound, err := key.WithAlgorithm(h.Algorithm); err == nil {
			return bound.Algorithm()
		}
	}
	return key.DefaultAlgorithm()
}
