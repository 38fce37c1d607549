package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// minClaims keeps the list from shrinking unnoticed.
const minClaims = 60

// TestClaimsHaveTheirTests looks up each test that the list of claims names.
func TestClaimsHaveTheirTests(t *testing.T) {
	claims := tableRows(t, "../.github/CLAIMS.md", 3)
	if len(claims) < minClaims {
		t.Errorf("%d claims, want at least %d", len(claims), minClaims)
	}
	tests := make(map[string]string) // what a folder's test files say
	for _, claim := range claims {
		name := strings.Trim(claim[2], "`")
		dot := strings.LastIndex(name, ".")
		if dot < 0 {
			t.Errorf("%s: %q is not like folder.TestName", claim[0], name)
			continue
		}
		folder := name[:dot]
		if tests[folder] == "" {
			tests[folder] = readAll(t, "../"+folder+"/*_test.go")
		}
		if !strings.Contains(tests[folder], "func "+name[dot+1:]+"(") {
			t.Errorf("%s: there is no %s", claim[0], name)
		}
	}
}

// TestPapersNameFilesThatExist follows the links of all pages, and looks for the
// files of the code that they name.
func TestPapersNameFilesThatExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	file := regexp.MustCompile("`([a-z][a-z0-9/_.]*/[a-z0-9_]+\\.(?:go|txt|sh|json))`")
	for _, page := range pages(t) {
		text := readAll(t, page)
		var named []string
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			named = append(named, filepath.Join(filepath.Dir(page), match[1]))
		}
		for _, match := range file.FindAllStringSubmatch(text, -1) {
			named = append(named, filepath.Join("..", match[1]))
		}
		for _, path := range named {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s names %s: %v", page, path, err)
			}
		}
	}
}

// TestEveryExampleIsListed compares the folders with the page that lists them.
func TestEveryExampleIsListed(t *testing.T) {
	list := readAll(t, "README.md")
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if got := strings.Count(list, "]("+entry.Name()+")"); got != 1 {
			t.Errorf("examples/README.md lists %s %d times, want once", entry.Name(), got)
		}
	}
}

// TestContributingListsEveryVariable compares the variables that tests read
// with the table that says where their data comes from.
func TestContributingListsEveryVariable(t *testing.T) {
	read := regexp.MustCompile(`"(TOKENPROFILE_[A-Z]+)"`) // and not one that is missing on purpose
	contributing := readAll(t, "../.github/CONTRIBUTING.md")
	var variables []string
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, match := range read.FindAllStringSubmatch(readAll(t, path), -1) {
				variables = append(variables, match[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(variables)
	variables = slices.Compact(variables)
	if len(variables) == 0 {
		t.Fatal("no test reads a variable")
	}
	for _, variable := range variables {
		if !strings.Contains(contributing, "| `"+variable+"` |") {
			t.Errorf("CONTRIBUTING.md does not say what %s is", variable)
		}
	}
}

// TestLicencesListEveryLinkedModule compares what a program links with the page
// of licences.
func TestLicencesListEveryLinkedModule(t *testing.T) {
	licences := readAll(t, "../.github/LICENCES.md")
	linked := strings.Fields(goList(t, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}"))
	slices.Sort(linked)
	for _, module := range slices.Compact(linked) {
		path, version, _ := strings.Cut(module, "@")
		if !strings.Contains(licences, "| `"+path+"` | "+version+" | ") {
			t.Errorf("LICENCES.md has no row for %s %s", path, version)
		}
	}
}

// pages are all pages of the project.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"../README.md"}
	for _, pattern := range []string{"../.github/*.md", "../*/*.md", "../examples/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, files...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// readAll is the text of the files of a pattern, one after the other.
func readAll(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	var all strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}
