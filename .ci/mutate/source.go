package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A source is a file of a package, parsed, with its mutants.
type source struct {
	path       string
	text       []byte
	fset       *token.FileSet
	file       *ast.File
	types      *types.Info
	mutants    []*mutant
	conditions map[ast.Expr]*mutant
	limits     map[*ast.ValueSpec]limit
}

// A limit is a constant and the declaration of its double.
type limit struct {
	*mutant
	double string
}

// load reads a package and those internal to it.
func load(name string) ([]*source, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./"+name+"/...").Output()
	if err != nil {
		return nil, fmt.Errorf("%s does not compile: %w", name, err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	folders, err := filepath.Glob(name + "/internal/*")
	if err != nil {
		return nil, err
	}
	var all []*source
	number := 0
	for _, folder := range append(folders, name) {
		sources, err := parse(folder)
		if err != nil {
			return nil, err
		}
		check(folder, sources, exports)
		for _, s := range sources {
			s.find(&number)
		}
		all = append(all, sources...)
	}
	return all, nil
}

// parse reads the files that every platform and release compiles.
func parse(folder string) ([]*source, error) {
	paths, err := filepath.Glob(folder + "/*.go")
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var sources []*source
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(path, "_test.go") || strings.Contains("\n"+string(text), "\n//go:build ") {
			continue
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		sources = append(sources, &source{
			path: path, text: text, fset: fset, file: file,
			conditions: map[ast.Expr]*mutant{}, limits: map[*ast.ValueSpec]limit{},
		})
	}
	return sources, nil
}

// check finds the types of a package. Faults are left aside: they come from
// files that were not read.
func check(folder string, sources []*source, exports map[string]string) {
	if len(sources) == 0 {
		return
	}
	fset := sources[0].fset
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	var files []*ast.File
	for _, s := range sources {
		s.types = info
		files = append(files, s.file)
	}
	config := types.Config{
		Error: func(error) {},
		Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
			return os.Open(exports[path])
		}),
	}
	config.Check(folder, fset, files, info)
}

func (s *source) at(pos token.Pos) int { return s.fset.Position(pos).Offset }

func (s *source) slice(from, to token.Pos) string { return string(s.text[s.at(from):s.at(to)]) }

func (s *source) of(n ast.Node) string { return s.slice(n.Pos(), n.End()) }

// constants are the numbers of a group's limits, by constant.
func constants(sources []*source) map[string]int {
	numbers := map[string]int{}
	for _, s := range sources {
		for spec, l := range s.limits {
			numbers[constant(s.types.Defs[spec.Names[0]])] = l.number
		}
	}
	return numbers
}

// constant names one the same way where it is declared and where another
// package uses it.
func constant(object types.Object) string {
	c, ok := object.(*types.Const)
	if !ok || c.Pkg() == nil {
		return ""
	}
	folder := c.Pkg().Path()
	if _, below, found := strings.Cut(folder, "tokenprofile-go/"); found {
		folder = below
	}
	if c.Parent() != nil && c.Parent() != c.Pkg().Scope() {
		return fmt.Sprint(folder, " ", c.Name(), " ", c.Pos())
	}
	return folder + " " + c.Name()
}

// switched is the file with every condition, and every use of a limit, in a
// function that asks which way to go. Within the changed way nothing else is.
func (s *source) switched(numbers map[string]int) string {
	return s.rewrite(s.file, s.file.FileStart, s.file.FileEnd, numbers)
}

func (s *source) rewrite(n ast.Node, start, end token.Pos, numbers map[string]int) string {
	var out strings.Builder
	at := start
	replace := func(child ast.Node, text string) {
		out.WriteString(s.slice(at, child.Pos()) + text)
		at = child.End()
	}
	ast.Inspect(n, func(child ast.Node) bool {
		if child == n {
			return true
		}
		if e, ok := child.(ast.Expr); ok && s.types.Types[e].Value != nil {
			if text := s.choice(e, numbers); text != "" {
				replace(e, text)
			}
			return false
		}
		switch child := child.(type) {
		case *ast.GenDecl:
			if child.Tok == token.CONST {
				replace(child, s.of(child)+s.doubles(child))
				return false
			}
		case *ast.ArrayType:
			return child.Len == nil
		case *ast.BinaryExpr, *ast.UnaryExpr:
			e := child.(ast.Expr)
			if m := s.conditions[e]; m != nil {
				replace(child, fmt.Sprintf("func() bool { mutantReached(%d, %s); if mutantNumber == %[1]d { return %[3]s }; return %[4]s }()",
					m.number, s.differs(e), s.changed(e), s.rewrite(e, e.Pos(), e.End(), numbers)))
				return false
			}
		}
		return true
	})
	return out.String() + s.slice(at, end)
}

// doubles declares the raised twins of a declaration's constants.
func (s *source) doubles(decl *ast.GenDecl) (text string) {
	for _, spec := range decl.Specs {
		if l, ok := s.limits[spec.(*ast.ValueSpec)]; ok {
			text += "\nconst " + l.double
		}
	}
	return text
}

// choice is a constant expression that uses a limit, or its double; empty
// where it uses none. A constant without a type takes the one it has there.
func (s *source) choice(e ast.Expr, numbers map[string]int) string {
	number, end := 0, token.NoPos
	ast.Inspect(e, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && number == 0 {
			number, end = numbers[constant(s.types.Uses[name])], name.End()
		}
		return number == 0
	})
	if number == 0 {
		return ""
	}
	of := types.TypeString(s.types.Types[e].Type, func(p *types.Package) string {
		if p.Name() == s.file.Name.Name {
			return ""
		}
		return p.Name()
	})
	if of = "[" + of + "]"; strings.Contains(of, "untyped") {
		of = ""
	}
	return fmt.Sprintf("mutantLimit%s(%d, %s, %sMutated%s)", of, number, s.of(e), s.slice(e.Pos(), end), s.slice(end, e.End()))
}

// differs is a function that reports whether the condition and its mutant do
// here; nil where they always do, or where asking would change something.
func (s *source) differs(e ast.Expr) string {
	b, ok := e.(*ast.BinaryExpr)
	if !ok || b.Op == token.EQL || b.Op == token.NEQ || !isPure(b) {
		return "nil"
	}
	if b.Op == token.LAND || b.Op == token.LOR {
		return fmt.Sprintf("func() bool { return (%s) != (%s) }", s.of(b.X), s.of(b.Y))
	}
	return fmt.Sprintf("func() bool { return %s == %s }", s.of(b.X), s.of(b.Y))
}

// pure are the calls that change nothing.
var pure = []string{"len", "cap", "string", "int", "int64", "HasPrefix", "HasSuffix", "Contains", "After", "Before", "IsZero", "Equal", "Sub", "BitLen", "Is"}

func isPure(e ast.Expr) bool {
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			ok = ok && slices.Contains(pure, name)
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		case *ast.FuncLit:
			ok = false
		}
		return ok
	})
	return ok
}
