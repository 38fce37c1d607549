package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A consumer publishes its keys, and asks producers to work on cases. A thief
// sits on its wire.
type consumer struct {
	Address   string
	Keystore  string // path
	Producers []string
	Tokens    string // path: what the thief has seen
	Journal   string // path: what became of every request
}

const (
	workers  = 4                      // of a consumer
	thinking = 40 * time.Millisecond  // at most, between two requests of a worker
	patience = 250 * time.Millisecond // after a 503
)

var password = keystore.StaticPassword("changeit")

// play works until it is killed.
func (c *consumer) play(ctx context.Context) error {
	file := keystore.File{Path: c.Keystore, Password: password, PublishBefore: publishBefore}
	keys, err := file.Open()
	if err != nil {
		return err
	}
	signer, err := profile().Signer(keys)
	if err != nil {
		return err
	}
	thief, err := newThief(c)
	if err != nil {
		return err
	}
	go c.begin(ctx, signer, thief)
	mux := http.NewServeMux()
	mux.Handle("GET /jwks.json", &jwks.Handler{Source: keys, MaxAge: keySetAge})
	return http.ListenAndServe(c.Address, mux)
}

// begin has the workers begin once there are producers, which come up only when
// this consumer has published its keys.
func (c *consumer) begin(ctx context.Context, signer *tokenprofile.Signer, thief *thief) {
	for _, address := range c.Producers {
		for listening(address)(ctx) != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
	for range workers {
		go c.work(ctx, signer, thief)
	}
}

// work asks producers, chosen by chance, and now and then has the thief come
// with a token that was used.
func (c *consumer) work(ctx context.Context, signer *tokenprofile.Signer, thief *thief) {
	client := &http.Client{Transport: &transport.Bearer{Source: signer, Base: thief}, Timeout: 10 * time.Second}
	for {
		// POST, which nobody on the way repeats on his own.
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, thief.anyProducer(), nil)
		if err != nil {
			panic(err)
		}
		if resp, err := client.Do(req); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusServiceUnavailable {
				time.Sleep(patience)
			}
		}
		if rand.IntN(3) == 0 {
			thief.comeAgain(ctx)
		}
		time.Sleep(rand.N(thinking))
	}
}
