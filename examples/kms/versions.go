// Package kms signs with a key that never leaves AWS KMS, and follows its
// versions.
//
// An asymmetric key of KMS does not rotate: its next version is a new KMS key.
// Here, every KMS key with an alias that begins with one prefix is a version:
// alias/billing/2026-11, alias/billing/2026-12.
package kms

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

// maxVersions is how many aliases may begin with the prefix.
const maxVersions = 20

// lookTimeout ends a look at KMS.
const lookTimeout = 10 * time.Second

// Versions says which KMS keys are versions of one key, and how they overlap.
type Versions struct {
	Client *kms.Client
	Prefix string // of their aliases: "alias/billing/"

	// PublishBefore is how long a new version is published before it signs,
	// from the moment it got its alias: the time verifiers keep a key set and the
	// interval of [Store.Follow], at least. Zero:
	// [keystore.DefaultPublishBefore].
	PublishBefore time.Duration

	// PublishAfter is how long a replaced version stays published: a token's
	// lifetime and the verifiers' leeway, at least. Zero:
	// [keystore.DefaultPublishAfter].
	PublishAfter time.Duration

	Now func() time.Time // nil: [time.Now]
}

// A version is one KMS key.
type version struct {
	id    string    // of the KMS key
	since time.Time // it has its alias
	key   keystore.PrivateKey
}

// Store holds the versions as they were at the last look. What is published
// and what signs follows from the dates in KMS alone, so that all instances of
// a service agree, and so does one that has just been started.
type Store struct {
	settings Versions
	known    atomic.Pointer[[]version] // oldest first, never empty
}

var (
	_ keystore.PrivateSource = (*Store)(nil)
	_ keystore.Publisher     = (*Store)(nil)
	_ keystore.Retainer      = (*Store)(nil)
)

var errNotOpened = fmt.Errorf("kms: %w: %w: a Store comes from Versions.Open", keystore.ErrUnavailable, keystore.ErrMisconfigured)

// Open looks at KMS once. [Store.Follow] looks again and again.
func (v Versions) Open(ctx context.Context) (*Store, error) {
	v.PublishBefore = cmp.Or(v.PublishBefore, keystore.DefaultPublishBefore)
	v.PublishAfter = cmp.Or(v.PublishAfter, keystore.DefaultPublishAfter)
	if v.Now == nil {
		v.Now = time.Now
	}
	s := &Store{settings: v}
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Follow looks at KMS at every interval until ctx is done. It tells report,
// unless that is nil, how each look went.
func (s *Store) Follow(ctx context.Context, interval time.Duration, report func(error)) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if err := s.Refresh(ctx); report != nil && ctx.Err() == nil {
				report(err)
			}
		}
	}
}

// Refresh looks at KMS now. A version that is disabled there is dropped at
// once; if it is the one that signs, the next one signs. On an error all stays
// as it was.
func (s *Store) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	aliases, err := s.aliases(ctx)
	if err != nil {
		return fmt.Errorf("kms: %s*: %w", s.settings.Prefix, err)
	}
	var found []version
	for _, alias := range aliases {
		v, enabled, err := s.version(ctx, alias)
		if err != nil {
			return fmt.Errorf("kms: %s: %w", *alias.AliasName, err)
		}
		if enabled {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("kms: none of the %d keys with an alias %s* is enabled", len(aliases), s.settings.Prefix)
	}
	slices.SortFunc(found, func(a, b version) int {
		return cmp.Or(a.since.Compare(b.since), strings.Compare(a.id, b.id))
	})
	s.known.Store(&found)
	return nil
}

func (s *Store) aliases(ctx context.Context) ([]types.AliasListEntry, error) {
	var found []types.AliasListEntry
	pages := kms.NewListAliasesPaginator(s.settings.Client, nil)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, alias := range page.Aliases {
			if strings.HasPrefix(*alias.AliasName, s.settings.Prefix) && alias.TargetKeyId != nil {
				found = append(found, alias)
			}
		}
		if len(found) > maxVersions {
			return nil, fmt.Errorf("more than %d versions: delete the aliases of old ones", maxVersions)
		}
	}
	return found, nil
}

// version describes the KMS key behind an alias. Its public half is fetched
// once: it never changes.
func (s *Store) version(ctx context.Context, alias types.AliasListEntry) (v version, enabled bool, err error) {
	described, err := s.settings.Client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: alias.TargetKeyId})
	if err != nil || described.KeyMetadata.KeyState != types.KeyStateEnabled {
		return version{}, false, err
	}
	v = version{id: *alias.TargetKeyId, since: *described.KeyMetadata.CreationDate}
	if alias.LastUpdatedDate != nil { // local-kms does not tell
		v.since = *alias.LastUpdatedDate
	}
	for _, known := range s.versions() {
		if known.id == v.id {
			v.key = known.key.WithAlias(*alias.AliasName)
			return v, true, nil
		}
	}
	out, err := s.settings.Client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: alias.TargetKeyId})
	if err != nil {
		return version{}, false, err
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return version{}, false, err
	}
	private, err := keystore.NewPrivateKey(key{s.settings.Client, v.id, public})
	v.key = private.WithAlias(*alias.AliasName)
	return v, true, err
}

func (s *Store) versions() []version {
	if known := s.known.Load(); known != nil {
		return *known
	}
	return nil
}

// starts is when the version begins to sign. The oldest has nothing to wait
// for.
func (s *Store) starts(versions []version, i int) time.Time {
	if i == 0 {
		return time.Time{}
	}
	return versions[i].since.Add(s.settings.PublishBefore)
}

// PrivateKeys returns the one version that signs now.
func (s *Store) PrivateKeys(context.Context) ([]keystore.PrivateKey, error) {
	versions := s.versions()
	for i := len(versions) - 1; i >= 0; i-- {
		if !s.settings.Now().Before(s.starts(versions, i)) {
			return []keystore.PrivateKey{versions[i].key}, nil
		}
	}
	return nil, errNotOpened
}

// PublishedKeys returns the versions that sign, will sign, or have signed what
// may not have expired yet.
func (s *Store) PublishedKeys(context.Context) ([]keystore.PublicKey, error) {
	versions := s.versions()
	if len(versions) == 0 {
		return nil, errNotOpened
	}
	var keys []keystore.PublicKey
	for i, v := range versions {
		replaced := i+1 < len(versions) && !s.settings.Now().Before(s.starts(versions, i+1).Add(s.settings.PublishAfter))
		if !replaced {
			keys = append(keys, v.key.Public())
		}
	}
	return keys, nil
}

// PublishedAfter returns how long a replaced version stays published, so that
// a profile whose tokens live longer is refused.
func (s *Store) PublishedAfter() time.Duration { return s.settings.PublishAfter }
