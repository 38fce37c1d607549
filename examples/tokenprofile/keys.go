package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// generate makes a new keystore. It overwrites none.
func generate(i *invocation) error {
	i.withPasswords()
	algorithm := i.flags.String("algorithm", "RS256", "")
	subject := i.flags.String("subject", "", "")
	days := i.flags.Int("days", 90, "")
	args, err := i.parse("FILE", "ALIAS")
	switch {
	case err != nil:
		return err
	case *days < 1:
		return fmt.Errorf("%w: -days %d: a certificate of less than a day", errUsage, *days)
	case i.file.Password == nil:
		return fmt.Errorf("%w: -password is missing: a private key is not written without one", errUsage)
	}
	path, alias := args[0], args[1]
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already; rotate adds a key to it", path)
	}
	if *subject == "" {
		*subject = "CN=" + alias
	}
	now := time.Now()
	key, err := keystore.Generate(keystore.Algorithm(*algorithm), *subject, now, now.AddDate(0, 0, *days))
	if err != nil {
		return err
	}
	if err := keystore.WriteFile(path, i.file.Password, keystore.Entry{Alias: alias, PrivateKey: key}); err != nil {
		return err
	}
	fmt.Fprintf(i.out, "%s: %q, %s, kid %s, until %s\n", path, alias, key.Public().Describe(), key.KeyID(), now.AddDate(0, 0, *days).Format(time.DateOnly))
	return nil
}

// rotate puts a new key beside the old one. Run daily, it does nothing until a
// key's end comes near.
func rotate(i *invocation) error {
	i.withPasswords()
	var r keystore.Rotation
	algorithm := i.flags.String("algorithm", "", "")
	i.flags.StringVar(&r.Subject, "subject", "", "")
	i.flags.DurationVar(&r.Lead, "lead", 24*time.Hour, "")
	i.flags.DurationVar(&r.Life, "life", 90*24*time.Hour, "")
	i.flags.DurationVar(&r.Keep, "keep", 24*time.Hour, "")
	before := i.flags.Duration("before", 0, "")
	args, err := i.parse("FILE")
	if err != nil {
		return err
	}
	r.Algorithm = keystore.Algorithm(*algorithm)
	store, err := i.open(args[0])
	if err != nil {
		return err
	}
	now := time.Now()
	entries := store.Entries()
	if end := lastEnd(entries); *before > 0 && end.Sub(now) > *before {
		fmt.Fprintf(i.out, "%s: nothing to do before %s\n", args[0], end.Add(-*before).Format(time.DateOnly))
		return nil
	}
	next, changeover, err := r.Next(entries, now)
	if err != nil {
		return err
	}
	if err := keystore.WriteFile(args[0], i.file.Password, next...); err != nil {
		return err
	}
	fmt.Fprintf(i.out, "%s: %s; the newest key signs from %s on, where the profile says newestKey\n", args[0], count(len(next), "entry", "entries"), changeover.Format(time.RFC3339))
	return nil
}

// lastEnd is when the last private key's certificate ends.
func lastEnd(entries []keystore.Entry) (end time.Time) {
	for _, e := range entries {
		if e.Kind == keystore.KindPrivateKey && len(e.Chain) > 0 && e.Chain[0].NotAfter.After(end) {
			end = e.Chain[0].NotAfter
		}
	}
	return end
}

// setReport is what jwks prints.
type setReport struct {
	Keys []setKey `json:"keys"`
	Odd  []string `json:"odd"`
}

type setKey struct {
	KeyID     string             `json:"kid"`
	Key       string             `json:"key"`
	Algorithm keystore.Algorithm `json:"alg,omitempty"`
	Verifies  bool               `json:"verifies"`
}

// keySet prints the key set of a store, or checks the one at a URL.
func keySet(i *invocation) error {
	i.withPasswords()
	url := i.flags.String("url", "", "")
	args, err := i.parse("FILE...")
	if *url == "" {
		if err != nil {
			return err
		}
		return i.printSet(args[0])
	}
	if err != nil && !errors.Is(err, errUsage) {
		return err
	}
	return i.checkSet(*url)
}

func (i *invocation) printSet(path string) error {
	store, err := i.open(path)
	if err != nil {
		return err
	}
	keys, err := store.PublishedKeys(context.Background())
	if err != nil {
		return err
	}
	return i.printJSON(jwks.Set{Keys: keys})
}

func (i *invocation) checkSet(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := &jwks.Client{URL: url}
	keys, err := client.PublicKeys(ctx, "")
	if err != nil {
		return err
	}
	report := setReport{Odd: []string{}}
	seen := map[string]int{}
	for _, key := range keys {
		seen[key.KeyID()]++
		report.Keys = append(report.Keys, setKey{key.KeyID(), key.Describe(), key.Algorithm(), key.Permits("verify") == nil})
		if key.Algorithm() == "" && key.DefaultAlgorithm() == "" {
			report.Odd = append(report.Odd, fmt.Sprintf("key %q says no alg: some verifiers do not find it", key.KeyID()))
		}
	}
	for kid, n := range seen {
		if n > 1 {
			report.Odd = append(report.Odd, fmt.Sprintf("%d keys have the kid %q", n, kid))
		}
	}
	if skipped := client.Status().Skipped; skipped > 0 {
		report.Odd = append(report.Odd, fmt.Sprintf("%s skipped: they cannot be used here", count(skipped, "key was", "keys were")))
	}
	if i.json {
		return i.printJSON(report)
	}
	for _, key := range report.Keys {
		fmt.Fprintf(i.out, "%s  %s  %s\n", printable(key.KeyID), key.Key, printable(string(key.Algorithm)))
	}
	for _, odd := range report.Odd {
		fmt.Fprintf(i.out, "odd: %s\n", printable(odd))
	}
	return nil
}
