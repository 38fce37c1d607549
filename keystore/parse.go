package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/jks"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pemfile"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pkcs12"
)

// parse reads a keystore of any format. The content tells the format.
func parse(f File, data []byte) (*contents, error) {
	if err := format.CheckSize(data); err != nil {
		return nil, err
	}
	name, data, err := format.Detect(data)
	if err != nil {
		return nil, err
	}
	defer clear(data) // what was in base64 has a copy of its own
	var found found
	err = withPasswords(f, func(passwords *passwords) (err error) {
		found, err = read(name, data, passwords)
		return err
	})
	if errors.Is(err, ErrPasswordRequired) && f.Password == nil {
		err = fmt.Errorf("%w: give Open one, or File its Password; where nobody knows of one it may be the empty one", err)
	}
	if err != nil {
		return nil, err
	}
	if len(found.entries) == 0 {
		return nil, found.empty()
	}
	if f.Certificate != "" {
		if err := found.fit(); err != nil {
			return nil, err
		}
	}
	return contentsOf(f, found)
}

// found is what is in a file, whatever its format.
type found struct {
	format   string
	verified bool
	entries  []Entry
	passed   []string // what the file has besides entries
}

// fit reports as an error that a key and the certificate in a file of its own
// do not belong together.
func (f found) fit() error {
	keys := 0
	for _, e := range f.entries {
		switch {
		case e.Kind != KindPrivateKey:
		case e.Err != nil:
			return fmt.Errorf("%s %q: %w", e.Kind, e.Alias, e.Err)
		case len(e.Chain) == 0:
			return errors.New("the certificate does not belong to the key: one of the two files is still to be replaced, or the wrong one")
		default:
			keys++
		}
	}
	if keys == 0 {
		return fmt.Errorf("%w: no private key in either of the two files", ErrNoKey)
	}
	return nil
}

// empty returns the error for a file without keys and certificates. It names
// what was found instead.
func (f found) empty() error {
	if len(f.passed) == 0 {
		return fmt.Errorf("%w: the %s file has no entry at all", ErrNoKey, f.format)
	}
	kinds := slices.Compact(slices.Sorted(slices.Values(f.passed)))
	what := strings.Join(kinds[:min(len(kinds), maxNamed)], ", ")
	return fmt.Errorf("%w: the %s file has neither a key nor a certificate, only %s", ErrNoKey, f.format, clip(what))
}

// maxNamed is how many kinds an error names.
const maxNamed = 5

func read(name string, data []byte, passwords *passwords) (found, error) {
	readers := map[string]func([]byte, format.Passwords) (*format.Store, error){
		format.JKS: jks.Read, format.JCEKS: jks.Read, format.PKCS12: pkcs12.Read,
		format.PEM: pemfile.Read, format.DER: pemfile.ReadDER, format.PKCS7: pemfile.ReadPKCS7,
	}
	switch name {
	case format.JWK:
		if len(data) > maxJSON {
			return found{}, fmt.Errorf("%w: JSON of more than %d bytes", ErrLimit, maxJSON)
		}
		if bytes.Contains(data, []byte("-----BEGIN ")) {
			return readContainer(data, passwords)
		}
		return readJSON(data, passwords)
	case format.JWE:
		jwe, err := parseCompactJWE(string(bytes.TrimSpace(data)))
		return readEncryptedJSON(jwe, err, passwords)
	}
	store, err := readers[name](data, format.Passwords{Store: passwords.store, Key: passwords.key})
	if err != nil {
		return found{}, err
	}
	// PEM has no integrity check that could be missing.
	verified := !store.Unverified || name == format.PEM || name == format.DER || name == format.PKCS7
	result := found{format: store.Format, verified: verified, passed: store.Passed}
	if name == format.JKS || name == format.JCEKS {
		store.Entries = lastOfEach(store.Entries)
	}
	result.entries = newEntries(store)
	return result, nil
}

// lastOfEach leaves out entries of an alias that occurs again later, as the JDK
// does.
func lastOfEach(entries []format.Entry) []format.Entry {
	last := make(map[string]int, len(entries))
	for i, e := range entries {
		last[e.Alias] = i
	}
	i := -1
	return slices.DeleteFunc(entries, func(e format.Entry) bool {
		i++
		return last[e.Alias] != i
	})
}

func contentsOf(f File, found found) (*contents, error) {
	var refusal error
	if !found.verified && !f.AllowUnverified {
		refusal = fmt.Errorf("%w: the %s store has no integrity check, or no password was given for it: give its password, or set File.AllowUnverified", ErrUnverified, found.format)
	}
	for i := range found.entries {
		if err := identify(f, &found.entries[i]); err != nil {
			return nil, err
		}
		if refusal != nil {
			withhold(&found.entries[i], refusal)
		}
	}
	c, err := newContents(found.entries)
	if err != nil {
		return nil, err
	}
	c.format, c.verified = found.format, found.verified
	if refusal != nil {
		c.private, c.refusal = nil, f.named(refusal)
	}
	if c.lacking != nil {
		c.lacking = f.named(c.lacking)
	}
	return c, nil
}

// identify gives the entry's key its kid and its algorithm, and fills in what
// follows from them.
func identify(f File, e *Entry) error {
	if e.Kind == KindPrivateKey && e.Err == nil {
		e.PrivateKey.undated = f.IgnoreCertificateDates
		if f.KeyID != nil {
			e.PrivateKey = e.PrivateKey.WithKeyID(f.KeyID(e.Alias, e.PublicKey))
		}
		if err := bind(f, e); err != nil {
			return err
		}
		e.PublicKey = e.PrivateKey.public
	}
	e.describe()
	return nil
}

func bind(f File, e *Entry) error {
	if f.Algorithm == nil {
		return nil
	}
	algorithm := f.Algorithm(e.Alias, e.PublicKey)
	if algorithm == "" {
		return nil
	}
	bound, err := e.PrivateKey.WithAlgorithm(algorithm)
	if err != nil {
		return &fileError{fmt.Sprintf("alias %q: %s", e.Alias, strings.TrimPrefix(err.Error(), "keystore: ")), err}
	}
	e.PrivateKey = bound
	return nil
}

// readContainer reads JSON with PEM in it: the key of a Google service account,
// under the kid that the file names, and a map of kids to certificates, as
// Google and Firebase publish. For other JSON of that kind the error says what
// it is.
func readContainer(data []byte, passwords *passwords) (found, error) {
	if err := checkShape(data); err != nil {
		return found{}, fmt.Errorf("JSON: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return found{}, fmt.Errorf("%w: JSON: not well-formed", ErrDamaged)
	}
	if members["keys"] != nil || members["kty"] != nil {
		return readJSON(data, passwords) // an x5c that says more than it should
	}
	if len(members) > maxKeys {
		return found{}, fmt.Errorf("%w: a JSON object of more than %d members", ErrLimit, maxKeys)
	}
	texts := map[string]string{}
	for name, value := range members {
		var text string
		if json.Unmarshal(value, &text) == nil {
			texts[name] = text
		}
	}
	switch {
	case texts["type"] == "service_account":
		return serviceAccount(texts)
	case members["cert"] != nil && members["key"] != nil:
		return found{}, fmt.Errorf("%w: an answer of cfssl: write its key and certificate to files with cfssljson -bare, and open them as a pair", ErrUnknownFormat)
	case len(texts) == len(members) && allCertificates(texts):
		return certificateMap(texts)
	}
	return found{}, fmt.Errorf("%w: a JSON object with PEM in it: take the PEM out, into a file of its own", ErrUnknownFormat)
}

func serviceAccount(texts map[string]string) (found, error) {
	kid := texts["private_key_id"]
	if texts["private_key"] == "" || kid == "" {
		return found{}, fmt.Errorf("%w: a Google service account without private_key or private_key_id", ErrDamaged)
	}
	entries, err := inPEM(texts["private_key"], kid)
	if err == nil && (len(entries) != 1 || entries[0].Kind != KindPrivateKey) {
		err = fmt.Errorf("%w: private_key is not a private key", ErrDamaged)
	}
	return found{format: "Google service account", verified: true, entries: entries}, err
}

// allCertificates reports whether each text is one or more certificates. A
// private key has no business behind one: each text is read by itself, and may
// ask for the work of a whole file.
func allCertificates(texts map[string]string) bool {
	for _, text := range texts {
		if !strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----") || strings.Contains(text, "PRIVATE KEY-----") {
			return false
		}
	}
	return true
}

func certificateMap(texts map[string]string) (found, error) {
	result := found{format: "certificates by kid", verified: true}
	for _, kid := range slices.Sorted(maps.Keys(texts)) {
		entries, err := inPEM(texts[kid], kid)
		if err != nil {
			return found{}, fmt.Errorf("%q: %w", clip(kid), err)
		}
		if result.entries = append(result.entries, entries...); len(result.entries) > format.MaxEntries {
			return found{}, fmt.Errorf("%w: more than %d certificates", ErrLimit, format.MaxEntries)
		}
	}
	return result, nil
}

// inPEM returns the entries of a PEM text. All have the kid, which is also
// their alias.
func inPEM(text, kid string) ([]Entry, error) {
	store, err := pemfile.Read([]byte(text), format.Passwords{})
	if err != nil {
		return nil, err
	}
	entries := newEntries(store)
	for i := range entries {
		entries[i].setAlias(kid)
		entries[i].PrivateKey.public.kid, entries[i].PublicKey.kid = kid, kid
	}
	return entries, nil
}

// withhold takes the key out of an entry, which stays listed.
func withhold(e *Entry, reason error) {
	if e.Err == nil && (e.Kind == KindPrivateKey || e.Kind == KindSecretKey) {
		e.PrivateKey, e.SecretKey, e.Err = PrivateKey{}, SecretKey{}, reason
	}
}
