package speed_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/tokenprofile/tokenprofile-go/examples/peers/speed"
)

// A contender that fails, or that admits a bad signature, is not worth timing.
func TestContendersDoWhatTheyAreTimedAt(t *testing.T) {
	if err := speed.Check(); err != nil {
		t.Error(err)
	}
	lax := speed.Library{
		Name:   "lax",
		Sign:   func(speed.Party) (speed.Work, error) { return func() error { return nil }, nil },
		Verify: func(speed.Party, string) (speed.Work, error) { return func() error { return nil }, nil },
	}
	if err := speed.Check(lax); err == nil || !strings.Contains(err.Error(), "lax: accepted") {
		t.Errorf("got %v, want an error of the library that accepts everything", err)
	}
}

func TestMedian(t *testing.T) {
	if got := speed.Median([]float64{9, 1, 5, 2, 100}); got != 5 {
		t.Errorf("got %v, want 5", got)
	}
}

func results() speed.Results {
	rows := []speed.Row{
		{Task: "sign HS256", Against: "golang-jwt", Ratio: 0.404, Target: 0.4, Costs: map[string]speed.Cost{"ours": {2020, 6}, "golang-jwt": {5000, 46}}},
		{Task: "verify RS256", Against: "primitive", Ratio: 1.1, Target: 1.08, Costs: map[string]speed.Cost{"ours": {33_000, 9}, "primitive": {30_000, 8}}},
		{Task: "refuse <junk>", Against: "golang-jwt", Ratio: 0.001, Costs: map[string]speed.Cost{"ours": {10, 0}, "golang-jwt": {math.MaxInt32, 1}}},
	}
	older := speed.Result{Release: "1.26.8", Date: "1 May 2026", Machine: "a machine", Command: "a command", Rows: rows[:1]}
	newer := older
	newer.Release, newer.Rows = "1.27.4", rows
	return speed.Results{"1.26": older, "1.27": newer}
}

func TestTheTableSaysWhatWasMissed(t *testing.T) {
	table := results().Table()
	for _, want := range []string{
		"## Go 1.27.4\n\n1 May 2026, a machine, `a command`\n",
		"| | ours | primitive | golang-jwt | we take | target |\n|---|---:|---:|---:|---|---|\n",
		"| sign HS256 | 2.02 (6) | | 5.00 (46) | 0.40 × golang-jwt | 0.40 |\n",
		"| verify RS256 | 33.0 (9) | 30.0 (8) | | 1.10 × primitive | 1.08 ✗ |\n",
		"## Go 1.26.8",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("got\n%s\nwant in it\n%s", table, want)
		}
	}
	if strings.Index(table, "1.27.4") > strings.Index(table, "1.26.8") {
		t.Error("the older release stands first")
	}
}

func TestThePlotIsWellFormedAndKeepsToItself(t *testing.T) {
	plot := results().Plot()
	decoder := xml.NewDecoder(strings.NewReader(plot))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(plot, "refuse &lt;junk&gt;") || !strings.Contains(plot, "Go 1.27.4") {
		t.Error("a task or the newest release is missing")
	}
	for _, word := range []string{"NaN", "Inf", "href", "1.26.8"} {
		if strings.Contains(plot, word) {
			t.Errorf("%s is in the plot", word)
		}
	}
}
