package main

import (
	"testing"

	"github.com/tokenprofile/tokenprofile-go/examples/peers/speed"
)

func TestJWXDoesWhatItIsTimedAt(t *testing.T) {
	if err := speed.Check(library); err != nil {
		t.Error(err)
	}
}
