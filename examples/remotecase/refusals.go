package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// A refusal is something that must not get through.
type refusal struct {
	Name, Title, Why string
	try              func(ctx context.Context, s *systems) (refused string, err error)
}

// refusals are tried by the story and by the page. Each fails where it is not
// refused, or for another reason.
var refusals = []refusal{
	{"user", "An unknown operator",
		"Eve is a user of Financial operations, but the identity mapping has no operator for her.", tryUnknownUser},
	{"system", "Another system's token",
		"Card operations may open connections, but Loan requests takes no tokens from it.", tryOtherSystem},
	{"replay", "A replayed assertion",
		"The token is right in every point, and it has been used before.", tryReplay},
	{"truststore", "A truststore without the certificate",
		"With a truststore that lacks the producer's authority, the consumer sends nothing.", tryOtherTruststore},
}

func tryUnknownUser(ctx context.Context, s *systems) (string, error) {
	got, err := s.call(ctx, ways[0], "eve", http.MethodPost, "/L-1042/approve")
	if err != nil {
		return "", err
	}
	return s.refused(got, http.StatusForbidden, "the user of the token is nobody here")
}

func tryOtherSystem(ctx context.Context, s *systems) (string, error) {
	profile, err := transport.LoadClient(s.path("cardoperations", "LoanRequests.json"), nil)
	if err != nil {
		return "", err
	}
	client, err := profile.Client()
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	client.Bearer.Claims = actingUser
	got, err := send(withUser(ctx, "ann"), client.Client, http.MethodPost, s.producer.url+"/cases/L-1042/approve", "")
	if err != nil {
		return "", err
	}
	return s.refused(got, http.StatusUnauthorized, "issuer not accepted")
}

func tryReplay(ctx context.Context, s *systems) (string, error) {
	client := s.current().clients[ways[0].Name]
	source, ok := client.Token.(transport.ClaimsSource)
	if !ok {
		return "", errors.New("the token takes no claims")
	}
	token, _, err := source.TokenWith(ctx, map[string]any{"sub": "ann"})
	if err != nil {
		return "", err
	}
	url := s.producer.url + "/cases"
	first, err := send(ctx, client.Client, http.MethodGet, url, "Bearer "+token)
	if err != nil {
		return "", err
	}
	if first.Status != http.StatusOK {
		return "", fmt.Errorf("the first use was answered with %d", first.Status)
	}
	again, err := send(ctx, client.Client, http.MethodGet, url, "Bearer "+token)
	if err != nil {
		return "", err
	}
	return s.refused(again, http.StatusUnauthorized, "already used")
}

func tryOtherTruststore(ctx context.Context, s *systems) (string, error) {
	profile, err := transport.LoadClient(s.path(financialOperations, ways[0].Document), uses)
	if err != nil {
		return "", err
	}
	profile.Truststore.Path = s.path(loanRequests, "Remotecasetype_Truststore.jks") // it trusts consumers
	client, err := profile.Client()
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	client.Bearer.Claims = actingUser
	_, err = send(withUser(ctx, "ann"), client.Client, http.MethodPost, s.producer.url+"/cases/L-1042/approve", "")
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return "", fmt.Errorf("the connection was not refused for an unknown authority: %w", err)
	}
	return "no connection: " + unknown.Error(), nil
}

// refused holds an answer against what it should be, and the producer's log
// against the reason.
func (s *systems) refused(got answer, status int, reason string) (string, error) {
	seen := s.producer.journal.seen()
	if len(seen) == 0 {
		return "", errors.New("nothing has arrived at the producer")
	}
	log := strings.Join(seen[len(seen)-1].Log, "\n")
	if got.Status != status || !strings.Contains(log, reason) {
		return "", fmt.Errorf("the answer is %d with the log %q, not %d for %q", got.Status, log, status, reason)
	}
	return fmt.Sprintf("%d %s", got.Status, strings.TrimSpace(got.Body)), nil
}
