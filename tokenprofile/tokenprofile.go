// Package tokenprofile declares what a token says and how it is secured, once
// for both ends: what the [Signer] of a [Profile] writes, its [Verifier]
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
// A token is a JSON Web Token (RFC 7519) in compact serialization, and a text
// with one meaning: canonical base64url, strict JSON without duplicate names,
// within limits. Exactly one signature algorithm is accepted, the profile's.
// exp, iss and aud are always demanded. Whatever fails is refused with
// [ErrInvalid] and one of the reasons beside it; an error that is not
// ErrInvalid says that the token could not be judged.
//
// # Encryption
//
// With [Profile.Encryption] a token is signed and then encrypted to its
// recipient. The verifier decrypts it and then verifies what was in it: to be
// decrypted never counts as to be verified. A profile without an Algorithm is
// for tokens that nobody signs; their signer and verifier are had by name,
// [Profile.EncryptedOnlySigner] and [Profile.EncryptedOnlyVerifier].
//
// # Secrets
//
// No error, log value or formatted value of this package contains a key, a
// token or a claim's value, so that it may be logged.
package tokenprofile
