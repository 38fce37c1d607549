package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenprofile/tokenprofile-go/transport"
)

// linkedFetches gives every fetch of a token a span. Many requests can wait for
// one fetch, so it is a part of no request's trace: its span and those of the
// requests that wait are linked both ways.
type linkedFetches struct {
	tracer trace.Tracer
	source transport.TokenSource

	mu      sync.Mutex
	waiting map[*waiter]bool // requests that have no token yet; guarded by mu
}

// A waiter is a request, by the span it is a part of.
type waiter struct{ span trace.Span }

type waiterKey struct{}

func newLinkedFetches(tracer trace.Tracer, source transport.TokenSource) *linkedFetches {
	return &linkedFetches{tracer: tracer, source: source, waiting: map[*waiter]bool{}}
}

// client returns a client whose requests carry the tokens. A request begins to
// wait before the Bearer sees it, and waits no longer when the Bearer sends it.
func (f *linkedFetches) client(onRefresh func(transport.Refresh)) *http.Client {
	bearer := &transport.Bearer{Source: f, Base: roundTrip(f.send), OnRefresh: onRefresh}
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := &waiter{trace.SpanFromContext(r.Context())}
		f.wait(w, true)
		defer f.wait(w, false)
		return bearer.RoundTrip(r.WithContext(context.WithValue(r.Context(), waiterKey{}, w)))
	})}
}

// send is the base of the Bearer. After a 401 the request may wait once more.
func (f *linkedFetches) send(r *http.Request) (*http.Response, error) {
	w := r.Context().Value(waiterKey{}).(*waiter)
	f.wait(w, false)
	response, err := http.DefaultTransport.RoundTrip(r)
	f.wait(w, err == nil && response.StatusCode == http.StatusUnauthorized)
	return response, err
}

func (f *linkedFetches) wait(w *waiter, waits bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if waits {
		f.waiting[w] = true
	} else {
		delete(f.waiting, w)
	}
}

// Token is called once for all who wait, with a context that is no request's.
// They go on only after it has returned.
func (f *linkedFetches) Token(ctx context.Context) (string, time.Time, error) {
	ctx, span := f.tracer.Start(ctx, "fetch token", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	token, expiry, err := f.source.Token(ctx)
	if err != nil {
		span.SetStatus(codes.Error, err.Error()) // no error holds a token
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.waiting {
		span.AddLink(trace.Link{SpanContext: w.span.SpanContext()})
		w.span.AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	return token, expiry, err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
