package tokenprofile_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

type strictCases struct {
	Cases []struct{ ID, Name, Want, Token string }
	Clock int64
	Key   string `json:"hs256_key_hex"`
}

// refusedByHouseRule are must-accept cases that break a rule of ours.
var refusedByHouseRule = map[string]string{
	"C06": "exp and Exp: twins of registered names are refused",
}

// Whatever must be refused is refused, also once the claims that the case is
// not about are there; and whatever must be accepted is accepted.
func TestStrictCases(t *testing.T) {
	var strict strictCases
	if err := json.Unmarshal(vectors(t, "strict-cases.json"), &strict); err != nil {
		t.Fatal(err)
	}
	key := ok(hex.DecodeString(strict.Key))(t)
	secret := ok(keystore.NewSecretKey(key, "k1"))(t)
	p := tokenprofile.Profile{
		Algorithm: tokenprofile.HS256, Issuer: "i", Audience: []string{"a"},
		Lifetime: 290 * 365 * 24 * time.Hour, // one case lives until 2286
		Now:      func() time.Time { return time.Unix(strict.Clock, 0) },
	}
	verifier := ok(p.SecretVerifier(secrets{secret}))(t)
	for _, c := range strict.Cases {
		t.Run(c.ID+" "+c.Name, func(t *testing.T) {
			literal := string(ok(base64.StdEncoding.DecodeString(c.Token))(t))
			_, err := verifier.Verify(t.Context(), literal)
			_, completedErr := verifier.Verify(t.Context(), completed(key, literal))
			if c.ID == "C42" {
				completedErr = err // it is about a claim that is not there
			}
			accept := strings.HasPrefix(c.Want, "A") && c.Want != "A/R" && c.Want != "A/policy" && refusedByHouseRule[c.ID] == ""
			switch {
			case accept && completedErr != nil:
				t.Errorf("refused: %v", completedErr)
			case !accept && (err == nil || completedErr == nil):
				t.Errorf("accepted: as it is: %v, with further claims: %v", err, completedErr)
			}
		})
	}
}

// completed is the token with those claims of a good token that it lacks, so
// that it is refused for what its case is about. A token that is not made of
// JSON in the first place stays as it is.
func completed(key []byte, token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || macced(key, parts[0]+"."+parts[1]) != token {
		return token
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	var members map[string]any
	if err != nil || json.Unmarshal(payload, &members) != nil || members == nil {
		return token
	}
	text := string(payload)
	for name, value := range map[string]string{"iss": `"i"`, "aud": `"a"`, "exp": "1900003600"} {
		if _, there := members[name]; !there {
			text = strings.Replace(text, "{", `{"`+name+`":`+value+",", 1)
		}
	}
	return macced(key, parts[0]+"."+textSegment(text))
}
