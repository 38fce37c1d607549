// Package jks reads the keystores of the JDK's own formats: JKS, versions 1
// and 2, and JCEKS, which adds secret keys.
package jks

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// magicJCEKS is what JCEKS begins with, and JKS does not.
const magicJCEKS = 0xcececece

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

// verify checks the digest over the file. If it is wrong although the password
// opens a key, the file is damaged.
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
		break // One is enough, because each may cost much.
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

// oidJKS is Sun's protection of keys in JKS.
const oidJKS = "1.3.6.1.4.1.42.2.17.1.1"

// unprotect decrypts a private key, an EncryptedPrivateKeyInfo.
func unprotect(key []byte, passwords [][]byte, budget *pbe.Budget) ([]byte, error) {
	var info struct {
		Algorithm format.Algorithm
		Data      []byte
	}
	if err := ber.Unmarshal(key, &info); err != nil {
		return nil, err
	}
	if info.Algorithm.OID() != oidJKS {
		return pbe.Open(info.Algorithm, info.Data, passwords, budget, ber.IsSequence)
	}
	if err := pbe.Legacy("SHA-1"); err != nil {
		return nil, err
	}
	for _, password := range passwords {
		plain, err := unmask(info.Data, password)
		if err == nil || !errors.Is(err, format.ErrPassword) {
			return plain, err
		}
	}
	return nil, format.ErrPassword
}

// unmask undoes Sun's protection: salt, the key under a chain of SHA-1
// digests of the password, and a digest to know the right password by.
func unmask(data, password []byte) ([]byte, error) {
	if len(data) < 2*sha1.Size {
		return nil, fmt.Errorf("%w: a protected key of %d bytes", format.ErrDamaged, len(data))
	}
	mask, masked, check := data[:sha1.Size], data[sha1.Size:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	plain := make([]byte, len(masked))
	for at := 0; at < len(masked); at += sha1.Size {
		mask = keyedDigest(password, mask)
		subtle.XORBytes(plain[at:], masked[at:], mask)
	}
	if subtle.ConstantTimeCompare(keyedDigest(password, plain), check) != 1 {
		clear(plain)
		return nil, format.ErrPassword
	}
	return plain, nil
}

// sealing is the identifier of PBEWithMD5AndTripleDES, 1.3.6.1.4.1.42.2.19.1.
var sealing = asn1.RawValue{Tag: asn1.TagOID, Bytes: []byte{0x2b, 6, 1, 4, 1, 0x2a, 2, 0x13, 1}}

// unseal decrypts a secret key: a javax.crypto.SealedObject around another
// Java object, of which only the two classes JDKs write are known.
func unseal(sealed *object, passwords [][]byte, budget *pbe.Budget) (secret []byte, algorithm string, err error) {
	if !sealed.extends("javax.crypto.SealedObject") {
		return nil, "", fmt.Errorf("%w: a secret key sealed as %.80s", format.ErrUnsupported, sealed.class.name)
	}
	if alg := sealed.string("sealAlg"); alg != "PBEWithMD5AndTripleDES" {
		return nil, "", fmt.Errorf("%w: a secret key sealed with %.80q", format.ErrUnsupported, alg)
	}
	scheme := format.Algorithm{ID: sealing, Parameters: asn1.RawValue{FullBytes: sealed.bytes("encodedParams")}}
	plain, err := pbe.Open(scheme, sealed.bytes("encryptedContent"), passwords, budget, isSerialized)
	if err != nil {
		return nil, "", err
	}
	defer clear(plain)
	r := &reader{data: plain}
	key := readObject(r)
	if r.err != nil {
		return nil, "", r.err
	}
	switch key.class.name {
	case "java.security.KeyRep":
		secret = key.bytes("encoded")
	case "javax.crypto.spec.SecretKeySpec":
		secret = key.bytes("key")
	default:
		return nil, "", fmt.Errorf("%w: a secret key of class %.80s", format.ErrUnsupported, key.class.name)
	}
	return bytes.Clone(secret), key.string("algorithm"), nil
}

// isSerialized tells a serialized object from the noise that a wrong password
// leaves.
func isSerialized(plain []byte) bool { return bytes.HasPrefix(plain, streamHeader) }
