package transport

import (
	"slices"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A DeclaredIssuer is one whose tokens a guard admits.
type DeclaredIssuer struct {
	// Issuer is its iss. Empty: that of the token profile.
	Issuer string `json:"issuer,omitempty"`

	// KeySet is the URL of its key set. Empty: the truststore has its
	// certificates, or where tokens are HMACs the keystore their secret.
	KeySet string `json:"keySet,omitempty"`

	// Alias is the entry of the truststore that is this issuer's. It is required
	// where several issuers use the truststore, or one could speak for another.
	// Empty: all entries.
	Alias string `json:"alias,omitempty"`

	// Identities map its users to those of this service. A user who is not among
	// them is refused with 403. Nil: users have no identity here except their
	// token. For more than the 256 members that a document may have there is
	// Identify.
	Identities map[string]string `json:"identities,omitempty"`
}

// admitted returns the profile of the issuer's tokens.
func (i DeclaredIssuer) admitted(profile tokenprofile.Profile) tokenprofile.Profile {
	if i.Issuer != "" {
		profile.Issuer = i.Issuer
	}
	return profile
}

// checkIssuers looks at the issuers, and at what their tokens must say.
func checkIssuers(f *documentFaults, p *GuardProfile) {
	token, err := p.Token.load(p.Dir, "", p.Now)
	if err != nil {
		f.token("token", &p.Token, err)
		return
	}
	profile := token.Profile
	checkAdmitted(f, p, profile)
	if len(p.Issuers) == 0 {
		f.add("issuers", "is missing: nobody's tokens would be admitted")
	}
	trusted, named := 0, map[string]bool{}
	for i, issuer := range p.Issuers {
		path := indexed("issuers", i)
		name := issuer.admitted(profile).Issuer
		switch {
		case name == "" && !slices.Contains(profile.Waive.Omit, "iss"):
			f.add(path+".issuer", "is missing, and so is token.issuer")
		case named[name]:
			f.add(path+".issuer", "is that of another before it")
		}
		named[name] = true
		if issuer.KeySet == "" {
			trusted++
		}
		issuer.checkKeys(f, path, p, profile.Algorithm.UsesSecret())
		if issuer.Identities == nil && p.Identify == nil && p.identifies() {
			f.add(path+".identities", "is missing, where another issuer has them: nobody would get in")
		}
		if issuer.Identities != nil && p.Identify != nil {
			f.add(path+".identities", "contradicts Identify, which says who users are")
		}
	}
	for i, issuer := range p.Issuers {
		if trusted > 1 && issuer.KeySet == "" && issuer.Alias == "" && !profile.Algorithm.UsesSecret() {
			f.add(indexed("issuers", i)+".alias", "is missing: which of the truststore's entries are this issuer's, and no other's")
		}
	}
}

// checkAdmitted builds a verifier that has no keys, which tells every fault of
// the token profile.
func checkAdmitted(f *documentFaults, p *GuardProfile, profile tokenprofile.Profile) {
	if profile.Issuer == "" && !slices.Contains(profile.Waive.Omit, "iss") {
		profile.Issuer = "of issuers"
	}
	if profile.Algorithm == "" && profile.Encryption != nil {
		f.add("token.algorithm", "is missing: tokens that nobody signed are anybody's")
		return
	}
	profile.CacheSize = min(profile.CacheSize, 1)
	nobody := keystore.New()
	_, err := verifierOf(profile, nobody.Trust(), nobody)
	f.token("token", &p.Token, err)
	if (profile.Algorithm.UsesSecret() || profile.Encryption != nil) && p.Keystore == nil {
		f.add("keystore", "is missing: it has the keys of tokens that are HMACs or encrypted")
	}
	if p.Memory != nil && (!profile.OneUse || p.Replay != nil) {
		f.add("replay", "would never be asked: it is for tokens that are oneUse, where the program has no Replay")
	}
}

// checkKeys checks where the issuer's keys are, or the secret of its HMACs.
func (i DeclaredIssuer) checkKeys(f *documentFaults, path string, p *GuardProfile, secret bool) {
	f.checkURL(path+".keySet", i.KeySet, p.PlainHTTP)
	switch {
	case secret && (i.KeySet != "" || i.Alias != ""):
		f.add(path, "has a keySet or an alias, and the secret of HMACs is in the keystore")
	case secret:
	case i.KeySet == "" && p.Truststore == nil:
		f.add(path+".keySet", "is missing, and so is truststore: nothing has the issuer's keys")
	case i.KeySet != "" && i.Alias != "":
		f.add(path+".alias", "is for the truststore, and keySet has the issuer's keys")
	}
}

// identifies reports whether users have identities here.
func (p *GuardProfile) identifies() bool {
	return p.Identify != nil || slices.ContainsFunc(p.Issuers, func(i DeclaredIssuer) bool { return i.Identities != nil })
}
