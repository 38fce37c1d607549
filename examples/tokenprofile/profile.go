package main

import (
	"errors"
	"fmt"
	"strings"
)

// linted is what lint finds in one profile.
type linted struct {
	Profile string   `json:"profile"`
	Faults  []string `json:"faults"`
	Waives  []string `json:"waives"`
}

// lint names every fault of the profiles, and what they give up.
func lint(i *invocation) error {
	paths, err := i.parse("PROFILE...")
	if err != nil {
		return err
	}
	results := make([]linted, len(paths))
	faulty := 0
	for n, path := range paths {
		results[n] = i.lintOne(path)
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

func (i *invocation) lintOne(path string) linted {
	result := linted{Profile: path, Faults: []string{}, Waives: []string{}}
	profile, err := i.profile(path)
	result.Waives = append(result.Waives, profile.Waive.Names()...)
	for _, fault := range split(err) {
		text := strings.TrimPrefix(fault.Error(), "tokenprofile: ")
		result.Faults = append(result.Faults, oneLine(strings.TrimPrefix(text, "profile: ")))
	}
	return result
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
