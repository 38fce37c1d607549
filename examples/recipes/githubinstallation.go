package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// An installation is the source of a GitHub App's access tokens for one account
// that has installed it. This is no OAuth grant, so it is a
// [transport.TokenSource] of its own; a [transport.Bearer] around it keeps the
// tokens and renews them ahead of their hour.
type installation struct {
	id  int64
	app *http.Client // carries the tokens of signForGitHub
}

var _ transport.TokenSource = installation{}

// Token asks for an installation's access token.
//
// Rule: GitHub's REST API, "Create an installation access token for an app": 201
// with the token, and with expires_at in RFC 3339.
func (i installation) Token(ctx context.Context) (string, time.Time, error) {
	url := fmt.Sprintf("https://api.github.com/app/installations/%d/access_tokens", i.id)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return "", time.Time{}, err
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	resp, err := i.app.Do(req)
	if err != nil {
		return "", time.Time{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer)
	if resp.StatusCode != http.StatusCreated || err != nil || answer.Token == "" { // the error could quote the answer
		return "", time.Time{}, fmt.Errorf("github: %s, and no installation token", resp.Status)
	}
	return answer.Token, answer.Expires, nil
}
