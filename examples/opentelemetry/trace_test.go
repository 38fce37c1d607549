package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

type sourceFunc func(context.Context) (string, time.Time, error)

func (f sourceFunc) Token(ctx context.Context) (string, time.Time, error) { return f(ctx) }

func (f *linkedFetches) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting)
}

// Sixteen requests wait for one fetch, one is refused and waits for another, and
// sixteen find the token there.
func TestFetchesAreLinkedToWhoWaits(t *testing.T) {
	const waiting = 16
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/renew" && r.Header.Get("Authorization") == "Bearer 1" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()
	linked := newLinkedFetches(tracer, nil)
	fetches := 0
	linked.source = sourceFunc(func(context.Context) (string, time.Time, error) {
		fetches++
		for fetches == 1 && linked.count() < waiting {
			time.Sleep(time.Millisecond)
		}
		return fmt.Sprint(fetches), time.Now().Add(time.Hour), nil
	})
	client := linked.client(nil)
	request := func(name, path string) {
		ctx, span := tracer.Start(t.Context(), name)
		defer span.End()
		if err := get(ctx, client, api.URL+path, "", http.StatusOK); err != nil {
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	for range waiting {
		all.Go(func() { request("waits", "/") })
	}
	all.Wait()
	request("renews", "/renew")
	for range waiting {
		request("has one", "/")
	}

	byName, byID := map[string]tracetest.SpanStubs{}, map[trace.SpanID]string{}
	for _, span := range spans.GetSpans() {
		byName[span.Name] = append(byName[span.Name], span)
		byID[span.SpanContext.SpanID()] = span.Name
	}
	if got := byName["fetch token"]; len(got) != 2 || len(got[0].Links) != waiting || len(got[1].Links) != 1 {
		t.Fatalf("got %d fetches, want two: of %d links and of one", len(got), waiting)
	}
	if id := byName["fetch token"][1].Links[0].SpanContext.SpanID(); byID[id] != "renews" {
		t.Errorf("the second fetch is linked to %q", byID[id])
	}
	for name, links := range map[string]int{"waits": 1, "renews": 1, "has one": 0} {
		for _, span := range byName[name] {
			if len(span.Links) != links {
				t.Errorf("%s: got %d links, want %d", name, len(span.Links), links)
			}
			for _, link := range span.Links {
				if got := byID[link.SpanContext.SpanID()]; got != "fetch token" {
					t.Errorf("%s is linked to %q", name, got)
				}
			}
		}
	}
}

func TestFailedFetchIsAnError(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	client := newLinkedFetches(tracer, sourceFunc(func(context.Context) (string, time.Time, error) {
		return "", time.Time{}, errors.New("no token today")
	})).client(nil)
	if err := get(t.Context(), client, "http://localhost:1", "", http.StatusOK); err == nil {
		t.Fatal("got no error")
	}
	if got := spans.GetSpans(); len(got) != 1 || got[0].Status.Description != "no token today" {
		t.Errorf("got %v, want the error of the fetch", got)
	}
}
