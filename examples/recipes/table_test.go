package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// rows are the recipes' lines in the table of package tokenprofile's comment.
var rows = map[string]string{
	"githubapp": "GitHub App", "apns": "Apple APNs", "applesignin": "Sign in with Apple", "snowflake": "Snowflake", "coinbase": "Coinbase",
	"twilio": "Twilio", "zoommeeting": "Zoom Meeting SDK", "googlescope": "Google, self-signed", "epic": "Epic, SMART",
	"pega": "Pega Platform", "cognito": "AWS Cognito", "keycloak": "Keycloak", "loadbalancer": "AWS load balancer",
}

// TestTableSaysWhatRecipesWaive: whoever goes by the table alone, waives what the
// recipe does, and demands what it does in place of it.
func TestTableSaysWhatRecipesWaive(t *testing.T) {
	comment := string(ok(os.ReadFile("../../tokenprofile/tokenprofile.go"))(t))
	for _, r := range slices.Concat(receivers, senders) {
		if rows[r.name] == "" {
			continue
		}
		_, rest, found := strings.Cut(comment, "\n//\t  "+rows[r.name]+" ")
		row, _, _ := strings.Cut(rest, "\n")
		if !found {
			t.Errorf("there is no row %q", rows[r.name])
			continue
		}
		var p tokenprofile.Profile
		switch end := ok(r.make(keysFor(t, string(r.algorithm))))(t).(type) {
		case *tokenprofile.Signer:
			p = end.Profile()
		case *tokenprofile.Verifier:
			p = end.Profile()
		}
		words := strings.FieldsFunc(row, func(c rune) bool { return strings.ContainsRune(" ,;", c) })
		for _, waived := range append(p.Waive.Names(), p.Header.Demanded...) {
			name := waived[strings.LastIndexByte(waived, ' ')+1:]
			if !slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(strings.TrimPrefix(word, "Waive."), name) }) {
				t.Errorf("%s: the row does not say %q:%s", r.name, waived, row)
			}
		}
	}
}
