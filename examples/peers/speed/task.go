package speed

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// A task is what the contenders are timed at.
type task struct {
	name    string
	work    map[string]Work // by contender
	calls   int             // that one Work makes, zero: one
	against string          // the contender that the target speaks of
	target  float64         // at most so many times what that one takes; zero: none
}

// tasks are all of them, for the libraries.
func tasks(libraries []Library) ([]task, error) {
	all, err := parties()
	if err != nil {
		return nil, err
	}
	var list []task
	for _, make := range []func([]Library, map[string]Party) ([]task, error){signing, verifying, again, carrying, refusing} {
		more, err := make(libraries, all)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// signing is making a token of eight claims, three of them given in a map.
func signing(libraries []Library, all map[string]Party) ([]task, error) {
	var list []task
	for _, t := range []task{
		{name: "HS256", against: "golang-jwt", target: 0.4}, {name: "ES256", against: "primitive", target: 1.06},
		{name: "EdDSA", against: "primitive", target: 1.06}, {name: "RS256", against: "primitive", target: 1.01},
	} {
		party := all[t.name]
		t.name, t.work = "sign "+t.name, map[string]Work{}
		for _, library := range append([]Library{ours(0), primitive}, libraries...) {
			work, err := library.Sign(party)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", t.name, library.Name, err)
			}
			t.work[library.Name] = work
		}
		list = append(list, t)
	}
	return list, nil
}

// verifying is admitting a token that nobody has seen before.
func verifying(libraries []Library, all map[string]Party) ([]task, error) {
	var list []task
	for _, t := range []task{
		{name: "HS256", against: "golang-jwt", target: 0.28}, {name: "ES256", against: "primitive", target: 1.04},
		{name: "EdDSA", against: "primitive", target: 1.05}, {name: "RS256", against: "primitive", target: 1.08},
	} {
		token, err := sample(all[t.name])
		if err != nil {
			return nil, err
		}
		if err := t.verify(libraries, all[t.name], token); err != nil {
			return nil, err
		}
		t.name = "verify " + t.name
		list = append(list, t)
	}
	return list, nil
}

// verify has every library verify the token.
func (t *task) verify(libraries []Library, party Party, token string) error {
	t.work = map[string]Work{}
	for _, library := range append([]Library{ours(-1), primitive}, libraries...) {
		work, err := library.Verify(party, token)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.name, library.Name, err)
		}
		t.work[library.Name] = work
	}
	return nil
}

// again is admitting a token that was seen before. The measure of it is an HMAC
// over the token: less than that no cache with a keyed hash can do.
func again(_ []Library, all map[string]Party) ([]task, error) {
	var list []task
	for i, live := range []int{1, 1000} {
		signer, verifier, err := pair(all["ES256"], 0)
		if err != nil {
			return nil, err
		}
		tokens := make([]string, live)
		for i := range tokens {
			if tokens[i], err = signer.Sign(context.Background(), own()); err != nil {
				return nil, err
			}
			if _, err := verifier.Verify(context.Background(), tokens[i]); err != nil {
				return nil, err
			}
		}
		key, ours, hmac := make([]byte, 32), 0, 0
		list = append(list, task{
			name: fmt.Sprintf("again, one of %s live", []string{"1", "1,000"}[i]), against: "primitive", target: 1,
			work: map[string]Work{
				"ours":      func() error { ours++; _, err := verifier.Verify(context.Background(), tokens[ours%live]); return err },
				"primitive": func() error { hmac++; mac(key, []byte(tokens[hmac%live])); return nil },
			},
		})
	}
	return list, nil
}

// carrying is a request with a token that is kept.
func carrying([]Library, map[string]Party) ([]task, error) {
	const many, requests = 16, 100
	return []task{
		{name: "carry a kept token", against: "oauth2", target: 0.75, work: map[string]Work{"ours": trip(bearer()), "oauth2": trip(oauth2Transport())}},
		{name: "carry 16 at once", against: "oauth2", target: 0.65, calls: many * requests, work: map[string]Work{
			"ours": sideBySide(bearer(), many, requests), "oauth2": sideBySide(oauth2Transport(), many, requests),
		}},
	}, nil
}

// refusing is turning away what is no token, and what has a bad signature.
func refusing(libraries []Library, all map[string]Party) ([]task, error) {
	junk := make([]byte, 4<<10-16) // three times this in base64 is just within 16 KiB, which is as long as a token may be
	rand.Read(junk)
	segment := base64.RawURLEncoding.EncodeToString(junk)
	good, err := sample(all["HS256"])
	if err != nil {
		return nil, err
	}
	header, _, _ := strings.Cut(good, ".")
	list := make([]task, 2, 6)
	for i, text := range []string{segment + "." + segment + "." + segment, header + "." + segment + segment + "." + segment} {
		list[i] = task{name: []string{"refuse 16 KiB of junk", "refuse junk behind a header"}[i], against: "golang-jwt", target: 1}
		if err := list[i].refuse(libraries, all["HS256"], text); err != nil {
			return nil, err
		}
		delete(list[i].work, "primitive") // it has nothing to do with junk
	}
	for _, algorithm := range []string{"HS256", "ES256", "EdDSA", "RS256"} {
		token, err := sample(all[algorithm])
		if err != nil {
			return nil, err
		}
		t := task{name: "refuse a bad " + algorithm + " signature", against: "primitive"}
		if err := t.refuse(libraries, all[algorithm], spoilt(token)); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// refuse has every library refuse the token.
func (t *task) refuse(libraries []Library, party Party, token string) error {
	err := t.verify(libraries, party, token)
	for name, work := range t.work {
		t.work[name] = func() error {
			if work() == nil {
				return errAccepted
			}
			return nil
		}
	}
	return err
}

var errAccepted = errors.New("accepted")

// spoilt has the first character of its signature changed.
func spoilt(token string) string {
	first := strings.LastIndexByte(token, '.') + 1
	other := "A"
	if token[first] == 'A' {
		other = "B"
	}
	return token[:first] + other + token[first+1:]
}
