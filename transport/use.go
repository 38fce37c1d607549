package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Use is a kind of use in a [ClientProfile]: it says what the token is used
// for.
//
// Source returns the source of what requests carry. The client is being built:
// its stores are open, [Client.Token] is what the profile declares as its token,
// [Client.Base] sends requests, and the Bearer is not there yet.
//
// If a Use has a method Check(*ClientProfile) error, [ClientProfile.Validate]
// calls it to check the members that are for this use.
type Use interface {
	Source(c *Client) (TokenSource, error)
}

// Uses are kinds of use, by their names in documents.
type Uses map[string]Use

// ourUses are the uses of this package.
func ourUses() Uses {
	return Uses{"bearer": bearerUse{}, "jwtBearer": assertionUse{}, "clientCredentials": credentialsUse{}, "tokenExchange": exchangeUse{}}
}

// named returns the use of that name; an empty name is "bearer".
func (u Uses) named(name string) (Use, error) {
	name = cmp.Or(name, "bearer")
	ours := ourUses()
	switch {
	case u[name] != nil:
		return u[name], nil
	case ours[name] != nil:
		return ours[name], nil
	}
	there := append(slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(u))...)
	return nil, fmt.Errorf("%q is not one of %s", name, strings.Join(there, ", "))
}

// bearerUse sends the token itself.
type bearerUse struct{}

func (bearerUse) Check(p *ClientProfile) error {
	var f documentFaults
	checkHasToken(p, &f)
	if p.Grant != nil {
		f.add("grant", `is for a use that asks a token endpoint, and "bearer" asks none`)
	}
	if p.DPoP != nil && p.Token == nil {
		f.add("dpop", "cannot bind a token that somebody else has made")
	}
	if p.DPoP != nil && p.Token != nil && p.Token.Profile.ClaimsFunc != nil {
		f.add("dpop", "contradicts ClaimsFunc of the token, in whose place it says what the token is bound to")
	}
	return errors.Join(f...)
}

// Source signs the token, with the DPoP key in it if there is one (RFC 9449
// section 6.1).
func (bearerUse) Source(c *Client) (TokenSource, error) {
	if c.Prover == nil {
		return c.Token, nil
	}
	profile := c.profile.Token.Profile
	cnf := map[string]any{"cnf": map[string]string{"jkt": c.Prover.Thumbprint()}}
	profile.ClaimsFunc = func(context.Context) (any, error) { return cnf, nil }
	return c.signer(profile)
}

// assertionUse is the JWT bearer grant.
type assertionUse struct{}

func (assertionUse) Check(p *ClientProfile) error {
	var f documentFaults
	checkHasToken(p, &f)
	p.Grant.check(&f, p)
	checkNoExchange(p.Grant, &f)
	return errors.Join(f...)
}

func (assertionUse) Source(c *Client) (TokenSource, error) {
	grant, err := c.grant()
	if err != nil {
		return nil, err
	}
	grant.Assertion = c.Token
	return grant, nil
}

// credentialsUse is the client credentials grant.
type credentialsUse struct{}

func (credentialsUse) Check(p *ClientProfile) error {
	var f documentFaults
	p.Grant.check(&f, p)
	checkNoExchange(p.Grant, &f)
	if p.Grant == nil {
		return errors.Join(f...)
	}
	declared := p.Token != nil || p.TokenFile != ""
	if declared && p.Grant.ClientSecret != nil {
		f.add("grant.clientSecret", "contradicts the token, by which the client authenticates")
	}
	if p.Grant.ClientAssertion != nil {
		f.add("grant.clientAssertion", `is "token" itself with this use`)
	}
	if !declared && p.Grant.ClientID == "" {
		f.add("grant.clientID", "is missing, and so is token: nothing says who asks")
	}
	return errors.Join(f...)
}

func (credentialsUse) Source(c *Client) (TokenSource, error) {
	grant, err := c.grant()
	if err != nil {
		return nil, err
	}
	grant.ClientAssertion = c.Token
	return grant, nil
}

// exchangeUse is the token exchange.
type exchangeUse struct{}

func (exchangeUse) Check(p *ClientProfile) error {
	var f documentFaults
	checkHasToken(p, &f)
	p.Grant.check(&f, p)
	return errors.Join(f...)
}

func (exchangeUse) Source(c *Client) (TokenSource, error) {
	grant, err := c.grant()
	if err != nil {
		return nil, err
	}
	declared := c.profile.Grant
	grant.Exchange = &Exchange{Subject: c.Token, SubjectType: declared.SubjectType, RequestedType: declared.RequestedType}
	if declared.Actor != nil {
		grant.Exchange.Actor, err = c.sign(declared.Actor)
		grant.Exchange.ActorType = declared.ActorType
	}
	return grant, err
}

// checkHasToken is for uses that need a token.
func checkHasToken(p *ClientProfile, f *documentFaults) {
	if p.Token == nil && p.TokenFile == "" {
		f.add("token", "is missing, and so is tokenFile")
	}
}

// checkNoExchange refuses what is for a token exchange only.
func checkNoExchange(g *DeclaredGrant, f *documentFaults) {
	if g == nil {
		return
	}
	for _, member := range []struct {
		name string
		set  bool
	}{
		{"subjectType", g.SubjectType != ""}, {"requestedType", g.RequestedType != ""},
		{"actor", g.Actor != nil}, {"actorType", g.ActorType != ""},
	} {
		if member.set {
			f.add("grant."+member.name, `is for the use "tokenExchange"`)
		}
	}
}
