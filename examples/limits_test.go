package examples_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestLimitsAreTheConstants compares the table of limits with the code, both
// ways: each row with its constant, and each constant with the rows.
func TestLimitsAreTheConstants(t *testing.T) {
	constants := limitConstants(t)
	listed := make(map[string]bool)
	for _, row := range tableRows(t, "../.github/LIMITS.md", 3) {
		name := strings.Trim(row[2], "`")
		if listed[name] {
			t.Errorf("%s is listed twice", name)
		}
		listed[name] = true
		value, ok := constants[name]
		if !ok {
			t.Errorf("%s: there is no such constant", name)
			continue
		}
		want := quantity(t, row[1])
		if !constant.Compare(constant.ToFloat(want), token.EQL, constant.ToFloat(value)) && want.ExactString() != value.ExactString() {
			t.Errorf("%s is %s, and the table says %s", name, value, row[1])
		}
	}
	bound := regexp.MustCompile(`\.(max|min|default|Max|Default)[A-Z]`)
	for name := range constants {
		if bound.MatchString(name) && !listed[name] {
			t.Errorf("%s is in no table", name)
		}
	}
}

// limitConstants are the constants of all packages and their internal ones, as
// "package.name".
func limitConstants(t *testing.T) map[string]constant.Value {
	t.Helper()
	imp := exportImporter(t)
	found := make(map[string]constant.Value)
	for line := range strings.Lines(goList(t, "-deps", "-f", `{{if .Module}}{{if .Module.Main}}{{.Dir}} {{join .GoFiles " "}}{{end}}{{end}}`)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		fset := token.NewFileSet()
		var files []*ast.File
		for _, name := range fields[1:] {
			file, err := parser.ParseFile(fset, filepath.Join(fields[0], name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		pkg, err := (&types.Config{Importer: imp, FakeImportC: true}).Check(fields[0], fset, files, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range pkg.Scope().Names() {
			if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok {
				found[pkg.Name()+"."+name] = c.Val()
			}
		}
	}
	return found
}

// units are what a quantity of the table may be in: bytes, or nanoseconds.
var units = map[string]int64{
	"KiB": 1 << 10, "MiB": 1 << 20,
	"ms": int64(time.Millisecond), "s": int64(time.Second), "min": int64(time.Minute), "h": int64(time.Hour), "d": 24 * int64(time.Hour),
}

// quantity reads "16 KiB", "15 min", "1,024", "0.15" or a word.
func quantity(t *testing.T, text string) constant.Value {
	t.Helper()
	number, unit, _ := strings.Cut(strings.ReplaceAll(text, ",", ""), " ")
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if unit == "" {
			return constant.MakeInt64(n)
		}
		if units[unit] == 0 {
			t.Fatalf("%q: unknown unit", text)
		}
		return constant.MakeInt64(n * units[unit])
	}
	if f := constant.MakeFromLiteral(number, token.FLOAT, 0); f.Kind() == constant.Float {
		return f
	}
	return constant.MakeString(text)
}

// tableRows are the rows of all tables of a page that have so many columns,
// without their headings.
func tableRows(t *testing.T, path string, columns int) [][]string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	lines := strings.Split(string(page), "\n")
	for i, line := range lines {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasPrefix(lines[min(i+1, len(lines)-1)], "|---") || len(cells) != columns {
			continue
		}
		for j := range cells {
			cells[j] = strings.TrimSpace(cells[j])
		}
		rows = append(rows, cells)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no table of %d columns", path, columns)
	}
	return rows
}
