package tokenprofile

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// The two ends of a profile: who signs, and who verifies.

// Signer returns a signer with the private keys, and the keys to encrypt to if
// the profile encrypts. It reports all faults of the profile at once. If there
// are none, it reports that no key of the source fits, as far as the source has
// them in memory, and tokens that would live longer than the source keeps a
// replaced key published.
//
// The key is chosen anew for every token, so that a source that follows its
// file rotates without the signer being built again.
func (p Profile) Signer(keys keystore.PrivateSource, encrypt ...EncryptionKeys) (*Signer, error) {
	if err := p.wantsKeys(keys == nil, false); err != nil {
		return nil, err
	}
	if err := p.wantsRetention(keys); err != nil {
		return nil, err
	}
	return newSigner(p, newPrivateKeys(p.Algorithm, keys), encrypt)
}

// SecretSigner returns a signer of HMACs; otherwise it is like
// [Profile.Signer].
func (p Profile) SecretSigner(keys keystore.SecretSource, encrypt ...EncryptionKeys) (*Signer, error) {
	if err := p.wantsKeys(keys == nil, true); err != nil {
		return nil, err
	}
	return newSigner(p, &secretKeys{macs: macs{algorithm: p.Algorithm}, source: keys}, encrypt)
}

// EncryptedOnlySigner returns a signer of tokens that are encrypted and that
// nobody signs: the profile has no Algorithm.
func (p Profile) EncryptedOnlySigner(encrypt EncryptionKeys) (*Signer, error) {
	if err := p.encryptedOnly(); err != nil {
		return nil, err
	}
	return newSigner(p, nil, []EncryptionKeys{encrypt})
}

// Verifier returns a verifier with the public keys, and the keys to decrypt
// with if the profile encrypts. It reports all faults of the profile at once.
// If there are none, it reports that no key of the source fits, as far as the
// source has them in memory; nothing is fetched before the first token. A
// source that can never have a key is refused ([keystore.ErrMisconfigured]): a
// [jwks.Client] with a URL that nobody may fetch, for instance.
//
// [jwks.Client]: https://pkg.go.dev/github.com/tokenprofile/tokenprofile-go/jwks#Client
func (p Profile) Verifier(keys keystore.PublicSource, decrypt ...DecryptionKeys) (*Verifier, error) {
	if err := p.wantsKeys(keys == nil, false); err != nil {
		return nil, err
	}
	return newVerifier(p, newPublicRing(p.Algorithm, keys), decrypt)
}

// SecretVerifier returns a verifier of HMACs; otherwise it is like
// [Profile.Verifier].
func (p Profile) SecretVerifier(keys keystore.SecretSource, decrypt ...DecryptionKeys) (*Verifier, error) {
	if err := p.wantsKeys(keys == nil, true); err != nil {
		return nil, err
	}
	return newVerifier(p, newSecretRing(p.Algorithm, keys), decrypt)
}

// EncryptedOnlyVerifier returns a verifier of tokens that nobody signed: the
// profile has no Algorithm. Whoever can encrypt to the keys can make such a
// token, which is everybody where they are public.
func (p Profile) EncryptedOnlyVerifier(decrypt DecryptionKeys) (*Verifier, error) {
	if err := p.encryptedOnly(); err != nil {
		return nil, err
	}
	return newVerifier(p, nil, []DecryptionKeys{decrypt})
}

// wantsKeys reports a faulty profile, or one that needs another kind of key.
func (p Profile) wantsKeys(missing, secret bool) error {
	if err := p.Validate(); err != nil {
		return err
	}
	switch {
	case p.Algorithm == "":
		return errors.New("tokenprofile: profile: algorithm: is missing; tokens that are only encrypted have EncryptedOnlySigner and EncryptedOnlyVerifier")
	case secret && !p.Algorithm.UsesSecret():
		return fmt.Errorf("tokenprofile: profile: algorithm: %s does not use secret keys", p.Algorithm)
	case !secret && p.Algorithm.UsesSecret():
		return fmt.Errorf("tokenprofile: profile: algorithm: %s uses secret keys: SecretSigner and SecretVerifier", p.Algorithm)
	case missing:
		return errors.New("tokenprofile: the source of keys is nil")
	}
	return nil
}

func (p Profile) encryptedOnly() error {
	if err := p.Validate(); err != nil {
		return err
	}
	if p.Algorithm != "" {
		return fmt.Errorf("tokenprofile: profile: algorithm: is %s, but tokens that are only encrypted have none", p.Algorithm)
	}
	return nil
}

// wantsRetention reports a profile whose tokens would outlive their replaced
// key in the key set: they would be refused before they expire.
func (p Profile) wantsRetention(keys keystore.PrivateSource) error {
	source, ok := keys.(keystore.Retainer)
	if !ok || p.Waive.omits("exp") {
		return nil
	}
	life := p.settled().Lifetime
	if kept := source.PublishedAfter(); life > kept {
		return fmt.Errorf("tokenprofile: profile: lifetime: tokens live %s, and a replaced key stays published for %s: raise File.PublishAfter", formatDuration(life), formatDuration(kept))
	}
	return nil
}

// wantsRecipient reports a profile whose verifier would not know which tokens
// are meant for it.
func (p Profile) wantsRecipient() error {
	switch {
	case p.IssuerFunc != nil:
		return &Fault{profiles, "issuer", "is computed by IssuerFunc, which is for signers: a verifier must know it"}
	case p.recipient() != "" && len(p.Audience) == 0:
		return &Fault{profiles, "audience", "is empty: a verifier must know which tokens are meant for it"}
	case p.recipient() == "" && len(p.Header.Demanded) == 0:
		return &Fault{profiles, "waive.omit", "without aud nothing says which tokens are meant for a verifier: use waive.recipient or header.demanded"}
	}
	return nil
}

func (p Profile) wantsEncryption(given int) error {
	switch {
	case p.Encryption == nil && given > 0:
		return errors.New("tokenprofile: profile: encryption: is missing, but keys for it are given")
	case p.Encryption != nil && given != 1:
		return fmt.Errorf("tokenprofile: profile: encryption: needs its keys, once: given are %d", given)
	}
	return nil
}

// Preview returns the header and the claims that Sign would write for these
// claims. It needs no key: the kid, what is made of the certificate, and an
// issuer that IssuerFunc computes are left out.
func (p Profile) Preview(claims any) (header, payload []byte, err error) {
	if err := p.Validate(); err != nil {
		return nil, nil, err
	}
	c, err := newComposer(p.settled())
	if err != nil {
		return nil, nil, err
	}
	if header, err = c.header("", keystore.PublicKey{}); err != nil {
		return nil, nil, err
	}
	if c.profile.Header.Func != nil {
		if header, err = c.perToken(context.Background(), header); err != nil {
			return nil, nil, err
		}
	}
	var b buffer
	if _, err = c.claims(context.Background(), &b, nil, claims); err != nil {
		return nil, nil, err
	}
	return header, b.payload, nil
}
