package pbe

import (
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// What key derivation one file may ask for. The most seen in the wild is
// 1,000,000 iterations.
const (
	maxIterations = 5_000_000
	// baseWork and workPerByte bound the sum over a file, in quarters of a
	// microsecond, which is about one iteration of HMAC-SHA-256. The second is
	// what honest large stores need beyond freeSize.
	baseWork    = 8_000_000
	workPerByte = 100
	freeSize    = 64 << 10
)

// Budget is the key derivation work still open to one file, so that neither
// one large count nor many middling ones keep a server busy.
type Budget struct{ left int64 }

// NewBudget is the budget of a file of size bytes.
func NewBudget(size int) *Budget {
	return &Budget{left: baseWork + workPerByte*max(0, int64(size)-freeSize)}
}

// Spend takes iterations of a function off the budget before the work is
// done. eighths is what one costs, 8 being a quarter of a microsecond.
func (b *Budget) Spend(iterations, eighths int64) error {
	if iterations < 1 {
		return fmt.Errorf("%w: %d iterations", format.ErrDamaged, iterations)
	}
	if iterations > maxIterations {
		return fmt.Errorf("%w: %d iterations, %d are allowed", format.ErrLimit, iterations, maxIterations)
	}
	if b.left -= (iterations*eighths + 7) / 8; b.left < 0 {
		return fmt.Errorf("%w: the file asks for too much key derivation", format.ErrLimit)
	}
	return nil
}
