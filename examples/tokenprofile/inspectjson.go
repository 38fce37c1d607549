package main

import (
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// listing is what -json prints. A member that does not apply is left out.
type listing struct {
	Format   string  `json:"format"`
	Verified bool    `json:"verified"`
	Signs    string  `json:"signs,omitempty"` // the alias of the key that would sign
	Why      string  `json:"why,omitempty"`   // or why none would
	Entries  []entry `json:"entries"`
}

type entry struct {
	Alias     string        `json:"alias"`
	Kind      keystore.Kind `json:"kind"`
	Algorithm string        `json:"algorithm,omitempty"`
	Bits      int           `json:"bits,omitempty"`
	KeyID     string        `json:"kid,omitempty"`
	X5TS256   string        `json:"x5tS256,omitempty"`
	Chain     *int          `json:"chain,omitempty"` // how many certificates; secret keys have none
	Subject   string        `json:"subject,omitempty"`
	Issuer    string        `json:"issuer,omitempty"`
	NotBefore *time.Time    `json:"notBefore,omitempty"`
	NotAfter  *time.Time    `json:"notAfter,omitempty"`
	Created   *time.Time    `json:"created,omitempty"`
	Untagged  bool          `json:"untagged,omitempty"` // keytool does not show it
	Error     string        `json:"error,omitempty"`
}

func newListing(store *keystore.Store) listing {
	l := listing{Format: store.Format(), Verified: store.Verified(), Entries: []entry{}}
	l.Signs, l.Why = signing(store)
	for _, e := range store.Entries() {
		l.Entries = append(l.Entries, newEntry(e))
	}
	return l
}

func newEntry(e keystore.Entry) entry {
	shown := entry{Alias: e.Alias, Kind: e.Kind, Algorithm: e.Algorithm, Bits: e.Bits, KeyID: e.KeyID, X5TS256: thumbprint(e), Untagged: e.Untagged}
	if e.Kind != keystore.KindSecretKey {
		n := len(e.RawChain)
		shown.Chain = &n
	}
	if !e.Created.IsZero() {
		created := e.Created.UTC()
		shown.Created = &created
	}
	if len(e.Chain) > 0 {
		cert := e.Chain[0]
		notBefore, notAfter := cert.NotBefore.UTC(), cert.NotAfter.UTC()
		shown.Subject, shown.Issuer = cert.Subject.String(), cert.Issuer.String()
		shown.NotBefore, shown.NotAfter = &notBefore, &notAfter
	}
	if e.Err != nil {
		shown.Error = oneLine(e.Err.Error())
	}
	return shown
}
