package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A mutant is one change of one file.
type mutant struct {
	file          string // below the root
	line          int
	number        int    // among the conditions of its package, from 1; 0: a limit
	start, end    int    // of what is replaced, for a limit
	by            string // the replacement, likewise
	before, after string // the expression, on one line
}

func (m *mutant) folder() string { return filepath.Dir(m.file) }

func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d: %s -> %s", m.file, m.line, m.before, m.after)
}

// key is how survivors.txt names the mutant: line numbers move too often.
func (m *mutant) key() string { return m.file + ": " + m.before + " -> " + m.after }

// collect finds the mutants of a package in the files whose path contains only.
// The numbers of conditions are those of the whole package.
func collect(name, only string) ([]*mutant, error) {
	sources, err := sourcesOf(name)
	if err != nil {
		return nil, err
	}
	var mutants []*mutant
	number := 0
	for _, s := range sources {
		of := s.mutants(&number)
		if strings.Contains(s.path, only) {
			mutants = append(mutants, of...)
		}
	}
	return mutants, nil
}

// A source is a file of a package, parsed.
type source struct {
	path string
	text []byte
	fset *token.FileSet
	file *ast.File
}

func sourcesOf(name string) ([]*source, error) {
	paths, err := filepath.Glob(name + "/*.go")
	if err != nil {
		return nil, err
	}
	var sources []*source
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(string(text), "\n//go:build ") && !strings.HasPrefix(string(text), "//go:build ") {
			sources = append(sources, &source{path, text, fset, file})
		}
	}
	return sources, nil
}

func (s *source) at(pos token.Pos) int { return s.fset.Position(pos).Offset }

func (s *source) of(n ast.Node) string { return string(s.text[s.at(n.Pos()):s.at(n.End())]) }

func (s *source) mutants(number *int) []*mutant {
	var mutants []*mutant
	for _, c := range s.conditions() {
		*number++
		mutants = append(mutants, &mutant{
			file: s.path, line: s.fset.Position(c.Pos()).Line, number: *number,
			before: oneLine(s.of(c)), after: oneLine(s.changed(c)),
		})
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.CONST {
			for _, spec := range decl.Specs {
				mutants = append(mutants, s.limits(spec.(*ast.ValueSpec))...)
			}
		}
		return true
	})
	return mutants
}

// conditions are the comparisons and the boolean operators, outside constants.
func (s *source) conditions() (found []ast.Expr) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok != token.CONST
		case *ast.BinaryExpr:
			if _, ok := swaps[n.Op]; ok && !isNilCheck(n) {
				found = append(found, n)
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

// swaps are the changes of operators.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
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

// changed is the text of the condition, mutated.
func (s *source) changed(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return s.of(e.X) + " " + swaps[e.Op].String() + " " + s.of(e.Y)
	case *ast.UnaryExpr:
		return s.of(e.X)
	}
	return ""
}

// limits are the mutants of a constant: one more.
func (s *source) limits(spec *ast.ValueSpec) []*mutant {
	if len(spec.Values) != 1 {
		return nil
	}
	number := firstNumber(spec.Values[0])
	if number == nil {
		return nil
	}
	by := "(" + number.Value + "+1)"
	before := s.of(spec)
	start, end := s.at(number.Pos()), s.at(number.End())
	from := s.at(spec.Pos())
	after := before[:start-from] + by + before[end-from:]
	return []*mutant{{
		file: s.path, line: s.fset.Position(spec.Pos()).Line,
		start: start, end: end, by: by, before: oneLine(before), after: oneLine(after),
	}}
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
