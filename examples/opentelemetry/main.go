// Opentelemetry wires the hooks of the library to OpenTelemetry: token
// refreshes, key fetches and refused requests as metrics, the reason of a
// refusal as an event of the request's span, and the fetch of a token as a span
// that is linked to those of the requests that wait for it. It runs on loopback, prints what
// was measured, and exits with status 0 only if that is what happened.
//
//	go run .
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
	"github.com/tokenprofile/tokenprofile-go/transport"
)

var profile = tokenprofile.Profile{
	Algorithm: tokenprofile.ES256,
	Issuer:    "https://consumer.example",
	Audience:  []string{"https://producer.example"},
	Subject:   "billing",
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "opentelemetry:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	reader := sdkmetric.NewManualReader() // in production: a periodic reader with an OTLP exporter
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	spans := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t, err := newTelemetry(meters.Meter("example"))
	if err != nil {
		return err
	}
	if err := scenario(ctx, t, tracers.Tracer("example")); err != nil {
		return err
	}
	measured, err := collect(ctx, reader)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		fmt.Fprintf(out, "%-70s %d\n", name, measured[name])
	}
	for _, event := range events(spans.GetSpans()) {
		fmt.Fprintln(out, "span event:", event)
	}
	for _, span := range spans.GetSpans() {
		if len(span.Links) > 0 {
			fmt.Fprintf(out, "span %q: %d link(s)\n", span.Name, len(span.Links))
		}
	}
	return compare(measured)
}

// scenario makes ten good requests and three bad ones.
func scenario(ctx context.Context, t *telemetry, tracer trace.Tracer) error {
	keys, err := newKeys()
	if err != nil {
		return err
	}
	published := httptest.NewServer(&jwks.Handler{Source: keys})
	defer published.Close()
	verifier, err := profile.Verifier(&jwks.Client{URL: published.URL, OnFetch: t.onFetch})
	if err != nil {
		return err
	}
	guard := &transport.Guard{Verifier: verifier, OnReject: t.onReject}
	orders := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "3 orders") })
	producer := httptest.NewServer(traced(tracer, guard.Handler(orders)))
	defer producer.Close()

	signer, err := profile.Signer(keys)
	if err != nil {
		return err
	}
	client := newLinkedFetches(tracer, signer).client(t.onRefresh)
	ctx, span := tracer.Start(ctx, "list orders")
	defer span.End()
	for range 10 {
		if err := get(ctx, client, producer.URL, "", http.StatusOK); err != nil {
			return err
		}
	}
	other := profile
	other.Audience = []string{"https://other.example"}
	misdirected, err := other.Signer(keys)
	if err != nil {
		return err
	}
	token, err := misdirected.Sign(ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(
		get(ctx, http.DefaultClient, producer.URL, "", http.StatusUnauthorized),
		get(ctx, http.DefaultClient, producer.URL, "Bearer forged", http.StatusUnauthorized),
		get(ctx, http.DefaultClient, producer.URL, "Bearer "+token, http.StatusUnauthorized),
	)
}

func newKeys() (*keystore.Store, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	private, err := keystore.NewPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return keystore.New(private), nil
}

// traced gives every request a span, as otelhttp would.
func traced(tracer trace.Tracer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(r.Context(), r.Method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func get(ctx context.Context, client *http.Client, url, authorization string, want int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		return fmt.Errorf("the API answered %d, not %d", response.StatusCode, want)
	}
	return nil
}

// collect reads the meters: counts, and what the gauge shows.
func collect(ctx context.Context, reader *sdkmetric.ManualReader) (map[string]int64, error) {
	var all metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &all); err != nil {
		return nil, err
	}
	measured := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, point := range data.DataPoints {
					measured[m.Name+labels(point.Attributes)] = int64(point.Count)
				}
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					measured[m.Name+labels(point.Attributes)] = point.Value
				}
			case metricdata.Gauge[int64]:
				for _, point := range data.DataPoints {
					measured[m.Name+labels(point.Attributes)] = point.Value
				}
			}
		}
	}
	return measured, nil
}

func labels(attributes attribute.Set) string {
	return "{" + attributes.Encoded(attribute.DefaultEncoder()) + "}"
}

func events(spans tracetest.SpanStubs) []string {
	var texts []string
	for _, span := range spans {
		for _, event := range span.Events {
			set := attribute.NewSet(event.Attributes...)
			texts = append(texts, event.Name+" "+labels(set))
		}
	}
	return texts
}

// compare reports what was not measured as it should be.
func compare(measured map[string]int64) error {
	want := map[string]int64{
		"tokenprofile.token.refresh.duration{outcome=ok}":   1, // ten requests, one token
		"tokenprofile.keys.fetch.duration{outcome=ok}":      1, // ten verifications, one fetch
		"tokenprofile.keys.in_force{}":                      1,
		"tokenprofile.guard.rejections{reason=no token}":    1,
		"tokenprofile.guard.rejections{reason=invalid}":     1,
		"tokenprofile.guard.rejections{reason=audience}":    1,
		"tokenprofile.guard.rejections{reason=unavailable}": 0,
	}
	var errs []error
	for name, n := range want {
		if measured[name] != n {
			errs = append(errs, fmt.Errorf("%s is %d, not %d", name, measured[name], n))
		}
	}
	return errors.Join(errs...)
}
