//go:build !unix

package keystore_test

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
