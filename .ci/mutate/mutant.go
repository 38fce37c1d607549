package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// A mutant is one change of one file.
type mutant struct {
	file, function string
	number         int    // within its group of packages, from 1
	before, after  string // the expression, on one line
	twin           int    // the same change again in the same function: 2, 3 …
	verdict        string // the test that killed it, late or survived
}

const (
	survived = "survived"
	late     = "out of time"
)

// group is the package that the mutant's file belongs to, or is internal to.
func (m *mutant) group() string {
	name, _, _ := strings.Cut(m.file, "/")
	return name
}

// key is how survivors.txt names the mutant: line numbers move too often.
func (m *mutant) key() string {
	key := m.file + " "
	if m.function != "" {
		key += m.function + " "
	}
	key += m.before + " -> " + m.after
	if m.twin > 1 {
		key += fmt.Sprintf(" (%d)", m.twin)
	}
	return key
}

// swaps are the changes of operators.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
}

// find names the mutants of a file: those of its conditions, and those of the
// constants it declares.
func (s *source) find(number *int) {
	seen := map[string]int{}
	add := func(node ast.Node, before, after string) *mutant {
		*number++
		m := &mutant{file: s.path, function: s.function(node), number: *number, before: oneLine(before), after: oneLine(after)}
		seen[m.key()]++
		m.twin = seen[m.key()]
		s.mutants = append(s.mutants, m)
		return m
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok != token.CONST {
				return true
			}
			for _, spec := range n.Specs {
				spec := spec.(*ast.ValueSpec)
				if after := s.raised(spec); after != "" {
					m := add(spec, s.of(spec), after)
					s.limits[spec] = limit{m, strings.Replace(after, spec.Names[0].Name, spec.Names[0].Name+"Mutated", 1)}
				}
			}
			return false
		case *ast.BinaryExpr:
			if _, ok := swaps[n.Op]; ok && !isNilCheck(n) {
				s.conditions[n] = add(n, s.of(n), s.changed(n))
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				s.conditions[n] = add(n, s.of(n), s.changed(n))
			}
		}
		return true
	})
}

// function is the name of the function around a node.
func (s *source) function(node ast.Node) string {
	for _, decl := range s.file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Pos() <= node.Pos() && node.End() <= f.End() {
			if f.Recv != nil {
				return strings.Trim(s.of(f.Recv.List[0].Type), "*") + "." + f.Name.Name
			}
			return f.Name.Name
		}
	}
	return ""
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

// raised is the declaration of a constant, its first number one more.
func (s *source) raised(spec *ast.ValueSpec) string {
	if len(spec.Values) != 1 || strings.Contains(s.of(spec), "iota") {
		return ""
	}
	var number *ast.BasicLit
	ast.Inspect(spec.Values[0], func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && number == nil && literal.Kind == token.INT {
			if value, err := strconv.ParseInt(literal.Value, 0, 64); err == nil && value > 0 {
				number = literal
			}
		}
		return number == nil
	})
	if number == nil {
		return ""
	}
	return s.slice(spec.Pos(), number.Pos()) + "(" + number.Value + "+1)" + s.slice(number.End(), spec.End())
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
