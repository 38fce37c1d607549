// Package transport carries tokens over HTTP: an [http.RoundTripper] that
// attaches them, the OAuth grants that exchange them, and the guard that
// demands them.
//
// A client is one line:
//
//	client := &http.Client{Transport: &transport.Bearer{Source: signer}}
//
// Every request of that client carries a token of the signer's profile. The
// token is signed once, used until shortly before it expires, and renewed
// ahead while requests go on with the old one. It goes to the origin the
// request names, over https, and to no other host a redirect might name.
//
// # Where tokens come from
//
// A [TokenSource] yields them. A [tokenprofile.Signer] signs them itself; a
// [Grant] exchanges what it signs for an access token at a token endpoint.
//
// # Who is admitted
//
// A server is one line too:
//
//	guard := &transport.Guard{Verifier: verifier}
//	http.ListenAndServe(":8080", guard.Handler(mux))
//
// Behind the guard, [tokenprofile.FromContext] says who is calling. The guard
// takes tokens from the Authorization header only, holds a token that is bound
// to a key or a certificate to it (DPoP, RFC 9449; mutual TLS, RFC 8705), and
// tells a token's fault (401) from keys that cannot be had (503). A service
// that exchanges assertions itself has a [TokenEndpoint].
//
// # What is never done
//
// No token is written to an error, a log line or the output of a formatting
// verb. No request of the caller is changed. No context is kept. The only
// goroutine this package starts is the one that fetches a token many requests
// wait for: it ends with the fetch, after 30 seconds at the latest if the
// source honours its context.
package transport
