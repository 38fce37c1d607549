package speed

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"
)

// A Row is what the contenders took for one task.
type Row struct {
	Task    string
	Costs   map[string]Cost // by contender
	Against string          // the contender that the target speaks of
	Ratio   float64         // what we took, in times of what that one took
	Target  float64         // zero: none
}

// Cost is that of one call.
type Cost struct {
	Nanoseconds float64
	Allocations float64
}

// measure has the contenders take turns, so that whatever the machine does
// meanwhile meets them all: in every round each works for a slice, the one
// after the other, and another one begins. Costs and ratios are medians of the
// rounds.
func (t task) measure(rounds int, slice time.Duration) (Row, error) {
	names := slices.Sorted(maps.Keys(t.work))
	calls := map[string]int{}
	costs := map[string]Cost{}
	for _, name := range names {
		n, err := t.fit(name, slice)
		if err != nil {
			return Row{}, fmt.Errorf("%s: %s: %w", t.name, name, err)
		}
		calls[name], costs[name] = n, Cost{Allocations: t.allocations(name, n)}
	}
	taken := map[string][]float64{}
	for round := range rounds {
		for i := range names {
			name := names[(i+round)%len(names)]
			runtime.GC() // nobody clears up after another
			cost, err := t.time(name, calls[name])
			if err != nil {
				return Row{}, err
			}
			taken[name] = append(taken[name], cost)
		}
	}
	for _, name := range names {
		costs[name] = Cost{median(taken[name]), costs[name].Allocations}
	}
	var ratios []float64
	for i, cost := range taken["ours"] {
		ratios = append(ratios, cost/taken[t.against][i])
	}
	return Row{Task: t.name, Costs: costs, Against: t.against, Ratio: median(ratios), Target: t.target}, nil
}

// fit is how often the contender does its work in a slice.
func (t task) fit(name string, slice time.Duration) (int, error) {
	for n := 1; ; n *= 2 {
		cost, err := t.time(name, n)
		if err != nil {
			return 0, err
		}
		if took := time.Duration(cost * float64(n*t.each())); took >= slice/2 {
			return max(1, int(float64(n)*float64(slice)/float64(took))), nil
		}
	}
}

// time is what one call of the contender takes, in nanoseconds, of n times its work.
func (t task) time(name string, n int) (float64, error) {
	work, begin := t.work[name], spent()
	for range n {
		if err := work(); err != nil {
			return 0, err
		}
	}
	return float64(spent()-begin) / float64(n*t.each()), nil
}

func (t task) allocations(name string, n int) float64 {
	var before, after runtime.MemStats
	n = min(n, 1000)
	runtime.ReadMemStats(&before)
	for range n {
		t.work[name]()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n*t.each())
}

// each is how many calls one Work makes.
func (t task) each() int { return max(1, t.calls) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
