package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Discover finds the key set of an issuer in its metadata, and returns a
// [Client] for it, whose fields may be set until it is first used. The HTTP
// client serves for both; nil: [http.DefaultClient]. [Client.Discover] is for
// those who have to set more than that.
func Discover(ctx context.Context, issuer string, client *http.Client) (*Client, error) {
	c := &Client{HTTPClient: client}
	if err := c.Discover(ctx, issuer); err != nil {
		return nil, err
	}
	return c, nil
}

// Discover finds the key set of an issuer in its metadata, and sets URL, if
// there is no error. It comes before all other use of the client. HTTPClient
// and PlainHTTP hold for the metadata too.
//
// The metadata is that of OpenID Connect Discovery 1.0 section 4 or, where
// there is none, of RFC 8414 section 3. It must name exactly this issuer,
// character by character. Issuer and jwks_uri are https, or http on a loopback
// address; the limits are those of a key set.
func (c *Client) Discover(ctx context.Context, issuer string) error {
	if c == nil {
		return errNil
	}
	uri, err := c.keySetURL(ctx, issuer)
	if err != nil {
		return fmt.Errorf("jwks: discovery of %s: %w", displayURL(issuer), err)
	}
	c.URL = uri
	return nil
}

// keySetURL tries the two places where metadata may be.
func (c *Client) keySetURL(ctx context.Context, issuer string) (string, error) {
	id, err := parseURL(issuer, c.PlainHTTP)
	if err != nil {
		return "", err
	}
	if hasMore(id) {
		return "", errors.New("an issuer has no query and no fragment")
	}
	path := strings.TrimSuffix(id.EscapedPath(), "/")
	origin := id.Scheme + "://" + id.Host
	uri, err := c.keySetURLAt(ctx, origin+path+openIDPath, issuer)
	if errors.Is(err, errNoMetadata) {
		// RFC 8414 section 3.1 puts it before the path.
		other, otherErr := c.keySetURLAt(ctx, origin+oauthPath+path, issuer)
		if !errors.Is(otherErr, errNoMetadata) {
			return other, otherErr
		}
	}
	return uri, err
}

// The places of an issuer's metadata, for an issuer without a path.
const (
	openIDPath = "/.well-known/openid-configuration"
	oauthPath  = "/.well-known/oauth-authorization-server"
)

// errNoMetadata: there was an answer, but not metadata.
var errNoMetadata = errors.New("no metadata")

// keySetURLAt returns the jwks_uri of the metadata at the address, if that is
// the issuer's.
func (c *Client) keySetURLAt(ctx context.Context, address, issuer string) (string, error) {
	target, err := parseURL(address, c.PlainHTTP)
	if err != nil {
		return "", err
	}
	found, err := get(ctx, c.HTTPClient, target, nil)
	if status := (*statusError)(nil); errors.As(err, &status) {
		return "", fmt.Errorf("%w: %w", errNoMetadata, err)
	}
	if err != nil {
		return "", err
	}
	members, err := splitObject(found.body)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoMetadata, err)
	}
	var named, uri string
	if json.Unmarshal(members["issuer"], &named) != nil || named == "" {
		return "", errors.New("the metadata names no issuer")
	}
	if named != issuer { // RFC 8414 section 3.3: else one issuer could speak for another
		return "", fmt.Errorf("the metadata is another issuer's: %.128q", named)
	}
	if json.Unmarshal(members["jwks_uri"], &uri) != nil || uri == "" {
		return "", errors.New("the metadata has no jwks_uri")
	}
	if _, err := parseURL(uri, c.PlainHTTP); err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	return uri, nil
}
