// Growth runs the benchmarks of the library whose names end in Growth, which go
// from 1 to 10,000 of something, and writes growth.md and growth.svg.
//
//	go run ./growth
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/tokenprofile/tokenprofile-go/examples/peers/speed"
)

func main() {
	count := flag.Int("count", 5, "how often every benchmark runs; the quickest counts")
	benchtime := flag.String("benchtime", "100ms", "how long a run takes")
	flag.Parse()
	if err := run(*count, *benchtime); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(count int, benchtime string) error {
	test := exec.Command("go", "test", "-run=^$", "-bench=Growth", "-benchmem", "-benchtime="+benchtime, fmt.Sprint("-count=", count),
		"./keystore", "./jwks", "./tokenprofile", "./transport")
	test.Dir, test.Stderr = "../..", os.Stderr
	output, err := test.Output()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	curves, err := read(string(output))
	if err != nil {
		return err
	}
	where := fmt.Sprintf("%s, %s, %s", runtime.Version(), speed.Machine(), time.Now().UTC().Format("2 January 2006"))
	return errors.Join(
		os.WriteFile("growth.md", []byte(table(curves, where)), 0o644),
		os.WriteFile("growth.svg", []byte(plot(curves, where)), 0o644),
	)
}
