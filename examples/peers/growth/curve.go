package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A curve is what something costs for one, ten, and so on.
type curve struct {
	name      string
	benchmark string
	each      bool            // whether the cost is shared by all there are, or that of one call
	at        map[int]measure // by how many there are
}

// measure is the least of several runs.
type measure struct{ nanoseconds, bytes, allocations float64 }

var sizes = []int{1, 10, 100, 1000, 10_000}

// A panel is a plot of curves that are alike.
type panel struct {
	title  string
	curves []curve
}

// panels are what is shown, and by which benchmarks.
func panels() []panel {
	return []panel{
		{"Open or replace a store, per entry", []curve{
			{name: "PEM, Ed25519 keys", benchmark: "OpenGrowth/PEM", each: true},
			{name: "JKS, certificates", benchmark: "OpenGrowth/JKS", each: true},
			{name: "PKCS #12, certificates", benchmark: "OpenGrowth/PKCS12", each: true},
			{name: "replace PEM keys", benchmark: "ReplaceGrowth", each: true},
		}},
		{"Make signers and verifiers, per tenant", []curve{{name: "tenants", benchmark: "TenantsGrowth", each: true}}},
		{"Sign, of so many keys", []curve{{name: "EdDSA, by alias", benchmark: "SignByAliasGrowth"}}},
		{"Admit a token, of so many issuers", []curve{
			{name: "verify, seen before", benchmark: "ByIssuerGrowth"},
			{name: "a guard's request", benchmark: "GuardGrowth"},
		}},
		{"Remember, of so many", []curve{
			{name: "verify again, tokens", benchmark: "VerifyAgainGrowth"},
			{name: "carry a token, users", benchmark: "BearerGrowth"},
			{name: "replay memory, ids", benchmark: "ReplayGrowth"},
		}},
		{"Serve the key set again, of so many keys", []curve{{name: "304 Not Modified", benchmark: "HandlerGrowth"}}},
	}
}

// read fills the curves in from the output of go test.
func read(output string) ([]panel, error) {
	found := map[string]measure{}
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if len(fields) < 8 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "-") // the number of cores follows
		now, err := parse(fields[2:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if least, there := found[name]; there {
			now = measure{min(now.nanoseconds, least.nanoseconds), min(now.bytes, least.bytes), min(now.allocations, least.allocations)}
		}
		found[name] = now
	}
	all := panels()
	for _, p := range all {
		for i := range p.curves {
			c := &p.curves[i]
			c.at = map[int]measure{}
			for _, n := range sizes {
				m, there := found[c.benchmark+"/"+strconv.Itoa(n)]
				if !there {
					return nil, fmt.Errorf("no benchmark %s/%d", c.benchmark, n)
				}
				c.at[n] = m.sharedBy(c.sharers(n))
			}
		}
	}
	return all, nil
}

// parse reads pairs of a number and its unit.
func parse(fields []string) (m measure, err error) {
	for i := 0; i+1 < len(fields) && err == nil; i += 2 {
		var value float64
		value, err = strconv.ParseFloat(fields[i], 64)
		switch fields[i+1] {
		case "ns/op":
			m.nanoseconds = value
		case "B/op":
			m.bytes = value
		case "allocs/op":
			m.allocations = value
		}
	}
	return m, err
}

func (c curve) sharers(n int) float64 {
	if c.each {
		return float64(n)
	}
	return 1
}

func (m measure) sharedBy(n float64) measure {
	return measure{m.nanoseconds / n, m.bytes / n, math.Round(m.allocations / n)}
}
