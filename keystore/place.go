package keystore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pemfile"
)

// maxFile is in bytes: the largest keystore read.
const maxFile = format.MaxSize

// A place is where a store's content comes from.
type place interface {
	// glance returns the state as far as it can be told without reading.
	glance() stamp
	// read reads the content, which the caller wipes.
	read(ctx context.Context) ([]byte, stamp, error)
}

// placeOf returns the place that the file names. It is an error if it names
// none or two.
func placeOf(f File) (place, error) {
	switch {
	case f.Read == nil && f.Path == "":
		return nil, errors.New("no Path and no Read: nothing says where the store is")
	case f.Read != nil && f.Certificate != "":
		return nil, errors.New("both Read and Certificate: let Read yield the key and its certificate, one behind the other")
	case f.Read != nil:
		return function(f.Read), nil
	case f.Certificate != "":
		return pair{f.Path, f.Certificate}, nil
	}
	return lone(f.Path), nil
}

// lone is a place that is one file.
type lone string

func (l lone) glance() stamp { return stampOf(string(l)) }

func (l lone) read(context.Context) ([]byte, stamp, error) {
	data, info, err := readFile(string(l), maxFile)
	return data, stamp{[]os.FileInfo{info}, sha256.Sum256(data)}, err
}

// pair is a key in one file and its certificates in another.
type pair struct{ key, certificate string }

func (p pair) glance() stamp { return stampOf(p.key, p.certificate) }

// read puts one behind the other, as PEM.
func (p pair) read(context.Context) ([]byte, stamp, error) {
	var both []byte
	var s stamp
	for _, path := range []string{p.key, p.certificate} {
		data, info, err := readFile(path, maxFile/2)
		if err == nil {
			both, err = appendPEM(both, data)
			clear(data)
		}
		if err != nil {
			clear(both)
			return nil, stamp{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		s.files = append(s.files, info)
	}
	s.sum = sha256.Sum256(both)
	return both, s, nil
}

// appendPEM appends a key or a certificate to PEM, and clears what it leaves.
func appendPEM(text, data []byte) ([]byte, error) {
	name, data, err := format.Detect(data)
	if err != nil {
		return text, err
	}
	more := data
	switch name {
	case format.PEM:
		if err := pemfile.Check(data); err != nil { // here it is known which of the files it is
			return text, err
		}
	case format.DER:
		kind := "PRIVATE KEY"
		if _, err := format.ParseCert(data); err == nil {
			kind = "CERTIFICATE"
		}
		more = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
		defer clear(more)
	default:
		return text, format.Unsupported("it is " + name + ": a key and its certificate in two files are PEM or DER; a keystore has both in one")
	}
	whole := slices.Concat(text, more, []byte("\n"))
	clear(text)
	return whole, nil
}

// maxRead is how long a function may take.
const maxRead = 30 * time.Second

// function is a place that a function of the caller's reads.
type function func(ctx context.Context) ([]byte, error)

func (function) glance() stamp { return stamp{} }

func (f function) read(ctx context.Context) ([]byte, stamp, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRead)
	defer cancel()
	data, err := f(ctx)
	data = bytes.Clone(data) // the caller's slice must not be wiped
	return data, stamp{sum: sha256.Sum256(data)}, err
}

// A stamp tells two states of a store's files apart.
type stamp struct {
	files []os.FileInfo // nil: no file
	sum   [sha256.Size]byte
}

// stampOf returns the stamp of files, without reading them.
func stampOf(paths ...string) (s stamp) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			info = nil
		}
		s.files = append(s.files, info)
	}
	return s
}

// same reports whether both are of the same files, unchanged as far as inodes,
// sizes and times tell.
func (s stamp) same(other stamp) bool {
	return slices.EqualFunc(s.files, other.files, func(a, b os.FileInfo) bool {
		if a == nil || b == nil {
			return a == b
		}
		return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
	})
}

// age returns how long ago a file was last written to, 0 if one is missing.
func (s stamp) age(now time.Time) time.Duration {
	var youngest time.Time
	for _, info := range s.files {
		if info == nil {
			return 0
		}
		youngest = later(youngest, info.ModTime())
	}
	return now.Sub(youngest)
}

var errChanging = errors.New("the file changed while it was read")

// readFile reads a file, and fails if it changes meanwhile. Only regular files
// are opened: a pipe would wait for a writer, and a device has no end.
func readFile(path string, limit int64) ([]byte, os.FileInfo, error) {
	if info, err := os.Stat(path); err == nil {
		if err := checkRegular(info); err != nil {
			return nil, nil, err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, plainPathError(err)
	}
	defer f.Close()
	data, info, err := readUnchanged(f, limit)
	if err != nil {
		return nil, nil, plainPathError(err)
	}
	return data, info, nil
}

func checkRegular(info os.FileInfo) error {
	kind := "not a regular file"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		kind = "a directory"
	case mode&os.ModeNamedPipe != 0:
		kind = "a pipe, which can be read once"
	case mode&os.ModeDevice != 0:
		kind = "a device"
	case mode&os.ModeSocket != 0:
		kind = "a socket"
	}
	return format.Unsupported("it is " + kind + ": name a file, which can be read again")
}

// openFile is what readUnchanged needs of an [os.File].
type openFile interface {
	io.Reader
	Stat() (os.FileInfo, error)
}

// readUnchanged reads a file, and looks before and after whether it is the same.
func readUnchanged(f openFile, limit int64) ([]byte, os.FileInfo, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if err := checkRegular(before); err != nil {
		return nil, nil, err
	}
	data, err := readAll(f, before.Size(), limit)
	if err != nil {
		return nil, nil, err
	}
	after, err := f.Stat()
	if err != nil || !(stamp{files: []os.FileInfo{before}}).same(stamp{files: []os.FileInfo{after}}) {
		clear(data)
		return nil, nil, errChanging
	}
	return data, before, nil
}

func readAll(f io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	var data bytes.Buffer
	data.Grow(int(size) + bytes.MinRead) // so that no copy is left behind
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	return data.Bytes(), nil
}

// plainPathError leaves out the path, because the caller names it.
func plainPathError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
