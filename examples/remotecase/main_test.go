package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// TestStory tells the story, which fails by itself if anything it tells did not
// happen, and looks at what a person reads.
func TestStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out, false, ""); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	text := out.String()
	for _, want := range []string{
		"1  Truststore: Remotecasetype_Truststore",
		"alias cardoperations trusted-certificate, RSA 2048",
		"2  Keystore: Remotecasetype_Keystore",
		"3  Token profile: Remotecasetype_Consumer",
		"alias             remotecase (filled in",
		"4  JSON web key set URI",
		"all members     alg, e, kid, kty, n, use\n",
		"5  OAuth 2.0 client registration: Remotecasetype_Producer",
		"6  Identity mapping",
		"sub ann           is operator-17 of Loan requests",
		"7  Authentication profiles",
		"8  Work on remote cases",
		"POST /granted/cases/L-1042/review",
		`msg="case worked on" case=L-1042 operator=operator-17 status=approved`,
		"9  Refused",
		"refused         403 Forbidden",
		"refused         401 Unauthorized",
		"invalid token: already used",
		"no connection: x509: certificate signed by unknown authority",
		"10  A new keystore, a late clock and a restart",
		"the producer's is now 20s late",
		"no attempt failed",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the output does not show %q:\n%s", want, text)
		}
	}
	if token := wholeToken.FindString(text); token != "" {
		t.Errorf("the output shows a token: %.20s…", token)
	}
}

// wholeToken is a token with its signature.
var wholeToken = regexp.MustCompile(`eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+`)

// TestRotatingBackAndForth replaces the keystore again and again, as a person
// at the page may.
func TestRotatingBackAndForth(t *testing.T) {
	t.Parallel()
	s := startSystems(t)
	first, err := signingKey(s.current().keys())
	if err != nil {
		t.Fatal(err)
	}
	day := s.begin(t.Context())
	kid := first.KeyID
	for range 2 {
		turn, err := s.rotate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if turn.Before != kid || turn.After == kid {
			t.Errorf("%q was replaced by %q; %q had signed", turn.Before, turn.After, kid)
		}
		kid = turn.After
		if err := s.arrivesSignedBy(t.Context(), day, kid); err != nil {
			t.Fatal(err)
		}
	}
	if kid != first.KeyID {
		t.Errorf("after two rotations %q signs, not %q again", kid, first.KeyID)
	}
	if worked, err := day.over(); err != nil {
		t.Errorf("after %d cases: %v", worked, err)
	}
}

// TestNotRefused has the refusals find out that something got through.
func TestNotRefused(t *testing.T) {
	s := startSystems(t)
	s.producer.profile.Issuers[0].Identities["eve"] = "operator-99"
	if refused, err := tryUnknownUser(t.Context(), s); err == nil {
		t.Errorf("eve has an operator, and yet it says that she was refused: %s", refused)
	}
	if _, err := s.work(t.Context(), ways[0], "nobody", "L-1041", "review"); err == nil {
		t.Error("nobody worked on a case")
	}
}

// TestClockTooLate has a clock that is later than the story's, and than anybody
// should put up with: it is seen.
func TestClockTooLate(t *testing.T) {
	s := startSystems(t)
	s.producer.behind.Store(int64(time.Minute))
	if _, err := s.work(t.Context(), ways[0], "ann", "L-1041", "review"); err == nil {
		t.Fatal("a token from a minute ahead was admitted")
	}
	seen := s.producer.journal.seen()
	if log := strings.Join(seen[len(seen)-1].Log, "\n"); !strings.Contains(log, "not yet valid") {
		t.Errorf("got the log %q, want it to say not yet valid", log)
	}
}

// TestTicketOptions has faults in what the document says to the program's own
// kind of use.
func TestTicketOptions(t *testing.T) {
	document, err := records.ReadFile(financialOperations + "/LoanRequests_Ticket.json")
	if err != nil {
		t.Fatal(err)
	}
	profile := tokenprofile.Profile{Algorithm: tokenprofile.RS256, Issuer: "https://financialoperations.example"}
	for options, want := range map[string]string{
		`{"logonURL": "https://localhost:9443/login"}`: "transport: client profile: options.logonURL: there is no such field",
		`{}`: "transport: client profile: options.loginURL: is missing",
		``:   "transport: client profile: options.loginURL: is missing",
	} {
		var members map[string]any
		if err := json.Unmarshal(document, &members); err != nil {
			t.Fatal(err)
		}
		members["token"], members["options"] = profile, json.RawMessage(options)
		if options == "" {
			delete(members, "options")
		}
		changed, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		_, err = transport.ParseClient(changed, uses)
		if got := fmt.Sprint(err); got != want {
			t.Errorf("%s: got %q, want %q", options, got, want)
		}
	}
}

func startSystems(t *testing.T) *systems {
	t.Helper()
	s, err := start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}
