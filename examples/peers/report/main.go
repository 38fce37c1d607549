// Report times this library beside its peers, and writes speed.md and speed.svg.
//
//	go run ./report
package main

import (
	"fmt"
	"os"

	"github.com/tokenprofile/tokenprofile-go/examples/peers/speed"
)

func main() {
	if err := speed.Main("go run ./report", "."); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}
