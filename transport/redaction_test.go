package transport_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A gap in the endpoint's text must not spell the secret.
func TestAShortSecretIsNotCutOutLetterByLetter(t *testing.T) {
	for _, test := range []struct{ name, secret, code, description, wantCode, wantDescription string }{
		{"a letter that stands in many words", "e", "invalid_client", "the secret is e", "invalid_client", ""},
		{"a letter that does not occur", "q", "invalid_client", "no such client", "invalid_client", "no such client"},
		{"five letters within a word", "valid", "invalid_client", "invalid client", "invalid_client", ""},
		{"six letters are cut out", "secret", "invalid_client", "it is secret", "invalid_client", "it is ..."},
		{"a code of the endpoint's own", "cret", "secret_expired", "", "", ""},
		{"the nonce that RFC 9449 asks for", "n", "use_dpop_nonce", "", "use_dpop_nonce", ""},
		{"the secret as a form encodes it", "a secret!", "invalid_client", "got a+secret%21", "invalid_client", "got ..."},
		{"an empty secret", "", "invalid_client", "no such client", "invalid_client", "no such client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := says(400, `{"error":"`+test.code+`","error_description":"`+test.description+`"}`)
			grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", ClientSecret: keystore.StaticPassword(test.secret), HTTPClient: answer.client()}
			_, _, err := grant.Token(t.Context())
			var got *transport.GrantError
			if !errors.As(err, &got) || got.Code != test.wantCode || got.Description != test.wantDescription {
				t.Errorf("got %v, want the code %q and the description %q", err, test.wantCode, test.wantDescription)
			}
		})
	}
}

func TestLongRunsAreCutOutOfADescription(t *testing.T) {
	forty := "0123456789abcdef0123456789abcdef01234567"
	for _, test := range []struct{ name, description, want string }{
		{"forty characters", forty, forty},
		{"one more", forty + "8", "..."},
		{"at the end", "got " + forty + "8", "got ..."},
		{"at the beginning", forty + "8!", "...!"},
		{"two of them", forty + "8 " + forty + "9", "... ..."},
		{"letters at the ends of the alphabet", strings.Repeat("AZaz", 11), "..."},
		{"the last character that is shown", "~", "~"},
		{"as long as a description may be", strings.Repeat("word ", 40), strings.Repeat("word ", 40)},
		{"the most that is shown", strings.Repeat("ä ", 250), strings.Repeat("  ", 250)},
		{"more than that", strings.Repeat("ä ", 251), strings.Repeat("  ", 250) + "..."},
		{"letters that no token has", "ä" + forty + "ä", " " + forty + " "},
	} {
		t.Run(test.name, func(t *testing.T) {
			grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: says(400, `{"error_description":"`+test.description+`"}`).client()}
			_, _, err := grant.Token(t.Context())
			var got *transport.GrantError
			if !errors.As(err, &got) || got.Description != test.want {
				t.Errorf("got %v, want the description %q", err, test.want)
			}
		})
	}
}

// A code of the endpoint's own is shown if it looks like one.
func TestCodesOfTheEndpointsOwn(t *testing.T) {
	for _, test := range []struct{ code, want string }{
		{"AADSTS50034", "AADSTS50034"},
		{"quota-exceeded_2.1", "quota-exceeded_2.1"},
		{strings.Repeat("x", 64), strings.Repeat("x", 64)},
		{strings.Repeat("x", 65), ""},
		{"two words", ""},
		{"a+b", ""},
	} {
		grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", HTTPClient: says(400, `{"error":"`+test.code+`"}`).client()}
		_, _, err := grant.Token(t.Context())
		var got *transport.GrantError
		if !errors.As(err, &got) || got.Code != test.want {
			t.Errorf("%q: got %v, want the code %q", test.code, err, test.want)
		}
	}
}

func TestParamsOfAGrantAreCutOutOfADescription(t *testing.T) {
	for value, want := range map[string]string{"secret": "got ...", "flags": "got flags"} {
		server := says(400, `{"error_description":"got `+value+`"}`)
		grant := &transport.Grant{TokenURL: tokenURL, ClientID: "me", Params: params("otp", value), HTTPClient: server.client()}
		_, _, err := grant.Token(t.Context())
		var got *transport.GrantError
		if !errors.As(err, &got) || got.Description != want {
			t.Errorf("%q: got %v, want the description %q", value, err, want)
		}
	}
}
