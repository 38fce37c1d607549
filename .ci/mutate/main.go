// Mutate changes limits, comparisons and conditions of the four packages one
// at a time, and runs the tests of the package over each change. A mutant that
// no test notices survives: either a test is missing, or the change makes no
// difference, and survivors.txt beside this file says why.
//
//	go run ./.ci/mutate                        # everything: an hour or more
//	go run ./.ci/mutate -sample 40 -seed 7     # forty of them
//	go run ./.ci/mutate -run transport/origin  # those of one file
//
// It exits with 1 if fewer than 95 in 100 were killed, or a survivor is not
// explained. The checkout itself is not touched.
//
// All conditions of a package are compiled into one test program, which an
// environment variable makes take another turn at one of them. A limit is a
// constant, so that each needs a program of its own.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

var packages = []string{"keystore", "jwks", "tokenprofile", "transport"}

func main() {
	sample := flag.Int("sample", 0, "how many mutants to try; 0: all")
	seed := flag.Uint64("seed", 1, "of the sample")
	only := flag.String("run", "", "files whose path contains this")
	parallel := flag.Int("parallel", 2, "how many to try side by side")
	timeout := flag.Duration("timeout", 2*time.Minute, "for the tests of one mutant")
	flag.Parse()
	if err := run(*sample, *seed, *only, *parallel, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(sample int, seed uint64, only string, parallel int, timeout time.Duration) error {
	reasons, err := explanations()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var mutants []*mutant
	for _, name := range packages {
		found, err := collect(name, only)
		if err != nil {
			return err
		}
		mutants = append(mutants, found...)
	}
	if sample > 0 && sample < len(mutants) {
		random := rand.New(rand.NewPCG(seed, 0))
		random.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:sample]
	}
	programs := map[string]*program{}
	for _, name := range packages {
		if slices.ContainsFunc(mutants, func(m *mutant) bool { return m.folder() == name }) {
			if programs[name], err = build(work, name); err != nil {
				return err
			}
		}
	}
	return report(try(mutants, programs, parallel, timeout), len(mutants), reasons)
}

// try returns the mutants that survive.
func try(mutants []*mutant, programs map[string]*program, parallel int, timeout time.Duration) []*mutant {
	var mu sync.Mutex
	var survivors []*mutant
	var group sync.WaitGroup
	queue := make(chan *mutant)
	for range parallel {
		group.Go(func() {
			for m := range queue {
				if programs[m.folder()].survives(m, timeout) {
					mu.Lock()
					survivors = append(survivors, m)
					mu.Unlock()
				}
			}
		})
	}
	for i, m := range mutants {
		queue <- m
		if i%50 == 49 {
			fmt.Fprintf(os.Stderr, "%d of %d\n", i+1, len(mutants))
		}
	}
	close(queue)
	group.Wait()
	slices.SortFunc(survivors, func(a, b *mutant) int { return strings.Compare(a.String(), b.String()) })
	return survivors
}

func report(survivors []*mutant, tried int, reasons map[string]string) error {
	unexplained := 0
	for _, m := range survivors {
		reason := reasons[m.key()]
		if reason == "" {
			unexplained++
			reason = "NOT EXPLAINED"
		}
		fmt.Printf("survived %s\n         %s\n", m, reason)
	}
	killed := tried - len(survivors)
	share := 100 * float64(killed) / float64(max(1, tried))
	fmt.Printf("%d mutants, %d killed (%.1f %%), %d survived, %d of them not explained\n", tried, killed, share, len(survivors), unexplained)
	if unexplained > 0 || share < 95 {
		return fmt.Errorf("%d survivors to look at", unexplained)
	}
	return nil
}

// explanations reads survivors.txt: "file: before -> after = reason" a line.
func explanations() (map[string]string, error) {
	data, err := os.ReadFile(".ci/mutate/survivors.txt")
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(data)) {
		key, reason, found := strings.Cut(strings.TrimSpace(line), " = ")
		if found && !strings.HasPrefix(line, "#") {
			reasons[key] = reason
		}
	}
	return reasons, nil
}
