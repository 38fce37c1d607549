package tokenprofile_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// The examples of the RFCs. Their payloads are not claims, or lack an audience,
// so that these tests stop where Verify would begin to judge claims.

// cookbookExample is one file of RFC 7520, RFC 8037 or RFC 7797.
type cookbookExample struct {
	Title string
	Input struct {
		Payload, Plaintext string
		Key                json.RawMessage
		Alg, Enc           string
	}
	Output struct{ Compact string }
}

func cookbook(t *testing.T, elements ...string) (example cookbookExample) {
	t.Helper()
	decodeJSON(t, vectors(t, append([]string{"ietf-jose-cookbook"}, elements...)...), &example)
	if example.Output.Compact == "" {
		t.Fatal("the example has no compact serialization")
	}
	return example
}

func parseKey(t *testing.T, key []byte) *keystore.Store {
	t.Helper()
	store, err := keystore.Parse(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// newVerifier is a verifier of the algorithm with the keys of the store.
func newVerifier(t *testing.T, algorithm tokenprofile.Algorithm, store *keystore.Store) *tokenprofile.Verifier {
	t.Helper()
	p := tokenprofile.Profile{Algorithm: algorithm, Issuer: "joe", Audience: []string{"https://producer.example"}}
	if algorithm[:2] == "HS" {
		verifier, err := p.SecretVerifier(store)
		if err != nil {
			t.Fatal(err)
		}
		return verifier
	}
	verifier, err := p.Verifier(store)
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

func TestSignaturesOfRFC7520AndRFC8037(t *testing.T) {
	for _, path := range [][]string{
		{"jws", "4_1.rsa_v15_signature.json"},
		{"jws", "4_2.rsa-pss_signature.json"},
		{"jws", "4_3.ecdsa_signature.json"},
		{"jws", "4_4.hmac-sha2_integrity_protection.json"},
		{"curve25519", "jws.json"},
	} {
		t.Run(path[1], func(t *testing.T) {
			example := cookbook(t, path...)
			verifier := newVerifier(t, tokenprofile.Algorithm(example.Input.Alg), parseKey(t, example.Input.Key))
			payload, err := verifier.Payload(t.Context(), example.Output.Compact)
			if err != nil {
				t.Fatal(err)
			}
			if string(payload) != example.Input.Payload {
				t.Errorf("got %q, want %q", payload, example.Input.Payload)
			}
		})
	}
}

func TestEncryptionOfRFC7520AndRFC8037(t *testing.T) {
	for _, path := range [][]string{
		{"jwe", "5_2.key_encryption_using_rsa-oaep_with_aes-gcm.json"},
		{"jwe", "5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json"},
		{"jwe", "5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2.json"},
		{"jwe", "5_6.direct_encryption_using_aes-gcm.json"},
		{"jwe", "5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2.json"},
		{"jwe", "5_8.key_wrap_using_aes-keywrap_with_aes-gcm.json"},
		{"curve25519", "ecdh-es.json"},
	} {
		t.Run(path[1], func(t *testing.T) {
			example := cookbook(t, path...)
			plaintext, err := example.decrypt(t)
			if err != nil {
				t.Fatal(err)
			}
			if string(plaintext) != example.Input.Plaintext {
				t.Errorf("got %q, want %q", plaintext, example.Input.Plaintext)
			}
		})
	}
}

func (example cookbookExample) decrypt(t *testing.T) ([]byte, error) {
	t.Helper()
	e := tokenprofile.Encryption{
		KeyAlgorithm:     tokenprofile.KeyAlgorithm(example.Input.Alg),
		ContentAlgorithm: tokenprofile.ContentAlgorithm(example.Input.Enc),
	}
	store := parseKey(t, example.Input.Key)
	keys := tokenprofile.DecryptWith(store)
	if usesSecret(e.KeyAlgorithm) {
		keys = tokenprofile.DecryptWithSecret(store)
	}
	_, plaintext, err := keys.Decrypt(t.Context(), e, example.Output.Compact)
	return plaintext, err
}

// RFC 7520 section 5.9: the token decrypts, but it is compressed.
func TestCompressedContentIsRefused(t *testing.T) {
	example := cookbook(t, "jwe", "5_9.compressed_content.json")
	if _, err := example.decrypt(t); !errors.Is(err, tokenprofile.ErrMalformed) {
		t.Errorf("got %v, want %v", err, tokenprofile.ErrMalformed)
	}
}

// RFC 7520 section 6: PS256 within RSA-OAEP and A128GCM. A private key stands
// in the example for the signer's as for the recipient's.
func TestNestedTokenOfRFC7520(t *testing.T) {
	var example struct{ Sign, Encrypt cookbookExample }
	decodeJSON(t, vectors(t, "ietf-jose-cookbook", "6.nesting_signatures_and_encryption.json"), &example)
	inner, err := example.Encrypt.decrypt(t)
	if err != nil {
		t.Fatal(err)
	}
	verifier := newVerifier(t, tokenprofile.PS256, parseKey(t, example.Sign.Input.Key))
	payload, err := verifier.Payload(t.Context(), string(inner))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"iss":"hobbiton.example","exp":1300819380,"http://example.com/is_root":true}`; string(payload) != want {
		t.Errorf("got %s, want %s", payload, want)
	}
}

func TestUnencodedPayloadOfRFC7797IsRefused(t *testing.T) {
	example := cookbook(t, "rfc7797", "hmac-sha2_b64_false.json")
	verifier := newVerifier(t, tokenprofile.HS256, parseKey(t, example.Input.Key))
	if _, err := verifier.Payload(t.Context(), example.Output.Compact); !errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, want %v", err, tokenprofile.ErrInvalid)
	}
}

// The examples of RFC 7515 appendix A in the compact serialization.
const (
	appendixClaims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"

	appendixA1Key = `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	appendixA1    = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	appendixA2Key = `{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB","d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ","p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc","q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc","dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0","dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU","qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}`
	appendixA2    = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	appendixA3Key = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
	appendixA3    = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	appendixA4Key = `{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2","d":"AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C"}`
	appendixA4    = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
	appendixA5    = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
)

func TestExamplesOfRFC7515(t *testing.T) {
	tests := []struct {
		name      string
		algorithm tokenprofile.Algorithm
		key       string
		token     string
		payload   string
	}{
		{"A.1 HMAC SHA-256", tokenprofile.HS256, appendixA1Key, appendixA1, appendixClaims},
		{"A.2 RSASSA-PKCS1-v1_5 SHA-256", tokenprofile.RS256, appendixA2Key, appendixA2, appendixClaims},
		{"A.3 ECDSA P-256 SHA-256", tokenprofile.ES256, appendixA3Key, appendixA3, appendixClaims},
		{"A.4 ECDSA P-521 SHA-512", tokenprofile.ES512, appendixA4Key, appendixA4, "Payload"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			payload, err := newVerifier(t, test.algorithm, parseKey(t, []byte(test.key))).Payload(t.Context(), test.token)
			if err != nil {
				t.Fatal(err)
			}
			if string(payload) != test.payload {
				t.Errorf("got %q, want %q", payload, test.payload)
			}
		})
	}
}

func TestUnsecuredExampleOfRFC7515IsRefused(t *testing.T) {
	verifier := newVerifier(t, tokenprofile.HS256, parseKey(t, []byte(appendixA1Key)))
	if _, err := verifier.Verify(t.Context(), appendixA5); !errors.Is(err, tokenprofile.ErrInvalid) {
		t.Errorf("got %v, want %v", err, tokenprofile.ErrInvalid)
	}
}
