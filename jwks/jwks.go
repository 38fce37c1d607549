// Package jwks publishes and consumes JSON Web Key Sets (RFC 7517) over HTTP.
//
// A [Handler] serves the public keys of a keystore, and a [Client] fetches
// such a set and keeps it fresh:
//
//	http.Handle("GET /jwks.json", &jwks.Handler{Source: keys})
//
//	keys := &jwks.Client{URL: "https://consumer.example/jwks.json"}
//	verifier, err := profile.Verifier(keys)
//
// # Rotation
//
// A new key must be published before it signs, or verifiers refuse the first
// tokens; a replaced key must stay published until its last token has expired.
// Both times belong to [keystore.File], and follow from two others:
//
//	PublishBefore >= Handler.MaxAge + the time verifiers need to fetch
//	PublishAfter  >= the profile's Lifetime + Leeway
//
// A [Client] fetches the set anew when it is 0.8 × max-age old, so with the
// default [Handler.MaxAge] of 5 minutes every verifier knows a new key 5
// minutes after it is published. It also fetches once more when a token names
// a kid it does not know, so a rotation without overlap costs one fetch, and
// at worst one [Client.MinInterval] of refused tokens.
package jwks
