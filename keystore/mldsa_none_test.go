//go:build !go1.27

package keystore_test

const mldsaReason = "Go 1.27"
