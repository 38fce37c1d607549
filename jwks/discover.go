package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Discover finds the key set of an issuer in its metadata, and returns a
// [Client] for it. Its fields may be set until it is first used. The HTTP
// client serves for both; nil: [http.DefaultClient].
//
// The metadata is that of OpenID Connect Discovery 1.0 section 4, else, where
// there is none, that of RFC 8414 section 3. It must name exactly
// this issuer, character by character. Issuer and jwks_uri are https, or http
// on a loopback address; the limits are those of a key set.
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
	document, err := metadata(ctx, id, client)
	if err != nil {
		return fail(err)
	}
	uri, err := keySetURL(document, issuer)
	if err != nil {
		return fail(err)
	}
	return &Client{URL: uri, HTTPClient: client}, nil
}

// metadata fetches the first of the well-known documents that is there.
func metadata(ctx context.Context, issuer *url.URL, client *http.Client) ([]byte, error) {
	path := strings.TrimSuffix(issuer.EscapedPath(), "/")
	origin := issuer.Scheme + "://" + issuer.Host
	var err error
	for _, address := range []string{
		origin + path + "/.well-known/openid-configuration",
		origin + "/.well-known/oauth-authorization-server" + path, // RFC 8414 section 3.1: before the path
	} {
		var found answer
		found, err = get(ctx, client, address, "")
		if err == nil {
			return found.body, nil
		}
		if status := (*statusError)(nil); !errors.As(err, &status) {
			break // no answer at all, or none that may be read
		}
	}
	return nil, err
}

// keySetURL is the jwks_uri of metadata that names the issuer.
func keySetURL(document []byte, issuer string) (string, error) {
	members, err := splitObject(document)
	if err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	var named, uri string
	if json.Unmarshal(members["issuer"], &named) != nil || named != issuer {
		// RFC 8414 section 3.3: or one issuer could speak for another.
		return "", errors.New("metadata: its issuer is another one")
	}
	if json.Unmarshal(members["jwks_uri"], &uri) != nil || uri == "" {
		return "", errors.New("metadata: no jwks_uri")
	}
	if _, err := parseURL(uri); err != nil {
		return "", fmt.Errorf("metadata: jwks_uri: %w", err)
	}
	return uri, nil
}
