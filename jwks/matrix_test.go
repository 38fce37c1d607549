package jwks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/jwks/jwkstest"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A stage is an issuer over https with a client of it, and a network between
// the two that can be swapped.
type stage struct {
	issuer  *jwkstest.Issuer
	network atomic.Pointer[http.RoundTripper]
	client  *jwks.Client
	asks    atomic.Pointer[atomic.Int64] // counts requests, or nil
}

func newStage(t *testing.T, wait time.Duration) *stage {
	s := &stage{issuer: jwkstest.NewTLSIssuer("ES256")}
	t.Cleanup(s.issuer.Close)
	s.mend()
	s.client = s.newClient(wait)
	return s
}

func (s *stage) newClient(wait time.Duration) *jwks.Client {
	return &jwks.Client{URL: s.issuer.KeysURL(), HTTPClient: &http.Client{Transport: roundTrip(s.roundTrip), Timeout: wait}}
}

func (s *stage) roundTrip(r *http.Request) (*http.Response, error) {
	if asks := s.asks.Load(); asks != nil {
		asks.Add(1)
	}
	return (*s.network.Load()).RoundTrip(r)
}

func (s *stage) use(network http.RoundTripper) { s.network.Store(&network) }

func (s *stage) mend() {
	s.issuer.Mend()
	s.use(s.issuer.Client().Transport)
}

func breaks(fault http.HandlerFunc) func(*testing.T, *stage) {
	return func(_ *testing.T, s *stage) { s.issuer.Break(fault) }
}

// Every way an issuer and the network can misbehave: with warm keys no
// verification fails, a cold client gets an error that says what is wrong, and
// once the fault is over all is well. With -v it prints what each fault cost.
func TestMisbehavingIssuer(t *testing.T) {
	tests := []struct {
		name  string
		fault func(*testing.T, *stage)
		want  string // in the error
		wait  time.Duration
	}{
		{"500", breaks(jwkstest.Status(500)), "HTTP status 500 Internal Server Error", patient},
		{"503 with Retry-After", breaks(jwkstest.RetryAfter(time.Second)), "HTTP status 503 Service Unavailable", patient},
		{"429 with Retry-After", breaks(tooManyRequests), "HTTP status 429 Too Many Requests", patient},
		{"401", breaks(jwkstest.Status(401)), "HTTP status 401 Unauthorized", patient},
		{"204 with nothing", breaks(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }), "HTTP status 204 No Content", patient},
		{"206 with a part", breaks(jwkstest.Status(206)), "HTTP status 206 Partial Content", patient},
		{"404 with JSON", breaks(jwkstest.Status(404)), "HTTP status 404 Not Found", patient},
		{"HTML with 200", breaks(jwkstest.Body("text/html", "<html>Welcome</html>")), "not a JSON object", patient},
		{"an empty body", breaks(jwkstest.Body("application/json", "")), "not a JSON object", patient},
		{"an empty object", breaks(jwkstest.Body("application/json", "{}")), "not a JWK Set", patient},
		{"no keys", breaks(jwkstest.Body("application/json", `{"keys":[]}`)), "no usable key", patient},
		{"a bare JWK", breaks(bareJWK), "a single JWK, not a JWK Set", patient},
		{"keys that are null", breaks(jwkstest.Body("application/json", `{"keys":null}`)), `"keys" is not an array`, patient},
		{"two members keys", breaks(jwkstest.Body("application/json", `{"keys":[],"keys":[`+publicJWK+`]}`)), "occurs twice", patient},
		{"two documents", breaks(jwkstest.Body("application/json", `{"keys":[`+publicJWK+`]}{}`)), "more follows", patient},
		{"too many keys", breaks(jwkstest.Body("application/json", `{"keys":[`+strings.Repeat("{},", 100)+`{}]}`)), "more than 100 keys", patient},
		{"UTF-16", breaks(jwkstest.Body("application/json", "\xfe\xff\x00{\x00}")), "not a JSON object", patient},
		{"a secret key", breaks(jwkstest.Body("application/json", `{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`)), "private or secret key", patient},
		{"a private key", breaks(jwkstest.Body("application/json", `{"keys":[`+privateJWK+`]}`)), "private or secret key", patient},
		{"only malformed keys", breaks(jwkstest.Body("application/json", `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"AA"}]}`)), `key 1 of 1: keystore: JWK "1": member "x" has 1 bytes, not 32`, patient},
		{"only keys of an unknown kind", breaks(jwkstest.Body("application/json", `{"keys":[{"kty":"LATER","alg":"LATER-1","pub":"AA"}]}`)), "no usable key in the set (1 skipped)", patient},
		{"a truncated body", breaks(jwkstest.Truncated), "the answer breaks off: unexpected EOF", patient},
		{"a truncated body of full length", breaks(jwkstest.Body("application/json", `{"keys":[`+publicJWK)), "truncated", patient},
		{"a slow drip", breaks(jwkstest.Drip), "no complete answer in time", impatient},
		{"a hang", breaks(jwkstest.Hang), "no complete answer in time", impatient},
		{"a reset", breaks(jwkstest.Reset), "", patient}, // says what the system says
		{"a huge body", breaks(jwkstest.Huge), "more than 524288 bytes", patient},
		{"a gzip bomb", breaks(jwkstest.GzipBomb), "more than 524288 bytes", patient},
		{"gzip that is none", breaks(brokenGzip), "gzip", patient},
		{"header fields without end", breaks(endlessHeader), "", patient},
		{"a redirect loop", breaks(jwkstest.Redirect("/jwks.json")), "more than 3 redirects", patient},
		{"a redirect to http", redirectToHTTP, "redirect to another origin refused", patient},
		{"a redirect to http on the same host", redirectToPlain, "redirect to another origin refused", patient},
		{"a redirect to nowhere", breaks(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(302) }), "", patient},
		{"a redirect to another host", redirectToAnotherHost, "redirect to another origin refused", patient},
		{"an expired TLS certificate", expiredCertificate, "certificate has expired", patient},
		{"an unknown CA", unknownCA, "unknown authority", patient},
		{"a certificate for another host", anotherHostsCertificate, "certificate is valid for", patient},
		{"no TLS where it should be", noTLS, "", patient},
		{"nobody who listens", nobodyListens, "", patient},
		{"a failure of DNS", dnsFailure, "no such host", patient},
		{"a clock that jumps", clockJump, "HTTP status 500", patient},
	}
	costs := make([]cost, len(tests))
	t.Cleanup(func() { printCosts(t, costs) })
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, tt.wait)
			kid := s.issuer.KeyID()
			eventually(t, s.client.Refresh)

			tt.fault(t, s)
			err := s.whileVerifying(t, &costs[i])
			costs[i].fault = tt.name
			wantFailure(t, err, tt.want)
			wantKey(t, s.client, kid)
			if _, err := s.newClient(tt.wait).PublicKeys(t.Context(), kid); !errors.Is(err, keystore.ErrUnavailable) {
				t.Errorf("cold: got %v, want ErrUnavailable", err)
			}

			s.mend()
			s.issuer.Rotate()
			eventually(t, s.client.Refresh)
			wantKey(t, s.client, s.issuer.KeyID())
			wantKey(t, s.client, kid)
		})
	}
}

// A cost is what a fault has cost those who verify with keys in memory.
type cost struct {
	fault                  string
	verified, failed, asks atomic.Int64
	longest                atomic.Int64 // in nanoseconds
}

func printCosts(t *testing.T, costs []cost) {
	var table strings.Builder
	fmt.Fprintf(&table, "%-38s %9s %7s %8s %13s\n", "fault", "verified", "failed", "fetches", "longest wait")
	failed := int64(0)
	for i := range costs {
		c := &costs[i]
		failed += c.failed.Load()
		fmt.Fprintf(&table, "%-38s %9d %7d %8d %13v\n", c.fault, c.verified.Load(), c.failed.Load(), c.asks.Load(), time.Duration(c.longest.Load()))
	}
	t.Logf("%d faults, %d failed verifications\n%s", len(costs), failed, table.String())
	if failed != 0 || len(costs) < 30 {
		t.Errorf("got %d failed verifications in %d faults, want none in 30 or more", failed, len(costs))
	}
}

// whileVerifying refreshes while goroutines verify tokens, which must succeed
// for each of them, and others look up kids that nobody has.
func (s *stage) whileVerifying(t *testing.T, c *cost) error {
	t.Helper()
	profile := tokenprofile.Profile{Algorithm: tokenprofile.ES256, Issuer: s.issuer.URL, Audience: []string{"a"}, CacheSize: -1}
	verifier, err := profile.Verifier(s.client)
	if err != nil {
		t.Fatal(err)
	}
	s.asks.Store(&c.asks)
	defer s.asks.Store(nil)
	token := s.issuer.Token(map[string]any{"aud": "a", "jti": "1", "sub": "s"})
	var group sync.WaitGroup
	over := make(chan struct{})
	for n := range 4 {
		group.Go(func() {
			for {
				begin := time.Now()
				if _, err := verifier.Verify(t.Context(), token); err != nil {
					c.failed.Add(1)
					t.Errorf("a token was refused: %v", err)
				}
				c.verified.Add(1)
				for took := int64(time.Since(begin)); ; {
					if last := c.longest.Load(); took <= last || c.longest.CompareAndSwap(last, took) {
						break
					}
				}
				if n == 0 {
					go s.client.PublicKeys(t.Context(), "unknown")
				}
				select {
				case <-over:
					return
				case <-time.After(100 * time.Microsecond):
				}
			}
		})
	}
	begin := time.Now()
	err = s.client.Refresh(t.Context())
	close(over)
	group.Wait()
	// One fetch may be under way for a kid that nobody has when Refresh begins its
	// own, and one may follow each pause; each has three redirects at most.
	if asks, most := c.asks.Load(), 4*(2+int64(time.Since(begin)/time.Second)); asks > most {
		t.Errorf("the issuer was asked %d times, want at most %d", asks, most)
	}
	return err
}

// The time a client allows the issuer. A test in a bubble has measured the 5
// seconds; here it is less where all of it is spent.
const (
	patient   = 5 * time.Second
	impatient = 300 * time.Millisecond
)

// eventually tries again, for machines on which even a good answer takes its time.
func eventually(t *testing.T, do func(context.Context) error) {
	t.Helper()
	var err error
	for range 20 {
		if err = do(t.Context()); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func wantFailure(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, keystore.ErrUnavailable) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrUnavailable with %q", err, want)
	}
}

// A public key, and the same with its private member: RFC 7517 appendix A.
const (
	publicJWK  = `{"kty":"EC","crv":"P-256","kid":"1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`
	privateJWK = `{"kty":"EC","crv":"P-256","kid":"1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}`
)

func bareJWK(w http.ResponseWriter, r *http.Request) {
	jwkstest.Body("application/jwk+json", publicJWK)(w, r)
}

// The place a redirect leads to would be believed: only the redirect is wrong.
func redirectToHTTP(t *testing.T, s *stage) {
	plain := httptest.NewServer(&jwks.Handler{Source: s.issuer})
	t.Cleanup(plain.Close)
	s.issuer.Break(jwkstest.Redirect(plain.URL + "/jwks.json"))
}

func redirectToAnotherHost(t *testing.T, s *stage) {
	other := httptest.NewTLSServer(&jwks.Handler{Source: s.issuer})
	t.Cleanup(other.Close)
	s.issuer.Break(jwkstest.Redirect(other.URL + "/jwks.json"))
}

// redirectToPlain changes nothing of the address but its scheme, and over http
// the keys would be given out.
func redirectToPlain(_ *testing.T, s *stage) {
	keys := &jwks.Handler{Source: s.issuer}
	s.use(roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if r.URL.Scheme == "https" {
			http.Redirect(w, r, "http://"+r.URL.Host+r.URL.Path, http.StatusFound)
		} else {
			keys.ServeHTTP(w, r)
		}
		return w.Result(), nil
	}))
}

func tooManyRequests(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "1")
	jwkstest.Status(429)(w, r)
}

func brokenGzip(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	io.WriteString(w, `{"keys":[`+publicJWK+`]}`)
}

// endlessHeader sends more than [http.Transport] reads.
func endlessHeader(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Endless", strings.Repeat("x", 11<<20))
	io.WriteString(w, `{"keys":[`+publicJWK+`]}`)
}

func anotherHostsCertificate(t *testing.T, s *stage) {
	trusting := s.issuer.Client().Transport.(*http.Transport).Clone()
	trusting.TLSClientConfig.ServerName = "another.example.org"
	t.Cleanup(trusting.CloseIdleConnections)
	s.use(trusting)
}

func noTLS(t *testing.T, s *stage) {
	plain := httptest.NewUnstartedServer(s.issuer)
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	plain.Start()
	t.Cleanup(plain.Close)
	s.use(s.leadingTo(t, plain.Listener.Addr().String()))
}

func nobodyListens(t *testing.T, s *stage) {
	closed := httptest.NewUnstartedServer(nil)
	closed.Listener.Close()
	s.use(s.leadingTo(t, closed.Listener.Addr().String()))
}

// leadingTo is a network where every address is this one.
func (s *stage) leadingTo(t *testing.T, address string) http.RoundTripper {
	network := s.issuer.Client().Transport.(*http.Transport).Clone()
	network.DialContext = func(ctx context.Context, protocol, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, protocol, address)
	}
	t.Cleanup(network.CloseIdleConnections)
	return network
}

func unknownCA(t *testing.T, s *stage) {
	network := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
	t.Cleanup(network.CloseIdleConnections)
	s.use(network)
}

func expiredCertificate(t *testing.T, s *stage) {
	certificate, roots := selfSigned(t, time.Now().Add(-time.Hour))
	server := httptest.NewUnstartedServer(s.issuer)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	network := s.leadingTo(t, server.Listener.Addr().String()).(*http.Transport)
	network.TLSClientConfig = &tls.Config{RootCAs: roots}
	s.use(network)
}

func selfSigned(t *testing.T, notAfter time.Time) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    notAfter.Add(-time.Hour),
		NotAfter:     notAfter,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func dnsFailure(t *testing.T, s *stage) {
	network := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "issuer.example", IsNotFound: true}}
	}}
	s.use(network)
}

// clockJump lets the issuer's clock be years off in either direction, in an
// answer that is good but for that, and then fails. What we time is timed by
// our monotonic clock.
func clockJump(t *testing.T, s *stage) {
	for _, year := range []int{1970, 2199} {
		date := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format(http.TimeFormat)
		s.issuer.Break(withHeaders(s.issuer, "Date", date, "Expires", date, "Last-Modified", date, "Age", "99999999"))
		if err := s.client.Refresh(t.Context()); err != nil {
			t.Errorf("in the year %d: %v", year, err)
		}
		wantKey(t, s.client, s.issuer.KeyID())
		if expires := time.Until(s.client.Status().Expires); expires < 24*time.Hour || expires > 25*time.Hour {
			t.Errorf("in the year %d: the keys expire in %v, want 24 h 5 min", year, expires)
		}
	}
	s.issuer.Break(jwkstest.Status(500))
}

func TestThreeRedirectsWithinTheOriginAreFollowed(t *testing.T) {
	s := newStage(t, patient)
	var asked atomic.Int32
	s.issuer.Break(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n <= 3 {
			http.Redirect(w, r, fmt.Sprint(s.issuer.KeysURL(), "?v=", n), http.StatusMovedPermanently)
			return
		}
		(&jwks.Handler{Source: s.issuer}).ServeHTTP(w, r)
	})
	wantKey(t, s.client, s.issuer.KeyID())
}

func TestLimitsOfASetFromTheNetwork(t *testing.T) {
	key := func(i int) string { return strings.Replace(publicJWK, `"1"`, fmt.Sprintf(`"%d"`, i), 1) }
	set := func(keys, size int) string {
		var members []string
		for i := range keys {
			members = append(members, key(i))
		}
		text := `{"keys":[` + strings.Join(members, ",") + `]}`
		return text + strings.Repeat(" ", max(0, size-len(text)))
	}
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"100 keys are read", set(100, 0), true},
		{"101 keys are refused", set(101, 0), false},
		{"512 KiB are read", set(1, 512<<10), true},
		{"a byte more is refused", set(1, 512<<10+1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
				issuer.Break(jwkstest.Body("application/json", tt.body))
				err := client.Refresh(context.Background())
				if tt.ok != (err == nil) || err != nil && !errors.Is(err, keystore.ErrLimit) {
					t.Errorf("got %v, want success %t, else ErrLimit", err, tt.ok)
				}
			})
		})
	}
}

func TestKeysThatCannotBeUsedAreSkippedAndCounted(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		var last atomic.Pointer[jwks.Fetch]
		client.OnFetch = func(f jwks.Fetch) { last.Store(&f) }
		later := `{"kty":"LATER","kid":"later","alg":"LATER-1","pub":"AA"}`
		issuer.Break(jwkstest.Body("application/json", `{"keys":[`+later+`,`+publicJWK+`,{"kty":"EC","crv":"secp256k1","kid":"k1","x":"AA","y":"AA"}]}`))
		wantKey(t, client, "1")
		wantNoKey(t, client, "later")
		status, fetch := client.Status(), last.Load()
		if status.Keys != 1 || status.Skipped != 2 || fetch.Keys != 1 || fetch.Skipped != 2 {
			t.Errorf("got %+v and %+v, want 1 key and 2 skipped", status, *fetch)
		}
		for _, err := range []error{status.SkipErr, fetch.SkipErr} {
			want := `key 1 of 3: keystore: JWK "later": unsupported algorithm: kty "LATER"; key 3 of 3: keystore: JWK "k1": unsupported algorithm: crv "secp256k1"`
			if err == nil || err.Error() != want || !errors.Is(err, keystore.ErrUnsupported) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
}

// The new key verifies, cold and after a rotation, whatever is odd beside it.
func TestGoodKeyBesideOddOnes(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		issuer.Break(func(w http.ResponseWriter, r *http.Request) {
			good := httptest.NewRecorder()
			(&jwks.Handler{Source: issuer}).ServeHTTP(good, r)
			odd := `{"keys":[null,7,{},{"kty":"EC","kid":1},{"kty":"RSA","n":"AQAB","e":null},`
			w.Header().Set("Content-Type", "application/jwk-set+json")
			io.WriteString(w, strings.Replace(good.Body.String(), `{"keys":[`, odd, 1))
		})
		wantKey(t, client, issuer.KeyID())
		issuer.Rotate()
		wantKey(t, client, issuer.KeyID())
		if got := client.Status().Skipped; got != 5 {
			t.Errorf("skipped: got %d, want 5", got)
		}
	})
}

func TestDifferentKeysOfOneKid(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *jwkstest.Issuer, client *jwks.Client) {
		keys := published{
			jwkstest.NewKey("ES256").Public().WithKeyID("same"), jwkstest.NewKey("EdDSA").Public().WithKeyID("same"),
			jwkstest.NewKey("ES256").Public(), jwkstest.NewKey("ES256").Public().WithKeyID("same"),
		}
		data, err := json.Marshal(jwks.Set{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		issuer.Break(jwkstest.Body("application/json", string(data)))
		for kid, want := range map[string]int{"same": 3, keys[2].KeyID(): 1, "": 4} {
			got, err := client.PublicKeys(context.Background(), kid)
			if err != nil || len(got) != want || cap(got) != want {
				t.Errorf("PublicKeys(%q): got %v (capacity %d), %v, want %d keys", kid, got, cap(got), err, want)
			}
		}
	})
}
