package keystore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	checkInterval   = time.Second // between two looks at the file
	settleTime      = time.Second // a file changed more recently may still be written
	contentInterval = time.Minute // between two looks into the file, where its stamp says nothing
	maxRetryDelay   = time.Minute // between two attempts at a file that does not open
)

// A follower knows the state of a store's file. No goroutine is behind it.
type follower struct {
	file File

	// busy is full while somebody looks at the file, which guards the rest.
	busy     chan struct{}
	next     time.Time // when to look again
	loaded   stamp     // of what is in force
	noticed  stamp     // of what lay there at the last look
	failed   stamp     // of what did not open
	failures int       // in a row
	retry    time.Time // when to try failed again
	compared time.Time // when the content was last looked into
}

func newFollower(f File) *follower { return &follower{file: f, busy: make(chan struct{}, 1)} }

func (f *follower) start(loaded stamp, now time.Time) {
	f.loaded, f.noticed, f.compared = loaded, loaded, now
	f.next = now.Add(checkInterval)
}

// follow looks at the file, unless somebody else is just doing that.
func (s *Store) follow(now time.Time) {
	f := s.file
	select {
	case f.busy <- struct{}{}:
	default:
		return
	}
	defer func() { <-f.busy }()
	if now.Before(f.next) {
		return
	}
	f.next = now.Add(checkInterval)
	if !f.changed(now) {
		return
	}
	err := s.replace(now)
	if f.file.OnReload != nil {
		f.file.OnReload(err)
	}
}

// replace takes the file over, if it is fit for it.
func (s *Store) replace(now time.Time) error {
	f := s.file
	old := s.current.Load()
	c, stamp, err := f.load()
	if err == nil {
		err = f.file.accept(old, c)
	}
	if err != nil {
		f.fail(now)
		return f.file.named(fmt.Errorf("the keys loaded before stay in force: %w", err))
	}
	f.succeed(stamp, now)
	s.current.Store(newView(c, old.overlap, old.overlap.next(old.turns, c.private, now), now))
	return nil
}

// Reload reads the file now. What is not in it any more is dropped at once,
// also if it would have stayed published for a while, and what is new signs
// at once: for a key that has leaked. On an error everything stays as it was;
// it is one if an entry that could be read before no longer can, for instance
// because its key has another password now. A store that came from no file
// has nothing to read.
func (s *Store) Reload(ctx context.Context) error {
	f := s.file
	if f == nil {
		return nil
	}
	select {
	case f.busy <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.busy }()
	old := s.current.Load()
	c, stamp, err := f.load()
	if err == nil {
		err = c.readable(old)
	}
	if err != nil {
		return f.file.named(err)
	}
	now := time.Now()
	f.succeed(stamp, now)
	s.current.Store(newView(c, old.overlap, firstTurns(c.private), now))
	s.schedule(now)
	return nil
}

// changed reports whether the file is another one than what is in force, and
// fit to be read: it lies still, and is not what failed a moment ago.
func (f *follower) changed(now time.Time) bool {
	if !f.loaded.info.Mode().IsRegular() {
		return false // a pipe can be read once
	}
	var seen stamp
	if info, err := os.Stat(f.file.Path); err == nil {
		seen.info = info
	}
	settled := seen.same(f.noticed) || seen.age(now) >= settleTime
	f.noticed = seen
	switch {
	case f.failures > 0 && seen.same(f.failed):
		return !now.Before(f.retry)
	case !seen.same(f.loaded):
		return settled
	}
	return f.contentChanged(now)
}

// contentChanged looks into the file, once a minute: there are file systems
// where neither numbers nor times tell one file from the next.
func (f *follower) contentChanged(now time.Time) bool {
	if now.Sub(f.compared) < contentInterval {
		return false
	}
	f.compared = now
	data, stamp, err := readStamped(f.file.Path, maxFile)
	clear(data)
	return err == nil && stamp.sum != f.loaded.sum
}

func (f *follower) succeed(loaded stamp, now time.Time) {
	f.loaded, f.noticed, f.failed = loaded, loaded, stamp{}
	f.failures, f.compared = 0, now
}

func (f *follower) fail(now time.Time) {
	f.failed = f.noticed
	f.retry = now.Add(min(checkInterval<<min(f.failures, 10), maxRetryDelay))
	f.failures++
}

func (f *follower) load() (*contents, stamp, error) {
	data, stamp, err := readStamped(f.file.Path, maxFile)
	if err != nil {
		return nil, stamp, err
	}
	defer clear(data)
	c, err := f.file.parse(data)
	return c, stamp, err
}

// A stamp tells one state of a file from another.
type stamp struct {
	info os.FileInfo // nil: no file
	sum  [sha256.Size]byte
}

// same reports whether both are the same file, unchanged as far as its numbers
// and times tell, or both none.
func (s stamp) same(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == other.info
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime())
}

// age is how long ago the file was last written to, 0 where there is none.
func (s stamp) age(now time.Time) time.Duration {
	if s.info == nil {
		return 0
	}
	return now.Sub(s.info.ModTime())
}

var errChanging = errors.New("the file changed while it was read")

// readStamped reads a file that nobody writes to meanwhile.
func readStamped(path string, limit int64) ([]byte, stamp, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, stamp{}, plainPathError(err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, stamp{}, plainPathError(err)
	}
	seen := stamp{info: before}
	data, err := readAll(f, before.Size(), limit)
	if err != nil {
		return nil, seen, plainPathError(err)
	}
	if after, err := f.Stat(); err == nil && before.Mode().IsRegular() && !seen.same(stamp{info: after}) {
		clear(data)
		return nil, seen, errChanging
	}
	seen.sum = sha256.Sum256(data)
	return data, seen, nil
}

func readAll(f *os.File, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	var data bytes.Buffer
	data.Grow(int(size) + bytes.MinRead) // so that no copy of it stays behind
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	return data.Bytes(), nil
}

// plainPathError leaves out the path, which the caller names anyway.
func plainPathError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
