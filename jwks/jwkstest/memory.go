package jwkstest

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// Client returns an HTTP client that hands every request to the issuer in
// memory, whatever its host: no socket is opened, so that time can stand still
// in a [testing/synctest] bubble.
func (i *Issuer) Client() *http.Client {
	return &http.Client{Transport: memory{i}}
}

type memory struct{ handler http.Handler }

var errBroken = errors.New("jwkstest: the connection is broken")

func (m memory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	defer func() {
		switch fault := recover(); fault {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, errBroken
		default:
			panic(fault)
		}
	}()
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, r.Clone(r.Context()))
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp = recorder.Result()
	resp.Request = r
	return resp, nil
}
