//go:build !go1.27

package keystore

import "errors"

var mldsaKeys *mldsaSupport // nil: the standard library does not have it

var errMLDSA = errors.New("it needs a program built with Go 1.27 or later")
