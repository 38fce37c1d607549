package main

import "strings"

// inspect shows what is in a keystore: JKS, JCEKS, PKCS #12, PEM, DER, JWK or
// JWK Set, plain or encrypted, told from its content. Without a password it
// shows what can be read without one. For a store with several private keys it
// says which one would sign, and why.
func inspect(i *invocation) error {
	i.withPasswords()
	i.file.AllowUnverified = true
	paths, err := i.parse("FILE")
	if err != nil {
		return err
	}
	store, err := i.open(paths[0])
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(newListing(store))
	}
	return writeText(i.out, paths[0], store)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
