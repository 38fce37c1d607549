package pbe_test

import (
	"errors"
	"math"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
	"github.com/tokenprofile/tokenprofile-go/keystore/internal/pbe"
)

// What is refused here has cost nothing yet.
func TestBudget(t *testing.T) {
	for _, row := range []struct {
		name string
		size int // of the file
		asks []int64
		err  error // of the last
	}{
		{"as many iterations as one derivation may ask for", 0, []int64{5_000_000}, nil},
		{"one more", 0, []int64{5_000_001}, format.ErrLimit},
		{"2^63-1 iterations", 0, []int64{math.MaxInt64}, format.ErrLimit},
		{"no iterations", 0, []int64{0}, format.ErrDamaged},
		{"fewer than none", 0, []int64{math.MinInt64}, format.ErrDamaged},
		{"several within the whole", 0, []int64{4_000_000, 4_000_000}, nil},
		{"several beyond it", 0, []int64{4_000_000, 4_000_000, 1}, format.ErrLimit},
		{"as many in a larger file", 1 << 20, []int64{4_000_000, 4_000_000, 1}, nil},
	} {
		budget := pbe.NewBudget(row.size)
		var err error
		for _, iterations := range row.asks {
			err = budget.Spend(iterations, 8)
		}
		if !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
	}
}
