// Package transport carries tokens: an http.RoundTripper that attaches them,
// the OAuth grants that exchange them, and the guard that demands them.
package transport
