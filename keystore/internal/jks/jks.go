// Package jks reads the keystores of the JDK's own formats: JKS, versions 1
// and 2, and JCEKS, which adds secret keys.
package jks

import (
	"crypto/sha1"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

const (
	magicJKS   = 0xfeedfeed
	magicJCEKS = 0xcececece
)

// The kinds of entries as the file numbers them.
const (
	tagPrivateKey  = 1
	tagCertificate = 2
	tagSecretKey   = 3
)

// record is an entry whose key is still encrypted.
type record struct {
	format.Entry
	key    []byte  // of a private key: EncryptedPrivateKeyInfo
	sealed *object // of a secret key: javax.crypto.SealedObject
}

// Read reads a store. Without a store password it lists what is there,
// unverified, and opens the keys that pw.Key has passwords for.
func Read(data []byte, pw format.Passwords) (*format.Store, error) {
	if err := format.CheckSize(data); err != nil {
		return nil, err
	}
	r := &reader{data: data}
	store := &format.Store{Format: format.JKS, Unverified: pw.Store == nil}
	if r.uint32() == magicJCEKS {
		store.Format = format.JCEKS
	}
	version := r.uint32()
	if r.err == nil && version != 1 && version != 2 {
		return nil, fmt.Errorf("%w: %s version %d", format.ErrUnsupported, store.Format, version)
	}
	records := readRecords(r, version)
	body := data[:len(data)-len(r.data)]
	digest := r.take(sha1.Size)
	if r.err != nil {
		return nil, r.err
	}
	budget := pbe.NewBudget(len(data))
	if pw.Store != nil {
		if err := verify(body, digest, records, pw, budget); err != nil {
			return nil, err
		}
	}
	openAll(records, pw, budget)
	for _, rec := range records {
		store.Entries = append(store.Entries, rec.Entry)
	}
	format.MarkShadowed(store.Entries)
	return store, nil
}

func readRecords(r *reader, version uint32) []*record {
	var records []*record
	links := 0
	for range r.count(format.MaxEntries, "entries") {
		rec := readRecord(r, version)
		if links += len(rec.Chain); links > format.MaxLinks {
			r.fail(format.ErrLimit, "chains of more than %d certificates together", format.MaxLinks)
		}
		if r.err != nil {
			break
		}
		records = append(records, rec)
	}
	return records
}

func readRecord(r *reader, version uint32) *record {
	tag := r.uint32()
	rec := &record{Entry: format.Entry{Alias: r.utf()}}
	rec.Created = time.UnixMilli(int64(r.uint64())).UTC()
	switch tag {
	case tagPrivateKey:
		rec.Kind = format.PrivateKey
		rec.key = r.bytes()
		for range r.count(format.MaxChain, "certificates in a chain") {
			rec.certificate(r, version)
		}
	case tagCertificate:
		rec.Kind = format.Certificate
		rec.certificate(r, version)
	case tagSecretKey:
		rec.Kind = format.SecretKey
		rec.sealed = readObject(r)
	default:
		r.fail(format.ErrDamaged, "an entry of kind %d", tag)
	}
	return rec
}

func (rec *record) certificate(r *reader, version uint32) {
	if version == 2 {
		if kind := r.utf(); r.err == nil && kind != "X.509" && kind != "X509" {
			rec.Err = fmt.Errorf("%w: certificate of type %.80q", format.ErrUnsupported, kind)
		}
	}
	if der := r.bytes(); r.err == nil {
		rec.Chain = append(rec.Chain, der)
	}
}

// verify checks the digest over the file. If it is wrong although the
// password opens a key, the file is to blame.
func verify(body, digest []byte, records []*record, pw format.Passwords, budget *pbe.Budget) error {
	if err := pbe.Legacy("SHA-1"); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(keyedDigest(pw.Store, []byte("Mighty Aphrodite"), body), digest) == 1 {
		return nil
	}
	for _, rec := range records {
		if rec.Kind == format.Certificate {
			continue
		}
		if trial := *rec; trial.open([][]byte{pw.Store}, budget) {
			return fmt.Errorf("%w: the digest is wrong although the password opens a key", format.ErrDamaged)
		}
		break // One is enough, and each may cost much.
	}
	return fmt.Errorf("%w, or damaged file", format.ErrPassword)
}

// keyedDigest hashes the password as UTF-16, then the parts.
func keyedDigest(password []byte, parts ...[]byte) []byte {
	wide := pbe.UTF16(password)
	defer clear(wide)
	h := sha1.New()
	h.Write(wide)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// openAll opens the records side by side, with passwords asked for in order.
func openAll(records []*record, pw format.Passwords, budget *pbe.Budget) {
	passwords := make([][][]byte, len(records))
	for i, rec := range records {
		if rec.Kind != format.Certificate {
			passwords[i] = pw.ForKey(rec.Alias)
		}
	}
	budget.Each(len(records), func(i int, budget *pbe.Budget) { records[i].open(passwords[i], budget) })
}

// open decrypts the key, notes why where it cannot, and reports whether it
// did.
func (rec *record) open(passwords [][]byte, budget *pbe.Budget) bool {
	var err error
	switch {
	case rec.Kind == format.Certificate:
		return true
	case len(passwords) == 0:
		err = format.ErrPasswordRequired
	case rec.sealed != nil:
		rec.Secret, rec.SecretAlgorithm, err = unseal(rec.sealed, passwords, budget)
	default:
		rec.PKCS8, err = unprotect(rec.key, passwords, budget)
	}
	rec.Err = errors.Join(rec.Err, err)
	return err == nil
}
