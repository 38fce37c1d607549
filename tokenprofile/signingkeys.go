package tokenprofile

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// signingKeys choose the key for each token, and sign with it.
type signingKeys interface {
	choose(ctx context.Context, c *composer) (*signingKey, error)
}

// A signingKey is a key with the header segment of the tokens it signs.
type signingKey struct {
	header  []byte
	segment []byte // the header, encoded
	issuer  []byte // the member of the claims that IssuerFunc makes of the key
	sign    func(ctx context.Context, dst, input []byte) ([]byte, error)

	// The segment was made of these.
	kid    string
	public keystore.PublicKey
	secret keystore.SecretKey
	chain  []*x509.Certificate
}

// newSigningKey encodes what stays the same as long as the key does.
func newSigningKey(c *composer, kid string, public keystore.PublicKey) (*signingKey, error) {
	header, err := c.header(kid, public)
	if err != nil {
		return nil, err
	}
	key := &signingKey{header: header, segment: appendSegment(nil, header, c.profile.Waive.Padding), kid: kid, public: public}
	if c.profile.IssuerFunc == nil {
		return key, nil
	}
	issuer, err := c.profile.IssuerFunc(public)
	switch {
	case err != nil:
		return nil, fmt.Errorf("tokenprofile: IssuerFunc: %w", err)
	case issuer == "" || hasControl(issuer):
		return nil, errors.New("tokenprofile: IssuerFunc: the issuer is empty, or has a control character")
	}
	key.issuer, err = appendMembers(nil, map[string]string{"iss": issuer})
	return key, err
}

// issuerMember returns the iss claim that IssuerFunc makes of the key, or nil.
func (k *signingKey) issuerMember() []byte {
	if k == nil {
		return nil
	}
	return k.issuer
}

// unavailable returns the error of a source that fails to yield its keys.
func unavailable(err error) error {
	if errors.Is(err, keystore.ErrUnavailable) {
		return fmt.Errorf("tokenprofile: %w", err)
	}
	return fmt.Errorf("tokenprofile: %w: %w", keystore.ErrUnavailable, err)
}

// privateKeys sign with the source's key that the profile selects.
type privateKeys struct {
	algorithm Algorithm
	source    keystore.PrivateSource
	fits      func(keystore.PrivateKey) error
	last      atomic.Pointer[signingKey]
}

func newPrivateKeys(a Algorithm, source keystore.PrivateSource) *privateKeys {
	fits := func(key keystore.PrivateKey) error { return key.Fits(a) }
	return &privateKeys{algorithm: a, source: source, fits: fits}
}

func (k *privateKeys) choose(ctx context.Context, c *composer) (*signingKey, error) {
	keys, err := k.source.PrivateKeys(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	p := &c.profile
	key, err := keystore.Select(keys, keystore.Selection{
		Alias: p.KeyAlias, Newest: p.NewestKey, Now: p.Now(), Source: k.source, Fits: k.fits,
	})
	if err != nil {
		return nil, fmt.Errorf("tokenprofile: %w", err)
	}
	public := key.Public()
	var chain []*x509.Certificate
	if p.Header.hasCertificates() {
		chain = public.Certificates()
	}
	if last := k.last.Load(); last != nil && last.kid == key.KeyID() && last.public.Equal(public) && slices.Equal(last.chain, chain) {
		return last, nil
	}
	return k.prepare(c, key, chain)
}

// prepare makes a signing key and keeps it for the next token.
func (k *privateKeys) prepare(c *composer, key keystore.PrivateKey, chain []*x509.Certificate) (*signingKey, error) {
	prepared, err := newSigningKey(c, key.KeyID(), key.Public())
	if err != nil {
		return nil, err
	}
	prepared.chain = chain
	prepared.sign = func(ctx context.Context, dst, input []byte) ([]byte, error) {
		signature, err := k.algorithm.Sign(ctx, key, dst, input)
		if err != nil {
			return nil, fmt.Errorf("tokenprofile: %w", err)
		}
		return signature, nil
	}
	k.last.Store(prepared)
	return prepared, nil
}

// secretKeys sign with HMAC.
type secretKeys struct {
	macs   macs
	source keystore.SecretSource
	last   atomic.Pointer[signingKey]
}

func (k *secretKeys) choose(ctx context.Context, c *composer) (*signingKey, error) {
	keys, err := k.source.SecretKeys(ctx, "")
	if err != nil {
		return nil, unavailable(err)
	}
	key, err := k.selectKey(keys, c.profile.KeyAlias)
	if err != nil {
		return nil, fmt.Errorf("tokenprofile: %w", err)
	}
	if last := k.last.Load(); last != nil && last.kid == key.KeyID() && last.secret.Equal(key) {
		return last, nil
	}
	prepared, err := newSigningKey(c, key.KeyID(), keystore.PublicKey{})
	if err != nil {
		return nil, err
	}
	prepared.secret = key
	prepared.sign = func(_ context.Context, dst, input []byte) ([]byte, error) {
		return k.macs.append(key, dst, input), nil
	}
	k.last.Store(prepared)
	return prepared, nil
}

// selectKey chooses a secret key: the one with the alias, or the only one that
// fits.
func (k *secretKeys) selectKey(keys []keystore.SecretKey, alias string) (keystore.SecretKey, error) {
	what := "secret keys"
	if alias != "" {
		keys = keystore.ByAlias(keys, alias)
		what += fmt.Sprintf(" with alias %q", alias)
	}
	meant := func(keystore.SecretKey) bool { return true }
	fits := func(key keystore.SecretKey) error { return key.FitsSigning(k.macs.algorithm) }
	return choose(keys, meant, fits).only(what, "name one by KeyAlias")
}
