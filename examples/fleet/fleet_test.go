package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// build returns the program, or skips where the servers it starts are not said
// to be there.
func build(t *testing.T) string {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") != "1" {
		t.Skip("needs redis-server, postgresql and nginx: set TOKENPROFILE_TOOLS=1")
	}
	program := filepath.Join(t.TempDir(), "fleet")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

func TestNothingIsAdmittedTwice(t *testing.T) {
	program := build(t)
	for _, store := range []string{"redis", "postgres"} {
		t.Run(store, func(t *testing.T) {
			out, err := run(program, store)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"admitted twice: 0\n", "keys that have signed: 2\n"} {
				if !strings.Contains(out, want) {
					t.Errorf("the output has no %q:\n%s", want, out)
				}
			}
			kills := killed(out)
			for _, kind := range []string{"consumer", "producer", "nginx", store} {
				if kills[kind] == 0 {
					t.Errorf("no %s was killed:\n%s", kind, out)
				}
			}
		})
	}
}

// A run whose producers do not share what they have seen shows that the count
// can be anything else than nought.
func TestWithoutASharedStoreTokensAreAdmittedTwice(t *testing.T) {
	program := build(t)
	t.Setenv("TMPDIR", t.TempDir()) // for what a run that failed leaves behind
	out, err := run(program, "memory")
	if err == nil || !strings.Contains(out, "tokens were admitted more than once") {
		t.Errorf("got error %v, want tokens admitted twice:\n%s", err, out)
	}
}

// run runs the program, again if the machine was too slow for its rotation,
// which then shows nothing.
func run(program, store string) (out string, err error) {
	for range 3 {
		var text []byte
		text, err = exec.Command(program, "-seed", "1", "-for", "16s", "-store", store).CombinedOutput()
		if out = string(text); !strings.Contains(out, "too slow for this") {
			break
		}
	}
	return out, err
}

// killed reads from the table how many of each kind were killed.
func killed(table string) map[string]int {
	kills := map[string]int{}
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		count := fields[1]
		if fields[0] == "consumer" || fields[0] == "producer" { // they have numbers
			count = fields[2]
		}
		if n, err := strconv.Atoi(count); err == nil {
			kills[fields[0]] += n
		}
	}
	return kills
}
