package pemfile

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"github.com/tokenprofile/tokenprofile-go/keystore/internal/format"
)

// maxHeaders is how many lines with a colon a block may have. RFC 1421 has two.
const maxHeaders = 64

var begin, end = []byte("-----BEGIN "), []byte("-----END ")

// A piece of a bundle begins with a block and ends where the next begins.
type piece struct {
	above  []byte // the text between the block and the last
	text   []byte
	block  *pem.Block // nil if it cannot be read
	behind []byte     // the text between the block and the next
	err    error
}

// split returns the pieces of a bundle, up to one that cannot be read, of which
// the error is. encoding/pem passes over such a block; one that is not where it
// should be is damage here.
func split(data []byte) ([]piece, error) {
	if bytes.Count(data, begin) > format.MaxEntries {
		return nil, fmt.Errorf("%w: more than %d blocks", format.ErrLimit, format.MaxEntries)
	}
	above, pieces := cut(data)
	format.Each(len(pieces), func(i int) { pieces[i].decode() })
	at := len(above)
	for i := range pieces {
		p := &pieces[i]
		runsOn := i+1 < len(pieces) && len(p.behind) == 0 && !bytes.HasSuffix(p.text, []byte("\n")) // into the next
		switch {
		case p.err != nil:
			return pieces[:i], p.err
		case p.block == nil, runsOn:
			return pieces[:i], fmt.Errorf("%w: block %d %s", format.ErrDamaged, i+1, fault(data, at))
		}
		p.above, above, at = above, p.behind, at+len(p.text)
	}
	return pieces, nil
}

// cut returns what stands before the first block, and the pieces.
func cut(data []byte) (before []byte, pieces []piece) {
	before, rest, more := bytes.Cut(data, begin)
	for more {
		text := data[len(data)-len(rest)-len(begin):]
		if _, rest, more = bytes.Cut(rest, begin); more {
			text = text[:len(text)-len(rest)-len(begin)]
		}
		pieces = append(pieces, piece{text: text})
	}
	return before, pieces
}

func (p *piece) decode() {
	if p.err = checkHeaders(p.text); p.err == nil {
		p.block, p.behind = pem.Decode(p.text)
	}
}

// checkHeaders counts those of the block that a piece begins with.
func checkHeaders(piece []byte) error {
	block, _, ended := bytes.Cut(piece, end)
	if ended && bytes.Count(block, []byte(":")) > maxHeaders { // without an end it is damaged, which is said later
		return fmt.Errorf("%w: a block of more than %d headers", format.ErrLimit, maxHeaders)
	}
	return nil
}

// fault says what is wrong with the block that begins at a place in data. It
// knows what environment variables, YAML and shells do to PEM, and the remedy.
func fault(data []byte, at int) string {
	block, _, next := bytes.Cut(data[at+len(begin):], begin)
	body, tail, ended := bytes.Cut(block, end)
	line := data[bytes.LastIndexByte(data[:at], '\n')+1 : at]
	switch {
	case bytes.Contains(block, []byte(`\n`)):
		return `has its line breaks written as \n: turn them into line breaks, for instance with printf '%b'`
	case !ended:
		return "has no -----END line: the end of the file is missing"
	case next && !bytes.Contains(tail, []byte("\n")):
		return "ends on the line where the next begins: put a line break between them, as cat does not"
	case len(line) > 0 && len(bytes.TrimSpace(line)) == 0:
		return "is indented: take the white space at the beginning of its lines away"
	case bytes.Count(body, []byte("\n")) < 2:
		return "has no line breaks: put one behind -----BEGIN …----- and one before -----END, as they were before an unquoted variable lost them"
	}
	return "is not base64"
}
