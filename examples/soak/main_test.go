package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestSoak(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), &out, 22*time.Second) // the third key begins to sign
	if t.Log(out.String()); err != nil {
		t.Error(err)
	}
}

func TestLeaksAndFailuresAreSeen(t *testing.T) {
	before := inUse()
	end := make(chan struct{})
	go func() { <-end }()
	if !inUse().more(before) {
		t.Error("a goroutine more is not seen")
	}
	close(end)
	if after := settled(before); after.more(before) {
		t.Errorf("got %s, want %s", after, before)
	}
	if file, err := os.Open("main.go"); err != nil || os.PathSeparator == '/' && !inUse().more(before) && before.files > 0 {
		t.Errorf("an open file is not seen, or %v", err)
	} else {
		file.Close()
	}
	grown := heap{least: reachable()}
	kept := make([]byte, 2*slack)
	grown.last = reachable()
	if kept[0] = 1; !grown.grew() {
		t.Errorf("got %+v, want the heap to have grown", grown)
	}
}
