package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestRun runs the program; it fails by itself if anything it shows did not happen.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"case C-2 opened by operator-17", "invalid_grant", "no operator for the subject", "401 invalid_token"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not show %q:\n%s", want, &out)
		}
	}
}
