package keystore

import (
	"fmt"
	"io"
	"os"
)

// readFile reads at most limit bytes, and refuses a longer file before taking
// memory for it.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", path, ErrLimit, limit)
	}
	return data, nil
}
