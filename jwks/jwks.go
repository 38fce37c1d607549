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
//	PublishBefore >= the time verifiers keep a set: Handler.MaxAge
//	PublishAfter  >= the life of a token: the profile's Lifetime + Leeway
//
// The defaults leave room: sets are kept for 5 minutes and new keys published
// for an hour before they sign; tokens live 15 minutes, and replaced keys stay
// published for a day.
//
// A [Client] also fetches once more when a token names a kid it does not know.
// So even a rotation without overlap, because a key has leaked, costs verifiers
// one fetch, and at worst [Client.MinInterval] of refused tokens. A shared cache
// on the way can add to that: see [Client].
//
// # Finding keys by the issuer's name
//
// A [MetadataHandler] beside the key set says where it is and which algorithms
// its keys have (OpenID Connect Discovery, RFC 8414). [Discover] asks such
// metadata for the key set of an issuer.
//
// # Key sets as they are
//
// A key that cannot be used does not spoil the set: it is skipped, and [Set],
// [Fetch] and [Status] say how many were skipped, and why. A key that is
// written in an unusual way is read if there is no doubt which key it is. A set
// with private or secret keys is refused.
//
// # Testing your code
//
// Package jwkstest runs an issuer: it publishes a key set, makes tokens, rotates
// its key, and misbehaves on demand, with a network or without.
package jwks
