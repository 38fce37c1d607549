package transport_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// trace notes what each host of a redirect chain saw.
type trace struct {
	mu   sync.Mutex
	seen []string
}

func (t *trace) note(name string, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		token = "nothing"
	}
	t.seen = append(t.seen, name+" "+token)
}

// hosts are three hosts in memory: a and b speak https, and p plain http. A
// request for /S/H1/H2/... is answered with a redirect of status S to H1,
// with the path /S/H2/..., until nothing is left.
func (t *trace) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		req.Body.Close()
	}
	t.note(req.URL.Scheme+"://"+req.URL.Host, req)
	resp := respond(req, http.StatusOK)
	parts := strings.SplitN(strings.TrimPrefix(req.URL.Path, "/"), "/", 3)
	if len(parts) < 2 || parts[1] == "" {
		return resp, nil
	}
	if _, err := fmt.Sscan(parts[0], &resp.StatusCode); err != nil {
		return nil, err
	}
	scheme, host := "https", parts[1]
	if plain, ok := strings.CutPrefix(host, "plain-"); ok {
		scheme, host = "http", plain
	}
	rest := ""
	if len(parts) == 3 {
		rest = parts[2]
	}
	resp.Header.Set("Location", scheme+"://"+host+"/"+parts[0]+"/"+rest)
	return resp, nil
}

func TestWhereTheTokenGoes(t *testing.T) {
	for _, test := range []struct {
		name    string
		origins []string
		url     string
		seen    []string
	}{
		{"no redirect", nil, "https://a/307/", []string{"https://a token-1"}},
		{"the same host", nil, "https://a/307/a", []string{"https://a token-1", "https://a token-1"}},
		{"the same host with its port", nil, "https://a/307/a:443", []string{"https://a token-1", "https://a:443 token-1"}},
		{"the same host in capitals", nil, "https://a/307/A", []string{"https://a token-1", "https://A token-1"}},
		{"another host", nil, "https://a/307/b", []string{"https://a token-1", "https://b nothing"}},
		{"another port", nil, "https://a/307/a:8443", []string{"https://a token-1", "https://a:8443 nothing"}},
		{"a host below the first", nil, "https://a.example/307/x.a.example", []string{"https://a.example token-1", "https://x.a.example nothing"}},
		{"a host above the first", nil, "https://x.a.example/307/a.example", []string{"https://x.a.example token-1", "https://a.example nothing"}},
		{"https to http", nil, "https://a/307/plain-a", []string{"https://a token-1", "http://a nothing"}},
		{"https to http and back", nil, "https://a/307/plain-a/a", []string{"https://a token-1", "http://a nothing", "https://a nothing"}},
		{"back to the origin, once the chain has left it", nil, "https://a/307/b/a", []string{"https://a token-1", "https://b nothing", "https://a nothing"}},
		{"on from host to host", nil, "https://a/307/b/b/c", []string{"https://a token-1", "https://b nothing", "https://b nothing", "https://c nothing"}},
		{"http on the machine itself", nil, "http://localhost/307/plain-localhost", []string{"http://localhost token-1", "http://localhost token-1"}},
		{"from the machine itself to elsewhere", nil, "http://127.0.0.1/307/plain-a", []string{"http://127.0.0.1 token-1", "http://a nothing"}},
		{"another loopback address is another origin", nil, "http://127.0.0.1/307/plain-localhost", []string{"http://127.0.0.1 token-1", "http://localhost nothing"}},
		{"named origins", []string{"https://a", "https://b"}, "https://a/307/b/a", []string{"https://a token-1", "https://b token-1", "https://a token-1"}},
		{"back to a named origin, once the chain has left them", []string{"https://a", "https://b"}, "https://a/307/b/c/a/b", []string{"https://a token-1", "https://b token-1", "https://c nothing", "https://a nothing", "https://b nothing"}},
		{"a named origin after one that is not", []string{"https://b:443/"}, "https://a/307/b", []string{"https://a nothing", "https://b nothing"}},
		{"no named origin", []string{}, "https://a/", []string{"https://a nothing"}},
		{"plain http to an origin that is not named", []string{"https://a"}, "http://a/", []string{"http://a nothing"}},
	} {
		for _, status := range []string{"301", "302", "303", "307", "308"} {
			for _, method := range []string{"GET", "POST"} {
				t.Run(test.name+" "+status+" "+method, func(t *testing.T) {
					hosts := &trace{}
					client := &http.Client{Transport: &transport.Bearer{Source: &fakeSource{}, Base: hosts, Origins: test.origins}}
					follow(t, client, method, strings.Replace(test.url, "307", status, 1))
					if !slices.Equal(hosts.seen, test.seen) {
						t.Errorf("got %q, want %q", hosts.seen, test.seen)
					}
				})
			}
		}
	}
}

func follow(t *testing.T, client *http.Client, method, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestRedirectsUnderRulesOfTheCaller(t *testing.T) {
	for _, test := range []struct {
		name  string
		rule  func(req *http.Request, via []*http.Request) error
		first string // the caller's own Authorization
		seen  []string
	}{
		{"followed", func(*http.Request, []*http.Request) error { return nil }, "", []string{"https://a token-1", "https://b nothing", "https://a nothing"}},
		{"not followed", func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, "", []string{"https://a token-1"}},
		{"copying the headers of the request before", copyHeaders, "", []string{"https://a token-1", "https://b nothing", "https://a nothing"}},
		{"with a header of the rule's own", func(req *http.Request, _ []*http.Request) error {
			req.Header.Set("Authorization", "own")
			return nil
		}, "", []string{"https://a token-1", "https://b own", "https://a own"}},
		{"with a header of the caller's own, which net/http drops", nil, "own", []string{"https://a own", "https://b nothing", "https://a nothing"}},
		{"with a header of the caller's own that is copied", copyHeaders, "own", []string{"https://a own", "https://b own", "https://a own"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			hosts := &trace{}
			client := &http.Client{Transport: &transport.Bearer{Source: &fakeSource{}, Base: hosts}, CheckRedirect: test.rule}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a/302/b/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.first != "" {
				req.Header.Set("Authorization", test.first)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if !slices.Equal(hosts.seen, test.seen) {
				t.Errorf("got %q, want %q", hosts.seen, test.seen)
			}
		})
	}
}

// copyHeaders is what programs do that find headers missing after a redirect.
func copyHeaders(req *http.Request, via []*http.Request) error {
	for name, values := range via[len(via)-1].Header {
		req.Header[name] = values
	}
	return nil
}

func TestARedirectOfUnknownOriginCarriesNothing(t *testing.T) {
	hosts := &trace{}
	bearer := &transport.Bearer{Source: &fakeSource{}, Base: hosts}
	req := newRequest(t, http.MethodGet)
	req.Response = &http.Response{} // by somebody who dropped the request before
	if _, err := bearer.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	req.Response.Request = req // and by somebody who closed the circle
	if _, err := bearer.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if want := []string{"https://api.example nothing", "https://api.example nothing"}; !slices.Equal(hosts.seen, want) {
		t.Errorf("got %q, want %q", hosts.seen, want)
	}
}

// chain is a request after so many redirects within its origin; the headers are
// those of the first and of the last.
func chain(t *testing.T, redirects int, first, last http.Header) *http.Request {
	t.Helper()
	req := newRequest(t, http.MethodGet)
	req.Header = first
	for range redirects {
		next := newRequest(t, http.MethodGet)
		next.Response = &http.Response{Request: req}
		req = next
	}
	maps.Copy(req.Header, last)
	return req
}

func TestAChainOfRedirects(t *testing.T) {
	own := http.Header{"Authorization": {"own"}}
	for _, test := range []struct {
		name, want string
		req        *http.Request
	}{
		{"as long as one is followed back", "token-1", chain(t, 99, http.Header{}, nil)},
		{"too long", "nothing", chain(t, 100, http.Header{}, nil)},
		{"that began with a header of the caller's own", "nothing", chain(t, 1, own, nil)},
		{"that goes on with one", "own", chain(t, 1, http.Header{}, own)},
	} {
		hosts := &trace{}
		if _, err := (&transport.Bearer{Source: &fakeSource{}, Base: hosts}).RoundTrip(test.req); err != nil {
			t.Fatal(err)
		}
		if want := []string{"https://api.example " + test.want}; !slices.Equal(hosts.seen, want) {
			t.Errorf("%s: got %q, want %q", test.name, hosts.seen, want)
		}
	}
}

// TestRedirectsOverTheWire is the case that matters most, with real servers.
func TestRedirectsOverTheWire(t *testing.T) {
	var seen trace
	other := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen.note("other", r) }))
	defer other.Close()
	first := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.note("first", r)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer first.Close()
	client := transport.Wrap(first.Client(), &fakeSource{}) // both servers have the same certificate
	for _, path := range []string{"/", "/away"} {
		resp, err := client.Post(first.URL+path, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if want := []string{"first token-1", "first token-1", "other nothing"}; !slices.Equal(seen.seen, want) {
		t.Errorf("got %q, want %q", seen.seen, want)
	}
}

// FuzzRedirect: wherever a server sends the client, a host that gets the token
// is the one that was asked first, over https.
func FuzzRedirect(f *testing.F) {
	for _, location := range []string{
		"/", "//b", "https://b", "https://a", "https://A:443/", "https://a:8443", "http://a", "https://a@b/", "https://b@a/",
		"https://a.b", `https://a\@b`, "https://a%2eb", "https://[::1]", "HTTPS://a", "https:a", "ftp://a", "https://a./",
	} {
		f.Add(location)
	}
	f.Fuzz(func(t *testing.T, location string) {
		var seen []string
		base := roundTrip(func(req *http.Request) (*http.Response, error) {
			if strings.Contains(req.Header.Get("Authorization"), "token-1") { // not what the user of a URL becomes
				seen = append(seen, strings.ToLower(req.URL.Scheme)+" "+strings.ToLower(req.URL.Host))
			}
			resp := respond(req, http.StatusOK)
			if len(seen) == 1 && req.Response == nil {
				resp.StatusCode = http.StatusFound
				resp.Header.Set("Location", location)
			}
			return resp, nil
		})
		client := transport.Wrap(&http.Client{Transport: base}, &fakeSource{})
		if resp, err := client.Get("https://a/"); err == nil {
			resp.Body.Close()
		}
		for _, host := range seen {
			if host != "https a" && host != "https a:443" && host != "https a:" {
				t.Errorf("%q brought the token to %q", location, host)
			}
		}
	})
}
