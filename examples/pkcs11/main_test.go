package main

import (
	"context"
	"crypto/elliptic"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ThalesGroup/crypto11"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const pin = "7421"

// newDevice is a SoftHSM2 token of this test's own, empty.
func newDevice(t *testing.T) *crypto11.Context {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") == "" {
		t.Skip("TOKENPROFILE_TOOLS is not set: needs softhsm2-util and libsofthsm2.so")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(config, []byte("directories.tokendir = "+dir+"\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", config)
	initialise := exec.Command("softhsm2-util", "--init-token", "--free", "--label", "test", "--pin", pin, "--so-pin", pin)
	if out, err := initialise.CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	device, err := crypto11.Configure(&crypto11.Config{Path: softHSM(t), TokenLabel: "test", Pin: pin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	return device
}

// softHSM is where distributions put the module.
func softHSM(t *testing.T) string {
	t.Helper()
	places := []string{
		"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so",
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatalf("libsofthsm2.so is in none of %s", strings.Join(places, ", "))
	return ""
}

func TestKeysThatNeverLeaveTheDevice(t *testing.T) {
	device := newDevice(t)
	if _, err := device.GenerateRSAKeyPairWithLabel([]byte{1}, []byte("rsa"), 2048); err != nil {
		t.Fatal(err)
	}
	if _, err := device.GenerateECDSAKeyPairWithLabel([]byte{2}, []byte("ec"), elliptic.P256()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		algorithm tokenprofile.Algorithm
		key       string
	}{
		{tokenprofile.RS256, "rsa"},
		{tokenprofile.PS256, "rsa"},
		{tokenprofile.ES256, "ec"},
	}
	for _, test := range tests {
		t.Run(string(test.algorithm), func(t *testing.T) { signInDevice(t, device, test.algorithm, test.key) })
	}
}

func signInDevice(t *testing.T, device *crypto11.Context, algorithm tokenprofile.Algorithm, label string) {
	store, err := Keys(device, label)
	if err != nil {
		t.Fatal(err)
	}
	profile := tokenprofile.Profile{
		Algorithm: algorithm,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Subject:   "billing",
	}
	signer, err := profile.Signer(store)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := profile.Verifier(store)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signer.Sign(context.Background(), map[string]any{"order": 4711})
	if err != nil {
		t.Fatal(err)
	}
	token, err := verifier.Verify(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject != "billing" {
		t.Errorf("sub: got %q, want %q", token.Subject, "billing")
	}
	middle := len(text) - 10
	tampered := text[:middle] + map[bool]string{true: "B", false: "A"}[text[middle] == 'A'] + text[middle+1:]
	if _, err := verifier.Verify(context.Background(), tampered); err == nil {
		t.Error("a tampered signature verifies")
	}
}

func TestDecryptionInTheDevice(t *testing.T) {
	device := newDevice(t)
	if _, err := device.GenerateRSAKeyPairWithLabel([]byte{1}, []byte("rsa"), 2048); err != nil {
		t.Fatal(err)
	}
	store, err := Keys(device, "rsa")
	if err != nil {
		t.Fatal(err)
	}
	profile := tokenprofile.Profile{
		Issuer:   "https://consumer.example",
		Audience: []string{"https://producer.example"},
		Subject:  "billing",
		// SoftHSM2 decrypts OAEP with SHA-1 alone.
		Encryption: &tokenprofile.Encryption{KeyAlgorithm: tokenprofile.RSAOAEP, ContentAlgorithm: tokenprofile.A256GCM},
	}
	signer, err := profile.EncryptedOnlySigner(tokenprofile.EncryptTo(store))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := profile.EncryptedOnlyVerifier(tokenprofile.DecryptWith(store))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signer.Sign(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(context.Background(), text); err != nil {
		t.Error(err)
	}
}

func TestAMissingKeyIsNamed(t *testing.T) {
	device := newDevice(t)
	_, err := Keys(device, "signing")
	if err == nil || !strings.Contains(err.Error(), `"signing"`) {
		t.Errorf("got %v, want an error that names the label", err)
	}
}
