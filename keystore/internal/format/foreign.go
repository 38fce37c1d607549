package format

import (
	"bytes"
	"fmt"
)

// foreign are files people take for keystores, by what they begin with, and
// what to do about it.
var foreign = []struct{ begin, what string }{
	{"PuTTY-User-Key-File", "a PuTTY key: convert it with puttygen KEY -O private-openssh -o KEY.pem"},
	{"ssh-", "an OpenSSH public key: convert it with ssh-keygen -e -m PKCS8 -f KEY"},
	{"ecdsa-sha2-", "an OpenSSH public key: convert it with ssh-keygen -e -m PKCS8 -f KEY"},
	{"apiVersion:", "a Kubernetes manifest: mount the secret as files, or take a value out of it with kubectl get secret NAME -o jsonpath and base64 -d"},
	{"<", "a page of HTML or XML, as a server sends it for an error or a login"},
	{"PK\x03\x04", "a ZIP archive: unpack it"},
	{"\x1f\x8b", "compressed with gzip: unpack it"},
	{"\x05\x02", "a Kerberos keytab, which has no keys of this kind"},
	{"$ANSIBLE_VAULT", "encrypted with ansible-vault: decrypt it when it is deployed"},
	{"\xff\xfe", "text in UTF-16, as PowerShell writes it: save it as UTF-8 (Set-Content -Encoding ascii)"},
	{"\xfe\xff", "text in UTF-16: save it as UTF-8"},
}

// unknown is the error for a file of no format, with what it is.
func unknown(data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("%w: the file is empty", ErrUnknownFormat)
	}
	text := trimText(data)
	for _, f := range foreign {
		if bytes.HasPrefix(data, []byte(f.begin)) || bytes.HasPrefix(text, []byte(f.begin)) {
			return fmt.Errorf("%w: it is %s", ErrUnknownFormat, f.what)
		}
	}
	if len(text) == 0 {
		return fmt.Errorf("%w: the file has only white space", ErrUnknownFormat)
	}
	return fmt.Errorf("%w: neither JKS, JCEKS, PKCS #12, PEM, DER nor JWK", ErrUnknownFormat)
}
