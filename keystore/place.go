package keystore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// A place is where a store's content lies.
type place interface {
	// glance tells the state as far as that can be done without reading.
	glance() stamp
	// read reads the content, which the caller wipes.
	read(ctx context.Context) ([]byte, stamp, error)
}

// placeOf is the one the file names, or an error if it names none or two.
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

// function is a place that the caller knows how to read.
type function func(ctx context.Context) ([]byte, error)

func (function) glance() stamp { return stamp{} }

func (f function) read(ctx context.Context) ([]byte, stamp, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRead)
	defer cancel()
	data, err := f(ctx)
	data = bytes.Clone(data) // it is wiped, and may be the caller's
	return data, stamp{sum: sha256.Sum256(data)}, err
}
