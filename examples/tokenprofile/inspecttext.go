package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func writeText(out io.Writer, path string, store *keystore.Store) error {
	entries := store.Entries()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s, %s, %s\n", path, store.Format(), count(len(entries), "entry", "entries"), integrity(store))
	for _, e := range entries {
		fmt.Fprintf(w, "\n%s\n", printable(e.Alias))
		for _, row := range rows(e, time.Now()) {
			fmt.Fprintf(w, "  %s\t%s\n", row[0], printable(row[1]))
		}
	}
	if _, why := signing(store); why != "" {
		fmt.Fprintf(w, "\n%s\n", printable(why))
	}
	return w.Flush()
}

func integrity(store *keystore.Store) string {
	switch {
	case !store.Verified():
		return "integrity not verified"
	case store.Format() == "PEM" || store.Format() == "DER" || strings.HasPrefix(store.Format(), "JWK"):
		return "a format without integrity check"
	}
	return "integrity verified"
}

// rows are what is known of an entry: a label and a value each.
func rows(e keystore.Entry, now time.Time) (rows [][2]string) {
	add := func(label, value string) {
		if value != "" {
			rows = append(rows, [2]string{label, value})
		}
	}
	add("kind", strings.ReplaceAll(string(e.Kind), "-", " "))
	add("key", describe(e))
	add("kid", e.KeyID)
	if len(e.Chain) > 0 {
		cert := e.Chain[0]
		add("certificate", cert.Subject.String())
		if cert.Subject.String() == cert.Issuer.String() {
			add("issued by", "itself")
		} else {
			add("issued by", cert.Issuer.String())
		}
		add("valid", validity(cert, now))
	}
	add("x5t#S256", thumbprint(e))
	if len(e.RawChain) > 1 {
		add("chain", fmt.Sprintf("%d certificates", len(e.RawChain)))
	}
	if !e.Created.IsZero() {
		add("created", e.Created.UTC().Format(time.DateTime)+" UTC")
	}
	if e.Untagged {
		add("note", "keytool does not show this entry")
	}
	if e.Err != nil {
		add("not usable", oneLine(e.Err.Error()))
	}
	return rows
}

func describe(e keystore.Entry) string {
	if e.PublicKey.CryptoKey() != nil {
		return e.PublicKey.Describe()
	}
	if e.Bits > 0 {
		return fmt.Sprintf("%s, %d bits", e.Algorithm, e.Bits)
	}
	return e.Algorithm
}

func validity(cert *x509.Certificate, now time.Time) string {
	text := cert.NotBefore.UTC().Format(time.DateOnly) + " until " + cert.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.After(cert.NotAfter):
		return text + ", expired"
	case now.Before(cert.NotBefore):
		return text + ", not valid yet"
	}
	return text + ", " + count(int(cert.NotAfter.Sub(now).Hours()/24), "day", "days") + " left"
}

// thumbprint is the x5t#S256 of the entry's certificate, also of one that
// crypto/x509 does not read.
func thumbprint(e keystore.Entry) string {
	if len(e.RawChain) == 0 {
		return ""
	}
	sum := sha256.Sum256(e.RawChain[0])
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// printable keeps what a file says from moving the cursor of a terminal. The
// characters allowed stay.
func printable(text string, allowed ...rune) string {
	return strings.Map(func(r rune) rune {
		if slices.Contains(allowed, r) {
			return r
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
			return '\ufffd'
		}
		return r
	}, text)
}
