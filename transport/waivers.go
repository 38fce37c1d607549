package transport

import (
	"log/slog"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// waivers are the checks that an authentication profile leaves out, each by its
// path in the document.
type waivers []string

func (w *waivers) note(path string, waived bool) {
	if waived {
		*w = append(*w, path)
	}
}

func (w *waivers) stores(keys, trust *DeclaredStore) {
	for _, store := range []struct {
		path     string
		declared *DeclaredStore
	}{{"keystore", keys}, {"truststore", trust}} {
		if store.declared != nil {
			w.note(store.path+".allowUnverified", store.declared.AllowUnverified)
			w.note(store.path+".ignoreCertificateDates", store.declared.IgnoreCertificateDates)
		}
	}
}

// token adds the waivers of the token profile, if it can be read.
func (w *waivers) token(path string, t *DeclaredToken, dir string) {
	loaded, err := t.load(dir, "", nil)
	if loaded == nil || err != nil {
		return
	}
	for _, name := range loaded.Profile.Waive.Names() {
		*w = append(*w, path+": "+name)
	}
}

// log writes them at the start, where a reviewer looks for them.
func (w waivers) log(logger *slog.Logger, document tokenprofile.Document) {
	if logger != nil && len(w) > 0 {
		logger.Warn("authentication profile waives strictness", "document", string(document), "waives", []string(w))
	}
}
