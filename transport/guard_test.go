package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// verifyFunc is a TokenVerifier for tests of what surrounds verification.
type verifyFunc func(ctx context.Context, token string) (*tokenprofile.Token, error)

func (f verifyFunc) Verify(ctx context.Context, token string) (*tokenprofile.Token, error) {
	return f(ctx, token)
}

func admits(claims string) verifyFunc {
	return func(context.Context, string) (*tokenprofile.Token, error) {
		return &tokenprofile.Token{Issuer: "https://consumer.example", Subject: "billing", Claims: []byte(claims)}, nil
	}
}

func refuses(err error) verifyFunc {
	return func(context.Context, string) (*tokenprofile.Token, error) { return nil, err }
}

func invalid(reason error) error {
	return fmt.Errorf("tokenprofile: %w: %w", tokenprofile.ErrInvalid, reason)
}

var admitted = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	token, ok := tokenprofile.FromContext(r.Context())
	if !ok {
		http.Error(w, "no token in the context", http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, token.Subject)
})

// ask sends a GET with the headers, given as "Name: value", through the guard.
func ask(guard *transport.Guard, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "https://api.example/orders", nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	guard.Handler(admitted).ServeHTTP(w, r)
	return w
}

const bearer = "Authorization: Bearer aaa.bbb.ccc"

func TestGuardReadsTheAuthorizationHeader(t *testing.T) {
	tests := []struct {
		name    string
		headers []string
		status  int
		code    string
	}{
		{"a bearer token is admitted", []string{bearer}, 200, ""},
		{"the scheme is compared without case", []string{"Authorization: bEARER aaa.bbb.ccc"}, 200, ""},
		{"several spaces may follow the scheme", []string{"Authorization: Bearer   aaa.bbb.ccc"}, 200, ""},
		{"every character of a b64token is admitted", []string{"Authorization: Bearer azAZ09-._~+/=="}, 200, ""},
		{"no header has no error code", nil, 401, ""},
		{"an empty header has no error code", []string{"Authorization: "}, 401, ""},
		{"another scheme has no error code", []string{"Authorization: Basic dTpw"}, 401, ""},
		{"a scheme that begins like Bearer is another scheme", []string{"Authorization: BearerX aaa.bbb.ccc"}, 401, ""},
		{"DPoP is another scheme where the guard has no DPoP", []string{"Authorization: DPoP aaa.bbb.ccc"}, 401, ""},
		{"a token without a scheme is another scheme", []string{"Authorization: aaa.bbb.ccc"}, 401, ""},
		{"two headers are refused", []string{bearer, bearer}, 400, "invalid_request"},
		{"two headers of different schemes are refused", []string{bearer, "Authorization: Basic dTpw"}, 400, "invalid_request"},
		{"two tokens are refused", []string{"Authorization: Bearer aaa.bbb.ccc ddd"}, 400, "invalid_request"},
		{"two tokens with a comma are refused", []string{"Authorization: Bearer aaa.bbb.ccc,ddd"}, 400, "invalid_request"},
		{"a scheme alone is refused", []string{"Authorization: Bearer"}, 400, "invalid_request"},
		{"a scheme and a space are refused", []string{"Authorization: Bearer "}, 400, "invalid_request"},
		{"padding alone is refused", []string{"Authorization: Bearer =="}, 400, "invalid_request"},
		{"padding inside is refused", []string{"Authorization: Bearer a=a"}, 400, "invalid_request"},
		{"a tab after the scheme is another scheme", []string{"Authorization: Bearer\taaa.bbb.ccc"}, 401, ""},
		{"a trailing space is refused", []string{"Authorization: Bearer aaa.bbb.ccc "}, 400, "invalid_request"},
		{"a control character is refused", []string{"Authorization: Bearer aaa\x00bbb"}, 400, "invalid_request"},
		{"a letter beyond ASCII is refused", []string{"Authorization: Bearer aaa\u0101"}, 400, "invalid_request"},
		{"a quoted token is refused", []string{`Authorization: Bearer "aaa"`}, 400, "invalid_request"},
		{"a header of 64 KiB is admitted", []string{"Authorization: Bearer " + strings.Repeat("a", 64<<10-len("Bearer "))}, 200, ""},
		{"a header of one byte more is refused", []string{"Authorization: Bearer " + strings.Repeat("a", 64<<10-len("Bearer ")+1)}, 400, "invalid_request"},
		{"a token of 64 KiB is refused", []string{"Authorization: Bearer " + strings.Repeat("a", 64<<10)}, 400, "invalid_request"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := ask(&transport.Guard{Verifier: admits("{}")}, test.headers...)
			if w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
			if w.Code == http.StatusOK {
				return
			}
			want := `Bearer realm="protected"`
			if test.code != "" {
				want += `, error="` + test.code + `"`
			}
			if got := w.Header()["Www-Authenticate"]; !slices.Equal(got, []string{want}) {
				t.Errorf("got challenges %q, want %q", got, want)
			}
		})
	}
}

func TestGuardIgnoresTokensElsewhere(t *testing.T) {
	guard := &transport.Guard{Verifier: admits("{}")}
	form := "application/x-www-form-urlencoded"
	tests := []struct {
		name string
		r    *http.Request
	}{
		{"in the query", httptest.NewRequest("GET", "/?access_token=aaa.bbb.ccc", nil)},
		{"in the body", httptest.NewRequest("POST", "/", strings.NewReader("access_token=aaa.bbb.ccc"))},
	}
	for _, test := range tests {
		test.r.Header.Set("Content-Type", form)
		test.r.AddCookie(&http.Cookie{Name: "access_token", Value: "aaa.bbb.ccc"})
		test.r.Header.Set("X-Access-Token", "aaa.bbb.ccc")
		if _, err := guard.Check(test.r); err == nil {
			t.Errorf("a token %s was admitted", test.name)
		}
	}
}

func TestGuardAnswersTheVerifier(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"malformed", invalid(tokenprofile.ErrMalformed), 401, "invalid_token"},
		{"algorithm", invalid(tokenprofile.ErrAlgorithm), 401, "invalid_token"},
		{"unknown key", invalid(tokenprofile.ErrUnknownKey), 401, "invalid_token"},
		{"signature", invalid(tokenprofile.ErrSignature), 401, "invalid_token"},
		{"decryption", invalid(tokenprofile.ErrDecryption), 401, "invalid_token"},
		{"type", invalid(tokenprofile.ErrType), 401, "invalid_token"},
		{"critical", invalid(tokenprofile.ErrCritical), 401, "invalid_token"},
		{"issuer", invalid(tokenprofile.ErrIssuer), 401, "invalid_token"},
		{"audience", invalid(tokenprofile.ErrAudience), 401, "invalid_token"},
		{"subject", invalid(tokenprofile.ErrSubject), 401, "invalid_token"},
		{"claim", invalid(tokenprofile.ErrClaim), 401, "invalid_token"},
		{"expired", invalid(tokenprofile.ErrExpired), 401, "invalid_token"},
		{"not yet valid", invalid(tokenprofile.ErrNotYetValid), 401, "invalid_token"},
		{"lifetime", invalid(tokenprofile.ErrLifetime), 401, "invalid_token"},
		{"replayed", invalid(tokenprofile.ErrReplayed), 401, "invalid_token"},
		{"keys unavailable", fmt.Errorf("jwks: %w", keystore.ErrUnavailable), 503, ""},
		{"the replay guard failed", errors.New("redis: connection refused"), 503, ""},
		{"a time-out inside", context.DeadlineExceeded, 503, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var rejected error
			guard := &transport.Guard{
				Verifier: refuses(test.err),
				OnReject: func(_ *http.Request, err error) { rejected = err },
			}
			w := ask(guard, bearer)
			checkRefusal(t, w, test.status, test.code)
			if !errors.Is(rejected, test.err) {
				t.Errorf("OnReject got %v, want %v behind it", rejected, test.err)
			}
			var refusal *transport.Refusal
			if !errors.As(rejected, &refusal) || refusal.StatusCode != test.status || refusal.Code != test.code {
				t.Errorf("OnReject got %#v, want status %d and code %q", refusal, test.status, test.code)
			}
		})
	}
}

// checkRefusal checks what every refusal has in common, and that the text is a fixed one.
func checkRefusal(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("got status %d, want %d", w.Code, status)
	}
	if got, want := w.Body.String(), http.StatusText(status)+"\n"; got != want {
		t.Errorf("got body %q, want %q", got, want)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q, want %q", got, "no-store")
	}
	challenge := strings.Join(w.Header()["Www-Authenticate"], "; ")
	if code != "" && !strings.Contains(challenge, `error="`+code+`"`) {
		t.Errorf("got challenge %q, want error %q", challenge, code)
	}
	if status == http.StatusServiceUnavailable && challenge != "" {
		t.Errorf("got challenge %q, want none: the client has done nothing wrong", challenge)
	}
	if code == "" && strings.Contains(challenge, "error=") {
		t.Errorf("got challenge %q, want no error code", challenge)
	}
	wait := ""
	if status == http.StatusServiceUnavailable {
		wait = "5"
	}
	if got := w.Header().Get("Retry-After"); got != wait {
		t.Errorf("got Retry-After %q, want %q", got, wait)
	}
}

func TestZeroGuardRefusesEverything(t *testing.T) {
	for _, headers := range [][]string{nil, {bearer}, {"Authorization: DPoP aaa"}, {bearer, bearer}} {
		checkRefusal(t, ask(&transport.Guard{}, headers...), http.StatusServiceUnavailable, "")
	}
}

func TestGuardRefusesAVerifierThatReturnsNothing(t *testing.T) {
	checkRefusal(t, ask(&transport.Guard{Verifier: refuses(nil)}, bearer), http.StatusServiceUnavailable, "")
}

func TestGuardTellsAClientThatLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	guard := &transport.Guard{Verifier: verifyFunc(func(context.Context, string) (*tokenprofile.Token, error) {
		cancel()
		return nil, keystore.ErrUnavailable
	})}
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.Header.Set("Authorization", "Bearer aaa")
	if _, err := guard.Check(r); !errors.Is(err, context.Canceled) || !errors.Is(err, keystore.ErrUnavailable) {
		t.Errorf("got %v, want %v and %v", err, context.Canceled, keystore.ErrUnavailable)
	}
	guard.Verifier = refuses(keystore.ErrUnavailable)
	r = r.WithContext(t.Context())
	if _, err := guard.Check(r); errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "%!") {
		t.Errorf("got %v of a client that is still there", err)
	}
	guard.Verifier = refuses(context.Canceled)
	if _, err := guard.Check(r.WithContext(ctx)); err.Error() != "transport: 503: context canceled" {
		t.Errorf("got %v, want the one cause once", err)
	}
}

func TestGuardAuthorize(t *testing.T) {
	tests := []struct {
		name      string
		err       error
		status    int
		challenge string
	}{
		{"a refusal is 403 and has no challenge", errors.New("no such account"), 403, ""},
		{"missing scope is named", &transport.ScopeError{Scope: "orders:write orders:read"}, 403, `Bearer realm="protected", error="insufficient_scope", scope="orders:write orders:read"`},
		{"missing scope is found in a wrapped error", fmt.Errorf("orders: %w", &transport.ScopeError{Scope: "a"}), 403, `Bearer realm="protected", error="insufficient_scope", scope="a"`},
		{"a scope that is none is not named", &transport.ScopeError{Scope: "a\", x=\""}, 403, `Bearer realm="protected", error="insufficient_scope"`},
		{"an application that could not decide is 503", fmt.Errorf("accounts: %w", keystore.ErrUnavailable), 503, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var rejected error
			w := ask(&transport.Guard{
				Verifier:  admits("{}"),
				Authorize: func(*http.Request, *tokenprofile.Token) (context.Context, error) { return nil, test.err },
				OnReject:  func(_ *http.Request, err error) { rejected = err },
			}, bearer)
			if w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != test.challenge {
				t.Errorf("got challenge %q, want %q", got, test.challenge)
			}
			if !errors.Is(rejected, test.err) {
				t.Errorf("OnReject got %v, want %v behind it", rejected, test.err)
			}
		})
	}
}

type principalKey struct{}

func TestGuardMapsIdentity(t *testing.T) {
	guard := &transport.Guard{
		Verifier: admits("{}"),
		Authorize: func(r *http.Request, token *tokenprofile.Token) (context.Context, error) {
			return context.WithValue(r.Context(), principalKey{}, "account of "+token.Subject), nil
		},
	}
	var got any
	var token *tokenprofile.Token
	handler := guard.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Context().Value(principalKey{})
		token, _ = tokenprofile.FromContext(r.Context())
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer aaa")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if got != "account of billing" {
		t.Errorf("got principal %q, want %q", got, "account of billing")
	}
	if token == nil || token.Subject != "billing" {
		t.Errorf("got token %v in the context, want the one of billing", token)
	}
}

func TestGuardAuthorizeMayReturnNoContext(t *testing.T) {
	guard := &transport.Guard{
		Verifier:  admits("{}"),
		Authorize: func(*http.Request, *tokenprofile.Token) (context.Context, error) { return nil, nil },
	}
	if w := ask(guard, bearer); w.Code != http.StatusOK || w.Body.String() != "billing" {
		t.Errorf("got %d %q, want 200 %q", w.Code, w.Body, "billing")
	}
}

func TestGuardChallengeNamesRealmAndScope(t *testing.T) {
	tests := []struct{ name, realm, scope, want string }{
		{"the defaults", "", "", `Bearer realm="protected"`},
		{"a realm and a scope", "orders", "read write", `Bearer realm="orders", scope="read write"`},
		{"a realm with a quote and a backslash", `a"b\c`, "", `Bearer realm="a\"b\\c"`},
		{"a realm with a line break", "a\r\nX-Evil: 1", "", `Bearer realm="aX-Evil: 1"`},
		{"a scope of the first and the last character that may be", "", "!~", `Bearer realm="protected", scope="!~"`},
		{"a scope with a character after them is not named", "", "a\x7f", `Bearer realm="protected"`},
		{"a scope with a quote is not named", "", `a" b`, `Bearer realm="protected"`},
		{"a scope with a line break is not named", "", "a\r\nb", `Bearer realm="protected"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := ask(&transport.Guard{Verifier: admits("{}"), Realm: test.realm, Scope: test.scope})
			if got := w.Header().Get("WWW-Authenticate"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestGuardCheckTellsOfWhatItRefuses(t *testing.T) {
	var rejected []error
	guard := &transport.Guard{Verifier: admits("{}"), OnReject: func(_ *http.Request, err error) { rejected = append(rejected, err) }}
	_, err := guard.Check(httptest.NewRequest("GET", "/", nil))
	if err == nil {
		t.Error("a request without a token was admitted")
	}
	if len(rejected) != 1 || rejected[0] != err {
		t.Errorf("OnReject got %v, want %v once", rejected, err)
	}
}

func TestGuardCheckReturnsTheContextOfAuthorize(t *testing.T) {
	guard := &transport.Guard{
		Verifier: admits("{}"),
		Authorize: func(r *http.Request, token *tokenprofile.Token) (context.Context, error) {
			return context.WithValue(r.Context(), principalKey{}, "account of "+token.Subject), nil
		},
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer aaa")
	ctx, err := guard.Check(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ctx.Value(principalKey{}), "account of billing"; got != want {
		t.Errorf("got principal %v, want %q", got, want)
	}
	if token, ok := tokenprofile.FromContext(ctx); !ok || token.Subject != "billing" {
		t.Errorf("got token %v in the context, want the one of billing", token)
	}
}

// canary stands for everything that must not be told.
const canary = "canary-4f1d"

func TestRefusalsTellNothingSecret(t *testing.T) {
	var log bytes.Buffer
	guard := &transport.Guard{
		Verifier: refuses(invalid(tokenprofile.ErrSignature)),
		OnReject: func(_ *http.Request, err error) { fmt.Fprintf(&log, "%v %+v %#v %s\n", err, err, err, err) },
	}
	for _, headers := range [][]string{
		{"Authorization: Bearer " + canary},
		{"Authorization: Bearer " + canary + " " + canary},
		{"Authorization: Bearer " + canary, "Authorization: " + canary},
		{"Authorization: " + canary},
		{"Authorization: DPoP " + canary, "DPoP: " + canary},
	} {
		w := ask(guard, headers...)
		fmt.Fprintln(&log, w.Code, w.Header(), w.Body)
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("a token was told:\n%s", &log)
	}
}

func TestGuardIsSafeForConcurrentUse(t *testing.T) {
	guard := &transport.Guard{
		Verifier: verifyFunc(func(_ context.Context, token string) (*tokenprofile.Token, error) {
			if token == "bad" {
				return nil, invalid(tokenprofile.ErrExpired)
			}
			return &tokenprofile.Token{Subject: token, Claims: []byte(`{"scope":"read"}`)}, nil
		}),
		Scope: "read",
	}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			want := fmt.Sprintf("caller%d", i)
			for range 50 {
				if w := ask(guard, "Authorization: Bearer "+want); w.Body.String() != want {
					t.Errorf("got %q, want %q", w.Body, want)
				}
				if w := ask(guard, "Authorization: Bearer bad"); w.Code != http.StatusUnauthorized {
					t.Errorf("got status %d, want 401", w.Code)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzGuardAuthorization(f *testing.F) {
	for _, seed := range []string{"", "Bearer aaa.bbb.ccc", "bearer  a", "DPoP a=", "Bearer a b", "Basic dTpw", "Bearer\ta"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var seen []string
		guard := &transport.Guard{Verifier: verifyFunc(func(_ context.Context, token string) (*tokenprofile.Token, error) {
			seen = append(seen, token)
			return &tokenprofile.Token{}, nil
		})}
		r := &http.Request{Method: "GET", Header: http.Header{"Authorization": {value}}}
		_, err := guard.Check(r)
		if (err == nil) != (len(seen) == 1) {
			t.Fatalf("got error %v with %d tokens verified", err, len(seen))
		}
		// What was verified is all there is besides the scheme and spaces.
		if err == nil && strings.ToLower(strings.ReplaceAll(value, " ", "")) != "bearer"+strings.ToLower(seen[0]) {
			t.Fatalf("verified %q of %q", seen[0], value)
		}
	})
}
