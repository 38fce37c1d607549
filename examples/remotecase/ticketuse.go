package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// ticketHeader is where requests carry a ticket.
const ticketHeader = "X-Ticket"

// loginRequest and loginAnswer are the login of a system that has never heard
// of OAuth: a token for a ticket.
type loginRequest struct {
	JWT string `json:"jwt"`
}

type loginAnswer struct {
	Ticket  string `json:"ticket"`
	Seconds int    `json:"seconds"` // how long it is good for
}

// ticketUse is a kind of use, in a document as "use": "ticket". A program that
// has such a system to talk to defines it once; every document can then use it,
// with keys, rotation, mutual TLS and renewal as with any other.
type ticketUse struct{}

// ticketOptions are the document's "options".
type ticketOptions struct {
	LoginURL string `json:"loginURL"`
}

// Check is asked when the document is read, which is as strict with the options
// as with everything else.
func (ticketUse) Check(p *transport.ClientProfile) error {
	options, err := parseTicketOptions(p.Options)
	if err == nil && options.LoginURL == "" {
		err = &tokenprofile.Fault{Path: "loginURL", Text: "is missing"}
	}
	if fault := (*tokenprofile.Fault)(nil); errors.As(err, &fault) {
		fault.Path = "options." + fault.Path
	}
	return err
}

func parseTicketOptions(data json.RawMessage) (options ticketOptions, err error) {
	if data == nil {
		return options, nil
	}
	return options, tokenprofile.Document("ticket").Decode(data, &options)
}

// Source is asked when the client is built.
func (ticketUse) Source(c *transport.Client) (transport.TokenSource, error) {
	options, err := parseTicketOptions(c.Options)
	if err != nil {
		return nil, err
	}
	tokens, ok := c.Token.(transport.ClaimsSource)
	if !ok {
		return nil, errors.New("ticket: the document has no token to sign")
	}
	return &ticketSource{url: options.LoginURL, tokens: tokens, client: c.Base}, nil
}

// A ticketSource trades a new token for every ticket.
type ticketSource struct {
	url    string
	tokens transport.ClaimsSource
	client *http.Client
}

var _ transport.ClaimsSource = (*ticketSource)(nil)

func (s *ticketSource) Token(ctx context.Context) (ticket string, expiry time.Time, err error) {
	return s.TokenWith(ctx, nil)
}

func (s *ticketSource) TokenWith(ctx context.Context, claims any) (ticket string, expiry time.Time, err error) {
	token, _, err := s.tokens.TokenWith(ctx, claims)
	if err != nil {
		return "", time.Time{}, err
	}
	body, err := json.Marshal(loginRequest{JWT: token})
	if err != nil {
		return "", time.Time{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return "", time.Time{}, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", time.Time{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", time.Time{}, fmt.Errorf("login: the answer is %s", response.Status)
	}
	var answer loginAnswer
	err = json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&answer)
	return answer.Ticket, time.Now().Add(time.Duration(answer.Seconds) * time.Second), err
}
