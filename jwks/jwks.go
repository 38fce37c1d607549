// Package jwks publishes and consumes JSON Web Key Sets (RFC 7517) over HTTP.
package jwks
