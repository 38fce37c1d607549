package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A program is the compiled test of a package with a switch at every condition.
type program struct {
	name string
	path string
	skip string // tests that fail before anything is changed: they count allocations
}

// build compiles the program, and sees that its tests pass unchanged.
func build(work, name string) (*program, error) {
	sources, err := sourcesOf(name)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	number := 0
	for _, s := range sources {
		if err := overlay(work, replace, s.path, s.switched(&number)); err != nil {
			return nil, err
		}
	}
	variable := fmt.Sprintf("package %s\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\nvar mutantNumber, _ = strconv.Atoi(os.Getenv(\"MUTANT\"))\n", name)
	if err := overlay(work, replace, name+"/mutant_number.go", variable); err != nil {
		return nil, err
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	listed := filepath.Join(work, name+".json")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		return nil, err
	}
	p := &program{name: name, path: filepath.Join(work, name+".test")}
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", listed, "-o", p.path, "./"+name).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s does not compile: %s", name, out)
	}
	return p, p.settle()
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

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// settle finds the tests that the switches alone make fail.
func (p *program) settle() error {
	for range 5 {
		out, err := p.command("0", 10*time.Minute).CombinedOutput()
		if err == nil {
			return nil
		}
		names := failed.FindAllSubmatch(out, -1)
		if len(names) == 0 {
			return fmt.Errorf("%s fails unchanged: %s", p.name, out[max(0, len(out)-2000):])
		}
		for _, name := range names {
			p.skip += "|^" + string(name[1]) + "$"
		}
		p.skip = strings.TrimPrefix(p.skip, "|")
	}
	return fmt.Errorf("%s fails unchanged: %s", p.name, p.skip)
}

func (p *program) command(number string, timeout time.Duration) *exec.Cmd {
	args := []string{"-test.failfast", "-test.timeout", timeout.String()}
	if p.skip != "" {
		args = append(args, "-test.skip", p.skip)
	}
	cmd := exec.Command(p.path, args...)
	cmd.Dir = p.name
	cmd.Env = append(os.Environ(), "MUTANT="+number)
	return cmd
}

// survives reports whether all tests pass over the mutant. One that does not
// compile, or does not end, is killed.
func (p *program) survives(m *mutant, timeout time.Duration) bool {
	if m.number > 0 {
		return p.command(strconv.Itoa(m.number), timeout).Run() == nil
	}
	text, err := os.ReadFile(m.file)
	if err != nil {
		return true
	}
	work, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return true
	}
	defer os.RemoveAll(work)
	replace := map[string]string{}
	err = overlay(work, replace, m.file, string(slices.Concat(text[:m.start], []byte(m.by), text[m.end:])))
	if err != nil {
		return true
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return true
	}
	listed := filepath.Join(work, "overlay.json")
	if os.WriteFile(listed, list, 0o600) != nil {
		return true
	}
	return exec.Command("go", "test", "-vet=off", "-overlay", listed, "-failfast", "-timeout", timeout.String(), "./"+p.name).Run() == nil
}

// switched is the file with every condition in a function that asks which way
// to go. Within the changed way nothing else is changed.
func (s *source) switched(number *int) string {
	numbers := map[ast.Expr]int{}
	for _, c := range s.conditions() {
		*number++
		numbers[c] = *number
	}
	return s.rewrite(s.file, 0, len(s.text), numbers)
}

// rewrite is the text from start to end of a node, with its conditions switched.
func (s *source) rewrite(n ast.Node, start, end int, numbers map[ast.Expr]int) string {
	var out strings.Builder
	at := start
	ast.Inspect(n, func(child ast.Node) bool {
		e, ok := child.(ast.Expr)
		if !ok || child == n || numbers[e] == 0 {
			return true
		}
		from, to := s.at(e.Pos()), s.at(e.End())
		out.WriteString(string(s.text[at:from]))
		fmt.Fprintf(&out, "func() bool { if mutantNumber == %d { return %s }; return %s }()", numbers[e], s.changed(e), s.rewrite(e, from, to, numbers))
		at = to
		return false
	})
	out.WriteString(string(s.text[at:end]))
	return out.String()
}
