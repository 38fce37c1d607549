package transport

import (
	"strings"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// A tokenResponse is RFC 6749 section 5.1.
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	IssuedType  string `json:"issued_token_type,omitempty"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in,omitempty"` // seconds; 0: not known
	Scope       string `json:"scope,omitempty"`
}

// newTokenResponse takes a token of the signer.
func newTokenResponse(signer ClaimsSource, token string, expiry time.Time, cnf confirmation, access *Access) *tokenResponse {
	response := &tokenResponse{
		AccessToken: token,
		TokenType:   oauth.SchemeBearer,
		ExpiresIn:   int64(lifetime(signer, expiry) / time.Second),
		Scope:       strings.Join(access.Scope, " "),
	}
	if cnf.key != "" {
		response.TokenType = oauth.SchemeDPoP // RFC 9449 section 5
	}
	return response
}

// lifetime returns how long a token of the signer lives, by the clock that set
// its expiry; 0 if the signer does not know.
func lifetime(signer ClaimsSource, expiry time.Time) time.Duration {
	if expiry.IsZero() {
		return 0
	}
	return max(expiry.Sub(clockOf(signer)()), 0)
}

// clockOf returns the clock of a source of tokens: its own, if it tells it, or
// this machine's.
func clockOf(source any) func() time.Time {
	if clock, ok := source.(interface{ Now() time.Time }); ok {
		return clock.Now
	}
	return time.Now
}
