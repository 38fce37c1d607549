package tokenprofile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// The bounds of a profile's numbers.
const (
	maxLeeway    = 10 * time.Minute
	maxMaxSize   = 1 << 20
	maxCacheSize = 1 << 20
	maxKeyID     = 256
)

// faultsOf returns the faults of a profile.
func faultsOf(p *Profile) faults {
	var f faults
	f.checkSecurity(p)
	f.checkRegistered(p)
	f.checkTimes(p)
	f.checkHeader(p)
	p.Waive.check(&f, p)
	f.checkClaims(p)
	f.checkLimits(p)
	return f
}

func (f *faults) checkSecurity(p *Profile) {
	switch {
	case p.Algorithm == "" && p.Encryption == nil:
		f.add("algorithm", "is missing")
	case p.Algorithm != "":
		f.checkAlgorithm("algorithm", p.Algorithm, keystore.SignatureAlgorithms())
	}
	if p.Encryption != nil {
		p.Encryption.check(f)
	}
	if p.KeyAlias != "" && p.NewestKey {
		f.add("newestKey", "contradicts keyAlias, which names the key")
	}
	if p.Replay != nil && !p.OneUse {
		f.add("oneUse", "is false, so that Replay would never be asked")
	}
}

// checkAlgorithm lists those there are where the name is of none of them.
func (f *faults) checkAlgorithm(path string, a Algorithm, there []Algorithm) {
	switch err := a.Check(); {
	case slices.Contains(there, a):
	case err != nil && a.Family() != "":
		f.add(path, "%v", err)
	default:
		f.add(path, "%q is not one of %s", a, there)
	}
}

func (f *faults) checkRegistered(p *Profile) {
	f.checkIssuer(p)
	if p.SoleAudience && len(p.Audience) > 1 {
		f.add("soleAudience", "contradicts audience, which has %d", len(p.Audience))
	}
	if len(p.Audience) > maxAudience {
		f.add("audience", "has more than %d elements", maxAudience)
	}
	for i, audience := range p.Audience {
		path := fmt.Sprintf("audience[%d]", i)
		f.checkText(path, audience)
		if slices.Contains(p.Audience[:i], audience) {
			f.add(path, "occurs twice")
		}
	}
	if p.Subject != "" {
		f.checkText("subject", p.Subject)
	}
}

func (f *faults) checkIssuer(p *Profile) {
	switch {
	case p.IssuerFunc == nil && !p.Waive.omits("iss"), p.Issuer != "":
		f.checkText("issuer", p.Issuer)
	case p.IssuerFunc != nil && p.Waive.omits("iss"):
		f.add("waive.omit", "contradicts IssuerFunc, which computes iss")
	}
	if p.IssuerFunc != nil && p.Issuer != "" {
		f.add("issuer", "contradicts IssuerFunc, which computes it")
	}
	if p.IssuerFunc != nil && (p.Algorithm == "" || p.Algorithm.UsesSecret()) {
		f.add("algorithm", "has no public key that IssuerFunc could compute iss from")
	}
}

// checkText is as strict with a text of the profile as the verifier is with one
// it receives.
func (f *faults) checkText(path, text string) {
	switch {
	case text == "":
		f.add(path, "is empty")
	case !utf8.ValidString(text) || hasControl(text):
		f.add(path, "has a control character or is not UTF-8")
	}
}

// hasControl reports whether the text has an ASCII control character: systems
// behind us cut texts at a NUL or a line end.
func hasControl[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] == 0x7f {
			return true
		}
	}
	return false
}

func (f *faults) checkTimes(p *Profile) {
	settled := p.settled()
	f.checkSeconds("lifetime", settled.Lifetime, time.Second, 0)
	f.checkSeconds("backdate", p.Backdate, 0, settled.Lifetime)
	if p.NotBefore != nil {
		f.checkSeconds("notBefore", *p.NotBefore, 0, settled.Lifetime)
	}
	if p.Leeway < 0 || p.Leeway > maxLeeway {
		f.add("leeway", "%s is not between 0 and %s", formatDuration(p.Leeway), formatDuration(maxLeeway))
	}
}

// checkSeconds demands whole seconds, as the claims are written in.
func (f *faults) checkSeconds(path string, d, least, below time.Duration) {
	switch {
	case d < least:
		f.add(path, "%s is less than %s", formatDuration(d), formatDuration(least))
	case below > 0 && d >= below:
		f.add(path, "%s is not less than the lifetime of %s", formatDuration(d), formatDuration(below))
	case d%time.Second != 0:
		f.add(path, "%s is not in whole seconds", formatDuration(d))
	}
}

// headerNames are the registered header parameters (RFC 7515 section 4.1, RFC
// 7516 section 4.1, RFC 7518 sections 4.6 to 4.8, RFC 7797): never Extra.
var headerNames = []string{"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit",
	"enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "b64"}

func (f *faults) checkHeader(p *Profile) {
	sound := len(*f)
	h := p.Header
	for _, text := range []struct{ path, value string }{{"header.typ", h.Type}, {"header.cty", h.ContentType}, {"header.kid", h.KeyID}, {"header.jku", h.JKU}} {
		if text.value != "" {
			f.checkText(text.path, text.value)
		}
	}
	if len(h.KeyID) > maxKeyID {
		f.add("header.kid", "has more than %d bytes", maxKeyID)
	}
	if h.KeyID != "" && h.NoKeyID {
		f.add("header.noKeyID", "contradicts kid")
	}
	if h.hasCertificates() && (p.Algorithm == "" || p.Algorithm.UsesSecret()) {
		f.add("header", "x5t, x5t#S256 and x5c need a key with a certificate")
	}
	if p.Algorithm == "" && (h.KeyID != "" || h.NoKeyID || h.JKU != "" || len(h.Extra) > 0 || h.Func != nil) {
		f.add("header", "of a token that is only encrypted can set typ and cty alone: its kid names the recipient's key")
	}
	for _, name := range slices.Sorted(maps.Keys(h.Extra)) {
		f.checkConstant("header.extra", name, h.Extra[name], headerNames)
	}
	f.checkNamed("header.crit", h.Critical, &h, h.Func != nil)
	f.checkNamed("header.demanded", h.Demanded, &h, false)
	if len(*f) == sound {
		f.checkReadable("header.extra", h.Extra, new(header).read)
	}
}

// checkNamed checks a list of names of extra, or of others where that is
// allowed.
func (f *faults) checkNamed(path string, names []string, h *Header, others bool) {
	for i, name := range names {
		path := fmt.Sprintf("%s[%d]", path, i)
		if _, ok := h.Extra[name]; !ok && !others {
			f.add(path, "%q is not in extra", name)
		}
		if slices.Contains(names[:i], name) {
			f.add(path, "%q occurs twice", name)
		}
	}
}

// claimFields are the registered claims that have a field of their own.
var claimFields = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

func (f *faults) checkClaims(p *Profile) {
	sound := len(*f)
	for _, name := range slices.Sorted(maps.Keys(p.Claims)) {
		f.checkConstant("claims", name, p.Claims[name], claimFields)
	}
	names := slices.Sorted(maps.Keys(p.Claims))
	for i, name := range p.Required {
		path := fmt.Sprintf("required[%d]", i)
		if name == "" {
			f.add(path, "is empty")
		}
		if twin := twinOf([]byte(name), claimTwins); twin != "" {
			f.add(path, "%q differs from %q only in case", name, twin)
		}
		names = append(names, name)
	}
	f.checkCase(names)
	if len(*f) == sound {
		f.checkReadable("claims", p.Claims, new(claims).read)
	}
}

// checkCase refuses names that differ only in case: a token that had one would
// lack the other, or be refused for having both.
func (f *faults) checkCase(names []string) {
	for i, name := range names {
		for _, other := range names[:i] {
			if other != name && strings.EqualFold(other, name) {
				f.add("claims", "%q and %q, of claims or required, differ only in case", other, name)
			}
		}
	}
}

// checkReadable reads constants as they will be received: too deep, too many
// or a twin of a name with meaning, and every token would be refused.
func (f *faults) checkReadable(path string, constants map[string]any, read func(*strictjson.Scanner, []byte) error) {
	if len(constants) == 0 {
		return
	}
	document, err := encode(constants)
	if err == nil {
		err = read(new(strictjson.Scanner), document)
	}
	if err != nil {
		f.add(path, "%s", reasonOf(err))
	}
}

func (f *faults) checkConstant(path, name string, value any, taken []string) {
	path += "." + name
	if i := slices.IndexFunc(taken, func(other string) bool { return strings.EqualFold(name, other) }); i >= 0 {
		f.add(path, "%s cannot be set here", taken[i])
	}
	if !utf8.ValidString(name) {
		f.add(path, "the name is not UTF-8")
	}
	if _, err := encode(value); err != nil {
		f.add(path, "has no JSON form: %v", err)
	}
}

func (f *faults) checkLimits(p *Profile) {
	if p.MaxSize < 0 || p.MaxSize > maxMaxSize {
		f.add("maxSize", "%d is not between 0 and %d", p.MaxSize, maxMaxSize)
	}
	if p.CacheSize > maxCacheSize {
		f.add("cacheSize", "%d is more than %d", p.CacheSize, maxCacheSize)
	}
}

// formatDuration returns the shortest text that [time.ParseDuration] reads:
// "15m" rather than "15m0s".
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
