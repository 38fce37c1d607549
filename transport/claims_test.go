package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// actingUser maps the X-User header of a request to claims.
func actingUser(req *http.Request) (any, error) {
	user := req.Header.Get("X-User")
	if user == "" {
		return nil, nil
	}
	return map[string]any{"act": user}, nil
}

func requestAs(t testing.TB, rt http.RoundTripper, user string) {
	t.Helper()
	req := newRequest(t, http.MethodGet)
	req.Header.Set("X-User", user)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestTokensAreKeptPerClaims(t *testing.T) {
	source, base := &fakeSource{}, &recorder{}
	bearer := &transport.Bearer{Source: source, Base: base}
	if err := bearer.Validate(); err != nil {
		t.Fatal(err)
	}
	bearer.Claims = actingUser // fields may be set until the first request
	for _, step := range []struct{ user, want string }{
		{"alice", "Bearer token-1"},
		{"bob", "Bearer token-2"},
		{"alice", "Bearer token-1"},
		{"", "Bearer token-3"}, // the one without claims
		{"bob", "Bearer token-2"},
		{"", "Bearer token-3"},
	} {
		requestAs(t, bearer, step.user)
		if got := base.last(); got != step.want {
			t.Errorf("for %q: got %q, want %q", step.user, got, step.want)
		}
	}
	if got, want := fmt.Sprint(source.claims), "[map[act:alice] map[act:bob] <nil>]"; got != want {
		t.Errorf("the source was asked for %s, want %s", got, want)
	}
}

func TestClaimsAreTheSameIfTheirJSONIs(t *testing.T) {
	source := &fakeSource{}
	i := 0
	bearer := &transport.Bearer{Source: source, Base: &recorder{}, Claims: func(*http.Request) (any, error) {
		i++
		if i%2 == 0 {
			return struct {
				A int `json:"a"`
				B int `json:"b"`
			}{1, 2}, nil
		}
		return map[string]any{"b": 2, "a": 1}, nil
	}}
	for range 4 {
		if _, err := get(t, bearer); err != nil {
			t.Fatal(err)
		}
	}
	if got := source.count(); got != 1 {
		t.Errorf("got %d fetches, want 1", got)
	}
}

func TestTheTokensPerClaimsAreBounded(t *testing.T) {
	source := &fakeSource{}
	bearer := &transport.Bearer{Source: source, Base: &recorder{}, Claims: actingUser}
	for i := range 1024 {
		requestAs(t, bearer, fmt.Sprint("user-", i))
	}
	requestAs(t, bearer, "user-0") // still there, and used last
	if got := source.count(); got != 1024 {
		t.Fatalf("got %d fetches, want 1024", got)
	}
	for i := range 1000 {
		requestAs(t, bearer, fmt.Sprint("another-", i))
	}
	if got := bearer.Status().Claims; got != 1024 {
		t.Errorf("got tokens for %d claims, want 1024", got)
	}
}

// Users who come one after another find most of their tokens again, though
// there are more of them than there is room for.
func TestMoreClaimsThanThereIsRoomForCostLittle(t *testing.T) {
	for _, test := range []struct{ most, users, share int }{
		{0, 1025, 2}, {0, 1100, 25}, {100, 101, 10}, {1, 2, 100}, {10, 10, 0},
	} {
		source := &fakeSource{}
		bearer := &transport.Bearer{Source: source, Base: &recorder{}, Claims: actingUser, MaxClaims: test.most}
		round := func() {
			for i := range test.users {
				requestAs(t, bearer, fmt.Sprint("user-", i))
			}
		}
		round()
		before := source.count()
		for range 10 {
			round()
		}
		if got := (source.count() - before) * 100 / (10 * test.users); got > test.share {
			t.Errorf("%d users, room for %d: got %d %% fetched again, want %d at most", test.users, test.most, got, test.share)
		}
	}
}

func TestClaimsThatAreUsedOftenStay(t *testing.T) {
	source := &fakeSource{}
	bearer := &transport.Bearer{Source: source, Base: &recorder{}, Claims: actingUser, MaxClaims: 100}
	for i := range 10_000 {
		requestAs(t, bearer, fmt.Sprint("regular-", i%10))
		requestAs(t, bearer, fmt.Sprint("passer-by-", i))
	}
	if again := source.count() - 10_000 - 10; again > 500 { // of 10,000
		t.Errorf("the tokens of regulars were fetched %d times more", again)
	}
}

func TestOneUseTokensWithClaims(t *testing.T) {
	source, base := &fakeSource{oneUse: true}, &recorder{}
	bearer := &transport.Bearer{Source: source, Base: base, Claims: actingUser}
	requestAs(t, bearer, "alice")
	requestAs(t, bearer, "alice")
	if got, want := base.last(), "Bearer token-2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARefusalConcernsTheTokenOfItsClaims(t *testing.T) {
	server, source := newAPI("token-2", "token-3"), &fakeSource{}
	bearer := &transport.Bearer{Source: source, Base: server, Claims: actingUser}
	requestAs(t, bearer, "alice") // token-1, refused, token-2
	requestAs(t, bearer, "bob")
	requestAs(t, bearer, "alice")
	want := []string{"GET  token-1", "GET  token-2", "GET  token-3", "GET  token-2"}
	if got := fmt.Sprint(server.requests); got != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheErrorOfClaimsIsTheCallers(t *testing.T) {
	errNobody := errors.New("nobody is signed in")
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: &recorder{}, Claims: func(*http.Request) (any, error) { return nil, errNobody }}
	if _, err := get(t, bearer); !errors.Is(err, errNobody) {
		t.Errorf("got %v, want %v", err, errNobody)
	}
}
