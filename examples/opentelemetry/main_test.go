package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`span "fetch token": 1 link(s)`, `span "list orders": 1 link(s)`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %q in it", &out, want)
		}
	}
	if want := "span event: token rejected {cause=transport: 401 invalid_token: "; !strings.Contains(out.String(), want) {
		t.Errorf("got %s, want %q in it", &out, want)
	}
}
