// Package keystore holds private, secret and public keys, certificates and
// trust, from any format and any place, reloaded when they change.
package keystore
