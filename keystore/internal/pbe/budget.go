package pbe

import (
	"fmt"
	"sync"

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
// one large count nor many middling ones keep a server busy. It is safe for
// concurrent use.
type Budget struct {
	account *account
	before  <-chan struct{} // closed when the job before this one has paid; nil for the first job
	paid    func()          // called when this one has, nil likewise
}

// account is what the jobs of one file share.
type account struct {
	mu     sync.Mutex // guards left
	left   int64
	memory sync.Mutex // held by whoever derives with scrypt, which takes much
}

// NewBudget returns the budget of a file of size bytes.
func NewBudget(size int) *Budget {
	return &Budget{account: &account{left: baseWork + workPerByte*max(0, int64(size)-freeSize)}}
}

// Each runs n jobs side by side, on all cores. Each pays for its first
// derivation after the job before it: which of them a file can afford must not
// depend on who is quicker.
func (b *Budget) Each(n int, job func(i int, budget *Budget)) {
	turns := make([]chan struct{}, n)
	for i := range turns {
		turns[i] = make(chan struct{})
	}
	format.Each(n, func(i int) {
		own := &Budget{account: b.account, paid: sync.OnceFunc(func() { close(turns[i]) })}
		if i > 0 {
			own.before = turns[i-1]
		}
		defer own.pass()
		job(i, own)
	})
}

// pass waits for this job's turn to pay first, and gives it to the next.
func (b *Budget) pass() {
	if b.before != nil {
		<-b.before
	}
	if b.paid != nil {
		b.paid()
	}
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
	if b.before != nil {
		<-b.before
	}
	b.account.mu.Lock()
	b.account.left -= (iterations*eighths + 7) / 8
	over := b.account.left < 0
	b.account.mu.Unlock()
	if b.paid != nil {
		b.paid()
	}
	if over {
		return fmt.Errorf("%w: the file asks for too much key derivation", format.ErrLimit)
	}
	return nil
}
