package kms_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/tokenprofile/tokenprofile-go/examples/kms"
	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

const (
	replacements = 10
	requests     = 100_000                // at least, spread over the replacements
	maxAge       = 200 * time.Millisecond // of the verifier's keys
	before       = 4 * time.Second
	after        = 4 * time.Second
)

// onSchedule answers from the keys it holds, fetched anew every maxAge. It
// never fetches because of a kid it does not know, so that a version which
// signs before it is published, or goes too soon, is refused.
type onSchedule struct{ *jwks.Client }

func (s onSchedule) PublicKeys(ctx context.Context, kid string) ([]keystore.PublicKey, error) {
	all, err := s.Client.PublicKeys(ctx, "")
	var found []keystore.PublicKey
	for _, key := range all {
		if kid == "" || key.KeyID() == kid {
			found = append(found, key)
		}
	}
	return found, err
}

// producer counts what it admits and refuses.
type producer struct {
	*httptest.Server
	admitted, refused atomic.Int64
	kids              sync.Map // of the tokens admitted
}

func startProducer(t *testing.T, profile tokenprofile.Profile, keySet string) *producer {
	t.Helper()
	verifier, err := profile.Verifier(onSchedule{&jwks.Client{URL: keySet, MaxAge: maxAge}})
	if err != nil {
		t.Fatal(err)
	}
	var p producer
	guard := &transport.Guard{Verifier: verifier, OnReject: func(_ *http.Request, err error) {
		if p.refused.Add(1) == 1 {
			t.Errorf("the first refusal: %v", err)
		}
	}}
	p.Server = httptest.NewServer(guard.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		token, _ := tokenprofile.FromContext(r.Context())
		p.kids.Store(token.KeyID, true)
		p.admitted.Add(1)
	})))
	t.Cleanup(p.Close)
	return &p
}

// Two instances sign, the first publishes, and the key is replaced ten times
// while requests go on.
func TestNothingIsRefusedWhileKeysAreReplaced(t *testing.T) {
	f := startKMS(t)
	f.create(t, prefix+"00", types.KeySpecEccNistP256)
	ctx, stop := context.WithCancel(t.Context())
	var following, calling sync.WaitGroup
	var stores [2]*kms.Store
	for i := range stores {
		versions := kms.Versions{Client: f.Client, Prefix: prefix, PublishBefore: before, PublishAfter: after}
		store, err := versions.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stores[i] = store
		following.Go(func() {
			store.Follow(ctx, maxAge, func(err error) {
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
	defer following.Wait()
	defer stop()
	keySet := httptest.NewServer(&jwks.Handler{Source: stores[0]})
	defer keySet.Close()
	profile, _ := newSigner(t, tokenprofile.ES256, stores[0])
	p := startProducer(t, profile, keySet.URL)

	done := make(chan struct{})
	for i := range 8 {
		signer, err := profile.Signer(stores[i%2])
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &transport.Bearer{Source: signer, Base: &http.Transport{}}}
		calling.Go(func() { call(t, client, p.URL, done) })
	}
	for i := range replacements {
		pause()
		for p.admitted.Load() < int64(requests*(i+1)/replacements) && !t.Failed() {
			time.Sleep(maxAge)
		}
		f.create(t, fmt.Sprintf("%s%02d", prefix, i+1), types.KeySpecEccNistP256)
	}
	time.Sleep(before + after)
	close(done)
	calling.Wait()
	signed := 0
	p.kids.Range(func(any, any) bool { signed++; return true })
	if signed != replacements+1 {
		t.Errorf("%d versions have signed, want %d", signed, replacements+1)
	}
	if _, published := inForce(t, stores[0]); published != fmt.Sprintf("%02d", replacements) {
		t.Errorf("%s are published at the end, want the last one alone", published)
	}
	if p.refused.Load() > 0 || p.admitted.Load() < requests {
		t.Errorf("%d requests were refused, %d admitted", p.refused.Load(), p.admitted.Load())
	}
	t.Logf("%d requests, %d replacements of the key, %d refused", p.admitted.Load(), replacements, p.refused.Load())
}

// call makes requests until done.
func call(t *testing.T, client *http.Client, url string, done <-chan struct{}) {
	defer client.CloseIdleConnections()
	for {
		select {
		case <-done:
			return
		default:
		}
		response, err := client.Get(url)
		if err != nil {
			t.Errorf("a request failed: %v", err)
			return
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("got status %d", response.StatusCode)
			return
		}
	}
}
