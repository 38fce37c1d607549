package speed

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// contenders are in the order of the table's columns and the plot's legend.
var contenders = []string{"ours", "primitive", "golang-jwt", "go-jose", "jwx v3", "jwx v4", "oauth2"}

// has reports whether a contender took part.
func (r Result) has(contender string) bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { _, ok := row.Costs[contender]; return ok })
}

// newest are the releases, the newest first.
func (r Results) newest() []string {
	releases := slices.Sorted(maps.Keys(r)) // two digits each, for years to come
	slices.Reverse(releases)
	return releases
}

func (r Results) table() string {
	var text strings.Builder
	text.WriteString("# Speed beside the peers\n\n![cost of each task, in times of what this library takes](speed.svg)\n\n" + reading)
	for _, release := range r.newest() {
		r[release].write(&text)
	}
	return text.String()
}

const reading = `Every figure is processor time for one call, garbage collection included, in microseconds, with the number of allocations in
brackets. All contenders of a row take turns within one run, and figures are medians of the turns. *primitive* is the signature
alone as the standard library makes or checks it; for tokens that were seen before, an HMAC-SHA-256 over the token. The last
columns are the median of the ratios between us and the contender named there, and what we want it to be at most; ✗ marks what
misses it.

Tokens have eight claims, three of them given in a map. ` + "`verify`" + ` is a token that nobody has seen before (` + "`CacheSize: -1`" + `), checked for its
signature, algorithm, issuer, audience and times; ` + "`again`" + ` is one in the cache, in turn with so many others.
`

func (r Result) write(text *strings.Builder) {
	fmt.Fprintf(text, "\n## Go %s\n\n%s, %s, `%s`\n\n", r.Release, r.Date, r.Machine, r.Command)
	columns := slices.DeleteFunc(slices.Clone(contenders), func(name string) bool { return !r.has(name) })
	fmt.Fprintf(text, "| | %s | we take | target |\n|---|%s---|---|\n", strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)))
	for _, row := range r.Rows {
		fmt.Fprintf(text, "| %s |", row.Task)
		for _, name := range columns {
			cost, took := row.Costs[name]
			if !took {
				text.WriteString(" |")
				continue
			}
			fmt.Fprintf(text, " %s (%.0f) |", Micros(cost.Nanoseconds), cost.Allocations)
		}
		fmt.Fprintf(text, " %.2f × %s |%s |\n", row.Ratio, row.Against, row.verdict())
	}
}

// verdict is the target, and whether it was missed.
func (row Row) verdict() string {
	switch {
	case row.Target == 0:
		return ""
	case math.Round(100*row.Ratio) > math.Round(100*row.Target):
		return fmt.Sprintf(" %.2f ✗", row.Target)
	}
	return fmt.Sprintf(" %.2f", row.Target)
}

// Micros is a time in microseconds, in three digits that count.
func Micros(ns float64) string {
	switch us := ns / 1000; {
	case us >= 100:
		return fmt.Sprintf("%.0f", us)
	case us >= 10:
		return fmt.Sprintf("%.1f", us)
	default:
		return fmt.Sprintf("%.2f", us)
	}
}
