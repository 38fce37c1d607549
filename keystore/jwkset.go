package keystore

import (
	"bytes"
	"cmp"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

// maxKeys is the most keys of one JWK Set.
const maxKeys = 1000

// readJSON reads a JWK or a JWK Set. Private and secret keys in it are the
// store's own, and public keys are trusted ones: whoever holds only the public
// half cannot sign with it.
//
// With passwords it may be an encrypted one.
func readJSON(data []byte, passwords *passwords) (found, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	o, err := jsonObject(text, maxFile)
	if err != nil {
		return found{}, fmt.Errorf("JSON: %w", damaged(err))
	}
	switch {
	case o.has("keys"):
		entries, err := jwkSet(o)
		return found{format: "JWK Set", verified: true, entries: entries}, err
	case o.has("kty"):
		entry := jwkEntry(text)
		return found{format: "JWK", verified: true, entries: nameless([]Entry{entry})}, entry.Err
	case o.has("ciphertext") && passwords != nil:
		jwe, err := parseJSONJWE(o)
		return readEncryptedJSON(jwe, err, passwords)
	}
	return found{}, fmt.Errorf("%w: a JSON object that is neither a JWK nor a JWK Set", ErrUnknownFormat)
}

// jwkSet reads the keys of a JWK Set (RFC 7517 section 5). A foreign key that
// cannot be used is passed over; a damaged key of our own is an error.
func jwkSet(o object) ([]Entry, error) {
	dec := json.NewDecoder(bytes.NewReader(o.members["keys"]))
	if token, err := dec.Token(); err != nil || token != json.Delim('[') {
		return nil, fmt.Errorf("%w: JWK Set: member %q is not an array", ErrDamaged, "keys")
	}
	var entries []Entry
	for i := 0; dec.More(); i++ {
		if i == maxKeys {
			return nil, fmt.Errorf("%w: more than %d keys", ErrLimit, maxKeys)
		}
		var key json.RawMessage
		if err := dec.Decode(&key); err != nil {
			return nil, fmt.Errorf("%w: keys[%d]: not well-formed JSON", ErrDamaged, i)
		}
		entry := jwkEntry(key)
		if entry.Err != nil {
			entry.Err = fmt.Errorf("keys[%d]: %w", i, entry.Err)
		}
		if entry.Err != nil && entry.Kind != KindPublicKey && !errors.Is(entry.Err, ErrUnsupported) {
			return nil, entry.Err
		}
		entries = append(entries, entry)
	}
	return nameless(entries), nil
}

// jwkEntry reads a JWK of any kind.
func jwkEntry(data []byte) Entry {
	o, err := lenientObject(data, maxJWK)
	if err != nil {
		return Entry{Kind: KindPublicKey, Err: fmt.Errorf("JWK: %w", damaged(err))}
	}
	kid, err := o.text("kid")
	entry := Entry{Alias: kid, KeyID: kid}
	kty, _ := o.text("kty")
	switch {
	case kty == "oct":
		entry.Kind = KindSecretKey
		entry.SecretKey, entry.Err = secretJWK(o)
		entry.SecretKey.alias = kid
	case o.has("d"), o.has("priv"):
		entry.Kind = KindPrivateKey
		entry.PrivateKey, entry.Err = privateJWK(o)
		entry.PrivateKey.public.alias = kid
		entry.PublicKey = entry.PrivateKey.public
	default:
		entry.Kind = KindPublicKey
		entry.PublicKey, entry.Err = onlyPublicJWK(o)
		entry.PublicKey.alias, entry.PublicKey.aside = kid, true
	}
	if entry.Err == nil {
		entry.Err = err
	}
	if entry.Err != nil {
		entry.Algorithm = calledBy(o)
		entry.Err = fmt.Errorf("JWK%s: %w", o.named(), damaged(entry.Err))
	}
	return entry
}

// calledBy returns what an unusable key says of its type.
func calledBy(o object) string {
	var names [3]string
	for i, name := range []string{"alg", "crv", "kty"} {
		names[i], _ = o.text(name)
	}
	return clip(cmp.Or(names[:]...))
}

// nameless gives keys without a kid the alias that Java gives nameless
// entries: their number.
func nameless(entries []Entry) []Entry {
	for i := range entries {
		if entries[i].Alias == "" {
			entries[i].setAlias(strconv.Itoa(i + 1))
		}
	}
	return entries
}

// damaged marks an error that has no reason yet as a fault of the content.
func damaged(err error) error {
	if slices.ContainsFunc([]error{ErrUnsupported, ErrLimit, ErrDamaged, ErrNotPublic}, func(reason error) bool { return errors.Is(err, reason) }) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

func privateJWK(o object) (PrivateKey, error) {
	public, err := publicJWK(o)
	if err != nil {
		return PrivateKey{}, err
	}
	var key signer
	switch k := public.key.(type) {
	case *rsa.PublicKey:
		key, err = rsaPrivate(o, k)
	case *ecdsa.PublicKey:
		key, err = ecPrivate(o, k)
	case ed25519.PublicKey:
		var seed []byte
		if seed, err = o.octets("d", ed25519.SeedSize); err == nil {
			key = ed25519.NewKeyFromSeed(seed)
		}
	case *ecdh.PublicKey:
		var d []byte
		if d, err = o.octets("d", 32); err == nil {
			key, err = k.Curve().NewPrivateKey(d)
		}
	default:
		var seed []byte
		if seed, err = o.octets("priv", -1); err == nil {
			key, err = mldsaKeys.newPrivate(k, seed)
		}
	}
	if err != nil {
		return PrivateKey{}, err
	}
	if !samePublicKey(key.Public(), public.key) {
		return PrivateKey{}, fmt.Errorf("%w: the private part does not belong to the public part", ErrDamaged)
	}
	private := PrivateKey{material: enclose(key), public: public, ops: public.ops}
	private.public.ops = publicOperations(public.ops)
	return private, nil
}

func rsaPrivate(o object, public *rsa.PublicKey) (*rsa.PrivateKey, error) {
	if o.has("oth") {
		return nil, fmt.Errorf("%w: an RSA key of more than two primes", ErrUnsupported)
	}
	d, err := o.integer("d")
	if err != nil {
		return nil, err
	}
	primes, err := rsaPrimes(o, public, d)
	if err != nil {
		return nil, err
	}
	key := &rsa.PrivateKey{PublicKey: *public, D: d, Primes: primes}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("%w: the RSA parameters do not belong together", ErrDamaged)
	}
	return key, nil
}

// rsaPrimes reads the two primes, or computes them where there is only the
// private exponent (RFC 7518 section 6.3.2 leaves that open).
func rsaPrimes(o object, public *rsa.PublicKey, d *big.Int) ([]*big.Int, error) {
	if !o.has("p") || !o.has("q") {
		return primeFactors(public.N, big.NewInt(int64(public.E)), d)
	}
	p, err := o.integer("p")
	if err != nil {
		return nil, err
	}
	q, err := o.integer("q")
	return []*big.Int{p, q}, err
}

// primeFactors follows NIST SP 800-56B revision 2, appendix C.2: d e - 1 is a
// multiple of p - 1 and of q - 1, which tells p + q, and n is p q.
func primeFactors(n, e, d *big.Int) ([]*big.Int, error) {
	one := big.NewInt(1)
	multiple := new(big.Int).Mul(d, e)
	multiple.Sub(multiple, one)
	common := new(big.Int).GCD(nil, nil, new(big.Int).Sub(n, one), multiple)
	m, r := new(big.Int).DivMod(multiple.Mul(multiple, common), n, new(big.Int))
	sum := new(big.Int).Sub(n, r)
	sum.Add(sum.Div(sum, m.Add(m, one)), one)
	difference := new(big.Int).Mul(sum, sum)
	if difference.Sub(difference, new(big.Int).Lsh(n, 2)); difference.Sign() <= 0 {
		return nil, fmt.Errorf("%w: the private exponent does not belong to the modulus", ErrDamaged)
	}
	difference.Sqrt(difference)
	p := new(big.Int).Add(sum, difference)
	q := new(big.Int).Sub(sum, difference)
	return []*big.Int{p.Rsh(p, 1), q.Rsh(q, 1)}, nil // validation checks the result
}

func ecPrivate(o object, public *ecdsa.PublicKey) (*ecdsa.PrivateKey, error) {
	_, size, err := curveOf(o)
	if err != nil {
		return nil, err
	}
	d, err := o.octets("d", size)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseRawPrivateKey(public.Curve, d)
	if err != nil {
		return nil, fmt.Errorf("%w: the private part is not a number of the curve", ErrDamaged)
	}
	return key, nil
}

// maxSecret is in bytes: far beyond any HMAC key.
const maxSecret = 4096

func secretJWK(o object) (SecretKey, error) {
	k, err := o.octets("k", -1)
	if err != nil {
		return SecretKey{}, err
	}
	if len(k) > maxSecret {
		return SecretKey{}, fmt.Errorf("%w: a secret key of more than %d bytes", ErrLimit, maxSecret)
	}
	kid, err := o.text("kid")
	if err != nil {
		return SecretKey{}, err
	}
	secret, err := NewSecretKey(k, kid)
	if err != nil {
		return SecretKey{}, err
	}
	secret.usage, err = usageOf(o)
	return secret, err
}

// publicOperations returns what the public half does where the private half
// does the operations given.
func publicOperations(private []string) []string {
	counterpart := map[string]string{"sign": "verify", "decrypt": "encrypt", "unwrapKey": "wrapKey"}
	var public []string
	for _, op := range private {
		if other, ok := counterpart[op]; ok {
			op = other
		}
		if !slices.Contains(public, op) {
			public = append(public, op)
		}
	}
	return public
}
