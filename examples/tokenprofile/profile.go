package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// linted is what lint finds in one profile.
type linted struct {
	Profile string   `json:"profile"`
	Faults  []string `json:"faults"`
	Waives  []string `json:"waives"`
}

// lint names every fault of the profiles, and what they give up.
func lint(i *invocation) error {
	own := i.flags.String("use", "", "")
	paths, err := i.parse("PROFILE...")
	if err != nil {
		return err
	}
	results := make([]linted, len(paths))
	faulty := 0
	for n, path := range paths {
		results[n] = i.lintOne(path, strings.FieldsFunc(*own, func(c rune) bool { return c == ',' }))
		if len(results[n].Faults) > 0 {
			faulty++
		}
	}
	if i.json {
		err = i.printJSON(results)
	} else {
		i.printLinted(results)
	}
	if err == nil && faulty > 0 {
		return fmt.Errorf("%s of %d with faults", count(faulty, "profile", "profiles"), len(paths))
	}
	return err
}

func (i *invocation) lintOne(path string, own []string) linted {
	result := linted{Profile: path, Faults: []string{}, Waives: []string{}}
	waives, err := i.judge(path, own)
	result.Waives = append(result.Waives, waives...)
	for _, err := range split(err) {
		text := strings.TrimPrefix(err.Error(), "tokenprofile: profile: ")
		if fault := new(tokenprofile.Fault); errors.As(err, &fault) {
			text = strings.TrimPrefix(err.Error(), string(fault.Document)+": ")
		}
		result.Faults = append(result.Faults, oneLine(text))
	}
	return result
}

// judge reads a profile of whichever kind, and returns what it gives up.
func (i *invocation) judge(path string, own []string) ([]string, error) {
	document, err := i.document(path)
	if err != nil {
		return nil, err
	}
	var profile interface{ Waives() []string }
	switch kindOf(document) {
	case "client":
		uses := transport.Uses{}
		for _, name := range own {
			uses[name] = unknownUse{}
		}
		profile = &transport.ClientProfile{Dir: filepath.Dir(path), Uses: uses}
	case "guard":
		profile = &transport.GuardProfile{Dir: filepath.Dir(path)}
	default:
		profile, err := tokenprofile.Parse(document)
		return profile.Waive.Names(), err
	}
	err = tokenprofile.Document(path).Parse(document, profile)
	return profile.Waives(), err
}

// kindOf tells authentication profiles from token profiles by the names they
// alone have.
func kindOf(document []byte) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(document, &members) != nil {
		return "token"
	}
	for _, kind := range []struct{ name, members string }{
		{"guard", "issuers identityClaim scopes realm replay baseURL clientCertificates allowUnbound resource"},
		{"client", "keystore truststore token tokenFile use grant origins publish mutualTLS dpop"},
	} {
		for name := range strings.FieldsSeq(kind.members) {
			if members[name] != nil {
				return kind.name
			}
		}
	}
	return "token"
}

// unknownUse is a kind of use that some program has.
type unknownUse struct{}

func (unknownUse) Source(*transport.Client) (transport.TokenSource, error) {
	return nil, errors.New("only the program has this use")
}

// split are the errors that were joined.
func split(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}

func (i *invocation) printLinted(results []linted) {
	for _, result := range results {
		verdict := "no fault"
		if n := len(result.Faults); n > 0 {
			verdict = count(n, "fault", "faults")
		}
		fmt.Fprintf(i.out, "%s: %s\n", result.Profile, verdict)
		for _, fault := range result.Faults {
			fmt.Fprintf(i.out, "  %s\n", printable(fault))
		}
		for _, name := range result.Waives {
			fmt.Fprintf(i.out, "  waives: %s\n", printable(name))
		}
	}
}

// preview shows what a profile writes, without a key.
func preview(i *invocation) error {
	given := i.flags.String("claims", "", "")
	args, err := i.parse("PROFILE")
	if err != nil {
		return err
	}
	profile, err := i.profile(args[0])
	if err != nil {
		return err
	}
	claims, err := claims(*given)
	if err != nil {
		return err
	}
	header, payload, err := profile.Preview(claims)
	if err != nil {
		return err
	}
	return i.show(shown{Header: header, Claims: payload})
}
