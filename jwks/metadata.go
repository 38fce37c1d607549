package jwks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// Metadata is what an issuer says of itself: OpenID Connect Discovery 1.0
// section 3 and RFC 8414 section 2 have the same form for it. Fields that are
// empty are left out.
type Metadata struct {
	// Issuer is the iss of the tokens, character by character. It is required,
	// and has no query and no fragment.
	Issuer string `json:"issuer"`

	// KeySetURL is where the [Handler] of the keys answers. It is required.
	KeySetURL string `json:"jwks_uri"`

	// SigningAlgorithms are those of the tokens. Nil: those of the published keys.
	SigningAlgorithms []keystore.Algorithm `json:"id_token_signing_alg_values_supported,omitempty"`

	// ResponseTypes and SubjectTypes are asked for by both documents, though they
	// say something only of an authorization endpoint. Nil: "id_token" and
	// "public", which clouds that federate to an issuer expect.
	ResponseTypes []string `json:"response_types_supported,omitempty"`
	SubjectTypes  []string `json:"subject_types_supported,omitempty"`

	// TokenEndpoint is the URL of the token endpoint, if there is one. It asks
	// for the next two, whose defaults (RFC 8414 section 2) nobody here offers,
	// and for the third where clients sign. The token endpoint of package
	// transport has a method that fills them in.
	TokenEndpoint               string               `json:"token_endpoint,omitempty"`
	GrantTypes                  []string             `json:"grant_types_supported,omitempty"`
	TokenEndpointAuthMethods    []string             `json:"token_endpoint_auth_methods_supported,omitempty"`
	TokenEndpointAuthAlgorithms []keystore.Algorithm `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	Scopes                      []string             `json:"scopes_supported,omitempty"`
	DPoPAlgorithms              []keystore.Algorithm `json:"dpop_signing_alg_values_supported,omitempty"`

	// CertificateBoundTokens: the token endpoint binds tokens to the client's
	// certificate (RFC 8705 section 3.3).
	CertificateBoundTokens bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`

	// More are further members. None may have the name of one that is set above.
	More map[string]any `json:"-"`
}

// MarshalJSON writes the members above and those of More as one object.
func (m Metadata) MarshalJSON() ([]byte, error) {
	type plain Metadata
	data, err := json.Marshal(plain(m))
	if err != nil || len(m.More) == 0 {
		return data, err
	}
	members := map[string]any{}
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("jwks: metadata: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.More)) {
		if _, taken := members[name]; taken {
			return nil, fmt.Errorf("jwks: metadata: More has %q, which a field has set", name)
		}
		members[name] = m.More[name]
	}
	return json.Marshal(members)
}

// check reports every fault at once.
func (m Metadata) check(plainHTTP bool) error {
	var faults []error
	for _, field := range []struct{ name, address string }{{"Issuer", m.Issuer}, {"KeySetURL", m.KeySetURL}, {"TokenEndpoint", m.TokenEndpoint}} {
		u, err := parseURL(field.address, plainHTTP)
		switch {
		case field.name == "TokenEndpoint" && field.address == "":
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %w", field.name, err))
		case field.name == "Issuer" && hasMore(u):
			faults = append(faults, fmt.Errorf("%s: an issuer has no query and no fragment", field.name))
		}
	}
	if m.TokenEndpoint != "" && (len(m.GrantTypes) == 0 || len(m.TokenEndpointAuthMethods) == 0) {
		faults = append(faults, errors.New("TokenEndpoint without GrantTypes and TokenEndpointAuthMethods"))
	}
	signs := func(method string) bool { return method == "private_key_jwt" || method == "client_secret_jwt" }
	if slices.ContainsFunc(m.TokenEndpointAuthMethods, signs) && len(m.TokenEndpointAuthAlgorithms) == 0 { // RFC 8414 section 2
		faults = append(faults, errors.New("TokenEndpointAuthMethods with signed assertions, and no TokenEndpointAuthAlgorithms"))
	}
	return errors.Join(faults...)
}

// hasMore reports whether the URL has what an issuer has not (RFC 8414 section 2).
func hasMore(u *url.URL) bool { return u.RawQuery != "" || u.Fragment != "" || u.ForceQuery }

// MetadataHandler serves the metadata of an issuer, so that those who know its
// name find its keys, as [Discover] does:
//
//	for _, path := range handler.Paths() {
//		mux.Handle("GET "+path, handler)
//	}
//
// It answers as [Handler] does. Metadata that can be nobody's, by a URL that
// nobody may fetch for instance, is 503.
type MetadataHandler struct {
	Metadata Metadata

	// Keys serves the key set. It says which algorithms the tokens have, where
	// Metadata does not, and for how long both documents may be kept.
	Keys *Handler

	// PlainHTTP lets the URLs be http on other machines, for clients that are
	// told the same. See [Client.PlainHTTP].
	PlainHTTP bool

	// OnError, if not nil, is called with the reason of every 503.
	OnError func(*http.Request, error)
}

var _ http.Handler = (*MetadataHandler)(nil)

// Paths are those where others look for the document: the path of the issuer,
// if it has one, comes before /.well-known/openid-configuration, and after
// /.well-known/oauth-authorization-server (RFC 8414 section 5). An issuer that
// is no URL has none.
func (h *MetadataHandler) Paths() []string {
	u, err := url.Parse(h.Metadata.Issuer)
	if err != nil || u.Host == "" {
		return nil
	}
	path := strings.TrimSuffix(u.Path, "/")
	return []string{path + openIDPath, oauthPath + path}
}

// ServeHTTP answers one request for the metadata.
func (h *MetadataHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	body, maxAge, err := h.render(r.Context())
	if err != nil {
		if h != nil && h.OnError != nil {
			h.OnError(r, fmt.Errorf("jwks: metadata: %w", err))
		}
		unavailable(w, "metadata unavailable")
		return
	}
	newDocument(body).serve(w, r, "application/json", maxAge)
}

func (h *MetadataHandler) render(ctx context.Context) (body []byte, maxAge time.Duration, err error) {
	if h == nil {
		return nil, 0, errors.New("there is no handler")
	}
	m := h.Metadata
	if err := m.check(h.PlainHTTP); err != nil {
		return nil, 0, err
	}
	maxAge = defaultHandlerMaxAge
	if h.Keys != nil {
		maxAge = orDefault(h.Keys.MaxAge, defaultHandlerMaxAge)
	}
	if m.SigningAlgorithms == nil {
		if m.SigningAlgorithms, err = algorithmsOf(ctx, h.Keys); err != nil {
			return nil, 0, err
		}
	}
	if m.ResponseTypes == nil {
		m.ResponseTypes = []string{"id_token"}
	}
	if m.SubjectTypes == nil {
		m.SubjectTypes = []string{"public"}
	}
	body, err = m.MarshalJSON()
	return body, maxAge, err
}

// A document is what is served, under the same ETag as long as it is the same.
type document struct {
	body []byte
	etag string
}

func newDocument(body []byte) document {
	sum := sha256.Sum256(body)
	return document{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}

func (d document) serve(w http.ResponseWriter, r *http.Request, mediaType string, maxAge time.Duration) {
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	header.Set("ETag", d.etag)
	header.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body)) // answers HEAD and If-None-Match
}

// readOnly answers every method that a document has nothing for.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// unavailable answers with a fixed text: the reason is not for strangers.
func unavailable(w http.ResponseWriter, text string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, http.StatusServiceUnavailable)
}

// algorithmsOf returns those that the keys which a handler publishes sign with.
func algorithmsOf(ctx context.Context, h *Handler) ([]keystore.Algorithm, error) {
	keys, err := h.published(ctx)
	if err == nil {
		keys, err = h.named(keys)
	}
	if err != nil {
		return nil, err
	}
	var all []keystore.Algorithm
	for _, key := range keys {
		a := h.algorithm(key)
		switch {
		case use(key) != "sig":
		case a == "":
			return nil, fmt.Errorf("nothing says which algorithm the %s key %q signs with: name it at the key, or as Handler.Algorithm", key.Describe(), key.KeyID())
		case !slices.Contains(all, a):
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: none of the published keys signs", keystore.ErrNoKey)
	}
	return all, nil
}
