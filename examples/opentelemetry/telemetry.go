package main

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

// telemetry turns the hooks of the library into metrics and span events. None
// of the errors it is handed contains a token, a claim or a key.
type telemetry struct {
	refreshes  metric.Float64Histogram
	fetches    metric.Float64Histogram
	keys       metric.Int64Gauge
	rejections metric.Int64Counter
}

func newTelemetry(meter metric.Meter) (*telemetry, error) {
	var t telemetry
	var errs [4]error
	t.refreshes, errs[0] = meter.Float64Histogram("tokenprofile.token.refresh.duration", metric.WithUnit("s"),
		metric.WithDescription("How long it took to get a token."))
	t.fetches, errs[1] = meter.Float64Histogram("tokenprofile.keys.fetch.duration", metric.WithUnit("s"),
		metric.WithDescription("How long it took to fetch a key set."))
	t.keys, errs[2] = meter.Int64Gauge("tokenprofile.keys.in_force", metric.WithUnit("{key}"),
		metric.WithDescription("Keys that tokens are verified with."))
	t.rejections, errs[3] = meter.Int64Counter("tokenprofile.guard.rejections", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that were refused, by reason."))
	return &t, errors.Join(errs[:]...)
}

// onRefresh is for [transport.Bearer].
func (t *telemetry) onRefresh(r transport.Refresh) {
	t.refreshes.Record(context.Background(), r.Duration.Seconds(), outcome(r.Err))
}

// onFetch is for [jwks.Client].
func (t *telemetry) onFetch(f jwks.Fetch) {
	t.fetches.Record(context.Background(), f.Duration.Seconds(), outcome(f.Err))
	t.keys.Record(context.Background(), int64(f.Keys))
}

// onReject is for [transport.Guard] and [transport.TokenEndpoint]. A caller's
// fault is an event of the span; ours, that keys are unavailable, makes the
// span an error.
func (t *telemetry) onReject(r *http.Request, err error) {
	reason := attribute.String("reason", reasonOf(err))
	t.rejections.Add(r.Context(), 1, metric.WithAttributes(reason))
	span := trace.SpanFromContext(r.Context())
	span.AddEvent("token rejected", trace.WithAttributes(reason, attribute.String("cause", err.Error())))
	var refusal *transport.Refusal
	if errors.As(err, &refusal) && refusal.StatusCode >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "tokens cannot be judged")
	}
}

func outcome(err error) metric.MeasurementOption {
	if err != nil {
		return metric.WithAttributes(attribute.String("outcome", "error"))
	}
	return metric.WithAttributes(attribute.String("outcome", "ok"))
}

// reasonOf is a word from a short list: what a caller sends must not decide
// how many time series there are.
func reasonOf(err error) string {
	reasons := []struct {
		err  error
		name string
	}{
		{context.Canceled, "client left"},
		{tokenprofile.ErrExpired, "expired"},
		{tokenprofile.ErrNotYetValid, "not yet valid"},
		{tokenprofile.ErrReplayed, "replayed"},
		{tokenprofile.ErrAudience, "audience"},
		{tokenprofile.ErrIssuer, "issuer"},
		{tokenprofile.ErrUnknownKey, "unknown key"},
		{tokenprofile.ErrSignature, "signature"},
		{tokenprofile.ErrInvalid, "invalid"},
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	var refusal *transport.Refusal
	if errors.As(err, &refusal) && refusal.StatusCode < http.StatusInternalServerError {
		return "no token"
	}
	return "unavailable"
}
