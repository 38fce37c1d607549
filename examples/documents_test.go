package examples_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// documented are the sections of the page of documents, each with its type.
var documented = map[string]any{
	"A client": transport.ClientProfile{}, "A server": transport.GuardProfile{}, "An issuer": transport.DeclaredIssuer{},
	"A store": transport.DeclaredStore{}, "A secret": transport.DeclaredSecret{}, "A key": transport.DeclaredKey{},
	"A token endpoint": transport.DeclaredGrant{}, "A published key set": transport.DeclaredKeySet{}, "A memory": transport.DeclaredMemory{},
	"A token profile": tokenprofile.Profile{}, "Header": tokenprofile.Header{}, "Waive": tokenprofile.Waive{}, "Encryption": tokenprofile.Encryption{},
}

// TestEveryMemberIsDocumented compares the tables of the page with the types,
// both ways.
func TestEveryMemberIsDocumented(t *testing.T) {
	_, sections, _ := strings.Cut(readAll(t, "../transport/DOCUMENTS.md"), "\n## ")
	name := regexp.MustCompile("`([^`]+)`")
	found := 0
	for section := range strings.SplitSeq(sections, "\n## ") {
		title, tables, _ := strings.Cut(section, "\n")
		typ, ok := documented[title]
		if !ok {
			t.Errorf("%q is the section of no type", title)
			continue
		}
		found++
		var got, want []string
		for line := range strings.Lines(tables) {
			if cells := strings.Split(line, "|"); len(cells) > 2 {
				for _, match := range name.FindAllStringSubmatch(cells[1], -1) {
					got = append(got, match[1])
				}
			}
		}
		for field := range reflect.TypeOf(typ).Fields() {
			if member, _, _ := strings.Cut(field.Tag.Get("json"), ","); member != "-" {
				want = append(want, member)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want the members of %T, %q", title, got, typ, want)
		}
	}
	if found != len(documented) {
		t.Errorf("%d sections, want %d", found, len(documented))
	}
}
