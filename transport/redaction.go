package transport

import (
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/transport/internal/oauth"
)

// What an error shows of the answer of a token endpoint, in bytes.
const (
	maxDescription = 500 // of an error_description: some servers begin with two sentences of RFC 6749
	maxCode        = 64  // of an error code
	maxRun         = 40  // without a gap: as long as a UUID, which helps to search the endpoint's logs
	minRedacted    = 6   // of a secret: a shorter one may occur by chance
)

// shown returns an endpoint's error as far as an error here may show it.
func shown(code, description string, secrets []string) (shownCode, shownDescription string) {
	return codeOf(code, secrets), textOf(description, secrets)
}

// codeOf returns the endpoint's error code, if it looks like one.
func codeOf(code string, secrets []string) string {
	known := slices.Contains(oauth.ErrorCodes, code)
	if known || isCode(code) && code == redacted(code, secrets) {
		return code
	}
	return ""
}

func isCode(text string) bool {
	return len(text) <= maxCode && !strings.ContainsFunc(text, func(c rune) bool {
		return !isTokenRune(c) || strings.ContainsRune("~+/=%", c)
	})
}

// textOf returns the endpoint's description: in one line, short, and without a
// token or anything that looks like one.
func textOf(text string, secrets []string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, withoutLongRuns(redacted(text, secrets)))
	if len(text) > maxDescription {
		text = text[:maxDescription] + "..."
	}
	return text
}

// redacted returns the text without the secrets. A short secret may occur in a
// word by chance, and the gap would reveal it: then nothing of the text is
// left.
func redacted(text string, secrets []string) string {
	for _, secret := range secrets {
		switch {
		case secret == "" || !strings.Contains(text, secret):
		case len(secret) < minRedacted:
			return ""
		default:
			text = strings.ReplaceAll(text, secret, "...")
		}
	}
	return text
}

// withoutLongRuns cuts out what may be a token or a part of one.
func withoutLongRuns(text string) string {
	var b strings.Builder
	for text != "" {
		run := spanOf(text, isTokenRune)
		if run > maxRun {
			b.WriteString("...")
		} else {
			b.WriteString(text[:run])
		}
		text = text[run:]
		between := spanOf(text, func(c rune) bool { return !isTokenRune(c) })
		b.WriteString(text[:between])
		text = text[between:]
	}
	return b.String()
}

// spanOf returns how many bytes at the beginning of the text are of a kind.
func spanOf(text string, kind func(rune) bool) int {
	if end := strings.IndexFunc(text, func(c rune) bool { return !kind(c) }); end >= 0 {
		return end
	}
	return len(text)
}

// isTokenRune reports whether tokens and form-encoded secrets have the character.
func isTokenRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("_.~+/=%-", c)
}
