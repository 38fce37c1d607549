package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A GuardProfile is the authentication profile of a server: one document that
// declares whose tokens it admits, what they must say, and who their users are
// here. [LoadGuard] reads it from a file; it nests in a service's own
// configuration, in JSON and in YAML, just as strictly.
//
//	{
//	  "truststore": {"path": "trusted.jks", "password": {"env": "TRUSTED_JKS_PASSWORD"}},
//	  "token":      "consumer.json",
//	  "issuers":    [{
//	    "keySet":     "https://consumer.example/jwks.json",
//	    "identities": {"ann": "operator-17"}
//	  }],
//	  "scopes":     ["cases"]
//	}
//
// Paths in it are relative to the document's folder. No secret stands in it. The
// files it names are followed, and key sets kept fresh.
type GuardProfile struct {
	// Keystore has the server's own keys: the certificate of [GuardProfile.TLS],
	// the keys that encrypted tokens are decrypted with, and the secrets of HMACs.
	Keystore *DeclaredStore `json:"keystore,omitempty"`

	// Truststore has the certificates of issuers without a KeySet, of the servers
	// that key sets come from, in place of the system's roots, and of clients for
	// [GuardProfile.TLS]. Nil: the system's roots for key sets, and nobody.
	Truststore *DeclaredStore `json:"truststore,omitempty"`

	// Token is what tokens must say. Its issuer may be missing where all of
	// Issuers name theirs.
	Token DeclaredToken `json:"token"`

	// Issuers are those whose tokens are admitted. At least one is required.
	Issuers []DeclaredIssuer `json:"issuers"`

	// IdentityClaim is the claim that Identities go by. Empty: sub.
	IdentityClaim string `json:"identityClaim,omitempty"`

	// Scopes are demanded of every token, all of them.
	Scopes []string `json:"scopes,omitempty"`

	// Header and Realm are the fields of [Guard].
	Header string `json:"header,omitempty"`
	Realm  string `json:"realm,omitempty"`

	// PlainHTTP lets key sets be fetched over http from other machines.
	PlainHTTP bool `json:"plainHTTP,omitempty"`

	// Memory is what remembers the tokens that are for one use, where Replay is
	// nil. Nil: a [tokenprofile.MemoryReplayGuard] as it is.
	Memory *DeclaredMemory `json:"replay,omitempty"`

	// DPoP, BaseURL, MutualTLS and AllowUnbound are the fields of [Guard].
	DPoP         bool   `json:"dpop,omitempty"`
	BaseURL      string `json:"baseURL,omitempty"`
	MutualTLS    bool   `json:"mutualTLS,omitempty"`
	AllowUnbound bool   `json:"allowUnbound,omitempty"`

	// ClientCertificates has [GuardProfile.TLS] demand a certificate of every
	// client, also where tokens are not bound to it.
	ClientCertificates bool `json:"clientCertificates,omitempty"`

	// Resource, AuthorizationServers and Name are the fields of
	// [ResourceMetadata], whose Scopes are those above. An empty Resource: there
	// is no such document.
	Resource             string   `json:"resource,omitempty"`
	AuthorizationServers []string `json:"authorizationServers,omitempty"`
	Name                 string   `json:"name,omitempty"`

	// Dir is the folder that relative paths are against. [LoadGuard] sets it to
	// the document's. Empty: the working directory.
	Dir string `json:"-"`

	// Identify says, in place of Identities, who the user of a token is here. An
	// error is 403, or 503 if it wraps ErrUnavailable of package keystore.
	Identify func(ctx context.Context, token *tokenprofile.Token) (string, error) `json:"-"`

	// Replay remembers the tokens that are for one use, and the DPoP proofs, in a
	// store that several processes share. Nil: Memory, and memory.
	Replay tokenprofile.ReplayGuard `json:"-"`

	// Logger is the logger of each part. Nil: nothing is logged.
	Logger *slog.Logger `json:"-"`

	// Now is the clock of tokens and proofs. Nil: [time.Now].
	Now func() time.Time `json:"-"`
}

// guardProfiles are the documents of [GuardProfile].
const guardProfiles tokenprofile.Document = "transport: guard profile"

// LoadGuard reads a server's authentication profile from a JSON file, as
// [ParseGuard] does.
func LoadGuard(path string) (*GuardProfile, error) {
	p := &GuardProfile{Dir: filepath.Dir(path)}
	if err := guardProfiles.Load(path, p); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseGuard reads a server's authentication profile from JSON, as strictly as
// [tokenprofile.Parse]. All faults are reported at once, those of
// [GuardProfile.Validate] among them, each a [*tokenprofile.Fault] with its path.
func ParseGuard(data []byte) (*GuardProfile, error) {
	p := &GuardProfile{}
	if err := guardProfiles.Parse(data, p); err != nil {
		return nil, err
	}
	return p, nil
}

// UnmarshalJSON reads a profile that is part of a larger configuration. It
// leaves [GuardProfile.Validate] to whoever has the whole, and what is no part
// of the document as it is.
func (p *GuardProfile) UnmarshalJSON(data []byte) error {
	return p.decoded(func(into any) error { return guardProfiles.Decode(data, into) })
}

// UnmarshalYAML reads a profile as UnmarshalJSON does, for YAML libraries.
func (p *GuardProfile) UnmarshalYAML(unmarshal func(any) error) error {
	return p.decoded(func(into any) error { return guardProfiles.DecodeYAML(unmarshal, into) })
}

func (p *GuardProfile) decoded(decode func(any) error) error {
	decoded := GuardProfile{Dir: p.Dir, Identify: p.Identify, Replay: p.Replay, Logger: p.Logger, Now: p.Now}
	if err := decode(&decoded); err != nil {
		return err
	}
	*p = decoded
	return nil
}

// MarshalJSON writes the document that [ParseGuard] reads.
func (p GuardProfile) MarshalJSON() ([]byte, error) { return guardProfiles.Encode(p) }

// MarshalYAML writes a profile as MarshalJSON does, for YAML libraries.
func (p GuardProfile) MarshalYAML() (any, error) { return guardProfiles.EncodeYAML(p) }

// Validate reports every fault of the profile at once, each a
// [*tokenprofile.Fault] with its path. It reads the token profile that the
// document names, and no other file.
func (p *GuardProfile) Validate() error {
	var f documentFaults
	p.Keystore.check(&f, "keystore")
	p.Truststore.check(&f, "truststore")
	checkIssuers(&f, p)
	for i, scope := range p.Scopes {
		if !isScope(scope) || strings.Contains(scope, " ") {
			f.add(indexed("scopes", i), "is not one scope (RFC 6749 section 3.3)")
		}
	}
	f.checkWord("header", p.Header)
	if p.DPoP && p.BaseURL == "" {
		f.add("baseURL", "is missing: dpop proofs name the server as its clients do")
	}
	f.checkURL("baseURL", p.BaseURL, true) // a proxy may be in front
	if p.AllowUnbound && !p.DPoP && !p.MutualTLS {
		f.add("allowUnbound", "needs dpop or mutualTLS, or no token has to be bound")
	}
	if p.ClientCertificates && p.Truststore == nil {
		f.add("truststore", "is missing: nothing says whose client certificates are trusted")
	}
	if (len(p.AuthorizationServers) > 0 || p.Name != "") && p.Resource == "" {
		f.add("resource", "is missing: authorizationServers and name are said of it")
	}
	f.checkURL("resource", p.Resource, true)
	if m := p.Memory; m != nil && (m.Max < 0 || m.MaxPerIssuer < 0) {
		f.add("replay", "has a negative number")
	}
	return f.in(guardProfiles)
}

// Waives lists what the profile gives up of its strictness, as
// [ClientProfile.Waives] does.
func (p *GuardProfile) Waives() []string {
	var w waivers
	w.stores(p.Keystore, p.Truststore)
	w.token("token", &p.Token, p.Dir)
	w.note("plainHTTP", p.PlainHTTP)
	w.note("allowUnbound", p.AllowUnbound)
	return w
}

// Guard opens the stores, and builds the guard that the profile declares. What
// is wrong with the profile, or keeps it from its stores, is an error; no key
// set is fetched. Its fields may be set until the first request: OnReject, for
// instance. Its Verifier serves a [TokenEndpoint] too.
//
// Behind the guard, [IdentityFromContext] says who the user is here.
func (p *GuardProfile) Guard() (*Guard, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	token, err := p.Token.load(p.Dir, "", p.Now)
	if err != nil {
		return nil, err
	}
	loaded := *p
	loaded.Token = *token
	a := admission{profile: &loaded}
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("%s: %w", guardProfiles, err)
	}
	guard, err := a.guard()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", guardProfiles, err)
	}
	waivers(loaded.Waives()).log(p.Logger, guardProfiles)
	return guard, nil
}

// Identity returns who the user of a token is here, by Identify or the
// Identities of its issuer: for [TokenEndpoint.Authorize], which maps as the
// guard does. A profile with neither has no identities.
func (p *GuardProfile) Identity(ctx context.Context, token *tokenprofile.Token) (string, error) {
	if p.Identify != nil {
		return p.Identify(ctx, token)
	}
	user := token.Subject
	if p.IdentityClaim != "" {
		user = ""
		if values := Values(token, p.IdentityClaim); len(values) == 1 {
			user = values[0]
		}
	}
	if identity, ok := p.identities(token.Issuer)[user]; ok && user != "" {
		return identity, nil
	}
	return "", errors.New("the user of the token is nobody here")
}

// identities returns those of an issuer: the same name from another issuer is
// another person. An issuer that none of Issuers names is that of the token
// profile.
func (p *GuardProfile) identities(issuer string) (identities map[string]string) {
	for _, i := range p.Issuers {
		if i.Issuer == issuer {
			return i.Identities
		}
		if i.Issuer == "" {
			identities = i.Identities
		}
	}
	return identities
}

// TLS returns the configuration of a server that presents the certificate of
// the keystore. With MutualTLS or ClientCertificates it demands one of clients
// that leads to the truststore. It has stores of its own, which follow their
// files.
func (p *GuardProfile) TLS() (*tls.Config, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	demanded := p.MutualTLS || p.ClientCertificates
	switch {
	case p.Keystore == nil:
		return nil, fmt.Errorf("%s: keystore: is missing: a server has a certificate", guardProfiles)
	case demanded && p.Truststore == nil: // a proxy may have asked for them, but not of this configuration
		return nil, fmt.Errorf("%s: truststore: is missing: nothing says whose client certificates are trusted", guardProfiles)
	}
	keys, err := p.Keystore.open(p.Dir, p.Logger)
	if err != nil {
		return nil, err
	}
	config := TLS{Keys: keys, Alias: p.Keystore.Alias}
	if demanded {
		if config.Trust, err = p.Truststore.open(p.Dir, p.Logger); err != nil {
			return nil, err
		}
	}
	return config.Server(), nil
}
