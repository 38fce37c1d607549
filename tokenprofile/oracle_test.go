package tokenprofile_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"testing"

	_ "crypto/sha512"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// An oracle signs and verifies as RFC 7518 section 3 says, with nothing of ours.
type oracle struct {
	sign   func(input []byte) ([]byte, error)
	verify func(input, signature []byte) bool
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

func digestOf(hash crypto.Hash, input []byte) []byte {
	h := hash.New()
	h.Write(input)
	return h.Sum(nil)
}

func oracleOf(algorithm tokenprofile.Algorithm, key any) oracle {
	hash := hashes[string(algorithm[2:])]
	switch key := key.(type) {
	case []byte:
		sign := func(input []byte) ([]byte, error) {
			mac := hmac.New(hash.New, key)
			mac.Write(input)
			return mac.Sum(nil), nil
		}
		return oracle{sign, func(input, signature []byte) bool {
			want, _ := sign(input)
			return hmac.Equal(want, signature)
		}}
	case *rsa.PrivateKey:
		return rsaOracle(algorithm, hash, key)
	case *ecdsa.PrivateKey:
		return ecdsaOracle(hash, key)
	case ed25519.PrivateKey:
		return oracle{
			func(input []byte) ([]byte, error) { return ed25519.Sign(key, input), nil },
			func(input, signature []byte) bool {
				return ed25519.Verify(key.Public().(ed25519.PublicKey), input, signature)
			},
		}
	}
	panic(fmt.Sprintf("no oracle for %T", key))
}

func rsaOracle(algorithm tokenprofile.Algorithm, hash crypto.Hash, key *rsa.PrivateKey) oracle {
	if strings.HasPrefix(string(algorithm), "RS") {
		return oracle{
			func(input []byte) ([]byte, error) {
				return rsa.SignPKCS1v15(nil, key, hash, digestOf(hash, input))
			},
			func(input, signature []byte) bool {
				return rsa.VerifyPKCS1v15(&key.PublicKey, hash, digestOf(hash, input), signature) == nil
			},
		}
	}
	options := &rsa.PSSOptions{SaltLength: hash.Size()}
	return oracle{
		func(input []byte) ([]byte, error) {
			return rsa.SignPSS(rand.Reader, key, hash, digestOf(hash, input), options)
		},
		func(input, signature []byte) bool {
			return rsa.VerifyPSS(&key.PublicKey, hash, digestOf(hash, input), signature, options) == nil
		},
	}
}

func ecdsaOracle(hash crypto.Hash, key *ecdsa.PrivateKey) oracle {
	size := (key.Curve.Params().BitSize + 7) / 8
	return oracle{
		func(input []byte) ([]byte, error) {
			r, s, err := ecdsa.Sign(rand.Reader, key, digestOf(hash, input))
			if err != nil {
				return nil, err
			}
			return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
		},
		func(input, signature []byte) bool {
			if len(signature) != 2*size {
				return false
			}
			r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
			return ecdsa.Verify(&key.PublicKey, digestOf(hash, input), r, s)
		},
	}
}

// party is a signer and a verifier with the oracle of their key.
type party struct {
	signer   *tokenprofile.Signer
	verifier *tokenprofile.Verifier
	oracle   oracle
	kid      string
}

func newParty(t testing.TB, p tokenprofile.Profile) party {
	t.Helper()
	if strings.HasPrefix(string(p.Algorithm), "HS") {
		key := []byte(strings.Repeat("0123456789abcdef", 4))
		keys := secrets{ok(keystore.NewSecretKey(key, "k1"))(t)}
		return party{ok(p.SecretSigner(keys))(t), ok(p.SecretVerifier(keys))(t), oracleOf(p.Algorithm, key), "k1"}
	}
	key := cryptoKey(t, p.Algorithm)
	private := ok(keystore.NewPrivateKey(key))(t)
	return party{
		ok(p.Signer(keystore.New(private)))(t), ok(p.Verifier(trusting(private)))(t),
		oracleOf(p.Algorithm, key), private.KeyID(),
	}
}

// What we sign, the standard library verifies; what it signs, we verify.
// Repeated, because an ECDSA signature has short integers now and then.
func TestSignaturesAreTheStandardOnes(t *testing.T) {
	for _, algorithm := range append(asymmetric, hmacs...) {
		t.Run(string(algorithm), func(t *testing.T) {
			p := profileOf(algorithm)
			p.CacheSize = -1
			party := newParty(t, p)
			times := 3
			if algorithm == "ES512" || algorithm == "ES256" {
				times = 40 // the first byte of a P-521 integer is 0 or 1
			}
			for n := range times {
				claims := map[string]any{"n": n}
				token := ok(party.signer.Sign(t.Context(), claims))(t)
				last := strings.LastIndexByte(token, '.')
				if !party.oracle.verify([]byte(token[:last]), decodeSegment(t, token[last+1:])) {
					t.Errorf("the standard library refuses our signature %s", token[last+1:])
				}
				theirs := ok(party.oracle.sign([]byte(token[:last])))(t)
				if _, err := party.verifier.Verify(t.Context(), token[:last+1]+textSegment(string(theirs))); err != nil {
					t.Errorf("we refuse the standard library's signature: %v", err)
				}
			}
		})
	}
}

// A token of ours is, for HMAC and Ed25519, the only text there can be.
func TestTokensAreExactlyTheseTexts(t *testing.T) {
	for _, algorithm := range []tokenprofile.Algorithm{"HS256", "HS384", "HS512", "EdDSA", "RS256"} {
		party := newParty(t, profileOf(algorithm))
		input := textSegment(fmt.Sprintf(`{"alg":"%s","typ":"JWT","kid":"%s"}`, algorithm, party.kid)) + "." +
			textSegment(`{"iss":"https://consumer.example","sub":"billing","aud":"https://producer.example","exp":1900000900,"iat":1900000000}`)
		want := input + "." + textSegment(string(ok(party.oracle.sign([]byte(input)))(t)))
		if got := ok(party.signer.Sign(t.Context(), nil))(t); got != want {
			t.Errorf("%s: got %s, want %s", algorithm, got, want)
		}
	}
}

// No algorithm's token passes for another's: not with its own alg, and not
// with the other's alg in its header and a signature of its own kind.
func TestNoAlgorithmPassesForAnother(t *testing.T) {
	parties := map[tokenprofile.Algorithm]party{}
	for _, algorithm := range append(asymmetric, hmacs...) {
		p := profileOf(algorithm)
		p.Header.KeyID = "same"
		parties[algorithm] = newParty(t, p)
	}
	payload := textSegment(payloadWith())
	for signed, from := range parties {
		for demanded, to := range parties {
			if signed == demanded {
				continue
			}
			t.Run(fmt.Sprintf("%s for %s", signed, demanded), func(t *testing.T) {
				_, err := to.verifier.Verify(t.Context(), ok(from.signer.Sign(t.Context(), nil))(t))
				refuses(t, err, tokenprofile.ErrAlgorithm)
				input := textSegment(fmt.Sprintf(`{"alg":"%s","kid":"same"}`, demanded)) + "." + payload
				_, err = to.verifier.Verify(t.Context(), input+"."+textSegment(string(ok(from.oracle.sign([]byte(input)))(t))))
				refuses(t, err, tokenprofile.ErrSignature)
			})
		}
	}
}

// A forger makes tokens of any header and payload, with a right signature by a
// key whose kid is "k1", and has the verifier that trusts the key.
type forger struct {
	algorithm tokenprofile.Algorithm
	verifier  *tokenprofile.Verifier
	oracle    oracle
}

func newForgers(t testing.TB) (forgers []forger) {
	t.Helper()
	for _, algorithm := range []tokenprofile.Algorithm{"HS256", "RS256", "PS256", "ES256", "EdDSA"} {
		if algorithm == "HS256" {
			forgers = append(forgers, forger{algorithm, handmadeVerifier(t, profileOf(algorithm)), oracleOf(algorithm, handmadeKey)})
			continue
		}
		key := cryptoKey(t, algorithm)
		source := trusting(ok(keystore.NewPrivateKey(key))(t).WithKeyID("k1"))
		forgers = append(forgers, forger{algorithm, ok(profileOf(algorithm).Verifier(source))(t), oracleOf(algorithm, key)})
	}
	return forgers
}

// token puts the forger's algorithm in the place of HS256.
func (f forger) token(t testing.TB, header, payload string) string {
	t.Helper()
	input := textSegment(strings.ReplaceAll(header, "HS256", string(f.algorithm))) + "." + textSegment(payload)
	return input + "." + textSegment(string(ok(f.oracle.sign([]byte(input)))(t)))
}

// The forgers' good tokens are accepted: what is refused elsewhere is refused
// for what was changed.
func TestForgersAreGood(t *testing.T) {
	for _, forger := range newForgers(t) {
		if _, err := forger.verifier.Verify(t.Context(), forger.token(t, goodHeader, goodPayload)); err != nil {
			t.Errorf("%s: %v", forger.algorithm, err)
		}
	}
}
