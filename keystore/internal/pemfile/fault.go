package pemfile

import "bytes"

// fault says what is wrong with the block that begins in data at a place: how
// PEM suffers in environment variables, YAML and shells, and the remedy.
func fault(data []byte, at int) string {
	block, next := data[at:], false
	if end := bytes.Index(block[1:], begin); end >= 0 {
		block, next = block[:1+end], true
	}
	line := data[bytes.LastIndexByte(data[:at], '\n')+1 : at]
	end := bytes.Index(block, []byte("-----END "))
	switch {
	case bytes.Contains(block, []byte(`\n`)):
		return `has its line breaks written as \n: turn them into line breaks, for instance with printf '%b'`
	case end < 0:
		return "has no -----END line: the end of the file is missing"
	case next && !bytes.Contains(block[end:], []byte("\n")):
		return "ends on the line where the next begins: put a line break between them, as cat does not"
	case len(line) > 0 && len(bytes.TrimSpace(line)) == 0:
		return "is indented: take the white space at the beginning of its lines away"
	case bytes.Count(block[:end], []byte("\n")) < 2:
		return "has no line breaks: put one behind -----BEGIN …----- and one before -----END, as they were before an unquoted variable lost them"
	}
	return "is no base64"
}
