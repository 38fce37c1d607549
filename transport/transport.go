// Package transport carries tokens over HTTP: a RoundTripper that attaches them,
// the OAuth grants that exchange them, and the guard that demands them.
//
// A client is one line:
//
//	client := &http.Client{Transport: &transport.Bearer{Source: signer}}
//
// And so is a server:
//
//	http.ListenAndServe(":8080", (&transport.Guard{Verifier: verifier}).Handler(mux))
//
// # The client
//
// Every request of that client carries a token of the signer's profile. The
// token is signed once, used until shortly before it expires, and renewed ahead
// while requests go on with the old one. It goes over https to the origin of
// the request, and never to another host by a redirect. A server that answers
// 401 gets the request once more with a new token, if repeating it does no
// harm.
//
// A [TokenSource] yields the tokens. A [tokenprofile.Signer] signs them
// itself; a [Grant] exchanges what it signs for an access token at a token
// endpoint (RFC 7523, RFC 6749 section 4.4, RFC 8693); a [FileToken] reads what
// another process has fetched.
//
// # The server
//
// A [Guard] admits requests with a valid token; behind it,
// [tokenprofile.FromContext] says who is calling. It takes tokens from one
// header only. For an invalid token it answers 401, and if the keys are not
// available 503. [ResourceMetadata] tells clients where its tokens come from. A
// [TokenEndpoint] is the server's half of the grants, for a service that has
// no authorization server to ask. Package transporttest helps to test both
// ends.
//
// # Authentication profiles
//
// A [ClientProfile] declares a whole client in one document: keystore and
// truststore, what its tokens say and how they are used, where they may go. A
// [GuardProfile] declares whose tokens a server admits, and who their users are
// there. Both are read with every fault at once, and neither holds a secret:
//
//	profile, err := transport.LoadClient("consumer-client.json", nil)
//	client, err := profile.Client()
//
// # Tokens that are bound
//
// Whoever has a bearer token can use it. With a [tokenprofile.Prover] the
// client proves that it holds the key a token is bound to (DPoP, RFC 9449);
// with [TLS] it is known by its certificate (RFC 8705). Bearer, Grant, Guard
// and TokenEndpoint support both.
//
// # Testing your code
//
// Package transporttest has a token endpoint and an API that misbehave on
// demand, and a verifier whose tokens a test makes up. With NewUnstartedServer
// it works in a [testing/synctest] bubble, without a network.
//
// # What is never done
//
// No token is written to an error, a log line or the output of a formatting
// verb. No request of the caller is changed. No context is kept. The only
// goroutines this package starts are the one that fetches a token many requests
// wait for, which ends with the fetch, after 30 seconds at the latest if the
// source honours its context, and the one that reads a [FileToken].
package transport
