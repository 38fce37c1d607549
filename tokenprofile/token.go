package tokenprofile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// A Token is a verified token, as a [Verifier] returns it. Tests may make one:
// package transporttest has a verifier for them.
//
// No verb of package fmt, no logger and no encoding prints more of it than its
// key's kid. The exception is a Token in an unexported field of another struct:
// fmt calls no methods there, and prints the fields below, behind a pointer too
// where the verb does not fit.
type Token struct {
	Issuer, Subject, ID, KeyID  string
	Audience                    []string
	IssuedAt, NotBefore, Expiry time.Time       // zero: the token does not say; Expiry is never zero
	Header, Claims              json.RawMessage // as received
}

// newToken copies out of the buffers of the gate. Its claims are as demanded.
func newToken(r *received, want *expectedClaims, kid string) *Token {
	c := &r.claims
	token := Token{
		Issuer: known(c.issuer, want.issuer), Subject: known(c.subject, want.subject), ID: string(c.id), KeyID: kid,
		IssuedAt: c.issuedAt, NotBefore: c.notBefore, Expiry: c.expiry,
		Header: r.rawHeader, Claims: r.payload,
	}
	copied := token.clone()
	for _, audience := range c.audience {
		copied.Audience = append(copied.Audience, known(audience, want.audience...))
	}
	return copied
}

// known returns the text, without copying it if it is one of those.
func known(text []byte, among ...string) string {
	for _, other := range among {
		if string(text) == other {
			return other
		}
	}
	return string(text)
}

// clone returns a copy that shares nothing that can be changed. A service
// clones a token for every request, so the copy takes two allocations, unless
// there are several audiences.
func (t *Token) clone() *Token {
	copied := &struct {
		Token
		audience [1]string
	}{Token: *t}
	copied.Audience = append(copied.audience[:0], t.Audience...)
	documents := make([]byte, 0, len(t.Header)+len(t.Claims))
	documents = append(append(documents, t.Header...), t.Claims...)
	middle := len(t.Header)
	copied.Header, copied.Claims = documents[:middle:middle], documents[middle:]
	return &copied.Token
}

type contextKey struct{}

// NewContext returns a context that carries the token.
func NewContext(ctx context.Context, token *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, token)
}

// FromContext returns the verified token of the request, if there is one.
func FromContext(ctx context.Context) (*Token, bool) {
	token, ok := ctx.Value(contextKey{}).(*Token)
	return token, ok && token != nil
}

// Format prints the kid whatever the verb: claims do not belong in logs.
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, t.text()) }

// LogValue returns what Format prints.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.text()) }

// MarshalText returns what Format prints, for JSON and XML, because many
// loggers use encoding/json. The claims are in Claims.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.text()), nil }

// GobEncode always fails: a token that comes back from a store is not verified.
func (t Token) GobEncode() ([]byte, error) {
	return nil, errors.New("tokenprofile: a token has no gob form")
}

func (t Token) text() string { return "token of key " + t.KeyID }
