package keystore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func aliases(entries []keystore.Entry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Alias)
	}
	return names
}

func keyEntry(t *testing.T, alias string, begins, ends time.Time) keystore.Entry {
	t.Helper()
	key := must(keystore.Generate("ES256", "CN=billing,O=Example", begins, ends))
	return keystore.New(key.WithAlias(alias)).Entries()[0]
}

// A job runs every day for half a year. At every moment exactly one key is the
// newest valid one, each is in the file long enough before it signs, and stays
// until its last token has expired.
func TestARotationThatRunsDaily(t *testing.T) {
	const day = 24 * time.Hour
	start := time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)
	r := keystore.Rotation{Lead: 2 * day, Life: 30 * day, Keep: day}
	partner := keystore.Entry{Alias: "partner", Kind: keystore.KindCertificate}
	entries := []keystore.Entry{keyEntry(t, "signing", start, start.Add(30*day)), partner}
	first := map[string]time.Time{} // when a key came into the file
	signed := map[string]bool{}
	for now := start; now.Before(start.AddDate(0, 6, 0)); now = now.Add(day) {
		var ends time.Time // of the last key
		for _, key := range keysOf(entries) {
			if cert := key.Public().Certificates()[0]; cert.NotAfter.After(ends) {
				ends = cert.NotAfter
			}
		}
		if now.Add(5 * day).After(ends) { // what the job asks
			next, changeover, err := r.Next(entries, now)
			if err != nil {
				t.Fatal(err)
			}
			if len(next) > len(entries) && !changeover.Equal(now.Add(2*day)) {
				t.Errorf("the changeover is %s, want two days after %s", changeover, now)
			}
			entries = next
		}
		for _, e := range entries {
			if _, known := first[e.Alias]; !known {
				first[e.Alias] = now
			}
		}
		key, err := keystore.Select(keysOf(entries), keystore.Selection{Newest: true, Now: now})
		if err != nil {
			t.Fatalf("%s: %v", now, err)
		}
		if published := first[key.Alias()]; key.Alias() != "signing" && now.Sub(published) < 2*day && !signed[key.Alias()] {
			t.Errorf("%s signs after %s", key.Alias(), now.Sub(published))
		}
		signed[key.Alias()] = true
		if !slices.Contains(aliases(entries), "partner") || len(entries) > 4 {
			t.Fatalf("%s: %v", now, aliases(entries))
		}
	}
	if len(signed) < 6 {
		t.Errorf("%d keys signed in half a year of thirty days each", len(signed))
	}
}

func keysOf(entries []keystore.Entry) (keys []keystore.PrivateKey) {
	for _, e := range entries {
		if e.Kind == keystore.KindPrivateKey {
			keys = append(keys, e.PrivateKey)
		}
	}
	return keys
}

func TestRotationNext(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	const hour = time.Hour
	old := keyEntry(t, "signing-20260101", now.Add(-1000*hour), now.Add(10*hour))
	long := keyEntry(t, "ancient", now.Add(-5000*hour), now.Add(-900*hour))
	coming := keyEntry(t, "coming", now.Add(5*hour), now.Add(500*hour))
	since := func(d time.Duration) keystore.Entry { return keyEntry(t, "new", now.Add(-d), now.Add(500*hour)) }
	for _, test := range []struct {
		name    string
		entries []keystore.Entry
		want    []string
	}{
		{"a dated key", []keystore.Entry{old}, []string{"signing-20260101", "signing-20260702"}},
		{"a key replaced long ago", []keystore.Entry{long, old}, []string{"signing-20260101", "signing-20260702"}},
		{"a key replaced a day ago", []keystore.Entry{old, since(24 * hour)}, []string{"signing-20260101", "new", "new-20260702"}},
		{"a second longer ago", []keystore.Entry{old, since(24*hour + time.Second)}, []string{"new", "new-20260702"}},
		{"a day for a name", []keystore.Entry{keyEntry(t, "-20260101", now.Add(-hour), now.Add(hour))}, []string{"-20260101", "-20260101-20260702"}},
		{"a rotation under way", []keystore.Entry{old, coming}, []string{"signing-20260101", "coming"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			next, _, err := keystore.Rotation{}.Next(test.entries, now)
			if err != nil || !slices.Equal(aliases(next), test.want) {
				t.Errorf("got %v, %v, want %v", aliases(next), err, test.want)
			}
		})
	}
	next, changeover, err := keystore.Rotation{}.Next([]keystore.Entry{old}, now)
	if err != nil {
		t.Fatal(err)
	}
	added := next[1]
	if cert := added.Chain[0]; !changeover.Equal(now.Add(24*hour)) || !cert.NotBefore.Equal(changeover) || !cert.NotAfter.Equal(changeover.AddDate(0, 0, 90)) {
		t.Errorf("changeover %s, certificate from %s to %s", changeover, added.Chain[0].NotBefore, added.Chain[0].NotAfter)
	}
	if got := added.Chain[0].Subject.String(); got != old.Chain[0].Subject.String() || added.PublicKey.Describe() != "EC P-256" {
		t.Errorf("got %s, %s", got, added.PublicKey.Describe())
	}
	path := filepath.Join(t.TempDir(), "rotated.p12")
	if err := keystore.WriteFile(path, keystore.StaticPassword(changeit), next...); err != nil {
		t.Error(err)
	}
}

func TestRotationsThatCannotBe(t *testing.T) {
	now := time.Now()
	good := keyEntry(t, "a", now.Add(-time.Hour), now.Add(time.Hour))
	for _, test := range []struct {
		name     string
		rotation keystore.Rotation
		entries  []keystore.Entry
		want     string
	}{
		{"no key", keystore.Rotation{}, nil, "no private key"},
		{"a key that cannot be read", keystore.Rotation{}, []keystore.Entry{{Alias: "x", Kind: keystore.KindPrivateKey, Err: errors.New("locked")}}, `"x": locked`},
		{"a key without a certificate", keystore.Rotation{}, []keystore.Entry{{Alias: "x", Kind: keystore.KindPrivateKey}}, `"x": it has no certificate`},
		{"a life that ends before the next begins", keystore.Rotation{Lead: time.Hour, Life: time.Hour}, []keystore.Entry{good}, "Life"},
		{"an unknown algorithm", keystore.Rotation{Algorithm: "RS265"}, []keystore.Entry{good}, "RS265"},
		{"a subject that is none", keystore.Rotation{Subject: "billing"}, []keystore.Entry{good}, "CN=name"},
	} {
		_, _, err := test.rotation.Next(test.entries, now)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func ExampleRotation() {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	key, err := keystore.Generate(keystore.ES256, "CN=billing", now.AddDate(0, 0, -80), now.AddDate(0, 0, 10))
	if err != nil {
		panic(err)
	}
	entries := keystore.New(key.WithAlias("signing")).Entries() // of the file: store.Entries()
	next, changeover, err := keystore.Rotation{Lead: 48 * time.Hour}.Next(entries, now)
	if err != nil {
		panic(err)
	}
	for _, e := range next { // keystore.WriteFile(path, password, next...)
		fmt.Println(e.Alias, "signs from", e.Chain[0].NotBefore.Format(time.DateOnly))
	}
	fmt.Println("all change over at", changeover.Format(time.DateTime))
	// Output:
	// signing signs from 2026-04-12
	// signing-20260703 signs from 2026-07-03
	// all change over at 2026-07-03 12:00:00
}
