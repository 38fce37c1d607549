package jwkstest

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// memory hands requests to a handler, without a connection.
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
