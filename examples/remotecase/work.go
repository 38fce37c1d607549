package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// An answer is what the producer has said to the consumer.
type answer struct {
	Status int
	Body   string
}

// call sends a request in the name of a user. What it carries is the matter of
// the authentication profile: nothing here makes a token.
func (s *systems) call(ctx context.Context, w way, user, method, path string) (answer, error) {
	return send(withUser(ctx, user), s.current().clients[w.Name].Client, method, s.producer.url+w.Path+path, "")
}

// work does something with a case, and fails unless the producer says that it
// has been done.
func (s *systems) work(ctx context.Context, w way, user, id, action string) (loanCase, error) {
	var worked loanCase
	got, err := s.call(ctx, w, user, http.MethodPost, "/"+id+"/"+action)
	if err != nil {
		return worked, err
	}
	if got.Status != http.StatusOK {
		return worked, fmt.Errorf("the producer answered %d to %s", got.Status, w.Title)
	}
	if err := json.Unmarshal([]byte(got.Body), &worked); err != nil {
		return worked, err
	}
	if want := s.producer.profile.Issuers[0].Identities[user]; worked.WorkedBy != want {
		return worked, fmt.Errorf("%s has worked as %q, not as %q", user, worked.WorkedBy, want)
	}
	return worked, nil
}

// send sends one request, with a header of its own if there is one.
func send(ctx context.Context, client *http.Client, method, url, authorization string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return answer{}, err
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return answer{response.StatusCode, string(body)}, err
}
