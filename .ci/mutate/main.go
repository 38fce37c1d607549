// Mutate changes limits, comparisons and conditions of the four packages one
// at a time, and runs the tests of the package over each change. A mutant that
// no test notices survives: either a test is missing, or the change makes no
// difference, and survivors.txt beside this file says why.
//
//	go run ./.ci/mutate                        # everything: hours
//	go run ./.ci/mutate -sample 40 -seed 7     # forty of them
//	go run ./.ci/mutate -run transport/origin  # those of one file
//
// It exits with 1 if fewer than 95 in 100 were killed, or a survivor is not
// explained. The checkout itself is not touched.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

var packages = []string{"keystore", "jwks", "tokenprofile", "transport"}

// A mutant is one change of one file.
type mutant struct {
	file       string // below the root
	line       int
	start, end int    // of what is replaced
	by         string // the replacement
	before     string // the expression
	after      string // and what becomes of it
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %s -> %s", m.file, m.line, m.before, m.after)
}

func main() {
	sample := flag.Int("sample", 0, "how many mutants to try; 0: all")
	seed := flag.Uint64("seed", 1, "of the sample")
	only := flag.String("run", "", "files whose path contains this")
	parallel := flag.Int("parallel", 2, "how many to try side by side")
	timeout := flag.Duration("timeout", 3*time.Minute, "for the tests of one mutant")
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
	mutants, err := collect(only)
	if err != nil {
		return err
	}
	if sample > 0 && sample < len(mutants) {
		random := rand.New(rand.NewPCG(seed, 0))
		random.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:sample]
	}
	survivors := try(mutants, parallel, timeout)
	unexplained := 0
	for _, m := range survivors {
		reason := reasons[m.key()]
		if reason == "" {
			unexplained++
			reason = "NOT EXPLAINED"
		}
		fmt.Printf("survived %s\n         %s\n", m, reason)
	}
	killed := len(mutants) - len(survivors)
	share := 100 * float64(killed) / float64(max(1, len(mutants)))
	fmt.Printf("%d mutants, %d killed (%.1f %%), %d survived, %d of them not explained\n", len(mutants), killed, share, len(survivors), unexplained)
	if unexplained > 0 || share < 95 {
		return fmt.Errorf("%d survivors to look at", unexplained)
	}
	return nil
}

// key is how survivors.txt names the mutant: line numbers move too often.
func (m mutant) key() string { return m.file + ": " + m.before + " -> " + m.after }

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

func collect(only string) ([]mutant, error) {
	var mutants []mutant
	for _, name := range packages {
		files, err := filepath.Glob(name + "/*.go")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || !strings.Contains(file, only) {
				continue
			}
			of, err := mutantsOf(file)
			if err != nil {
				return nil, err
			}
			mutants = append(mutants, of...)
		}
	}
	return mutants, nil
}

// swaps are the changes of operators.
var swaps = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.EQL: "!=", token.NEQ: "==", token.LAND: "||", token.LOR: "&&",
}

func mutantsOf(file string) ([]mutant, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, 0)
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	add := func(pos token.Pos, whole ast.Node, length int, after string) {
		at := fset.Position(pos)
		expression := string(source[fset.Position(whole.Pos()).Offset:fset.Position(whole.End()).Offset])
		start := at.Offset - fset.Position(whole.Pos()).Offset
		changed := expression[:start] + after + expression[start+length:]
		mutants = append(mutants, mutant{file, at.Line, at.Offset, at.Offset + length, after, oneLine(expression), oneLine(changed)})
	}
	inConst := false
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			inConst = n.Tok == token.CONST
		case *ast.FuncDecl:
			inConst = false
		case *ast.BinaryExpr:
			if after, ok := swaps[n.Op]; ok && !isNilCheck(n) {
				add(n.OpPos, n, len(n.Op.String()), after)
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				add(n.OpPos, n, 1, "")
			}
		case *ast.ValueSpec:
			if inConst && len(n.Values) == 1 {
				if number := firstNumber(n.Values[0]); number != nil {
					add(number.Pos(), n, len(number.Value), "("+number.Value+"+1)")
				}
			}
		}
		return true
	})
	return mutants, nil
}

// isNilCheck leaves out comparisons with nil: what they guard panics, which
// every test notices.
func isNilCheck(n *ast.BinaryExpr) bool {
	for _, side := range []ast.Expr{n.X, n.Y} {
		if ident, ok := side.(*ast.Ident); ok && ident.Name == "nil" {
			return true
		}
	}
	return false
}

func firstNumber(e ast.Expr) (number *ast.BasicLit) {
	ast.Inspect(e, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && number == nil && literal.Kind == token.INT {
			if value, err := strconv.ParseInt(literal.Value, 0, 64); err == nil && value > 0 {
				number = literal
			}
		}
		return number == nil
	})
	return number
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func try(mutants []mutant, parallel int, timeout time.Duration) []mutant {
	var mu sync.Mutex
	var survivors []mutant
	var group sync.WaitGroup
	queue := make(chan mutant)
	for range parallel {
		group.Go(func() {
			for m := range queue {
				alive, err := survives(m, timeout)
				mu.Lock()
				if err != nil {
					fmt.Fprintln(os.Stderr, "mutate:", m, err)
				}
				if alive {
					survivors = append(survivors, m)
				}
				mu.Unlock()
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
	sort.Slice(survivors, func(i, j int) bool { return survivors[i].String() < survivors[j].String() })
	return survivors
}

// survives reports whether the tests of the package pass over the mutant. One
// that does not compile, or does not end, is killed.
func survives(m mutant, timeout time.Duration) (bool, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return false, err
	}
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	changed := slices.Concat(source[:m.start], []byte(m.by), source[m.end:])
	copied := filepath.Join(work, "mutant.go")
	if err := os.WriteFile(copied, changed, 0o600); err != nil {
		return false, err
	}
	absolute, err := filepath.Abs(m.file)
	if err != nil {
		return false, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {absolute: copied}})
	if err != nil {
		return false, err
	}
	list := filepath.Join(work, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return false, err
	}
	test := exec.Command("go", "test", "-overlay", list, "-failfast", "-timeout", timeout.String(), "./"+filepath.Dir(m.file))
	return test.Run() == nil, nil
}
