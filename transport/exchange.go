package transport

// Exchange is what a [Grant] trades for an access token (RFC 8693 section 2.1).
type Exchange struct {
	Subject       TokenSource // the token of the party on whose behalf it is asked; required
	SubjectType   string      // empty means [TokenTypeJWT]
	Actor         TokenSource // the token of the acting party, if it is another
	ActorType     string      // empty means [TokenTypeJWT]
	RequestedType string      // empty leaves it to the endpoint
}
