// Package speed times this library beside its peers and beside the bare
// primitives of the standard library, and writes what it finds as a table and a
// plot.
package speed

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Result is one run.
type Result struct {
	Release, Date, Machine, Command string
	Rows                            []Row
}

// Results are the last runs, by Go release.
type Results map[string]Result

// Main is the program: with the peers that every release can build, and more.
// command is how it is run, folder where the files are.
func Main(command, folder string, more ...Library) error {
	rounds := flag.Int("rounds", 31, "how often every contender has its turn")
	slice := flag.Duration("slice", 20*time.Millisecond, "processor time of a turn")
	only := flag.String("only", "", "only tasks with this in their name; nothing is written")
	flag.Parse()
	rows, err := run(*rounds, *slice, *only, more)
	if err != nil || *only != "" {
		return err
	}
	release, _, _ := strings.Cut(strings.TrimPrefix(runtime.Version(), "go"), " ")
	major := strings.Join(strings.Split(release, ".")[:2], ".")
	return record(folder, major, Result{release, time.Now().UTC().Format("2 January 2006"), Machine(), command, rows})
}

// Check has every contender do each task once, and returns the faults.
func Check(more ...Library) error {
	all, err := tasks(peers(more))
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range all {
		for name, work := range t.work {
			if err := work(); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", t.name, name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func peers(more []Library) []Library { return append([]Library{golangJWT, goJOSE, jwxV3}, more...) }

func run(rounds int, slice time.Duration, only string, more []Library) ([]Row, error) {
	all, err := tasks(peers(more))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, t := range all {
		if !strings.Contains(t.name, only) {
			continue
		}
		row, err := t.measure(rounds, slice)
		if err != nil {
			return nil, err
		}
		fmt.Printf("%-32s %6.2f × %-10s (target %.2f)\n", row.Task, row.Ratio, row.Against, row.Target)
		rows = append(rows, row)
	}
	return rows, nil
}

// Machine says what all this ran on.
func Machine() string {
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}

// record puts the result beside those of other releases, and writes table and
// plot anew.
func record(folder, release string, result Result) error {
	path := filepath.Join(folder, "speed.json")
	results := Results{}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &results)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	results[release] = result
	if data, err = json.MarshalIndent(results, "", "\t"); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(path, append(data, '\n'), 0o644),
		os.WriteFile(filepath.Join(folder, "speed.md"), []byte(results.table()), 0o644),
		os.WriteFile(filepath.Join(folder, "speed.svg"), []byte(results.plot()), 0o644),
	)
}
