// Package oauth holds the names of the protocol, which the client and the
// server of package transport both read.
package oauth

// The grant types of RFC 6749 section 4.4.2, RFC 7523 section 2.1 and RFC 8693
// section 2.1.
const (
	GrantClientCredentials = "client_credentials"
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// The ways in which clients authenticate, as metadata names them: RFC 7591
// section 2, OpenID Connect Core section 9 and RFC 8705 section 2.
const (
	AuthNone          = "none"
	AuthSecretBasic   = "client_secret_basic"
	AuthSecretPost    = "client_secret_post"
	AuthSecretJWT     = "client_secret_jwt"
	AuthPrivateKeyJWT = "private_key_jwt"
	AuthTLS           = "tls_client_auth"
	AuthSelfSignedTLS = "self_signed_tls_client_auth"
)

// AssertionJWTBearer is the client_assertion_type of RFC 7523 section 2.2.
const AssertionJWTBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// The authentication schemes of RFC 6750 section 2.1 and RFC 9449 section 7.1,
// which are token types as well.
const (
	SchemeBearer = "Bearer"
	SchemeDPoP   = "DPoP"
)

// The headers of RFC 9449 sections 4.1 and 8.1, as [net/http] writes them.
const (
	HeaderProof = "Dpop"
	HeaderNonce = "Dpop-Nonce"
)

// The parameters of a token request: RFC 6749 sections 2.3.1 and 4.4.2, RFC
// 7523 sections 2.1 and 2.2, RFC 8693 section 2.1, RFC 8707 section 2.
const (
	ParamGrantType           = "grant_type"
	ParamScope               = "scope"
	ParamClientID            = "client_id"
	ParamClientSecret        = "client_secret"
	ParamClientAssertion     = "client_assertion"
	ParamClientAssertionType = "client_assertion_type"
	ParamAssertion           = "assertion"
	ParamSubjectToken        = "subject_token"
	ParamSubjectTokenType    = "subject_token_type"
	ParamActorToken          = "actor_token"
	ParamActorTokenType      = "actor_token_type"
	ParamRequestedTokenType  = "requested_token_type"
	ParamResource            = "resource"
	ParamAudience            = "audience"
)

// CredentialParams are the parameters that say or prove who asks.
var CredentialParams = []string{
	ParamClientID, ParamClientSecret, ParamClientAssertion, ParamAssertion, ParamSubjectToken, ParamActorToken,
}

// The error codes of a resource server: RFC 6750 section 3.1 and RFC 9449
// sections 7.1 and 8.
const (
	CodeInvalidRequest    = "invalid_request"
	CodeInvalidToken      = "invalid_token"
	CodeInsufficientScope = "insufficient_scope"
	CodeInvalidProof      = "invalid_dpop_proof"
	CodeUseNonce          = "use_dpop_nonce"
)

// The error codes of a token endpoint: RFC 6749 section 5.2 and RFC 8707
// section 2, and those of RFC 6749 section 4.1.2.1 and RFC 8628 section 3.5
// for an endpoint that cannot answer at present.
const (
	CodeInvalidClient      = "invalid_client"
	CodeInvalidGrant       = "invalid_grant"
	CodeInvalidScope       = "invalid_scope"
	CodeInvalidTarget      = "invalid_target"
	CodeUnauthorizedClient = "unauthorized_client"
	CodeUnsupportedGrant   = "unsupported_grant_type"
	CodeUnavailable        = "temporarily_unavailable"
	CodeServerError        = "server_error"
	CodeSlowDown           = "slow_down"
)

// ErrorCodes are all of them. One of these says nothing but what it stands for.
var ErrorCodes = []string{
	CodeInvalidRequest, CodeInvalidToken, CodeInsufficientScope, CodeInvalidProof, CodeUseNonce, CodeInvalidClient, CodeInvalidGrant, CodeInvalidScope,
	CodeInvalidTarget, CodeUnauthorizedClient, CodeUnsupportedGrant, CodeUnavailable, CodeServerError, CodeSlowDown,
}
