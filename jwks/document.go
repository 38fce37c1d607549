package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

// A document is what is served, under the same ETag as long as it is the same.
type document struct {
	body []byte
	etag string
}

func newDocument(body []byte) document {
	sum := sha256.Sum256(body)
	return document{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}

func (d document) serve(w http.ResponseWriter, r *http.Request, mediaType string, maxAge time.Duration) {
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	header.Set("ETag", d.etag)
	header.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body)) // answers HEAD and If-None-Match
}

// readOnly answers every method that a document has nothing for.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// unavailable answers with a fixed text: the reason is not for strangers.
func unavailable(w http.ResponseWriter, text string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, http.StatusServiceUnavailable)
}
