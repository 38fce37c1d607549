package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// patience is how long a key set is waited for.
const patience = 15 * time.Second

// sign prints a token of a profile.
func sign(i *invocation) error {
	i.withPasswords()
	store := i.flags.String("keystore", "", "")
	given := i.flags.String("claims", "", "")
	args, err := i.parse("PROFILE")
	switch {
	case err != nil:
		return err
	case *store == "":
		return fmt.Errorf("%w: -keystore is missing: which key signs?", errUsage)
	}
	profile, err := i.profile(args[0])
	if err != nil {
		return err
	}
	claims, err := claims(*given)
	if err != nil {
		return err
	}
	keys, err := i.open(*store)
	if err != nil {
		return err
	}
	signer, err := signerOf(profile, keys)
	if err != nil {
		return err
	}
	token, err := signer.Sign(context.Background(), claims)
	if err != nil {
		return err
	}
	fmt.Fprintln(i.out, token)
	return nil
}

func signerOf(profile tokenprofile.Profile, keys *keystore.Store) (*tokenprofile.Signer, error) {
	if profile.Algorithm.UsesSecret() {
		return profile.SecretSigner(keys)
	}
	return profile.Signer(keys)
}

// verify says whether a token is right. A refusal is an error with its reason.
func verify(i *invocation) error {
	i.withPasswords()
	url := i.flags.String("url", "", "")
	store := i.flags.String("keys", "", "")
	args, err := i.parse("PROFILE", "TOKEN")
	switch {
	case err != nil:
		return err
	case (*url == "") == (*store == ""):
		return fmt.Errorf("%w: either -url or -keys: whose tokens are right?", errUsage)
	case args[0] == "-" && args[1] == "-":
		return fmt.Errorf("%w: the profile and the token cannot both come from standard input", errUsage)
	}
	profile, err := i.profile(args[0])
	if err != nil {
		return err
	}
	token, err := i.text(args[1])
	if err != nil {
		return err
	}
	verifier, err := i.verifier(profile, *url, *store)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	verified, err := verifier.Verify(ctx, token)
	if err != nil {
		return err
	}
	return i.show(shown{Verified: true, Header: verified.Header, Claims: verified.Claims})
}

// verifier trusts the key set at the URL, or what the file holds: public keys
// and certificates of others, secrets, or the public halves of its own keys.
func (i *invocation) verifier(profile tokenprofile.Profile, url, path string) (*tokenprofile.Verifier, error) {
	if url != "" {
		return profile.Verifier(&jwks.Client{URL: url})
	}
	store, err := i.open(path)
	if err != nil {
		return nil, err
	}
	if profile.Algorithm.UsesSecret() {
		return profile.SecretVerifier(store)
	}
	trusted, err := store.Trust().PublicKeys(context.Background(), "")
	if err == nil && len(trusted) > 0 {
		return profile.Verifier(store.Trust())
	}
	return profile.Verifier(store)
}

// decode shows what a token says. Nobody has verified it, and the output says so.
func decode(i *invocation) error {
	args, err := i.parse("TOKEN")
	if err != nil {
		return err
	}
	token, err := i.text(args[0])
	if err != nil {
		return err
	}
	header, claims, err := tokenprofile.Peek(token)
	if err != nil {
		return err
	}
	if !i.json {
		fmt.Fprintln(i.out, "nobody has verified this token: anybody can write such a text")
	}
	return i.show(shown{Header: header, Claims: claims})
}

// shown is what verify, decode and preview print.
type shown struct {
	Verified bool            `json:"verified"`
	Header   json.RawMessage `json:"header"`
	Claims   json.RawMessage `json:"claims"`
}

func (i *invocation) show(s shown) error {
	if i.json {
		return i.printJSON(s)
	}
	for _, part := range []struct {
		title string
		text  json.RawMessage
	}{{"header", s.Header}, {"claims", s.Claims}} {
		indented, err := json.MarshalIndent(part.text, "", "  ")
		if err != nil {
			return errors.New("the " + part.title + " is not JSON")
		}
		fmt.Fprintf(i.out, "%s %s\n", part.title, printable(string(indented), '\n'))
	}
	return nil
}
