package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer is how much is read of an answer, in bytes.
const maxAnswer = 64 << 10

// fetch returns what is at the address, or nil if there is nothing.
func fetch(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return nil, nil
	}
	return nil, fmt.Errorf("%s: %s", req.URL.Host, resp.Status)
}
