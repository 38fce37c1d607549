package speed

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// inMemory answers without a network.
type inMemory struct{}

func (inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// kept yields a token that stays good for an hour.
type kept struct{}

func (kept) Token(context.Context) (string, time.Time, error) {
	return "abc", time.Now().Add(time.Hour), nil
}

func bearer() http.RoundTripper { return &transport.Bearer{Source: kept{}, Base: inMemory{}} }

func oauth2Transport() http.RoundTripper {
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "abc", Expiry: time.Now().Add(time.Hour)})
	return &oauth2.Transport{Source: oauth2.ReuseTokenSource(nil, source), Base: inMemory{}}
}

// trip sends one request.
func trip(carrier http.RoundTripper) Work {
	req, err := http.NewRequest(http.MethodGet, "https://api.example/orders", nil)
	return func() error {
		if err != nil {
			return err
		}
		res, err := carrier.RoundTrip(req)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
}

// sideBySide has so many goroutines send as many requests each.
func sideBySide(carrier http.RoundTripper, goroutines, requests int) Work {
	return func() error {
		var all sync.WaitGroup
		errs := make([]error, goroutines)
		for i := range goroutines {
			all.Go(func() {
				send := trip(carrier)
				for range requests {
					if err := send(); err != nil {
						errs[i] = err
					}
				}
			})
		}
		all.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
