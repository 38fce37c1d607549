package tokenprofile

import (
	"errors"
	"fmt"
	"strings"
)

// A Fault is what is wrong with one member of a document. Errors that report
// several at once are made of them: [errors.As] finds one, and the Unwrap that
// [errors.Join] gives its errors yields all.
type Fault struct {
	Document Document // which kind of document: "tokenprofile: profile"
	Path     string   // of the member, as in "header.typ" or "issuers[0].keySet"; "" is the document itself
	Text     string   // what is wrong with it; never a value that may be secret
}

// Error names the document, the member and what is wrong.
func (f *Fault) Error() string {
	text := string(f.Document) + ": "
	if f.Path != "" {
		text += f.Path + ": "
	}
	return text + f.Text
}

// faults collects them, so that all are reported at once.
type faults []*Fault

func (f *faults) add(path, format string, args ...any) {
	*f = append(*f, &Fault{Path: path, Text: fmt.Sprintf(format, args...)})
}

// in returns all faults as the error of a document, or nil.
func (f faults) in(d Document) error {
	errs := make([]error, len(f))
	for i, fault := range f {
		fault.Document = d
		errs[i] = fault
	}
	return errors.Join(errs...)
}

// covers reports whether the member, or what it stands in, could not be read:
// then it need not be reported as missing, too.
func (f faults) covers(path string) bool {
	for _, fault := range f {
		rest, within := strings.CutPrefix(path, fault.Path)
		if fault.Path == "" || within && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}
