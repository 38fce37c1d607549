package tokenprofile_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// A service's own configuration, read as strictly as a profile, with a profile
// in it.
func ExampleDocument() {
	const configurations tokenprofile.Document = "shop: configuration"
	var configuration struct {
		Listen string               `json:"listen"`
		Idle   time.Duration        `json:"idle"`
		Token  tokenprofile.Profile `json:"token"`
	}
	err := configurations.Parse([]byte(`{
		"listen": ":8080",
		"idle": 90,
		"token": {"algorithm": "ES256", "issuer": "https://shop.example", "one-use": true}
	}`), &configuration)
	fmt.Println(err)
	// Output:
	// shop: configuration: idle: is not a duration in a string, such as "15m"
	// shop: configuration: token.one-use: there is no such field
}

// What an editor shows beside the member.
func ExampleFault() {
	_, err := tokenprofile.Parse([]byte(`{"algorithm": "RS256", "issuer": "i", "header": {"typ": 1}}`))
	if fault := new(tokenprofile.Fault); errors.As(err, &fault) {
		fmt.Printf("%s %s\n", fault.Path, fault.Text)
	}
	// Output: header.typ is not a string
}
