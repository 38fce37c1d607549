// Package keystore holds private, secret and public keys, certificates and
// trust, from any format and any place, reloaded when they change.
//
//	keys, err := keystore.Open("consumer.jks", keystore.EnvPassword("CONSUMER_JKS_PASSWORD"))
//
// The store that [Open] returns is what signers, verifiers, key set handlers
// and TLS configurations take, each through an interface of one method:
// [PrivateSource], [PublicSource], [SecretSource], [Publisher]. A mistake, such
// as publishing a trusted key, does not compile.
//
// # Formats
//
// JKS, JCEKS, PKCS #12 (DER and BER, with any number of keys, certificates and
// secrets), PEM bundles in any order, single certificates and PKCS #8 keys in
// DER, JWK and JWK Set, plain or encrypted under a password. The content tells
// the format, never the name: keytool has written PKCS #12 into files called
// .jks since JDK 9.
//
// [Store.Entries] lists everything, also keys that cannot be used. A key of a
// type that Go does not know, or under another password, carries its own error;
// the other entries are not affected.
//
// # Which key signs
//
// The only key; or the one whose alias is named, in any case; or, where the
// profile allows it, the newest one with a valid certificate. Anything else is
// an error that lists the keys: see [Select].
//
// # Rotation
//
// Replace the file, by rename or in place. The store notices while it is used,
// publishes the new key at once, lets it sign after [File.PublishBefore], and
// keeps the replaced one published for [File.PublishAfter]. A file that does
// not open changes nothing. A goroutine checks the file and ends; a file system
// that hangs delays nobody else. [Store.Reload] is for the day a key has
// leaked: it has no overlap.
//
// A key and its certificate in two files ([File.Certificate]) and content that
// comes from a function ([File.Read]) rotate in the same way.
//
// [Generate] and [WriteFile] make the new file without keytool.
//
// # Own keys and trusted keys
//
// A store is two sources of public keys. Its own methods yield the public
// halves of its private keys; [Store.Trust] yields the keys of trusted
// certificates, which verify and are never published. A public key without its
// private half, in a JWK Set or a PEM file, is a trusted key, too.
//
// # Testing your code
//
// [Generate] makes a key, [New] a store of it, and [WriteFile] a file to open.
// With [File.Read] a test decides what the next look finds. Time is that of the
// process, so that a [testing/synctest] bubble shows a rotation in no time.
//
// # Secrets
//
// Passwords are functions, called at every load. Keys print as their kid,
// whatever the verb, and only a [PublicKey] has a JSON form.
package keystore
