package tokenprofile_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf16"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The best current practices of RFC 8725, section by section, each as the
// attack it is written against. Signatures are right unless they are the point.

// Section 3.1: the algorithm is the verifier's to name.
func TestBestPracticeAlgorithmVerification(t *testing.T) {
	for _, forger := range newForgers(t) {
		for _, alg := range []string{
			`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, `" ` + string(forger.algorithm) + `"`, `"` + strings.ToLower(string(forger.algorithm)) + `x"`,
			`["` + string(forger.algorithm) + `"]`, `null`, `true`, `0`, `{}`, `"HS1"`, `"ES256K"`, `"RS1"`, `"dir"`,
		} {
			t.Run(fmt.Sprintf("%s takes %s", forger.algorithm, alg), func(t *testing.T) {
				token := forger.token(t, `{"alg":`+alg+`,"typ":"JWT","kid":"k1"}`, goodPayload)
				_, err := forger.verifier.Verify(t.Context(), token)
				refuses(t, err, tokenprofile.ErrAlgorithm)
				unsigned := token[:strings.LastIndexByte(token, '.')+1]
				_, err = forger.verifier.Verify(t.Context(), unsigned)
				refuses(t, err, tokenprofile.ErrInvalid)
			})
		}
	}
}

// Section 3.2: a profile cannot ask for what is no longer good.
func TestBestPracticeAppropriateAlgorithms(t *testing.T) {
	for _, algorithm := range []tokenprofile.Algorithm{"none", "None", "HS1", "RS1", "ES256K", "RSA1_5", "dir", "rs256", "RS256 ", "PS1"} {
		p := profileOf(algorithm)
		if err := p.Validate(); err == nil {
			t.Errorf("a profile signs with %q", algorithm)
		}
		if _, err := p.Signer(keystore.New(keyFor(t, "RS256"))); err == nil {
			t.Errorf("a signer of %q was built", algorithm)
		}
	}
	for _, algorithm := range []tokenprofile.KeyAlgorithm{"RSA1_5", "PBES2-HS256+A128KW", "PBES2-HS512+A256KW", "none", ""} {
		p := profileOf("RS256")
		p.Encryption = &tokenprofile.Encryption{KeyAlgorithm: algorithm, ContentAlgorithm: tokenprofile.A256GCM}
		mentions(t, p.Validate(), "keyAlgorithm")
	}
}

// Section 3.3: every operation counts. A token that decrypts under the right
// key is worth nothing if what is inside was signed by somebody else.
func TestBestPracticeEveryOperationIsValidated(t *testing.T) {
	p := profileOf("ES256")
	p.Encryption = &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP256, ContentAlgorithm: tokenprofile.A256GCM}
	own, stranger, receiver := keyFor(t, "ES256"), keyFor(t, "ES256").WithKeyID("k1"), keyFor(t, "RS256")
	own = own.WithKeyID("k1")
	to := tokenprofile.EncryptTo(publicKeys{receiver.Public()})
	verifier := ok(p.Verifier(trusting(own), tokenprofile.DecryptWith(privateKeys{receiver})))(t)

	good := ok(ok(p.Signer(keystore.New(own), to))(t).Sign(t.Context(), nil))(t)
	if _, err := verifier.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	forged := ok(ok(p.Signer(keystore.New(stranger), to))(t).Sign(t.Context(), nil))(t)
	_, err := verifier.Verify(t.Context(), forged)
	refuses(t, err, tokenprofile.ErrSignature)

	plain := p
	plain.Encryption = nil
	bare := ok(ok(plain.Signer(keystore.New(own)))(t).Sign(t.Context(), nil))(t)
	_, err = verifier.Verify(t.Context(), bare)
	refuses(t, err, tokenprofile.ErrInvalid)
}

// Section 3.4: keys are inputs too. A point off its curve leaks the other key
// bit by bit; it never becomes a key.
func TestBestPracticeCryptographicInputs(t *testing.T) {
	const x, y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" // RFC 7515 appendix A.3
	for name, members := range map[string]string{
		"a point off the curve":     `"crv":"P-256","x":"` + x + `","y":"` + x + `"`,
		"a point of another curve":  `"crv":"P-384","x":"` + x + `","y":"` + y + `"`,
		"coordinates cut short":     `"crv":"P-256","x":"` + x[:42] + `","y":"` + y + `"`,
		"the point at infinity":     `"crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"`,
		"no second coordinate":      `"crv":"P-256","x":"` + x + `"`,
		"a coordinate that is text": `"crv":"P-256","x":"` + x + `","y":7`,
	} {
		var key keystore.PublicKey
		if err := json.Unmarshal([]byte(`{"kty":"EC",`+members+`}`), &key); err == nil {
			t.Errorf("%s became the key %v", name, key)
		}
	}
	var key keystore.PublicKey
	if err := json.Unmarshal([]byte(`{"kty":"EC","crv":"P-256","x":"`+x+`","y":"`+y+`"}`), &key); err != nil {
		t.Errorf("the key of the RFC: %v", err)
	}
}

// Section 3.5: a shared key that could be guessed is refused on both sides.
func TestBestPracticeKeyEntropy(t *testing.T) {
	for algorithm, size := range map[tokenprofile.Algorithm]int{"HS256": 32, "HS384": 48, "HS512": 64} {
		short, enough := secrets{secretFor(t, "k1", size-1)}, secrets{secretFor(t, "k1", size)}
		_, err := profileOf(algorithm).SecretSigner(short)
		mentions(t, err, string(algorithm))
		_, err = profileOf(algorithm).SecretVerifier(short)
		mentions(t, err, string(algorithm))
		if _, err := profileOf(algorithm).SecretVerifier(enough); err != nil {
			t.Errorf("%s with %d bytes: %v", algorithm, size, err)
		}
	}
}

// Section 3.6: nothing is decompressed.
func TestBestPracticeNoCompression(t *testing.T) {
	for _, forger := range newForgers(t) {
		_, err := forger.verifier.Verify(t.Context(), forger.token(t, `{"alg":"HS256","kid":"k1","zip":"DEF"}`, goodPayload))
		refuses(t, err, tokenprofile.ErrMalformed)
	}
}

// Section 3.7: JSON is UTF-8 and nothing else.
func TestBestPracticeUTF8(t *testing.T) {
	var bigEndian, littleEndian strings.Builder
	for _, unit := range utf16.Encode([]rune(goodPayload)) {
		bigEndian.Write([]byte{byte(unit >> 8), byte(unit)})
		littleEndian.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	latin1 := strings.Replace(goodPayload, "billing", "b\xfclling", 1)
	for _, forger := range newForgers(t) {
		for _, payload := range []string{bigEndian.String(), littleEndian.String(), "\xff\xfe" + littleEndian.String(), "\ufeff" + goodPayload, latin1} {
			_, err := forger.verifier.Verify(t.Context(), forger.token(t, goodHeader, payload))
			refuses(t, err, tokenprofile.ErrMalformed)
		}
	}
}

// Section 3.8: an issuer speaks with its own keys, and for itself alone.
func TestBestPracticeIssuerAndSubject(t *testing.T) {
	for _, forger := range newForgers(t) {
		for _, test := range []struct {
			change string
			reason error
		}{
			{`iss="https://consumer.example/"`, tokenprofile.ErrIssuer},
			{`iss="https://CONSUMER.example"`, tokenprofile.ErrIssuer},
			{`iss="http://consumer.example"`, tokenprofile.ErrIssuer},
			{`iss=["https://consumer.example"]`, tokenprofile.ErrIssuer},
			{`iss=`, tokenprofile.ErrIssuer},
			{`sub="Billing"`, tokenprofile.ErrSubject},
			{`sub="billing "`, tokenprofile.ErrSubject},
			{`sub=`, tokenprofile.ErrSubject},
			{`aud="https://producer.example.evil.example"`, tokenprofile.ErrAudience}, // section 3.9
			{`aud=["https://other.example"]`, tokenprofile.ErrAudience},
			{`aud=[]`, tokenprofile.ErrAudience},
			{`aud=`, tokenprofile.ErrAudience},
		} {
			_, err := forger.verifier.Verify(t.Context(), forger.token(t, goodHeader, payloadWith(test.change)))
			if err == nil {
				t.Errorf("%s: accepted", test.change)
			}
			refuses(t, err, test.reason)
		}
	}
}

// Section 3.10: what a token says of keys leads nowhere: no request is made,
// and a kid is a name to look for and no more.
func TestBestPracticeReceivedClaimsAreNotTrusted(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { requests.Add(1) }))
	defer server.Close()
	for _, forger := range newForgers(t) {
		for _, parameter := range []string{"jku", "x5u"} {
			header := fmt.Sprintf(`{"alg":"HS256","kid":"k1",%q:%q}`, parameter, server.URL)
			if _, err := forger.verifier.Verify(t.Context(), forger.token(t, header, goodPayload)); err != nil {
				t.Errorf("got %v for a hint, want it ignored", err)
			}
		}
		for _, kid := range []string{"../../../../dev/null", "k1' OR '1'='1", "k1\x00", "k1|cat", server.URL, "K1", " k1", "*"} {
			header := fmt.Sprintf(`{"alg":"HS256","kid":%s}`, ok(json.Marshal(kid))(t))
			_, err := forger.verifier.Verify(t.Context(), forger.token(t, header, goodPayload))
			refuses(t, err, tokenprofile.ErrUnknownKey)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were made to where tokens pointed", n)
	}
}

// Sections 3.11 and 3.12: of tokens of one issuer with one key and one
// audience, each kind is accepted where it is asked for and nowhere else.
func TestBestPracticeKindsExcludeEachOther(t *testing.T) {
	key := keyFor(t, "ES256")
	kinds := []string{"at+jwt", "client-authentication+jwt", "secevent+jwt", "logout+jwt", "JWT"}
	for _, written := range kinds {
		p := profileOf("ES256")
		p.Header.Type = written
		token := ok(ok(p.Signer(keystore.New(key)))(t).Sign(t.Context(), nil))(t)
		for _, demanded := range kinds {
			q := p
			q.Header.Type = demanded
			_, err := ok(q.Verifier(trusting(key)))(t).Verify(t.Context(), token)
			if written != demanded {
				refuses(t, err, tokenprofile.ErrType)
			} else if err != nil {
				t.Errorf("%s: %v", written, err)
			}
		}
	}
}
