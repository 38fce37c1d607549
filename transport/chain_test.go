package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A user of one domain is known in another, though the two share no user and
// no client: the service exchanges the user's token at home (RFC 8693) for an
// assertion, which it grants at the other domain (RFC 7523).
func TestTheChainOfTwoDomains(t *testing.T) {
	const home, away = "https://home.example", "https://away.example"
	users, stranger, homeKeys, awayKeys := newStore(t), newStore(t), newStore(t), newStore(t)
	homeSecret, awaySecret := strings.Repeat("home", 8), strings.Repeat("away", 8)
	client := func(secret string) transport.Registrations {
		return transport.Registrations{"orders": {SecretHash: must[string](t)(transport.HashSecret(secret))}}
	}
	profile := func(issuer string, audience ...string) tokenprofile.Profile {
		return tokenprofile.Profile{Algorithm: tokenprofile.ES256, Issuer: issuer, Audience: audience, TokenID: true}
	}
	signer := func(p tokenprofile.Profile, keys *keystore.Store) *tokenprofile.Signer {
		return must[*tokenprofile.Signer](t)(p.Signer(keys))
	}
	verifier := func(p tokenprofile.Profile, keys *keystore.Store) *tokenprofile.Verifier {
		return must[*tokenprofile.Verifier](t)(p.Verifier(keys))
	}
	user, service := profile("https://login.example", "orders"), profile("https://services.example", home)
	service.Subject = "orders"
	between := profile(home, away)
	between.OneUse = true

	mux := http.NewServeMux()
	mux.Handle("/home/token", &transport.TokenEndpoint{
		Clients:       client(homeSecret),
		Signer:        signer(profile(home), homeKeys),
		SubjectTokens: map[string]transport.TokenVerifier{transport.TokenTypeJWT: verifier(user, users)},
		ActorTokens:   map[string]transport.TokenVerifier{transport.TokenTypeJWT: verifier(service, users)},
		Authorize: func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
			return &transport.Access{Subject: request.SubjectToken.Subject, Audience: []string{away}}, nil
		},
	})
	mux.Handle("/away/token", &transport.TokenEndpoint{
		Clients:    client(awaySecret),
		Signer:     signer(profile(away, away+"/stock"), awayKeys),
		Assertions: verifier(between, homeKeys),
		Authorize: func(_ context.Context, request *transport.AccessRequest) (*transport.Access, error) {
			if request.Assertion.Subject == "eve" {
				return nil, errors.New("no account")
			}
			act := transport.Values(request.Assertion, "act", "sub")
			return &transport.Access{Subject: "guest " + request.Assertion.Subject, Claims: map[string]any{"by": act}}, nil
		},
	})
	guard := &transport.Guard{Verifier: verifier(profile(away, away+"/stock"), awayKeys)}
	mux.Handle("/away/stock", guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := tokenprofile.FromContext(r.Context())
		fmt.Fprint(w, token.Subject, " by ", transport.Values(token, "by"))
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	atHome := func(keys *keystore.Store, audience string) *transport.Grant {
		return &transport.Grant{
			TokenURL: server.URL + "/home/token", ClientID: "orders", ClientSecret: keystore.StaticPassword(homeSecret),
			Exchange:  &transport.Exchange{Subject: signer(user, keys), Actor: signer(service, users)},
			Audiences: []string{audience},
		}
	}
	chain := func(assertion transport.TokenSource) transport.TokenSource {
		return &transport.Grant{
			TokenURL: server.URL + "/away/token", ClientID: "orders", ClientSecret: keystore.StaticPassword(awaySecret),
			Assertion: assertion,
		}
	}
	call := func(source transport.TokenSource, user string) (string, error) {
		bearer := &transport.Bearer{Source: source, Claims: func(*http.Request) (any, error) {
			return map[string]any{"sub": user}, nil
		}}
		response, err := (&http.Client{Transport: bearer}).Get(server.URL + "/away/stock")
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return fmt.Sprint(response.StatusCode, " ", string(body)), err
	}

	// Everyone's chain at once, through the same two grants.
	source := chain(atHome(users, away))
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			name := fmt.Sprint("user", i)
			got, err := call(source, name)
			if want := "200 guest " + name + " by [orders]"; err != nil || got != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
	group.Wait()

	for _, test := range []struct {
		name   string
		source transport.TokenSource
		user   string
		code   string
	}{
		{"a user whom a stranger vouches for", chain(atHome(stranger, away)), "ann", "invalid_request"},
		{"a domain that home does not know", chain(atHome(users, "https://third.example")), "ann", "invalid_target"},
		{"a user whom the other domain does not want", source, "eve", "invalid_grant"},
		{"the user's own token, at the other domain", chain(signer(user, users)), "ann", "invalid_grant"},
	} {
		_, err := call(test.source, test.user)
		var refused *transport.GrantError
		if !errors.As(err, &refused) || refused.Code != test.code {
			t.Errorf("%s: got %v, want %s", test.name, err, test.code)
		}
	}
	got, err := call(atHome(users, away), "ann")
	if err != nil || !strings.HasPrefix(got, "401 ") {
		t.Errorf("the assertion as an access token: got %q, %v, want 401", got, err)
	}
}
