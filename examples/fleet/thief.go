package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// A thief is the [http.RoundTripper] at the end of a consumer. It keeps every
// token in a file before it is sent, so that it has them even when the consumer
// is killed, and comes to the producers with them again. It writes down how
// every request went, too.
type thief struct {
	producers []string
	base      http.RoundTripper
	tokens    *os.File
	journal   *os.File

	mu      sync.Mutex
	seen    []string // tokens; guarded by mu
	dubious []string // those that may not have been used, for nobody said so; guarded by mu
}

// An attempt is one request.
type attempt struct {
	Begin, End time.Time
	Producer   string
	Again      bool   // with a token that came before, or comes twice at once
	Status     int    // or noAnswer
	ID         string // of the token, if it was admitted
}

const noAnswer = 0

func newThief(c *consumer) (*thief, error) {
	t := &thief{producers: c.Producers, base: &http.Transport{MaxIdleConnsPerHost: 2 * workers}}
	earlier, err := os.ReadFile(c.Tokens)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t.seen = strings.Fields(string(earlier))
	// The answer to the last ones is what the killed process did not live to see.
	t.dubious = slices.Clone(t.seen[max(0, len(t.seen)-2*workers):])
	if t.tokens, err = openLog(c.Tokens); err != nil {
		return nil, err
	}
	t.journal, err = openLog(c.Journal)
	return t, err
}

func (t *thief) anyProducer() string {
	return "http://" + t.producers[rand.IntN(len(t.producers))] + "/cases/17"
}

// RoundTrip sends a new token; one of eight goes to two producers at once.
func (t *thief) RoundTrip(req *http.Request) (*http.Response, error) {
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if _, err := fmt.Fprintln(t.tokens, token); err != nil {
		return nil, err
	}
	if rand.IntN(8) > 0 {
		resp, first, err := t.send(req)
		t.record(first)
		t.keep(token, first)
		return resp, err
	}
	second := make(chan attempt)
	go func() { second <- t.sendAgain(req.Context(), token) }()
	resp, one, err := t.send(req)
	two := <-second
	one, two = firstOf(one, two)
	two.Again = true
	t.record(one)
	t.record(two)
	t.keep(token, one)
	return resp, err
}

// firstOf puts the request before the other that has fared as that of a new
// token does: of two at once either may be the first.
func firstOf(one, two attempt) (attempt, attempt) {
	rank := func(a attempt) int {
		switch a.Status {
		case http.StatusOK:
			return 0
		case noAnswer:
			return 1
		case http.StatusServiceUnavailable:
			return 2
		}
		return 3
	}
	if rank(two) < rank(one) {
		return two, one
	}
	return one, two
}

// comeAgain sends a token that was sent before, every other time one of those
// whose fate is dubious.
func (t *thief) comeAgain(ctx context.Context) {
	t.mu.Lock()
	from := t.seen
	if len(t.dubious) > 0 && rand.IntN(2) == 0 {
		from = t.dubious
	}
	token := ""
	if len(from) > 0 {
		token = from[rand.IntN(len(from))]
	}
	t.mu.Unlock()
	if token != "" {
		a := t.sendAgain(ctx, token)
		a.Again = true
		t.record(a)
	}
}

func (t *thief) sendAgain(ctx context.Context, token string) attempt {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.anyProducer(), nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, a, err := t.send(req)
	if err == nil {
		resp.Body.Close()
	}
	return a
}

func (t *thief) send(req *http.Request) (*http.Response, attempt, error) {
	a := attempt{Begin: time.Now(), Producer: req.URL.Host}
	resp, err := t.base.RoundTrip(req)
	a.End = time.Now()
	if err == nil {
		a.Status, a.ID = resp.StatusCode, resp.Header.Get(idHeader)
	}
	return resp, a, err
}

func (t *thief) keep(token string, a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, token)
	if a.Status != http.StatusOK {
		t.dubious = append(t.dubious, token)
	}
}

// record writes a line by one call of the system, as the ledger does.
func (t *thief) record(a attempt) {
	if err := json.NewEncoder(t.journal).Encode(a); err != nil {
		panic(err)
	}
}

// readLines calls read with every line of a file.
func readLines(path string, read func(line string) error) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if err := read(lines.Text()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return lines.Err()
}
