package transport

// The names of the protocol, which client and server both use.

// The grant types of RFC 6749 section 4.4.2, RFC 7523 section 2.1 and RFC 8693
// section 2.1.
const (
	grantClientCredentials = "client_credentials"
	grantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// assertionJWTBearer is the client_assertion_type of RFC 7523 section 2.2.
const assertionJWTBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// The types of tokens of RFC 8693 section 3 that an [Exchange] usually names.
const (
	TokenTypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
	TokenTypeAccess  = "urn:ietf:params:oauth:token-type:access_token"
	TokenTypeIDToken = "urn:ietf:params:oauth:token-type:id_token"
)

// The authentication schemes of RFC 6750 section 2.1 and RFC 9449 section 7.1,
// which are token types as well.
const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// The headers of RFC 9449 sections 4.1 and 8.1, as [net/http] writes them.
const (
	headerProof = "Dpop"
	headerNonce = "Dpop-Nonce"
)

// The parameters of a token request: RFC 6749 sections 2.3.1 and 4.4.2, RFC
// 7523 sections 2.1 and 2.2, RFC 8693 section 2.1, RFC 8707 section 2.
const (
	paramGrantType           = "grant_type"
	paramScope               = "scope"
	paramClientID            = "client_id"
	paramClientSecret        = "client_secret"
	paramClientAssertion     = "client_assertion"
	paramClientAssertionType = "client_assertion_type"
	paramAssertion           = "assertion"
	paramSubjectToken        = "subject_token"
	paramSubjectTokenType    = "subject_token_type"
	paramActorToken          = "actor_token"
	paramActorTokenType      = "actor_token_type"
	paramRequestedTokenType  = "requested_token_type"
	paramResource            = "resource"
	paramAudience            = "audience"
)

// credentialParams are the parameters that say or prove who asks.
var credentialParams = []string{
	paramClientID, paramClientSecret, paramClientAssertion, paramAssertion, paramSubjectToken, paramActorToken,
}

// The error codes of a resource server: RFC 6750 section 3.1 and RFC 9449
// sections 7.1 and 8.
const (
	codeInvalidRequest    = "invalid_request"
	codeInvalidToken      = "invalid_token"
	codeInsufficientScope = "insufficient_scope"
	codeInvalidProof      = "invalid_dpop_proof"
	codeUseNonce          = "use_dpop_nonce"
)

// The error codes of a token endpoint: RFC 6749 section 5.2 and RFC 8707
// section 2, and those of RFC 6749 section 4.1.2.1 and RFC 8628 section 3.5
// for an endpoint that cannot answer at present.
const (
	codeInvalidClient      = "invalid_client"
	codeInvalidGrant       = "invalid_grant"
	codeInvalidScope       = "invalid_scope"
	codeInvalidTarget      = "invalid_target"
	codeUnauthorizedClient = "unauthorized_client"
	codeUnsupportedGrant   = "unsupported_grant_type"
	codeUnavailable        = "temporarily_unavailable"
	codeServerError        = "server_error"
	codeSlowDown           = "slow_down"
)

// errorCodes are all of them. One of these says nothing but what it stands for.
var errorCodes = []string{
	codeInvalidRequest, codeInvalidToken, codeInsufficientScope, codeInvalidProof, codeUseNonce, codeInvalidClient, codeInvalidGrant, codeInvalidScope,
	codeInvalidTarget, codeUnauthorizedClient, codeUnsupportedGrant, codeUnavailable, codeServerError, codeSlowDown,
}
