// Package pemfile reads bundles of PEM blocks in any order, as servers and
// OpenSSL keep them: keys in PKCS #1, SEC 1 or PKCS #8, plain or encrypted,
// and certificates; and one certificate or key in bare DER.
package pemfile

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/ber"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// reader assembles what the blocks hold.
type reader struct {
	pw       format.Passwords
	budget   *pbe.Budget
	assembly format.Assembly
	keys     []lockedKey
	foreign  int      // keys of which only the form is known
	passed   []string // the kinds of blocks nobody reads
}

// lockedKey is a key that is opened when all keys are known.
type lockedKey struct {
	number int // in the assembly
	open   func(passwords [][]byte, budget *pbe.Budget) ([]byte, error)
}

// Read reads a bundle. A certificate that is in the chain of none of its
// keys is a trusted one. PEM has no integrity check, so the store is
// Unverified whatever the password.
func Read(data []byte, pw format.Passwords) (*format.Store, error) {
	if err := format.CheckSize(data); err != nil {
		return nil, err
	}
	r := &reader{pw: pw, budget: pbe.NewBudget(len(data))}
	if err := r.blocks(data); err != nil {
		return nil, err
	}
	return r.store(format.PEM)
}

// Check reports damage to the blocks of a bundle, without opening its keys.
func Check(data []byte) error {
	if err := format.CheckSize(data); err != nil {
		return err
	}
	return new(reader).blocks(data)
}

// ReadDER reads one certificate, private key or public key that is not in PEM.
func ReadDER(data []byte, pw format.Passwords) (*format.Store, error) {
	if err := format.CheckSize(data); err != nil {
		return nil, err
	}
	_, rest, err := ber.ToDER(data)
	if err != nil {
		return nil, err
	}
	data = bytes.Clone(data[:len(data)-len(rest)])
	r := &reader{pw: pw, budget: pbe.NewBudget(len(data))}
	switch {
	case isCertificate(data):
		r.assembly.AddLoose("", nil, data)
	case isPublicKey(data):
		r.assembly.Add(format.Entry{Kind: format.PublicKey, Alias: r.assembly.Alias(""), SPKI: data}, nil)
	default:
		r.add(label{}, func(passwords [][]byte, budget *pbe.Budget) ([]byte, error) { return openKey(data, passwords, budget) })
	}
	store, err := r.store(format.DER)
	if err == nil && errors.Is(store.Entries[0].Err, format.ErrUnknownFormat) {
		return nil, store.Entries[0].Err
	}
	return store, err
}

func isCertificate(der []byte) bool {
	_, err := format.ParseCert(der)
	return err == nil || errors.Is(err, format.ErrLimit)
}

// isPublicKey reports whether der has the shape of a SubjectPublicKeyInfo, or
// of the two numbers of a PKCS #1 public key (RFC 8017 appendix A.1.1).
func isPublicKey(der []byte) bool {
	parts, _ := format.Few(der, 2)
	if len(parts) != 2 {
		return false
	}
	first, second := parts[0].Tag, parts[1].Tag
	return first == asn1.TagSequence && second == asn1.TagBitString || first == asn1.TagInteger && second == asn1.TagInteger
}

func (r *reader) store(name string) (*format.Store, error) {
	r.open()
	// A certificate may be that of a key nobody could open: not trusted then.
	store, err := r.assembly.Store(func(found format.Found) bool { return !found.Chained && found.Unknown == 0 })
	if err != nil {
		return nil, err
	}
	if r.foreign > 0 && r.foreign == len(store.Entries) {
		return nil, store.Entries[0].Err
	}
	for i := range store.Entries {
		store.Entries[i].Untagged = false // PEM has no tags to miss.
	}
	store.Format, store.Unverified, store.Passed = name, true, r.passed
	return store, nil
}

// open opens the keys side by side, with passwords asked for in order.
func (r *reader) open() {
	passwords := make([][][]byte, len(r.keys))
	for i, key := range r.keys {
		passwords[i] = r.pw.ForKey(r.assembly.Entry(key.number).Alias)
	}
	r.budget.Each(len(r.keys), func(i int, budget *pbe.Budget) {
		e := r.assembly.Entry(r.keys[i].number)
		e.PKCS8, e.Err = r.keys[i].open(passwords[i], budget)
	})
}

// blocks takes in one block after the other.
func (r *reader) blocks(data []byte) error {
	pieces, fault := split(data)
	for _, piece := range pieces {
		if err := r.block(piece.block, labelOf(piece.above)); err != nil {
			return err
		}
	}
	return fault
}

func (r *reader) block(block *pem.Block, label label) error {
	switch kind := block.Type; {
	case kind == "CERTIFICATE", kind == "X509 CERTIFICATE", kind == "TRUSTED CERTIFICATE":
		der, err := firstValue(block.Bytes)
		if err != nil {
			return err
		}
		r.assembly.AddLoose(label.name, label.id, der)
	case kind == "PKCS7", kind == "CMS":
		return r.signedData(block.Bytes)
	case kind == "OPENSSH PRIVATE KEY":
		r.foreign++
		r.assembly.Add(format.Entry{Kind: format.PrivateKey, Alias: r.assembly.Alias(label.name), Err: errOpenSSH}, nil)
	case strings.HasSuffix(kind, "PRIVATE KEY"):
		r.add(label, func(passwords [][]byte, budget *pbe.Budget) ([]byte, error) {
			return openBlock(block, passwords, budget)
		})
	case kind == "PUBLIC KEY", kind == "RSA PUBLIC KEY":
		r.assembly.Add(format.Entry{Kind: format.PublicKey, Alias: r.assembly.Alias(label.name), SPKI: block.Bytes}, nil)
	default: // Parameters, requests and the like hold no keys.
		r.passed = append(r.passed, kind)
	}
	return nil
}

const errOpenSSH = format.Unsupported("an OpenSSH private key: convert a copy of it with ssh-keygen -p -m PKCS8 -f KEY")

// add adds a key, which is opened later with the passwords.
func (r *reader) add(label label, open func(passwords [][]byte, budget *pbe.Budget) ([]byte, error)) {
	e := format.Entry{Kind: format.PrivateKey, Alias: r.assembly.Alias(label.name)}
	r.keys = append(r.keys, lockedKey{r.assembly.Add(e, label.id), open})
}

// firstValue returns the ASN.1 value data begins with: OpenSSL's trusted
// certificates have its own settings behind.
func firstValue(data []byte) ([]byte, error) {
	_, rest, err := ber.ToDER(data)
	return data[:len(data)-len(rest)], err
}

// label is what OpenSSL writes above a block that comes from PKCS #12.
type label struct {
	name string
	id   []byte
}

func labelOf(text []byte) (l label) {
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "friendlyName":
			l.name = value
		case "localKeyID":
			l.id, _ = hex.DecodeString(strings.ReplaceAll(value, " ", ""))
		case "Bag Attributes":
			l = label{}
		}
	}
	return l
}

// legacyCiphers are those of crypto/x509.
var legacyCiphers = []string{"DES-CBC", "DES-EDE3-CBC", "AES-128-CBC", "AES-192-CBC", "AES-256-CBC"}

// openBlock reads the key in a block, which may be encrypted by the headers of
// RFC 1421, as OpenSSL did before PKCS #8. The function for that is deprecated
// because the scheme is weak; the files exist.
func openBlock(block *pem.Block, passwords [][]byte, budget *pbe.Budget) ([]byte, error) {
	if _, encrypted := block.Headers["DEK-Info"]; !encrypted {
		return openKey(block.Bytes, passwords, budget)
	}
	if err := pbe.Legacy("MD5"); err != nil {
		return nil, err
	}
	if len(passwords) == 0 {
		return nil, format.ErrPasswordRequired
	}
	cipher, _, _ := strings.Cut(block.Headers["DEK-Info"], ",")
	if !slices.Contains(legacyCiphers, cipher) {
		return nil, fmt.Errorf("%w: PEM encrypted with %.80q", format.ErrUnsupported, cipher)
	}
	for _, password := range passwords {
		der, err := x509.DecryptPEMBlock(block, password) //lint:ignore SA1019 weak, and what the files have
		switch {
		case err == nil && ber.IsSequence(der):
			return wrap(der)
		case err != nil && !errors.Is(err, x509.IncorrectPasswordError):
			return nil, fmt.Errorf("%w: %w", format.ErrDamaged, err)
		}
	}
	return nil, format.ErrPassword
}
