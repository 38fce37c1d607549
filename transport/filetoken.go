package transport

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxFileToken = 64 << 10    // bytes of a file with a token
	fileLifetime = time.Minute // after which a file is read again
)

// FileToken is a [TokenSource] that reads its token from a file that another
// process keeps fresh: the projected service account token of Kubernetes, a
// JWT-SVID of a SPIFFE helper, a token that a sidecar has fetched.
//
// The file is read anew for every token, and a [Bearer] keeps one for a minute
// at most, or until the exp of a JWT if that is sooner. So a rotation is
// noticed, and the old token is used while the file cannot be read. White space
// around the token is ignored.
//
// The file must be a regular one of at most 64 KiB. A read that takes longer
// than the context allows is given up.
type FileToken struct {
	Path string
}

var _ TokenSource = FileToken{}

// String names the file, without its folder.
func (f FileToken) String() string { return "token file " + filepath.Base(f.Path) }

// Validate reports a missing Path. The file may still be written.
func (f FileToken) Validate() error {
	if f.Path == "" {
		return errors.New("transport: FileToken has no Path")
	}
	return nil
}

// Token reads the file. The expiry is a minute from now, or that of the token.
func (f FileToken) Token(ctx context.Context) (token string, expiry time.Time, err error) {
	if err := f.Validate(); err != nil {
		return "", time.Time{}, err
	}
	type content struct {
		text string
		err  error
	}
	read := make(chan content, 1)
	go func() { // so that a file system that hangs does not hold up the caller
		text, err := readTokenFile(f.Path)
		read <- content{text, err}
	}()
	select {
	case c := <-read:
		token, err = c.text, c.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	now := time.Now()
	expiry = now.Add(fileLifetime)
	if _, ends := claimedTimes(token); !ends.IsZero() && ends.Before(expiry) {
		expiry = ends
	}
	if err == nil && !expiry.After(now) {
		err = fmt.Errorf("the token expired at %s, and nobody has replaced it", expiry.Format(time.RFC3339))
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("transport: %s: %w", f, err)
	}
	return token, expiry, nil
}

// readTokenFile returns the content of the file. Only regular files are opened:
// a pipe would wait for a writer, and a device has no end.
func readTokenFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	if err != nil {
		return "", withoutPath(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFileToken+1))
	text := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		return "", withoutPath(err)
	case len(data) > maxFileToken:
		return "", fmt.Errorf("more than %d bytes", maxFileToken)
	case text == "":
		return "", errors.New("empty")
	case !isHeaderToken(text):
		return "", errors.New("not a token: it has characters that no header may have")
	}
	return text, nil
}

// withoutPath drops the path that package os puts into its errors.
func withoutPath(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// claimedTimes returns the iat and exp of an unverified JWT, or zero. They tell
// when to read the file again, and nothing else depends on them.
func claimedTimes(token string) (issued, expiry time.Time) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		IssuedAt float64 `json:"iat"`
		Expiry   float64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return time.Time{}, time.Time{}
	}
	return claimedTime(claims.IssuedAt), claimedTime(claims.Expiry)
}

func claimedTime(seconds float64) time.Time {
	if !(seconds > 0) || seconds > maxTime {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

const maxTime = 253402300799 // the end of the year 9999, in seconds
