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
// client serves for both; nil: [http.DefaultClient].
//
// The metadata is that of OpenID Connect Discovery 1.0 section 4 or, where
// there is none, of RFC 8414 section 3. It must name exactly this issuer,
// character by character. Issuer and jwks_uri are https, or http on a loopback
// address; the limits are those of a key set.
func Discover(ctx context.Context, issuer string, client *http.Client) (*Client, error) {
	fail := func(err error) (*Client, error) {
		return nil, fmt.Errorf("jwks: discovery of %s: %w", displayURL(issuer), err)
	}
	id, err := parseURL(issuer)
	if err != nil {
		return fail(err)
	}
	if id.RawQuery != "" || id.Fragment != "" || id.ForceQuery {
		return fail(errors.New("an issuer has no query and no fragment")) // RFC 8414 section 2
	}
	path := strings.TrimSuffix(id.EscapedPath(), "/")
	origin := id.Scheme + "://" + id.Host
	uri, err := keySetURL(ctx, client, origin+path+"/.well-known/openid-configuration", issuer)
	if errors.Is(err, errNoMetadata) {
		// RFC 8414 section 3.1 puts it before the path.
		other, otherErr := keySetURL(ctx, client, origin+"/.well-known/oauth-authorization-server"+path, issuer)
		if !errors.Is(otherErr, errNoMetadata) {
			uri, err = other, otherErr
		}
	}
	if err != nil {
		return fail(err)
	}
	return &Client{URL: uri, HTTPClient: client}, nil
}

// errNoMetadata: there was an answer, but it is no metadata.
var errNoMetadata = errors.New("no metadata")

// keySetURL is the jwks_uri of the metadata at the address, if that is the
// issuer's.
func keySetURL(ctx context.Context, client *http.Client, address, issuer string) (string, error) {
	target, err := parseURL(address)
	if err != nil {
		return "", err
	}
	found, err := get(ctx, client, target, "")
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
	if json.Unmarshal(members["issuer"], &named) != nil || named != issuer {
		// RFC 8414 section 3.3: else one issuer could speak for another.
		return "", errors.New("the metadata is another issuer's")
	}
	if json.Unmarshal(members["jwks_uri"], &uri) != nil || uri == "" {
		return "", errors.New("the metadata has no jwks_uri")
	}
	if _, err := parseURL(uri); err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	return uri, nil
}
