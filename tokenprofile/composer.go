package tokenprofile

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// A composer writes the header and the claims of a profile's tokens. The
// constant parts are encoded once.
type composer struct {
	profile Profile       // settled
	fixed   []byte        // the constant claims, with the brace that opens the object; nil: none
	want    expectedGiven // what claims that are given must be
}

func newComposer(p Profile) (*composer, error) {
	c := &composer{profile: p}
	var o object
	if p.Issuer != "" {
		o.member("iss", p.Issuer)
	}
	if p.Subject != "" {
		o.member("sub", p.Subject)
	}
	switch {
	case len(p.Audience) == 1 && !p.AudienceArray:
		o.member(p.recipient(), p.Audience[0])
	case len(p.Audience) > 0:
		o.member(p.recipient(), p.Audience)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Claims)) {
		o.member(name, p.Claims[name])
	}
	c.fixed = o.data
	var issuer []byte
	if p.IssuerFunc != nil {
		issuer = []byte(`"iss":""`)
	}
	c.want = newExpectedGiven(&p, append(c.own(nil, issuer, time.Time{}), '}'))
	return c, o.err
}

// claims writes the payload into b. The issuer is the member that the key
// brings, if it does. Claims given are a struct or a map, or nil; ClaimsFunc's
// are added to them.
func (c *composer) claims(ctx context.Context, b *buffer, issuer []byte, given any) (expiry time.Time, err error) {
	p := &c.profile
	issuedAt := p.Now().Add(-p.Backdate).Truncate(time.Second)
	expiry = issuedAt.Add(p.Lifetime)
	if issuedAt.Unix() < 1 || expiry.Unix() > maxDate {
		return time.Time{}, fmt.Errorf("tokenprofile: the clock says %s: is it set?", p.Now().UTC().Format(time.RFC3339))
	}
	if err := c.give(ctx, b, given); err != nil {
		return time.Time{}, err
	}
	b.payload = c.own(b.payload[:0], issuer, issuedAt)
	if len(b.given) > len("{}") {
		b.payload = append(append(b.payload, ','), b.given[1:len(b.given)-1]...)
	}
	b.payload = append(b.payload, '}')
	return expiry, nil
}

// own appends the object of the profile's own claims, without its end.
func (c *composer) own(dst, issuer []byte, issuedAt time.Time) []byte {
	p := &c.profile
	start := len(dst)
	// Every member begins with a comma; the first one's becomes the brace.
	if len(issuer) > 0 {
		dst = append(append(dst, ','), issuer...)
	}
	if len(c.fixed) > 0 {
		dst = append(append(dst, ','), c.fixed[1:]...)
	}
	if !p.Waive.omits("exp") {
		dst = appendDate(dst, `,"exp":`, issuedAt.Add(p.Lifetime))
	}
	if !p.Waive.omits("iat") {
		dst = appendDate(dst, `,"iat":`, issuedAt)
	}
	if p.NotBefore != nil {
		dst = appendDate(dst, `,"nbf":`, issuedAt.Add(*p.NotBefore))
	}
	if p.TokenID || p.OneUse {
		dst = append(dst, `,"jti":"`...)
		dst = appendUUID(dst, p.Now())
		dst = append(dst, '"')
	}
	dst[start] = '{' // exp or iat is there
	return dst
}

// give writes the claims that the profile does not set into b, an object.
func (c *composer) give(ctx context.Context, b *buffer, given any) (err error) {
	b.given = append(b.given[:0], '{')
	if f := c.profile.ClaimsFunc; f != nil {
		claims, err := f(ctx)
		if err != nil {
			return fmt.Errorf("tokenprofile: ClaimsFunc: %w", err)
		}
		if b.given, err = addClaims(b.given, claims); err != nil {
			return fmt.Errorf("tokenprofile: claims of ClaimsFunc: %w", err)
		}
	}
	if b.given, err = addClaims(b.given, given); err != nil {
		return fmt.Errorf("tokenprofile: claims given: %w", err)
	}
	b.given = append(b.given, '}')
	return c.want.judge(b)
}

// addClaims adds to the members of an object that is not closed yet.
func addClaims(object []byte, given any) ([]byte, error) {
	end := len(object)
	if end > len("{") {
		object = append(object, ',')
	}
	start := len(object)
	object, err := appendMembers(object, given)
	if err == nil && len(object) == start {
		object = object[:end]
	}
	return object, err
}

func appendDate(dst []byte, name string, date time.Time) []byte {
	return strconv.AppendInt(append(dst, name...), date.Unix(), 10)
}

// header returns the JOSE header of a token that the key signs. The zero key
// leaves out what only a key can say.
func (c *composer) header(kid string, key keystore.PublicKey) ([]byte, error) {
	var o object
	h := c.profile.Header
	if c.profile.Algorithm != "" {
		o.member("alg", c.profile.Algorithm)
	}
	if !c.profile.Waive.omits("typ") {
		o.member("typ", h.typ())
	}
	if h.ContentType != "" {
		o.member("cty", h.ContentType)
	}
	if kid = cmp.Or(h.KeyID, kid); kid != "" && !h.NoKeyID {
		o.member("kid", kid)
	}
	if h.JKU != "" {
		o.member("jku", h.JKU)
	}
	if err := c.certificates(&o, key); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(h.Extra)) {
		o.member(name, h.Extra[name])
	}
	if len(h.Critical) > 0 {
		o.member("crit", h.Critical)
	}
	document := append(o.data, '}')
	if err := new(header).read(new(strictjson.Scanner), document); err != nil {
		return nil, fmt.Errorf("tokenprofile: header: %s", reasonOf(err)) // a kid that is too long
	}
	return document, o.err
}

// perToken adds the parameters of Header.Func to a header that c made.
func (c *composer) perToken(ctx context.Context, document []byte) ([]byte, error) {
	h := &c.profile.Header
	parameters, err := h.Func(ctx)
	if err != nil {
		return nil, fmt.Errorf("tokenprofile: Header.Func: %w", err)
	}
	var o object
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if slices.ContainsFunc(headerNames, func(other string) bool { return strings.EqualFold(name, other) }) {
			return nil, fmt.Errorf("tokenprofile: Header.Func: %q cannot be set here", name)
		}
		o.member(name, parameters[name])
	}
	if o.err != nil {
		return nil, fmt.Errorf("tokenprofile: Header.Func: %w", o.err)
	}
	for _, name := range h.Critical {
		_, constant := h.Extra[name]
		if _, ok := parameters[name]; !ok && !constant {
			return nil, fmt.Errorf("tokenprofile: Header.Func: %q is critical, and not there", name)
		}
	}
	if len(o.data) > 0 {
		document = append(append(slices.Clone(document[:len(document)-1]), ','), append(o.data[1:], '}')...)
	}
	if err := new(header).read(new(strictjson.Scanner), document); err != nil {
		if twice := new(strictjson.DuplicateError); errors.As(err, &twice) {
			return nil, fmt.Errorf("tokenprofile: Header.Func: %q is in Extra already", twice.Name)
		}
		return nil, fmt.Errorf("tokenprofile: Header.Func: %s", reasonOf(err))
	}
	return document, nil
}

// certificates writes x5t, x5t#S256 and x5c (RFC 7515 sections 4.1.6 to 4.1.8).
func (c *composer) certificates(o *object, key keystore.PublicKey) error {
	h := c.profile.Header
	if key.CryptoKey() == nil || !h.hasCertificates() {
		return nil
	}
	chain := chainOf(key.Certificates())
	if len(chain) == 0 {
		return fmt.Errorf("tokenprofile: key %q has no certificate for x5t, x5t#S256 or x5c", key.KeyID())
	}
	if h.X5T {
		o.member("x5t", key.X5T())
	}
	if h.X5TS256 {
		o.member("x5t#S256", key.X5TS256())
	}
	if h.X5C {
		o.member("x5c", chain)
	}
	return nil
}

// chainOf returns the first certificate with those that certify it, each
// followed by its issuer's, in DER. Certificates that do not belong are left
// out (RFC 7515 section 4.1.6), whatever the order they come in. (encoding/json
// writes bytes in the base64 that x5c is in.)
func chainOf(certificates []*x509.Certificate) [][]byte {
	if len(certificates) == 0 {
		return nil
	}
	last, rest := certificates[0], slices.Clone(certificates[1:])
	chain := [][]byte{last.Raw}
	for {
		i := slices.IndexFunc(rest, func(c *x509.Certificate) bool { return certifies(c, last) })
		if i < 0 {
			return chain
		}
		last = rest[i]
		rest = slices.Delete(rest, i, i+1)
		chain = append(chain, last.Raw)
	}
}

func certifies(issuer, subject *x509.Certificate) bool {
	return bytes.Equal(issuer.RawSubject, subject.RawIssuer) &&
		!bytes.Equal(subject.RawIssuer, subject.RawSubject) &&
		subject.CheckSignatureFrom(issuer) == nil
}

// appendUUID appends a UUIDv7 (RFC 9562 section 5.7): its first 48 bits are
// milliseconds, which keeps the index of a replay store in order, 74 bits are
// random.
func appendUUID(dst []byte, now time.Time) []byte {
	var id [16]byte
	rand.Read(id[6:])
	milliseconds := uint64(now.UnixMilli())
	binary.BigEndian.PutUint16(id[:], uint16(milliseconds>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(milliseconds))
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
