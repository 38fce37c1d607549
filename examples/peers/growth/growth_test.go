package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// output is what go test writes, twice, the second time slower.
func output() string {
	var text strings.Builder
	for _, slower := range []int{1, 2} {
		for _, p := range panels() {
			for _, c := range p.curves {
				for _, n := range sizes {
					fmt.Fprintf(&text, "Benchmark%s/%d-2 \t 10\t %d ns/op\t 7 µs/key\t %d B/op\t %d allocs/op\n", c.benchmark, n, 3000*n*slower, 100*n, 2*n)
				}
			}
		}
	}
	return text.String()
}

func TestTheQuickestRunCounts(t *testing.T) {
	all, err := read(output())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, c := range p.curves {
			want := measure{3000 * 100, 100 * 100, 2 * 100}
			if c.each {
				want = measure{3000, 100, 2}
			}
			if c.at[100] != want {
				t.Errorf("%s: got %v, want %v", c.name, c.at[100], want)
			}
		}
	}
	if _, err := read("PASS"); err == nil {
		t.Error("a benchmark that did not run is not missed")
	}
}

func TestThePageIsComplete(t *testing.T) {
	all, err := read(output())
	if err != nil {
		t.Fatal(err)
	}
	plot := plot(all, "somewhere")
	for decoder := xml.NewDecoder(strings.NewReader(plot)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	table := table(all, "somewhere")
	if !strings.Contains(table, "| PEM, Ed25519 keys | 3.00 (2) | 3.00 (2) | 3.00 (2) | 3.00 (2) | 3.00 (2) |\n") {
		t.Errorf("got %s", table)
	}
	for _, p := range all {
		if !strings.Contains(plot, p.title) || !strings.Contains(table, p.title) {
			t.Errorf("%s is missing", p.title)
		}
	}
	if strings.Contains(plot, "NaN") || strings.Contains(plot, "Inf") {
		t.Error("a place is no number")
	}
}

// A benchmark that was renamed would be missed only by whoever makes the page.
func TestTheBenchmarksExist(t *testing.T) {
	var source strings.Builder
	for _, file := range []string{"keystore/growth_test.go", "jwks/bench_test.go", "tokenprofile/growth_test.go", "transport/growth_test.go"} {
		text, err := os.ReadFile("../../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	shown := map[string]bool{}
	for _, p := range panels() {
		for _, c := range p.curves {
			name, _, _ := strings.Cut(c.benchmark, "/")
			shown[name] = true
		}
	}
	for _, match := range regexp.MustCompile(`func Benchmark(\w+Growth)\(`).FindAllStringSubmatch(source.String(), -1) {
		if !shown[match[1]] {
			t.Errorf("Benchmark%s is not shown", match[1])
		}
		delete(shown, match[1])
	}
	for name := range shown {
		t.Errorf("there is no Benchmark%s", name)
	}
}
