package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A program holds the compiled tests of a package and of those internal to it,
// with a switch at every change.
type program struct {
	tests []*test // the quickest first
}

// A test is one of them.
type test struct {
	binary, folder, name string
	took                 time.Duration
	reaches              map[int]bool // mutants by number
}

// helpers is what the switches call, in each package.
const helpers = `package %s

import (
	"os"
	"strconv"
	"sync/atomic"
)

var (
	mutantNumber, _ = strconv.Atoi(os.Getenv("MUTANT"))
	mutantTrace, _  = os.OpenFile(os.Getenv("MUTANT_TRACE"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	mutantSeen      [1 << 13]atomic.Bool
)

func mutantLimit[T any](number int, before, after T) T {
	mutantReached(number, nil)
	if mutantNumber == number {
		return after
	}
	return before
}

func mutantReached(number int, differs func() bool) {
	if mutantTrace == nil || mutantSeen[number].Load() || differs != nil && !mutantDiffers(differs) {
		return
	}
	if !mutantSeen[number].Swap(true) {
		mutantTrace.WriteString(strconv.Itoa(number) + "\n")
	}
}

func mutantDiffers(differs func() bool) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	return differs()
}
`

// build compiles the tests of a group, and sees where each of them comes by.
func build(work, name string, sources []*source, o options) (*program, error) {
	replace := map[string]string{}
	numbers := constants(sources)
	var folders []string
	for _, s := range sources {
		if err := overlay(work, replace, s.path, s.switched(numbers)); err != nil {
			return nil, err
		}
		if folder := filepath.Dir(s.path); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
			if err := overlay(work, replace, folder+"/mutant_number.go", fmt.Sprintf(helpers, s.file.Name.Name)); err != nil {
				return nil, err
			}
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	listed := filepath.Join(work, name+".json")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		return nil, err
	}
	p := &program{}
	for _, folder := range folders {
		binary := filepath.Join(work, strings.ReplaceAll(folder, "/", "_")+".test")
		if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", listed, "-o", binary, "./"+folder).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s does not compile: %s", folder, out)
		}
		if _, err := os.Stat(binary); err != nil {
			continue // no tests
		}
		if err := p.trace(work, binary, folder, o); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(p.tests, func(a, b *test) int { return int(a.took - b.took) })
	return p, nil
}

// overlay has the go command read the text in place of the file.
func overlay(work string, replace map[string]string, path, text string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	copied := filepath.Join(work, strings.ReplaceAll(path, "/", "_"))
	replace[absolute] = copied
	return os.WriteFile(copied, []byte(text), 0o600)
}

// trace runs each test alone. One that fails because of the switches, as those
// do that count allocations, or takes all of the budget, is left out.
func (p *program) trace(work, binary, folder string, o options) error {
	list := exec.Command(binary, "-test.list", o.tests)
	list.Dir = folder
	out, err := list.Output()
	if err != nil {
		return err
	}
	for name := range strings.Lines(string(out)) {
		t := &test{binary: binary, folder: folder, name: strings.TrimSpace(name), reaches: map[int]bool{}}
		path := filepath.Join(work, "trace")
		os.Remove(path)
		start := time.Now()
		if out, err := command([]*test{t}, o.budget, "MUTANT_TRACE="+path); err != nil {
			fmt.Fprintf(os.Stderr, "left out: %s %s\n%s", folder, t.name, out[:min(len(out), 500)])
			continue
		}
		t.took = time.Since(start)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			number, _ := strconv.Atoi(strings.TrimSpace(line))
			t.reaches[number] = true
		}
		p.tests = append(p.tests, t)
	}
	return nil
}

// command runs tests of one binary. It has 8 GiB of memory: a mutant may loop.
func command(tests []*test, timeout time.Duration, env string) (output []byte, err error) {
	var names []string
	for _, t := range tests {
		names = append(names, t.name)
	}
	cmd := exec.Command("sh", "-c", `ulimit -v 8388608; exec "$@"`, "sh", tests[0].binary, "-test.failfast",
		"-test.timeout", timeout.String(), "-test.run", "^("+strings.Join(names, "|")+")$")
	cmd.Dir = tests[0].folder
	cmd.Env = append(os.Environ(), env)
	return cmd.CombinedOutput()
}

// try gives each mutant its verdict.
func (p *program) try(mutants []*mutant, o options) error {
	memory, err := os.OpenFile(cmp.Or(o.killed, os.DevNull), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer memory.Close()
	var mu sync.Mutex
	var group sync.WaitGroup
	queue := make(chan *mutant)
	for range o.parallel {
		group.Go(func() {
			for m := range queue {
				m.verdict = p.verdict(m, o.budget)
				mu.Lock()
				if m.verdict != survived {
					fmt.Fprintf(memory, "%s\t%s\n", m.key(), m.verdict)
				} else {
					fmt.Fprintln(os.Stderr, "survived:", m.key())
				}
				mu.Unlock()
			}
		})
	}
	for i, m := range mutants {
		queue <- m
		if i%50 == 49 {
			fmt.Fprintf(os.Stderr, "%s: %d of %d\n", m.group(), i+1, len(mutants))
		}
	}
	close(queue)
	group.Wait()
	return nil
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// verdict tries the mutant with the tests that come by it, as many as the budget
// is for: the quickest alone, then twice as many each time.
func (p *program) verdict(m *mutant, budget time.Duration) string {
	var left []*test
	for _, t := range p.tests {
		if t.reaches[m.number] && t.took <= budget {
			left = append(left, t)
			budget -= t.took
		}
	}
	for size := 1; len(left) > 0; size *= 2 {
		batch := left[:1]
		for len(batch) < min(size, len(left)) && left[len(batch)].binary == batch[0].binary {
			batch = left[:len(batch)+1]
		}
		left = left[len(batch):]
		limit := 20 * time.Second
		for _, t := range batch {
			limit += 5 * t.took
		}
		out, err := command(batch, limit, "MUTANT="+strconv.Itoa(m.number))
		var exit *exec.ExitError
		switch {
		case err == nil:
		case bytes.Contains(out, []byte("panic: test timed out after")):
			return late
		case errors.As(err, &exit):
			if name := failed.FindSubmatch(out); name != nil {
				return string(name[1])
			}
			return batch[0].name
		}
	}
	return survived
}
