package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// An emergency is a key that has leaked: the file gets another, and
// [keystore.Store.Reload] drops the old one at once. What is measured is how
// long producers do not notice, at the worst.
type emergency struct {
	maxAge   time.Duration // of the key set, and the producers'
	keys     *keystore.Store
	leaked   string // kid
	reloaded time.Time
}

// A way is how producers come to the key set.
type way struct {
	name, url      string
	cached         bool
	refused, lived time.Duration // tokens with the new key; the old one
}

func measureEmergency(ctx context.Context, maxAge time.Duration, out io.Writer) error {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	addresses, err := freeAddresses(2)
	if err != nil {
		return err
	}
	publisher, cache := addresses[0], addresses[1]
	e := &emergency{maxAge: maxAge}
	path := filepath.Join(dir, "keystore.p12")
	if err := e.publish(path, publisher); err != nil {
		return err
	}
	proxy, err := nginx(dir, cache, []string{publisher})
	if err != nil {
		return err
	}
	if err := proxy.start(ctx); err != nil {
		return err
	}
	defer proxy.kill()
	ways := []*way{
		{name: "no cache", url: "http://" + publisher + "/jwks.json"},
		{name: "nginx", url: "http://" + cache + "/heedless/jwks.json", cached: true},
		{name: "nginx that heeds no-cache", url: "http://" + cache + "/jwks.json", cached: true},
	}
	if err := e.measure(ctx, path, ways); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "max-age %v, MaxAge %v, MinInterval %v\tnew key refused for\tleaked key admitted for\n", maxAge, maxAge, e.interval())
	for _, way := range ways {
		fmt.Fprintf(w, "%s\t%.1f s\t%.1f s\n", way.name, way.refused.Seconds(), way.lived.Seconds())
	}
	return w.Flush()
}

// publish has a first key, and serves it.
func (e *emergency) publish(path, address string) (err error) {
	if e.leaked, err = replaceKey(path); err != nil {
		return err
	}
	if e.keys, err = keystore.Open(path, password); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go http.Serve(listener, &jwks.Handler{Source: e.keys, MaxAge: e.maxAge})
	return nil
}

func replaceKey(path string) (kid string, err error) {
	d := deliveries{master: path}
	if err := d.first(); err != nil {
		return "", err
	}
	return d.entries[0].PrivateKey.KeyID(), nil
}

func (e *emergency) interval() time.Duration { return e.maxAge / 10 }

func (e *emergency) client(url string) *jwks.Client {
	return &jwks.Client{URL: url, MaxAge: e.maxAge, MinInterval: e.interval()}
}

// measure has every producer, and with it every cache, fetch the keys just
// before the old one is dropped. One of each two gets a token with the new key
// at once, the other none but with the old one.
func (e *emergency) measure(ctx context.Context, path string, ways []*way) error {
	var told, untold []*jwks.Client
	for _, way := range ways {
		told, untold = append(told, e.client(way.url)), append(untold, e.client(way.url))
	}
	for _, client := range slices.Concat(told, untold) {
		if _, err := client.PublicKeys(ctx, ""); err != nil {
			return err
		}
	}
	fresh, err := replaceKey(path)
	if err != nil {
		return err
	}
	if err := e.keys.Reload(ctx); err != nil {
		return err
	}
	e.reloaded = time.Now()
	var group sync.WaitGroup
	faults := make([]error, 2*len(ways))
	for i, way := range ways {
		group.Go(func() { way.refused, faults[2*i] = e.until(ctx, told[i], fresh, true) })
		group.Go(func() {
			if way.cached { // the worst moment to ask a cache is just before its answer grows old
				time.Sleep(time.Until(e.reloaded.Add(e.maxAge - 1500*time.Millisecond)))
				untold[i] = e.client(way.url)
			}
			way.lived, faults[2*i+1] = e.until(ctx, untold[i], e.leaked, false)
		})
	}
	group.Wait()
	return errors.Join(faults...)
}

// until is how long after the reload a producer knows the key, or no longer
// does.
func (e *emergency) until(ctx context.Context, client *jwks.Client, kid string, known bool) (time.Duration, error) {
	for {
		keys, err := client.PublicKeys(ctx, kid)
		if err != nil {
			return 0, err
		}
		if (len(keys) > 0) == known {
			return time.Since(e.reloaded), nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
