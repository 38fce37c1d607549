// Package postgres remembers one-use tokens in PostgreSQL, so that a token
// that one instance of a service has admitted is refused by all others.
package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// Schema makes the table. It must not be UNLOGGED: PostgreSQL empties such a
// table after a crash.
const Schema = `
CREATE TABLE IF NOT EXISTS replay (id bytea PRIMARY KEY, expiry timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS replay_expiry ON replay (expiry);`

// margin is how long an id is kept beyond its expiry: the clocks of the
// instances may differ by as much.
const margin = time.Minute

// ReplayGuard is a [tokenprofile.ReplayGuard] in PostgreSQL. Somebody must call
// [ReplayGuard.Forget] now and then.
type ReplayGuard struct {
	Pool *pgxpool.Pool
}

var _ tokenprofile.ReplayGuard = (*ReplayGuard)(nil)

// First asks and remembers in one step. An error means that PostgreSQL could
// not be asked: the token is refused, with 503.
func (g *ReplayGuard) First(ctx context.Context, issuer, id string, expiry time.Time) (bool, error) {
	if !time.Now().Before(expiry) {
		return false, errors.New("postgres: the token has expired by the clock of this machine")
	}
	// Of two at once, the second waits for the first to commit.
	tag, err := g.Pool.Exec(ctx, "INSERT INTO replay (id, expiry) VALUES ($1, $2) ON CONFLICT DO NOTHING", key(issuer, id), expiry)
	if err != nil {
		return false, fmt.Errorf("postgres: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Forget drops the ids of tokens that have expired, and returns how many there
// were.
func (g *ReplayGuard) Forget(ctx context.Context) (int64, error) {
	tag, err := g.Pool.Exec(ctx, "DELETE FROM replay WHERE expiry < $1", time.Now().Add(-margin))
	if err != nil {
		return 0, fmt.Errorf("postgres: %w", err)
	}
	return tag.RowsAffected(), nil
}

// key is a hash, so that all rows are of one size. The length keeps "a" and
// "bc" apart from "ab" and "c".
func key(issuer, id string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(issuer), issuer, id))
	return sum[:]
}
