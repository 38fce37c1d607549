// Package tokenprofile declares once, for both ends, what a token says and how
// it is secured. What the [Signer] of a [Profile] writes, its [Verifier]
// demands.
//
//	profile := tokenprofile.Profile{
//		Algorithm: tokenprofile.RS256,
//		Issuer:    "https://consumer.example",
//		Audience:  []string{"https://producer.example"},
//		Subject:   "billing",
//	}
//	signer, err := profile.Signer(keys)      // keys: *keystore.Store
//	token, err := signer.Sign(ctx, nil)
//
// and on the other side
//
//	verifier, err := profile.Verifier(trust) // trust: *jwks.Client
//	verified, err := verifier.Verify(ctx, token)
//
// # What a token must be
//
// A token is a JSON Web Token (RFC 7519) in compact serialization, written in
// exactly one way: canonical base64url, strict JSON without duplicate names,
// within limits. Exactly one signature algorithm is accepted, the profile's.
// exp, iss and aud are demanded. No header parameter is followed, and none is a
// source of keys. A token that fails a check is refused with [ErrInvalid] and
// one of the reasons beside it. An error that is not ErrInvalid means that the
// token could not be judged. [Peek] shows what a refused token says.
//
// # Receivers and senders
//
// Where a system that you cannot change wants less, the profile waives a check
// by name, in [Profile.Waive]. What some receivers prescribe and some senders
// send, and the fields for it:
//
//	written for
//	  GitHub App            Waive.Omit aud, Backdate 1m, Lifetime 10m, Header.NoKeyID
//	  Apple APNs            Waive.Omit aud, exp, typ; Header.KeyID
//	  App Store Connect     Header.KeyID, Lifetime 20m, Claims bid, scope
//	  Sign in with Apple    Header.KeyID, Subject, Waive.Omit typ
//	  Google, self-signed   Audience the API's URL; or Waive.Omit aud and Claims scope
//	  Google, Salesforce,   the grant's profile: Subject, Audience, Claims scope
//	  DocuSign, Box
//	  Snowflake             IssuerFunc, Waive.Omit aud
//	  Epic, SMART           Header.JKU, TokenID
//	  Entra ID              Header.X5T or X5TS256, X5C, TokenID, NotBefore
//	  Open Banking          Header.Critical with Header.Func
//	  Coinbase              Header.Func for nonce, NotBefore, Waive.Omit aud, iat
//	  Twilio                Header.ContentType, ClaimsFunc for jti, Waive.Omit aud, iat
//	  Zoom Meeting SDK      Waive.Omit iss, aud; ClaimsFunc for tokenExp
//
//	received from
//	  Pega Platform         Waive.AnyKeyID, Header.ContentType
//	  a partner's certificate, ADFS   nothing: its kid decides nothing, x5t chooses
//	  SAP XSUAA, Cloud Foundry        nothing: jku is ignored
//	  AWS Cognito           Waive.Recipient client_id, Claims token_use
//	  Keycloak              Waive.Recipient azp, or an audience mapper
//	  AWS load balancer     Waive.Padding, Waive.Omit aud, Header.Extra and Demanded client, signer
//	  Entra ID, Auth0, of many tenants   [ByTenant]
//	  Entra, Google, Auth0, Okta, Kubernetes, GitLab   Lifetime 1h to 24h
//
// # Encryption
//
// With [Profile.Encryption] a token is signed and then encrypted to its
// recipient. The verifier decrypts it and then verifies the token inside:
// decrypted never counts as verified. A profile without an Algorithm is for
// tokens that nobody signs; only [Profile.EncryptedOnlySigner] and
// [Profile.EncryptedOnlyVerifier] make and accept them.
//
// # Testing your code
//
// [Profile.Preview] shows header and claims without a key. Package jwkstest has
// an issuer with a key set and tokens, good and bad ones; package transporttest
// has verified tokens for handlers. [keystore.New] makes a store of a key that a
// test has generated. [Profile.Now] is the clock.
//
// # Secrets
//
// No error contains a key, a token or what a received claim says; it may
// contain what the profile wants. A [Token], a key and a [Proof] print without
// their content, whatever the verb. A [Profile] prints as it is: it holds no
// secret.
package tokenprofile
