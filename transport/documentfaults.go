package transport

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// documentFaults collects those of an authentication profile, so that all are
// reported at once.
type documentFaults []error

func (f *documentFaults) add(path, format string, args ...any) {
	*f = append(*f, &tokenprofile.Fault{Path: path, Text: fmt.Sprintf(format, args...)})
}

// within adds what is wrong with a part of the document, which knows nothing of
// its path there.
func (f *documentFaults) within(path string, err error) {
	var joined interface{ Unwrap() []error }
	var fault *tokenprofile.Fault
	switch {
	case err == nil:
	case errors.As(err, &joined):
		for _, err := range joined.Unwrap() {
			f.within(path, err)
		}
	case errors.As(err, &fault) && path != "" && fault.Path != "":
		f.add(path+"."+fault.Path, "%s", fault.Text)
	case errors.As(err, &fault) && fault.Path != "":
		f.add(fault.Path, "%s", fault.Text)
	case errors.As(err, &fault):
		f.add(path, "%s", fault.Text)
	default:
		f.add(path, "%v", err)
	}
}

// token adds what is wrong with a token profile, and names the file it is in.
func (f *documentFaults) token(path string, t *DeclaredToken, err error) {
	before := len(*f)
	f.within(path, err)
	if t.Path == "" || !errors.As(err, new(*tokenprofile.Fault)) { // it could not be read, and err says where
		return
	}
	for _, err := range (*f)[before:] {
		err.(*tokenprofile.Fault).Text += " (in " + t.Path + ")"
	}
}

// checkURL checks a URL that something confidential goes to, or keys come from.
func (f *documentFaults) checkURL(path, address string, plainHTTP bool) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || !isAddress(u):
		f.add(path, "is not an absolute URL without user and fragment")
	default:
		f.within(path, jwks.CheckURL(u, plainHTTP))
	}
}

// isAddress reports whether a URL names a server, without what is not for it.
func isAddress(u *url.URL) bool { return u.Hostname() != "" && u.User == nil && u.Fragment == "" }

// checkWord checks a scheme or the name of a header: a token of RFC 9110
// section 5.6.2.
func (f *documentFaults) checkWord(path, word string) {
	if strings.ContainsFunc(word, func(c rune) bool {
		return !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", c))
	}) {
		f.add(path, "has characters that no header can have there")
	}
}

// indexed returns the path of an element.
func indexed(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// in returns all faults as the error of a document, or nil.
func (f documentFaults) in(d tokenprofile.Document) error {
	for _, err := range f {
		err.(*tokenprofile.Fault).Document = d
	}
	return errors.Join(f...)
}
