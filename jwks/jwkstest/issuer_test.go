package jwkstest_test

import (
	"context"
	"crypto/fips140"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const audience = "https://api.example"

var algorithms = []keystore.Algorithm{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func verifier(t *testing.T, algorithm keystore.Algorithm, issuer *jwkstest.Issuer, keys keystore.PublicSource) *tokenprofile.Verifier {
	t.Helper()
	v, err := tokenprofile.Profile{
		Algorithm: algorithm,
		Issuer:    issuer.URL,
		Audience:  []string{audience},
	}.Verifier(keys)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTokensVerifyThroughTheKeySet(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			issuer := jwkstest.NewIssuer(algorithm)
			defer issuer.Close()
			v := verifier(t, algorithm, issuer, &jwks.Client{URL: issuer.KeysURL()})
			token, err := v.Verify(t.Context(), issuer.Token(map[string]any{"aud": audience, "sub": "alice"}))
			if err != nil || token.Subject != "alice" || token.KeyID != issuer.KeyID() {
				t.Errorf("got %v, %v, want the token of alice", token, err)
			}
		})
	}
}

func TestTokensThatMustNotVerify(t *testing.T) {
	issuer := jwkstest.NewUnstartedIssuer("ES256", "https://issuer.example")
	v := verifier(t, "ES256", issuer, issuer)
	past := time.Now().Add(-time.Hour).Unix()
	tests := []struct {
		name           string
		header, claims map[string]any
		want           error
	}{
		{"as it should be", nil, nil, nil},
		{"another issuer", nil, map[string]any{"iss": "https://other.example"}, tokenprofile.ErrIssuer},
		{"another audience", nil, map[string]any{"aud": "https://other.example"}, tokenprofile.ErrAudience},
		{"expired", nil, map[string]any{"iat": past - 60, "exp": past}, tokenprofile.ErrExpired},
		{"without exp", nil, map[string]any{"exp": nil}, tokenprofile.ErrInvalid},
		{"another kid", map[string]any{"kid": "other"}, nil, tokenprofile.ErrUnknownKey},
		{"another algorithm", map[string]any{"alg": "none"}, nil, tokenprofile.ErrAlgorithm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			claims := map[string]any{"aud": audience}
			for name, value := range tt.claims {
				claims[name] = value
			}
			if _, err := v.Verify(t.Context(), issuer.TokenWith(tt.header, claims)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestIssuerIsASignersSourceOfKeys(t *testing.T) {
	issuer := jwkstest.NewUnstartedIssuer("ES256", "https://issuer.example")
	profile := tokenprofile.Profile{Algorithm: tokenprofile.ES256, Issuer: issuer.URL, Audience: []string{audience}}
	signer, err := profile.Signer(issuer)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(t, "ES256", issuer, issuer).Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestRotateUseAndWithdraw(t *testing.T) {
	issuer := jwkstest.NewUnstartedIssuer("ES256", "https://issuer.example")
	want := func(kids ...string) {
		t.Helper()
		var got []string
		keys, err := issuer.PublishedKeys(t.Context())
		for _, key := range keys {
			got = append(got, key.KeyID())
		}
		if err != nil || strings.Join(got, " ") != strings.Join(kids, " ") {
			t.Errorf("published: got %v, %v, want %v", got, err, kids)
		}
	}
	first := issuer.KeyID()
	want(first)
	second := issuer.Rotate().KeyID()
	want(second, first)
	issuer.Use(jwkstest.NewKey("ES256").WithKeyID(first))
	want(first, second)
	issuer.Withdraw(second, "unknown")
	want(first)
	if got := issuer.KeyID(); got != first {
		t.Errorf("signing: got %s, want %s", got, first)
	}
	if keys, err := issuer.PublicKeys(t.Context(), second); err != nil || len(keys) != 0 {
		t.Errorf("withdrawn: got %v, %v, want no key", keys, err)
	}
}

func TestBreakAndMend(t *testing.T) {
	for name, issuer := range map[string]*jwkstest.Issuer{
		"http":      jwkstest.NewIssuer("ES256"),
		"https":     jwkstest.NewTLSIssuer("ES256"),
		"in memory": jwkstest.NewUnstartedIssuer("ES256", "https://issuer.example"),
	} {
		t.Run(name, func(t *testing.T) {
			defer issuer.Close()
			if got := status(issuer, time.Minute); got != 200 {
				t.Errorf("at first: got %d, want 200", got)
			}
			issuer.Break(jwkstest.Status(418))
			if got := status(issuer, time.Minute); got != 418 {
				t.Errorf("status: got %d, want 418", got)
			}
			for name, fault := range map[string]http.HandlerFunc{"reset": jwkstest.Reset, "truncated": jwkstest.Truncated, "hang": jwkstest.Hang, "drip": jwkstest.Drip} {
				issuer.Break(fault)
				if got := status(issuer, 200*time.Millisecond); got != 0 {
					t.Errorf("%s: got %d, want no answer", name, got)
				}
			}
			issuer.Mend()
			if got := status(issuer, time.Minute); got != 200 {
				t.Errorf("mended: got %d, want 200", got)
			}
			if got := issuer.Requests(); got < 7 {
				t.Errorf("requests: got %d, want at least 7", got)
			}
		})
	}
}

// status asks for the key set, and is 0 if no whole answer comes.
func status(issuer *jwkstest.Issuer, wait time.Duration) int {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", issuer.KeysURL(), nil)
	if err != nil {
		return 0
	}
	resp, err := issuer.Client().Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}

func TestIssuerInABubble(t *testing.T) {
	if fips140.Enabled() {
		t.Skip("in FIPS mode there are no random numbers in a bubble: they are seeded from the jitter of the clock")
	}
	synctest.Test(t, func(t *testing.T) {
		issuer := jwkstest.NewUnstartedIssuer("ES256", "https://issuer.example")
		v := verifier(t, "ES256", issuer, &jwks.Client{URL: issuer.KeysURL(), HTTPClient: issuer.Client()})
		token := issuer.Token(map[string]any{"aud": audience})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, tokenprofile.ErrExpired) {
			t.Errorf("an hour later: got %v, want ErrExpired", err)
		}
	})
}

func TestUnknownAlgorithmPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	jwkstest.NewIssuer("HS256")
}
