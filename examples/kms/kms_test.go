package kms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	localkms "github.com/nsmithuk/local-kms/src"
	"github.com/nsmithuk/local-kms/src/config"
	"github.com/nsmithuk/local-kms/src/data"

	"github.com/tokenprofile/tokenprofile-go/examples/kms"
	"github.com/tokenprofile/tokenprofile-go/jwks"
	"github.com/tokenprofile/tokenprofile-go/keystore"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

const prefix = "alias/billing/"

// fakeAWS is a local-kms of this test's own. If instead is set, that answers
// in its place.
type fakeAWS struct {
	*awskms.Client
	real    http.HandlerFunc
	instead atomic.Pointer[http.HandlerFunc]
}

func startKMS(t *testing.T) *fakeAWS {
	t.Helper()
	config.AWSRegion, config.AWSAccountId = "eu-west-2", "111122223333"
	database := data.NewDatabase(t.TempDir())
	t.Cleanup(database.Close)
	f := &fakeAWS{real: func(w http.ResponseWriter, r *http.Request) { localkms.HandleRequest(w, r, database) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if instead := f.instead.Load(); instead != nil {
			(*instead)(w, r)
			return
		}
		f.real(w, r)
	}))
	t.Cleanup(server.Close)
	f.Client = awskms.New(awskms.Options{
		Region:       config.AWSRegion,
		BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	return f
}

// create makes a KMS key and gives it an alias.
func (f *fakeAWS) create(t *testing.T, alias string, spec types.KeySpec) (id string) {
	t.Helper()
	usage := types.KeyUsageTypeSignVerify
	created, err := f.CreateKey(t.Context(), &awskms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})
	if err != nil {
		t.Fatal(err)
	}
	id = *created.KeyMetadata.KeyId
	if _, err := f.CreateAlias(t.Context(), &awskms.CreateAliasInput{AliasName: &alias, TargetKeyId: &id}); err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *fakeAWS) open(t *testing.T, now func() time.Time) *kms.Store {
	t.Helper()
	store, err := kms.Versions{Client: f.Client, Prefix: prefix, Now: now}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newSigner(t *testing.T, algorithm tokenprofile.Algorithm, store *kms.Store) (tokenprofile.Profile, *tokenprofile.Signer) {
	t.Helper()
	profile := tokenprofile.Profile{
		Algorithm: algorithm,
		Issuer:    "https://consumer.example",
		Audience:  []string{"https://producer.example"},
		Lifetime:  2 * time.Second, // so that many are signed
	}
	signer, err := profile.Signer(store)
	if err != nil {
		t.Fatal(err)
	}
	return profile, signer
}

func TestAlgorithms(t *testing.T) {
	tests := []struct {
		algorithm tokenprofile.Algorithm
		spec      types.KeySpec
	}{
		{tokenprofile.RS256, types.KeySpecRsa2048},
		{tokenprofile.RS512, types.KeySpecRsa2048},
		{tokenprofile.ES256, types.KeySpecEccNistP256},
		{tokenprofile.ES384, types.KeySpecEccNistP384},
		{tokenprofile.ES512, types.KeySpecEccNistP521},
	}
	for _, test := range tests {
		t.Run(string(test.algorithm), func(t *testing.T) {
			f := startKMS(t)
			f.create(t, prefix+"1", test.spec)
			store := f.open(t, nil)
			profile, signer := newSigner(t, test.algorithm, store)
			token, err := signer.Sign(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			published := httptest.NewServer(&jwks.Handler{Source: store})
			defer published.Close()
			verifier, err := profile.Verifier(&jwks.Client{URL: published.URL})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verifier.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
}

// The KMS of this test salts PSS with more than AWS does, and its signatures
// are refused. So this looks at what it is asked for.
func TestPSSIsAskedForByName(t *testing.T) {
	f := startKMS(t)
	f.create(t, prefix+"1", types.KeySpecRsa2048)
	_, signer := newSigner(t, tokenprofile.PS384, f.open(t, nil))
	var got struct{ SigningAlgorithm, MessageType string }
	look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusBadRequest)
	})
	f.instead.Store(&look)
	if _, err := signer.Sign(t.Context(), nil); err == nil {
		t.Error("KMS refused, and there is a token")
	}
	if got.SigningAlgorithm != "RSASSA_PSS_SHA_384" || got.MessageType != "DIGEST" {
		t.Errorf("asked for %+v", got)
	}
}

func TestTokensMayNotOutliveAReplacedVersion(t *testing.T) {
	f := startKMS(t)
	f.create(t, prefix+"1", types.KeySpecEccNistP256)
	store, err := kms.Versions{Client: f.Client, Prefix: prefix, PublishAfter: time.Minute}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	profile := tokenprofile.Profile{Algorithm: tokenprofile.ES256, Issuer: "https://consumer.example", Audience: []string{"https://producer.example"}}
	for lifetime, good := range map[time.Duration]bool{time.Minute: true, time.Minute + time.Second: false} {
		profile.Lifetime = lifetime
		if _, err := profile.Signer(store); (err == nil) != good {
			t.Errorf("tokens that live %v: got %v", lifetime, err)
		}
	}
}

// inForce is which versions sign and are published, by the ends of their aliases.
func inForce(t *testing.T, store *kms.Store) (signs, published string) {
	t.Helper()
	private, err := store.PrivateKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	public, err := store.PublishedKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range private {
		signs += strings.TrimPrefix(key.Alias(), prefix)
	}
	var ends []string
	for _, key := range public {
		ends = append(ends, strings.TrimPrefix(key.Alias(), prefix))
	}
	slices.Sort(ends)
	return signs, strings.Join(ends, " ")
}

// pause lets two keys have different times of creation, which local-kms gives in
// whole seconds.
func pause() { time.Sleep(1100 * time.Millisecond) }

func TestNewVersionIsPublishedBeforeItSigns(t *testing.T) {
	f := startKMS(t)
	var later time.Duration
	now := func() time.Time { return time.Now().Add(later) }
	f.create(t, prefix+"1", types.KeySpecEccNistP256)
	f.create(t, "alias/other/1", types.KeySpecEccNistP256)
	running := f.open(t, now)
	pause()
	f.create(t, prefix+"2", types.KeySpecEccNistP256)
	if signs, published := inForce(t, running); signs != "1" || published != "1" {
		t.Errorf("before a look: %q signs, %q are published, want 1, 1", signs, published)
	}
	if err := running.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name             string
		later            time.Duration // PublishBefore is an hour, PublishAfter a day
		signs, published string
	}{
		{"at once", 0, "1", "1 2"},
		{"shortly before the change", 59 * time.Minute, "1", "1 2"},
		{"after the change", 61 * time.Minute, "2", "1 2"},
		{"while tokens of the old one live", 24*time.Hour + 59*time.Minute, "2", "1 2"},
		{"when they have expired", 25*time.Hour + time.Minute, "2", "2"},
	}
	for _, test := range tests {
		later = test.later
		restarted := f.open(t, now)
		for name, store := range map[string]*kms.Store{"running": running, "restarted": restarted} {
			if signs, published := inForce(t, store); signs != test.signs || published != test.published {
				t.Errorf("%s, %s: %q signs, %q are published, want %q, %q", test.name, name, signs, published, test.signs, test.published)
			}
		}
	}
}

// AWS tells when an alias got its key, which the KMS of this test does not.
func TestOldKeyWaitsFromTheMomentItHasTheAlias(t *testing.T) {
	f := startKMS(t)
	f.create(t, prefix+"1", types.KeySpecEccNistP256)
	pause()
	f.create(t, prefix+"2", types.KeySpecEccNistP256)
	later := time.Now().Add(24 * time.Hour)
	aliased := map[string]time.Time{prefix + "1": time.Now(), prefix + "2": later.Add(-time.Minute)}
	dated := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer bytes.Buffer
		f.real(&httptest.ResponseRecorder{HeaderMap: w.Header(), Body: &answer}, r)
		var list struct{ Aliases []map[string]any }
		if r.Header.Get("X-Amz-Target") == "TrentService.ListAliases" {
			if err := json.Unmarshal(answer.Bytes(), &list); err != nil {
				t.Error(err)
			}
			for _, alias := range list.Aliases {
				alias["LastUpdatedDate"] = aliased[alias["AliasName"].(string)].Unix()
			}
			answer.Reset()
			json.NewEncoder(&answer).Encode(list)
		}
		w.Write(answer.Bytes())
	})
	f.instead.Store(&dated)
	store := f.open(t, func() time.Time { return later })
	if signs, published := inForce(t, store); signs != "1" || published != "1 2" {
		t.Errorf("%q signs, %q are published, want 1, 1 2", signs, published)
	}
}

func TestDisabledVersionIsDroppedAtOnce(t *testing.T) {
	f := startKMS(t)
	first := f.create(t, prefix+"1", types.KeySpecEccNistP256)
	pause()
	second := f.create(t, prefix+"2", types.KeySpecEccNistP256)
	store := f.open(t, nil)
	if _, err := f.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: &first}); err != nil {
		t.Fatal(err)
	}
	if err := store.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if signs, published := inForce(t, store); signs != "2" || published != "2" {
		t.Errorf("%q signs, %q are published, want 2, 2", signs, published)
	}
	// Without any, the last good one stays: KMS refuses to sign with it anyway.
	if _, err := f.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: &second}); err != nil {
		t.Fatal(err)
	}
	if err := store.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), prefix) {
		t.Errorf("got %v, want an error that names the prefix", err)
	}
	if signs, _ := inForce(t, store); signs != "2" {
		t.Errorf("%q signs, want 2", signs)
	}
	_, signer := newSigner(t, tokenprofile.ES256, store)
	if _, err := signer.Sign(t.Context(), nil); err == nil {
		t.Error("a disabled key signs")
	}
}

func TestOpenWithoutKeys(t *testing.T) {
	f := startKMS(t)
	f.create(t, "alias/other/1", types.KeySpecEccNistP256)
	_, err := kms.Versions{Client: f.Client, Prefix: prefix}.Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), prefix) {
		t.Errorf("got %v, want an error that names the prefix", err)
	}
}

func TestStoreThatNobodyOpened(t *testing.T) {
	var store kms.Store
	if _, err := store.PrivateKeys(t.Context()); !errors.Is(err, keystore.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, keystore.ErrUnavailable)
	}
	if _, err := store.PublishedKeys(t.Context()); !errors.Is(err, keystore.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, keystore.ErrUnavailable)
	}
}

func TestKeysStayWhileKMSIsDown(t *testing.T) {
	f := startKMS(t)
	f.create(t, prefix+"1", types.KeySpecEccNistP256)
	store := f.open(t, nil)
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest) // which the client does not retry
		io.WriteString(w, `{"__type": "DisabledException"}`)
	})
	f.instead.Store(&down)
	if err := store.Refresh(t.Context()); err == nil {
		t.Error("a look at a KMS that is down reports no error")
	}
	if signs, published := inForce(t, store); signs != "1" || published != "1" {
		t.Errorf("%q signs, %q are published, want 1, 1", signs, published)
	}
}

func TestSigningEndsWithItsContext(t *testing.T) {
	f := startKMS(t)
	f.create(t, prefix+"1", types.KeySpecEccNistP256)
	store := f.open(t, nil)
	_, signer := newSigner(t, tokenprofile.ES256, store)
	asked := make(chan struct{}, 10)
	hangs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the server does not notice that the client leaves
		asked <- struct{}{}
		<-r.Context().Done()
	})
	f.instead.Store(&hangs)
	calls := map[string]func(context.Context) error{
		"Sign":    func(ctx context.Context) error { _, err := signer.Sign(ctx, nil); return err },
		"Refresh": store.Refresh,
	}
	for name, call := range calls {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- call(ctx) }()
		<-asked
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s does not end with its context", name)
		}
	}
	f.instead.Store(nil)
	if _, err := signer.Sign(t.Context(), nil); err != nil {
		t.Errorf("after others have left: %v", err)
	}
}
