package keystore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pkcs12"
)

// WriteFile writes private keys and trusted certificates to a PKCS #12 file
// that keytool, OpenSSL and [Open] read. An entry needs an alias, and either a
// PrivateKey with a certificate, as [Generate] makes it, or a Chain that begins
// with a trusted certificate. The entries of [Store.Entries] are such entries.
// Secret keys, and keys held elsewhere, cannot be written. With a nil password
// the file is a trust store that opens without one, and private keys are
// refused.
//
// The file is written beside path, with mode 0600, and renamed into place, so
// that a program that follows path never sees half of it.
func WriteFile(path string, password Password, entries ...Entry) error {
	data, err := encode(password, entries)
	if err == nil {
		err = replaceFile(path, data)
	}
	if err != nil {
		return File{Path: path}.named(err)
	}
	return nil
}

func encode(password Password, entries []Entry) ([]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("no entries to write")
	}
	var data []byte
	err := withPasswords(File{Password: password}, func(p *passwords) (err error) {
		data, err = encodeUnder(p.store, entries)
		return err
	})
	return data, err
}

func encodeUnder(password []byte, entries []Entry) ([]byte, error) {
	plain := make([]pkcs12.Entry, 0, len(entries))
	taken := make(map[string]bool, len(entries))
	for _, e := range entries {
		entry, err := writable(e)
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", e.Alias, err)
		}
		if entry.Key != nil && len(password) == 0 {
			return nil, fmt.Errorf("entry %q: %w: a private key is not written without one", e.Alias, ErrPasswordRequired)
		}
		alias := format.FoldAlias(e.Alias)
		if taken[alias] {
			return nil, fmt.Errorf("entry %q: the alias is taken", e.Alias)
		}
		taken[alias] = true
		plain = append(plain, entry)
	}
	return pkcs12.Write(plain, password)
}

func writable(e Entry) (pkcs12.Entry, error) {
	key := e.PrivateKey
	switch {
	case e.Err != nil:
		return pkcs12.Entry{}, e.Err
	case e.Alias == "":
		return pkcs12.Entry{}, errors.New("it has no alias")
	case e.Kind == KindSecretKey || e.SecretKey.secret != nil:
		return pkcs12.Entry{}, fmt.Errorf("%w: secret keys cannot be written to PKCS #12", ErrUnsupported)
	case key.material != nil && len(key.public.chain) == 0:
		return pkcs12.Entry{}, errors.New("the private key has no certificate, which PKCS #12 needs")
	case key.material != nil:
		return pkcs12.Entry{Alias: e.Alias, Key: key.CryptoKey(), Chain: key.public.chain}, nil
	case len(e.Chain) == 0:
		return pkcs12.Entry{}, errors.New("it has neither a private key nor a certificate")
	}
	return pkcs12.Entry{Alias: e.Alias, Chain: e.Chain[:1]}, nil
}

// replaceFile puts data where path is, or where a symbolic link at path leads.
func replaceFile(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	beside, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return plainPathError(err)
	}
	defer os.Remove(beside.Name()) // no effect after the rename
	if err := writeAndClose(beside, data); err != nil {
		return plainPathError(err)
	}
	if err := os.Rename(beside.Name(), path); err != nil {
		return plainPathError(err)
	}
	syncDirectory(filepath.Dir(path))
	return nil
}

func writeAndClose(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDirectory makes the rename survive a crash, where directories can be
// synced.
func syncDirectory(path string) {
	if dir, err := os.Open(path); err == nil {
		dir.Sync()
		dir.Close()
	}
}
