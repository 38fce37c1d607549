package jwks_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/jwks"
)

func TestWhereItMayBeFetchedFrom(t *testing.T) {
	const plain = "is not https"
	tests := []struct {
		url  string
		want string // of the error; empty: none
	}{
		{"https://api.example", ""},
		{"HTTPS://api.example", ""},
		{"http://localhost:8080", ""},
		{"http://LOCALHOST", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://127.255.255.254", ""},
		{"http://[::1]:8080", ""},
		{"http://[::1%25lo]", ""},
		{"http://[::ffff:127.0.0.1]", ""},
		{"http://user@localhost", ""},
		{"http://localhost.", plain}, // other resolvers than ours may ask for it
		{"http://api.localhost", plain},
		{"http://localhost.api.example", plain},
		{"http://localhost@api.example", plain},
		{"http://127.0.0.1.api.example", plain},
		{"http://127.1", plain}, // an address to some, a name to others
		{"http://0x7f.0.0.1", plain},
		{"http://2130706433", plain},
		{"http://128.0.0.1", plain},
		{"http://0.0.0.0", plain},
		{"http://[::]", plain},
		{"http://[::2]", plain},
		{"http://[::ffff:10.0.0.1]", plain},
		{"http://10.0.0.1", plain},
		{"http://api.example", plain},
		{"http:", plain},
		{"ftp://localhost", `scheme "ftp" ` + plain},
		{"//localhost", `scheme "" ` + plain},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		err = jwks.CheckURL(u, false)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.url, err, tt.want)
		}
		err = jwks.CheckURL(u, true)
		if web := strings.EqualFold(u.Scheme, "http") || strings.EqualFold(u.Scheme, "https"); web != (err == nil) {
			t.Errorf("%s over plain http: got %v", tt.url, err)
		}
	}
	if jwks.CheckURL(nil, true) == nil {
		t.Error("no URL at all is fine")
	}
}

func TestRefusedURLShowsNoSecret(t *testing.T) {
	u, err := url.Parse("http://user:canary@api.example/canary?canary#canary")
	if err != nil {
		t.Fatal(err)
	}
	if err := jwks.CheckURL(u, false); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}
