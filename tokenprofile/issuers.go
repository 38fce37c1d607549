package tokenprofile

import (
	"context"
	"errors"
	"fmt"
)

// Issuers admits the tokens of several issuers, each by its own verifier. It
// is safe for concurrent use.
type Issuers struct {
	verifiers map[string]*Verifier
	maxSize   int
}

// ByIssuer puts several verifiers behind one. The iss claim chooses, before
// any key is looked up, so that a token of a stranger costs no fetch; the
// verifier chosen then judges it in every point. Two verifiers of one issuer
// are refused, and one whose profile encrypts, because there iss cannot be
// seen.
func ByIssuer(verifiers ...*Verifier) (*Issuers, error) {
	i := &Issuers{verifiers: map[string]*Verifier{}}
	var faults []error
	for n, v := range verifiers {
		switch {
		case v == nil || v.claims.now == nil:
			faults = append(faults, fmt.Errorf("tokenprofile: verifier %d is nil, or was not made by Profile.Verifier", n))
			continue
		case v.profile.Encryption != nil:
			faults = append(faults, fmt.Errorf("tokenprofile: issuer %q: its tokens are encrypted, so that iss cannot be seen", v.profile.Issuer))
		case i.verifiers[v.profile.Issuer] != nil:
			faults = append(faults, fmt.Errorf("tokenprofile: issuer %q has two verifiers", v.profile.Issuer))
		}
		i.verifiers[v.profile.Issuer] = v
		i.maxSize = max(i.maxSize, v.profile.MaxSize)
	}
	if len(verifiers) == 0 {
		faults = append(faults, errors.New("tokenprofile: no verifier"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return i, nil
}

// Verify is [Verifier.Verify] of the verifier whose profile has the token's
// issuer. A token of any other issuer is [ErrIssuer].
func (i *Issuers) Verify(ctx context.Context, token string) (*Token, error) {
	if i == nil || i.verifiers == nil {
		return nil, errors.New("tokenprofile: the verifier was not made by ByIssuer")
	}
	r, err := receive(token, i.maxSize)
	if err != nil {
		return nil, err
	}
	defer r.release()
	if err := r.read(); err != nil {
		return nil, err
	}
	v := i.verifiers[string(r.claims.issuer)]
	switch {
	case v == nil:
		return nil, refuse(ErrIssuer, "none of the verifiers'")
	case len(token) > v.profile.MaxSize:
		return nil, tooLong(v.profile.MaxSize)
	}
	return v.verify(ctx, r)
}
