package transporttest

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// Client returns an HTTP client that reaches the server. One that was not
// started gets every request in memory, whatever the host: no socket is opened,
// so that time can stand still in a [testing/synctest] bubble.
func (s *Server) Client() *http.Client {
	if s.server != nil {
		return s.server.Client()
	}
	return &http.Client{Transport: memory{s}}
}

type memory struct{ handler http.Handler }

// RoundTrip returns an error where the handler breaks the connection.
func (m memory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	defer func() {
		fault := recover()
		switch {
		case fault == http.ErrAbortHandler && r.Context().Err() != nil:
			resp, err = nil, r.Context().Err()
		case fault == http.ErrAbortHandler:
			resp, err = nil, errors.New("transporttest: the connection is broken")
		case fault != nil:
			panic(fault)
		}
	}()
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r.Clone(r.Context()))
	resp = w.Result()
	resp.Request = r
	return resp, r.Context().Err()
}
