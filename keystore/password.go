package keystore

import (
	"fmt"
	"os"
	"strings"
)

// A Password yields a password. It is called at every load, so that a new
// password is picked up with its file, and the password is not kept. If a store
// does not open with it, it is tried once more without the line break at its
// end, or with one.
type Password func() (string, error)

// EnvPassword reads the password from an environment variable. A variable that
// is not set is an error; one that is set to nothing is the empty password.
func EnvPassword(name string) Password {
	return func() (string, error) {
		password, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("environment variable %s is not set", name)
		}
		return password, nil
	}
}

// maxPasswordFile is in bytes; no password is longer.
const maxPasswordFile = 4096

// FilePassword reads the password from a file of one line, without its line
// ending, as Kubernetes and Docker mount secrets.
func FilePassword(path string) Password {
	return func() (string, error) {
		data, _, err := readFile(path, maxPasswordFile)
		if err != nil {
			return "", fmt.Errorf("password file %s: %w", path, err)
		}
		defer clear(data)
		line, rest, _ := strings.Cut(string(data), "\n")
		if strings.TrimSpace(rest) != "" {
			return "", fmt.Errorf("password file %s: more than one line", path)
		}
		return strings.TrimSuffix(line, "\r"), nil
	}
}

// StaticPassword returns a password that the program already has.
func StaticPassword(password string) Password {
	return func() (string, error) { return password, nil }
}
