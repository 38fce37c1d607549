// Mutate changes limits, comparisons and conditions of the four packages, and
// of what is internal to them, one at a time, and runs the tests over each
// change. A mutant that no test notices survives: either a test is missing, or
// the change makes no difference, and survivors.txt beside this file says why.
//
//	go run ./.ci/mutate                         # everything: an hour or more
//	go run ./.ci/mutate -sample 40 -seed 7      # forty of them
//	go run ./.ci/mutate -run transport/origin   # those whose name contains this
//	go run ./.ci/mutate -killed /tmp/killed     # go on where a run was ended
//
// It exits with 1 if fewer than 95 in 100 were killed, or a survivor is not
// explained. The checkout itself is not touched.
//
// All changes of a package are compiled into its test programs, which an
// environment variable makes take another turn at one of them. Each test runs
// once unchanged to see which places it comes by; a mutant is tried by those
// tests alone, the quickest first.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

var packages = []string{"jwks", "transport", "keystore", "tokenprofile"}

func main() {
	var o options
	flag.IntVar(&o.sample, "sample", 0, "how many mutants to try; 0: all")
	flag.Uint64Var(&o.seed, "seed", 1, "of the sample")
	flag.StringVar(&o.only, "run", "", "mutants whose name contains this: file, function or expression")
	flag.StringVar(&o.killed, "killed", "", "file that remembers which mutants were killed, and spares them the next time")
	flag.StringVar(&o.tests, "tests", "^(Test|Fuzz|Example)", "which tests try the mutants")
	flag.IntVar(&o.parallel, "parallel", 2, "how many to try side by side")
	flag.DurationVar(&o.budget, "budget", 20*time.Second, "what the tests of one mutant may take together when nothing is changed")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

type options struct {
	sample       int
	seed         uint64
	only, killed string
	tests        string
	parallel     int
	budget       time.Duration
}

func run(o options) error {
	reasons, err := explanations()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	before, err := remembered(o.killed)
	if err != nil {
		return err
	}
	all := map[string][]*source{}
	for _, name := range packages {
		if all[name], err = load(name); err != nil {
			return err
		}
	}
	tried := choose(all, before, o)
	for _, name := range packages {
		left := undecided(tried, name)
		if len(left) == 0 {
			continue
		}
		p, err := build(work, name, all[name], o)
		if err != nil {
			return err
		}
		if err := p.try(left, o); err != nil {
			return err
		}
	}
	return report(tried, reasons)
}

// choose returns the mutants that the options ask for, with the verdicts of an
// earlier run.
func choose(all map[string][]*source, before map[string]string, o options) []*mutant {
	var chosen []*mutant
	for _, name := range packages {
		for _, s := range all[name] {
			for _, m := range s.mutants {
				if strings.Contains(m.key(), o.only) {
					m.verdict = before[m.key()]
					chosen = append(chosen, m)
				}
			}
		}
	}
	if o.sample > 0 && o.sample < len(chosen) {
		random := rand.New(rand.NewPCG(o.seed, 0))
		random.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:o.sample]
	}
	return chosen
}

// undecided returns the mutants of a package that have no verdict yet.
func undecided(chosen []*mutant, name string) []*mutant {
	var left []*mutant
	for _, m := range chosen {
		if m.verdict == "" && m.group() == name {
			left = append(left, m)
		}
	}
	return left
}

// report prints the survivors with their reasons, and the figures.
func report(tried []*mutant, reasons map[string]string) error {
	slices.SortStableFunc(tried, func(a, b *mutant) int { return cmp.Compare(a.key(), b.key()) })
	type figures struct{ all, killed, late int }
	sum := map[string]*figures{"all": {}}
	unexplained := 0
	for _, m := range tried {
		if sum[m.group()] == nil {
			sum[m.group()] = &figures{}
		}
		for _, f := range []*figures{sum["all"], sum[m.group()]} {
			f.all++
			if m.verdict != survived {
				f.killed++
			}
			if m.verdict == late {
				f.late++
			}
		}
		switch m.verdict {
		case late:
			fmt.Printf("out of time %s\n", m.key())
		case survived:
			reason := reasons[m.key()]
			if reason == "" {
				unexplained++
				reason = "NOT EXPLAINED"
			}
			fmt.Printf("%s\n\t%s\n", m.key(), reason)
		}
	}
	for _, name := range append(slices.Clone(packages), "all") {
		if f := sum[name]; f != nil {
			fmt.Printf("%-12s %4d mutants, %4d killed (%.1f %%), %d of them by running out of time\n",
				name, f.all, f.killed, 100*float64(f.killed)/float64(max(1, f.all)), f.late)
		}
	}
	if f := sum["all"]; unexplained > 0 || 100*f.killed < 95*f.all {
		return fmt.Errorf("%d survivors, %d of them not explained", f.all-f.killed, unexplained)
	}
	return nil
}

// explanations reads survivors.txt: a mutant a line, and below it, indented,
// why it makes no difference.
func explanations() (map[string]string, error) {
	data, err := os.ReadFile(".ci/mutate/survivors.txt")
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	reasons := map[string]string{}
	key := ""
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "\t") {
			reasons[key] = strings.TrimSpace(line)
		} else {
			key = strings.TrimSpace(line)
		}
	}
	return reasons, nil
}

// remembered reads the verdicts of an earlier run.
func remembered(path string) (map[string]string, error) {
	verdicts := map[string]string{}
	if path == "" {
		return verdicts, nil
	}
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		if key, verdict, found := strings.Cut(strings.TrimSpace(line), "\t"); found {
			verdicts[key] = verdict
		}
	}
	return verdicts, nil
}
