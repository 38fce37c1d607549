package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

func heading(out io.Writer, title, remark string) {
	fmt.Fprintf(out, "\n%s  (%s)\n%s\n", title, remark, strings.Repeat("-", len(title)))
}

func field(out io.Writer, name, value string) {
	fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("  %-15s %s", name, value), " "))
}

func showKeystore(out io.Writer, keys *keystore.Store) {
	heading(out, "Keystore", "consumer.jks, made by keytool, format "+keys.Format())
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "  ALIAS\tKIND\tKEY\tCERTIFICATE\tEXPIRES\tKID")
	for _, entry := range keys.Entries() {
		subject, expires := "-", "-"
		if len(entry.Chain) > 0 {
			subject, expires = entry.Chain[0].Subject.String(), entry.Chain[0].NotAfter.Format(time.DateOnly)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s %d\t%s\t%s\t%s\n",
			entry.Alias, entry.Kind, entry.Algorithm, entry.Bits, subject, expires, entry.KeyID)
	}
	table.Flush()
}

func showProfile(out io.Writer, p tokenprofile.Profile) {
	heading(out, "Profile", "declared once, used by both sides")
	field(out, "algorithm", string(p.Algorithm))
	field(out, "issuer", p.Issuer)
	field(out, "audience", strings.Join(p.Audience, ", "))
	field(out, "subject", p.Subject)
}

func showJWKS(ctx context.Context, out io.Writer, url string) error {
	status, body, err := get(ctx, http.DefaultClient, url, "")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("the JSON Web Key Set URI answered %d", status)
	}
	var set struct {
		Keys []struct {
			Kid string `json:"kid"`
			Kty string `json:"kty"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		return err
	}
	heading(out, "JWKS", "the consumer's public key, and never the partner's")
	field(out, "GET "+url, "")
	for _, key := range set.Keys {
		field(out, "published", key.Kty+" "+key.Kid)
	}
	if len(set.Keys) != 1 {
		return fmt.Errorf("%d keys are published, not 1", len(set.Keys))
	}
	return nil
}

func showToken(out io.Writer, token string) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("the token is not a compact JWS")
	}
	heading(out, "Token", fmt.Sprintf("%d bytes on the wire", len(token)))
	for i, name := range []string{"header", "claims"} {
		readable, err := indent(parts[i])
		if err != nil {
			return err
		}
		field(out, name, readable)
	}
	return nil
}

func indent(part string) (string, error) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return "", err
	}
	var readable bytes.Buffer
	err = json.Indent(&readable, data, strings.Repeat(" ", 18), "  ")
	return readable.String(), err
}

// tamper makes the token speak for somebody else, and leaves the signature.
func tamper(token string) (string, error) {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	forged := bytes.Replace(claims, []byte(`"billing"`), []byte(`"payroll"`), 1)
	if bytes.Equal(forged, claims) {
		return "", errors.New("the claims have no subject to tamper with")
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(forged)
	return strings.Join(parts, "."), nil
}
