package keystore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// traffic is what services ask of a store while its content is replaced: ten
// replacements, and 100,000 requests in between. Whoever signs must be published.
func traffic(t *testing.T, store *keystore.Store, replace func(generation int)) {
	t.Helper()
	const users, requests, replacements = 10, 10_000, 10
	var all sync.WaitGroup
	for user := range users {
		all.Go(func() {
			for range requests {
				time.Sleep(time.Duration(user+1) * time.Millisecond)
				keys, err := store.PrivateKeys(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				key, err := keystore.Select(keys, keystore.Selection{Newest: true, Now: time.Now(), Source: store})
				if err != nil {
					t.Error(err)
					return
				}
				if found, err := store.PublicKeys(t.Context(), key.KeyID()); err != nil || len(found) != 1 {
					t.Errorf("%d keys published under the kid of the one that signs, %v", len(found), err)
					return
				}
			}
		})
	}
	for generation := range replacements {
		time.Sleep(4 * time.Second)
		replace(generation + 1)
	}
	all.Wait()
	for range 10 { // until the last one signs
		time.Sleep(time.Second)
		store.PrivateKeys(t.Context())
	}
}

var hasty = keystore.File{PublishBefore: 2 * time.Second, PublishAfter: 3 * time.Second, Interval: time.Second}

func TestNothingIsRefusedWhileAPairIsReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		dir := t.TempDir()
		file := hasty
		file.Path, file.Certificate = filepath.Join(dir, "tls.key"), filepath.Join(dir, "tls.crt")
		now := time.Now()
		write := func(generation int) {
			both := pemEntry(t, "x", fmt.Sprint(generation), now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
			at := strings.LastIndex(both, "Bag Attributes")
			install(t, file.Path, both[:at])
			time.Sleep(1500 * time.Millisecond) // the certificate comes later
			install(t, file.Certificate, both[at:])
		}
		write(0)
		store := must(file.Open())
		traffic(t, store, write)
		if got := kids(must(store.PrivateKeys(t.Context()))); got != "10" {
			t.Errorf("got %q signing in the end, want the last of ten", got)
		}
	})
}

func TestNothingIsRefusedWhileAFunctionsAnswerIsReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var mu sync.Mutex
		content := jwkSet("key-0")
		v := &vault{}
		v.answer = func(ctx context.Context) ([]byte, error) {
			time.Sleep(30 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if v.asked.Load()%5 == 0 {
				return nil, errors.New("no connection")
			}
			return []byte(content), nil
		}
		file := hasty
		file.Read = v.read
		store := must(file.Open())
		traffic(t, store, func(generation int) {
			mu.Lock()
			defer mu.Unlock()
			content = jwkSet(fmt.Sprintf("key-%d", generation))
		})
		if got := kids(must(store.PrivateKeys(t.Context()))); got != "key-10" {
			t.Errorf("got %q signing in the end, want the last of ten", got)
		}
	})
}
