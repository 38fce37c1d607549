package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// wellKnownResource is where RFC 9728 section 3 has the document.
const wellKnownResource = "/.well-known/oauth-protected-resource"

// ResourceMetadata is what a protected server says of itself (RFC 9728), so
// that a client which knows nothing but its URL finds who gives out tokens for
// it. It is the handler of the document:
//
//	mux.Handle("GET "+metadata.Path(), metadata)
//	mux.Handle("/mcp", guard.Handler(mcp)) // guard.ResourceMetadata is metadata
type ResourceMetadata struct {
	// Resource is the URL of the server, as clients call it and name it in
	// their token requests (RFC 8707): usually the Audience of its tokens. It
	// has no fragment. Required.
	Resource string

	// AuthorizationServers are the issuers of tokens for it, whose own metadata
	// says the rest (RFC 8414).
	AuthorizationServers []string

	// Scopes are those that clients may ask for.
	Scopes []string

	// Name is the server's, for people.
	Name string

	// More are further members of RFC 9728 section 2. None may be one of those
	// above, or bearer_methods_supported, which always is "header".
	More map[string]any
}

var _ http.Handler = (*ResourceMetadata)(nil)

// URL returns where clients look for the document: the well-known path stands
// between host and path (RFC 9728 section 3.1). It is empty if Resource is not
// the URL of a server.
func (m *ResourceMetadata) URL() string {
	u, err := m.resource()
	if err != nil {
		return ""
	}
	return u.String()
}

// Path returns the path of URL, for a [http.ServeMux].
func (m *ResourceMetadata) Path() string {
	u, err := m.resource()
	if err != nil {
		return wellKnownResource
	}
	return u.Path
}

// resource returns the URL of the document.
func (m *ResourceMetadata) resource() (*url.URL, error) {
	if m == nil {
		return nil, errors.New("transport: there is no resource metadata")
	}
	u, err := url.Parse(m.Resource)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("transport: resource metadata: Resource is not an http URL")
	case u.Fragment != "" || u.User != nil:
		return nil, errors.New("transport: resource metadata: Resource has a fragment or a user")
	}
	u.Path, u.RawPath = wellKnownResource+strings.TrimSuffix(u.Path, "/"), ""
	return u, nil
}

// MarshalJSON writes the document.
func (m *ResourceMetadata) MarshalJSON() ([]byte, error) {
	if _, err := m.resource(); err != nil {
		return nil, err
	}
	members := map[string]any{"resource": m.Resource, "bearer_methods_supported": []string{"header"}}
	if len(m.AuthorizationServers) > 0 {
		members["authorization_servers"] = m.AuthorizationServers
	}
	if len(m.Scopes) > 0 {
		members["scopes_supported"] = m.Scopes
	}
	if m.Name != "" {
		members["resource_name"] = m.Name
	}
	for _, name := range slices.Sorted(maps.Keys(m.More)) {
		if _, taken := members[name]; taken {
			return nil, fmt.Errorf("transport: resource metadata: More has %q, which a field has set", name)
		}
		members[name] = m.More[name]
	}
	return json.Marshal(members)
}

// ServeHTTP answers GET and HEAD. If the fields make no valid document, the
// answer is 503.
func (m *ResourceMetadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	body, err := m.MarshalJSON()
	if err != nil {
		unavailable(r, err).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Write(body)
}
