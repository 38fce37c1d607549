package jwkstest

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// Client returns an HTTP client that reaches the issuer and trusts its
// certificate. Without a server it hands every request to the issuer in
// memory, whatever the host: no socket is opened, so that time can stand
// still in a [testing/synctest] bubble.
func (i *Issuer) Client() *http.Client {
	if i.server != nil {
		return i.server.Client()
	}
	return &http.Client{Transport: memory{i}}
}

type memory struct{ handler http.Handler }

var errBroken = errors.New("jwkstest: the connection is broken")

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	recorder := httptest.NewRecorder()
	broken := m.serve(recorder, r.Clone(r.Context()))
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if broken {
		return nil, errBroken
	}
	resp := recorder.Result()
	resp.Request = r
	return resp, nil
}

// serve reports whether the handler breaks the connection.
func (m memory) serve(w http.ResponseWriter, r *http.Request) (broken bool) {
	defer func() {
		switch fault := recover(); fault {
		case nil:
		case http.ErrAbortHandler:
			broken = true
		default:
			panic(fault)
		}
	}()
	m.handler.ServeHTTP(w, r)
	return false
}
