// Remotecase is a case of one application worked on by the people of another.
// The consumer vouches for its operator with a signed assertion; the producer
// exchanges that for an access token for its own account of that person (RFC
// 7523), and its API demands the token. Both profiles are files, both keys
// come from Java keystores, and nobody has written code to make a JWT.
//
//	go run ./examples/remotecase
//
// It needs no network, and exits with status 0 only if all it shows has
// happened.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// The profiles, and the keystores that make.sh made. Their password stands in
// the open because the keys protect nothing.
//
//go:embed *.json *.p12
var files embed.FS

const password = "changeit"

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "remotecase:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	log := &rejections{}
	consumer, err := newConsumer()
	if err != nil {
		return err
	}
	keys := httptest.NewServer(consumer.published())
	defer keys.Close()
	producer, err := newProducer(keys.URL, consumer.secretHash, log.add)
	if err != nil {
		return err
	}
	server := httptest.NewServer(producer)
	defer server.Close()
	client := consumer.client(server.URL + "/token")

	fmt.Fprintln(out, "Ann, whom the producer knows, opens two cases:")
	for range 2 {
		answer, err := openCase(ctx, client, server.URL, "ann")
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "  the producer:", answer)
	}
	fmt.Fprintln(out, "Eve, whom it does not know, is refused:")
	var refusal *transport.GrantError
	if _, err := openCase(ctx, client, server.URL, "eve"); !errors.As(err, &refusal) || refusal.Code != "invalid_grant" {
		return fmt.Errorf("eve was answered with %v", err)
	}
	fmt.Fprintf(out, "  the client learns:  %s\n  the producer's log: %v\n", refusal.Code, log.last)

	fmt.Fprintln(out, "An assertion sent to the API itself is no access token:")
	if err := sendAssertion(ctx, consumer, server.URL); err != nil {
		return err
	}
	if !errors.Is(log.last, tokenprofile.ErrInvalid) {
		return fmt.Errorf("the assertion was refused for %w", log.last)
	}
	fmt.Fprintln(out, "  the producer's log:", log.last)
	return nil
}

func openCase(ctx context.Context, client *http.Client, producer, operator string) (string, error) {
	request, err := http.NewRequestWithContext(withOperator(ctx, operator), http.MethodPost, producer+"/cases", nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	const maxBody = 64 << 10 // bytes
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("the producer answered %d", response.StatusCode)
	}
	return string(body), nil
}

func sendAssertion(ctx context.Context, c *consumer, producer string) error {
	assertion, err := c.assertions.Sign(ctx, map[string]any{"sub": "ann"})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, producer+"/cases", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+assertion)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("the producer answered %d to an assertion", response.StatusCode)
	}
	return nil
}

// rejections remembers why the last request was refused.
type rejections struct{ last error }

func (l *rejections) add(_ *http.Request, err error) { l.last = err }

func loadProfile(name string) (tokenprofile.Profile, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return tokenprofile.Profile{}, err
	}
	return tokenprofile.Parse(data)
}

func loadKeys(name string) (*keystore.Store, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return keystore.Parse(data, keystore.StaticPassword(password))
}
