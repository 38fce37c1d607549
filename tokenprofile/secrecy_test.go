package tokenprofile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// However a token or a proof is written by mistake, no claim and no access token
// is seen: with every verb, in logs, and in the encodings that loggers use; by
// itself and within others.
func TestTokensAndProofsDoNotPrint(t *testing.T) {
	const canary = "canary-7f3a-canary"
	signer, verifier := pair(t, profileOf("HS256"))
	token := ok(verifier.Verify(t.Context(), ok(signer.Sign(t.Context(), map[string]any{"secret": canary}))(t)))(t)
	proof := tokenprofile.Proof{Method: "GET", URL: "https://u:" + canary + "@a.example/?q=" + canary, TokenHash: tokenprofile.HashToken(canary)}
	hash := proof
	hash.URL = "https://a.example/"
	for name, value := range map[string]any{
		"a token": *token, "a pointer to a token": token, "tokens": []*tokenprofile.Token{token}, "a map of tokens": map[string]tokenprofile.Token{"a": *token},
		"a token in a field": struct{ Token any }{token},
		"a proof":            proof, "a pointer to a proof": &proof, "proofs": []tokenprofile.Proof{proof}, "a proof in a field": struct{ Proof tokenprofile.Proof }{proof},
		"a proof in an unexported field": struct{ proof tokenprofile.Proof }{hash},
	} {
		for form, text := range writtenByMistake(value) {
			for _, secret := range []string{canary, strings.Trim(fmt.Sprint([]byte(canary)), "[]"), base64.StdEncoding.EncodeToString([]byte(canary)), fmt.Sprintf("%x", canary)} {
				if strings.Contains(text, secret) {
					t.Errorf("%s by %s tells it: %s", name, form, text)
				}
			}
		}
	}
}

func writtenByMistake(value any) map[string]string {
	forms := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms[verb] = fmt.Sprintf(verb, value)
	}
	asJSON, _ := json.Marshal(value)
	asXML, _ := xml.Marshal(value)
	var asGob, text, structured bytes.Buffer
	gob.NewEncoder(&asGob).Encode(value)
	slog.New(slog.NewTextHandler(&text, nil)).Info("value", "value", value)
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("value", "value", value)
	forms["JSON"], forms["XML"], forms["gob"], forms["a text log"], forms["a JSON log"] = string(asJSON), string(asXML), asGob.String(), text.String(), structured.String()
	return forms
}
