package jwks_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A plan is how a fleet is put under load while its keystore file is replaced.
type plan struct {
	requests, rotations int
	every               time.Duration // between two replacements of the file
	after               time.Duration // the last of them
	signers             int           // keys whose turn comes; zero: that depends
	file                keystore.File // its overlap
	lifetime            time.Duration // of tokens
	maxAge              time.Duration // of key sets, for producers; zero: as they are told
	skew                time.Duration // the clocks of three instances: less, none, more
}

// The defaults of every part, days in a bubble: with TOKENPROFILE_ROTATION=100000
// that many requests and 20 replacements of the file, else fewer.
func TestRotationUnderLoadRefusesNoRequest(t *testing.T) {
	standard := plan{requests: 2000, rotations: 5, every: 150 * time.Minute, after: 90 * time.Minute}
	if n, full := fullSize(t); full {
		standard.requests, standard.rotations = n, 20
	}
	standard.signers = standard.rotations + 1
	quick, skewed, close := standard, standard, standard
	skewed.skew = 30 * time.Second
	close.every, close.signers = keystore.DefaultPublishBefore, 0 // at the turn of the key before, which one instance notices sooner than another
	quick.every, quick.signers = 25*time.Minute, 2                // each key is replaced before its turn, but for the last
	for name, p := range map[string]plan{"one clock": standard, "clocks 60 seconds apart": skewed, "at each other's turn": close, "in quick succession": quick} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) { p.run(t, newPipes()) })
		})
	}
}

// The same over TCP in real time, so that hours are seconds: only at full size.
func TestRotationUnderLoadOverTCP(t *testing.T) {
	n, full := fullSize(t)
	if !full {
		t.Skip("TOKENPROFILE_ROTATION is not set to a number of requests: this takes three minutes")
	}
	plan{
		requests: n, rotations: 20, every: 9 * time.Second, after: 20 * time.Second, signers: 21,
		file:     keystore.File{PublishBefore: 4 * time.Second, PublishAfter: 15 * time.Second},
		lifetime: 10 * time.Second, maxAge: time.Second,
	}.run(t, tcp{})
}

func fullSize(t *testing.T) (requests int, full bool) {
	text := os.Getenv("TOKENPROFILE_ROTATION")
	if text == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("TOKENPROFILE_ROTATION is %q, want a number of requests", text)
	}
	return n, true
}

// run has three instances of a consumer, which share a keystore file and a
// load balancer before their key sets, call three producers.
func (p plan) run(t *testing.T, network network) {
	f := &fleet{plan: p, t: t, network: network, base: &http.Transport{DialContext: network.dial}}
	t.Cleanup(f.base.CloseIdleConnections)
	f.file = p.file
	f.file.Path = filepath.Join(t.TempDir(), "consumer.p12")
	f.file.Password = keystore.StaticPassword("changeit")
	f.replaceKey()
	for _, skew := range []time.Duration{-p.skew, 0, p.skew} {
		f.addConsumer(skew)
	}
	keySet := f.serve(&f.keySets)
	for _, skew := range []time.Duration{p.skew, 0, -p.skew} {
		f.addProducer(keySet, skew)
	}
	f.load()
	if got, want := f.admitted.Load(), int64(p.requests); got < want {
		t.Errorf("admitted: got %d requests, want %d", got, want)
	}
	if got := f.refused.Load(); got != 0 {
		t.Errorf("refused: got %d requests of %d, want 0", got, f.admitted.Load()+got)
	}
	signers := 0
	f.kids.Range(func(any, any) bool { signers++; return true })
	if signers != p.signers && p.signers != 0 {
		t.Errorf("keys that have signed: got %d, want %d", signers, p.signers)
	}
	t.Logf("%d requests admitted, %d refused, %d keys", f.admitted.Load(), f.refused.Load(), signers)
}

type fleet struct {
	plan
	t                 *testing.T
	network           network
	base              *http.Transport
	consumers         []*http.Client
	keySets           balancer
	producers         []string
	admitted, refused atomic.Int64
	kids              sync.Map // of admitted tokens
}

func (f *fleet) profile(skew time.Duration) tokenprofile.Profile {
	return tokenprofile.Profile{
		Algorithm: tokenprofile.ES256,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Lifetime:  f.lifetime,
		Leeway:    2 * f.skew, // zero: the default
		Now:       func() time.Time { return time.Now().Add(skew) },
	}
}

// replaceKey puts a file with a new key, and without the old one, in the place
// of the file.
func (f *fleet) replaceKey() {
	key, err := keystore.Generate("ES256", "CN=consumer", time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour))
	if err != nil {
		f.t.Fatal(err)
	}
	entry := keystore.Entry{Alias: "signing", Kind: keystore.KindPrivateKey, PrivateKey: key}
	if err := keystore.WriteFile(f.file.Path, f.file.Password, entry); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) addConsumer(skew time.Duration) {
	file := f.file
	file.OnReload = func(err error) {
		if err != nil {
			f.t.Errorf("reload: %v", err)
		}
	}
	store, err := file.Open()
	if err != nil {
		f.t.Fatal(err)
	}
	signer, err := f.profile(skew).Signer(store)
	if err != nil {
		f.t.Fatal(err)
	}
	f.consumers = append(f.consumers, &http.Client{Transport: &transport.Bearer{Source: signer, Base: f.base}})
	f.keySets.handlers = append(f.keySets.handlers, &jwks.Handler{Source: store})
}

func (f *fleet) addProducer(keySet string, skew time.Duration) {
	keys := &jwks.Client{URL: keySet, HTTPClient: &http.Client{Transport: f.base}, MaxAge: f.maxAge}
	verifier, err := f.profile(skew).Verifier(keys)
	if err != nil {
		f.t.Fatal(err)
	}
	guard := &transport.Guard{Verifier: verifier, OnReject: func(_ *http.Request, err error) { f.t.Errorf("refused: %v", err) }}
	f.producers = append(f.producers, f.serve(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := tokenprofile.FromContext(r.Context())
		if !ok {
			f.t.Error("no token in the context")
			return
		}
		f.kids.Store(token.KeyID, true)
	}))))
}

// serve starts a server and returns its URL.
func (f *fleet) serve(handler http.Handler) string {
	listener := f.network.listen(f.t)
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			f.t.Errorf("server: %v", err)
		}
	}()
	f.t.Cleanup(func() {
		server.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

// load has every consumer call every producer, evenly over the time that the
// rotations take, while the file is replaced.
func (f *fleet) load() {
	total := time.Duration(f.rotations)*f.every + f.after
	pairs := len(f.consumers) * len(f.producers)
	each := (f.requests + pairs - 1) / pairs
	var group sync.WaitGroup
	for _, consumer := range f.consumers {
		for _, producer := range f.producers {
			group.Go(func() {
				start := time.Now()
				for i := range each {
					f.call(consumer, producer)
					time.Sleep(time.Until(start.Add(total * time.Duration(i+1) / time.Duration(each))))
				}
			})
		}
	}
	for range f.rotations {
		time.Sleep(f.every)
		f.replaceKey()
	}
	group.Wait()
}

func (f *fleet) call(client *http.Client, url string) {
	resp, err := client.Get(url)
	if err != nil {
		f.refused.Add(1)
		f.t.Errorf("request: %v", err)
		return
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		f.refused.Add(1)
		return
	}
	f.admitted.Add(1)
}

// A balancer hands requests to its handlers in turn.
type balancer struct {
	handlers []http.Handler
	next     atomic.Int64
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.handlers[int(b.next.Add(1))%len(b.handlers)].ServeHTTP(w, r)
}

// A network is TCP, or pipes in memory for a bubble.
type network interface {
	listen(t *testing.T) net.Listener
	dial(ctx context.Context, network, address string) (net.Conn, error)
}

type tcp struct{}

func (tcp) listen(t *testing.T) net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (tcp) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

type pipes struct{ listeners map[string]*pipeListener }

func newPipes() pipes { return pipes{map[string]*pipeListener{}} }

func (p pipes) listen(*testing.T) net.Listener {
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: len(p.listeners) + 1}
	l := &pipeListener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	p.listeners[address.String()] = l
	return l
}

func (p pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	l := p.listeners[address]
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type pipeListener struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return l.address }
