package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A Client is built from a [ClientProfile]: an [http.Client] whose requests
// carry the token, and the parts it is made of.
type Client struct {
	*http.Client

	// Handler serves the client's keys. With Publish in the profile, mount it for
	// all paths: it serves the key set at the path of its URL, and the issuer's
	// metadata (RFC 8414, OpenID Connect Discovery) at the well-known paths.
	// Without Publish it serves the key set at every path. A client without a
	// keystore answers 503.
	Handler http.Handler

	// Bearer carries the token. Its fields may be set until the first request:
	// Claims for the acting user, OnRefresh for metrics.
	Bearer *Bearer

	// Keys and Trust are the stores, nil where the profile declares none.
	Keys, Trust *keystore.Store

	// Token is the source that the profile's token or tokenFile declares. Nil:
	// neither.
	Token TokenSource

	// Prover proves possession of the DPoP key. Nil: no DPoP.
	Prover *tokenprofile.Prover

	// Base sends requests without a token, over connections as the profile
	// declares them. Options are those of the profile. Both are for a [Use] of the
	// program's own that asks another server.
	Base    *http.Client
	Options json.RawMessage

	profile *ClientProfile // loaded
}

// Format prints the name of the type whatever the verb, because a transport may
// hold anything.
func (c *Client) Format(f fmt.State, _ rune) { io.WriteString(f, "transport.Client") }

func (c *Client) open() error {
	p := c.profile
	var err error
	if c.Keys, c.Trust, err = openStores(p.Keystore, p.Truststore, p.Dir, p.Logger); err != nil {
		return err
	}
	c.Base = c.base()
	if c.Prover, err = c.prover(); err != nil {
		return err
	}
	switch {
	case p.Token != nil:
		c.Token, err = c.sign(p.Token)
	case p.TokenFile != "":
		c.Token = FileToken{Path: resolve(p.Dir, p.TokenFile)}
	}
	if err != nil {
		return err
	}
	if err := c.carry(); err != nil {
		return err
	}
	waivers(p.Waives()).log(p.Logger, clientProfiles)
	c.Handler, err = c.handler()
	return err
}

// carry makes the Bearer of what the kind of use yields, and refuses one that
// can never work.
func (c *Client) carry() error {
	p := c.profile
	use, err := p.Uses.named(p.Use)
	if err != nil {
		return err
	}
	source, err := use.Source(c)
	if err != nil {
		return err
	}
	c.Bearer = &Bearer{
		Source: source, Base: c.Base.Transport, Origins: p.Origins, PlainHTTP: p.PlainHTTP,
		Header: p.Header, Scheme: p.Scheme, DPoP: c.Prover, Logger: p.Logger,
	}
	if err := c.Bearer.Validate(); err != nil {
		return err
	}
	c.Client = &http.Client{Transport: c.Bearer}
	return nil
}

// prover returns a prover with the key of the keystore, or with a new key.
func (c *Client) prover() (*tokenprofile.Prover, error) {
	declared := c.profile.DPoP
	if declared == nil {
		return nil, nil
	}
	key, err := c.proofKey(declared.Alias)
	if err != nil {
		return nil, err
	}
	prover, err := tokenprofile.NewProver(key)
	if err == nil {
		prover.Now = c.profile.Now
	}
	return prover, err
}

func (c *Client) proofKey(alias string) (keystore.PrivateKey, error) {
	if alias == "" {
		now := time.Now()
		return keystore.Generate(tokenprofile.ES256, "CN=DPoP", now, now.AddDate(1, 0, 0)) // nobody looks at the certificate
	}
	keys, err := c.Keys.PrivateKeys(context.Background())
	if err != nil {
		return keystore.PrivateKey{}, err
	}
	return keystore.Select(keys, keystore.Selection{Alias: alias, Source: c.Keys})
}

// sign returns the signer of a token that the profile declares.
func (c *Client) sign(t *DeclaredToken) (*tokenprofile.Signer, error) {
	return c.signer(t.Profile)
}

func (c *Client) signer(profile tokenprofile.Profile) (*tokenprofile.Signer, error) {
	var encrypt []tokenprofile.EncryptionKeys
	switch e := profile.Encryption; {
	case e == nil:
	case e.KeyAlgorithm.UsesSecret():
		encrypt = append(encrypt, tokenprofile.EncryptWithSecret(c.Keys))
	case c.profile.EncryptTo != "":
		encrypt = append(encrypt, tokenprofile.EncryptTo(keySet(c.profile.EncryptTo, c.profile.PlainHTTP, c.Trust, c.profile.Logger)))
	default:
		encrypt = append(encrypt, tokenprofile.EncryptTo(c.Trust.Trust()))
	}
	if profile.Algorithm.UsesSecret() {
		return profile.SecretSigner(c.Keys, encrypt...)
	}
	return profile.Signer(c.Keys, encrypt...)
}

// grant returns the grant that the profile declares, without the token to
// exchange.
func (c *Client) grant() (*Grant, error) {
	declared := c.profile.Grant
	grant := &Grant{
		TokenURL: declared.TokenURL, GrantType: declared.GrantType,
		ClientID: declared.ClientID, ClientSecret: declared.ClientSecret.password(c.profile.Dir), SecretInBody: declared.SecretInBody,
		ClientAssertionType: declared.ClientAssertionType,
		Scopes:              declared.Scopes, Resources: declared.Resources, Audiences: declared.Audiences,
		Params: declared.params, IDToken: declared.IDToken,
		DPoP: c.Prover, PlainHTTP: c.profile.PlainHTTP, HTTPClient: c.Base,
	}
	if declared.ClientAssertion == nil {
		return grant, nil
	}
	var err error
	grant.ClientAssertion, err = c.sign(declared.ClientAssertion)
	return grant, err
}

// base returns a transport with the profile's TLS, for the API and the token
// endpoint.
func (c *Client) base() *http.Client {
	t := TLS{Trust: c.Trust}
	if mutual := c.profile.MutualTLS; mutual != nil {
		t.Keys, t.Alias = c.Keys, mutual.Alias
		if t.Alias == "" {
			t.Alias = c.profile.Keystore.alias()
		}
	}
	return clientOf(t)
}

// handler publishes the client's keys.
func (c *Client) handler() (http.Handler, error) {
	set := &jwks.Handler{}
	if c.Keys != nil {
		set.Source = c.Keys
	}
	var issuer string
	if t := c.profile.Token; t != nil {
		issuer = t.Profile.Issuer
		if algorithm := t.Profile.Algorithm; !algorithm.UsesSecret() {
			set.Algorithm = algorithm
		}
	}
	publish := c.profile.Publish
	if publish == nil {
		return set, nil
	}
	set.Alias, set.Certificates, set.MaxAge = publish.Alias, publish.Certificates, publish.MaxAge
	u, err := url.Parse(publish.URL)
	if err != nil {
		return nil, err
	}
	answers := paths{u.Path: set}
	metadata := &jwks.MetadataHandler{Metadata: jwks.Metadata{Issuer: issuer, KeySetURL: publish.URL}, Keys: set, PlainHTTP: c.profile.PlainHTTP}
	for _, path := range metadata.Paths() {
		answers[path] = metadata
	}
	return answers, nil
}

// paths are handlers by the path they answer, and by no pattern.
type paths map[string]http.Handler

func (p paths) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handler, ok := p[r.URL.Path]; ok {
		handler.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// openStores opens both stores of a profile, and tells of both what is wrong.
func openStores(own, trusted *DeclaredStore, dir string, logger *slog.Logger) (keys, trust *keystore.Store, err error) {
	keys, err = own.open(dir, logger)
	trust, trustErr := trusted.open(dir, logger)
	return keys, trust, errors.Join(err, trustErr)
}

// keySet returns the key set at a URL, fetched from whom the store trusts.
func keySet(address string, plainHTTP bool, trust *keystore.Store, logger *slog.Logger) *jwks.Client {
	return &jwks.Client{URL: address, PlainHTTP: plainHTTP, HTTPClient: clientOf(TLS{Trust: trust}), Logger: logger}
}

// clientOf returns a client with the stores' keys and trust, or the default
// client.
func clientOf(t TLS) *http.Client {
	if t.Keys == nil && t.Trust == nil {
		return &http.Client{}
	}
	return &http.Client{Transport: t.Transport()}
}
