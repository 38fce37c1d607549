package keystore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenprofile/tokenprofile-go/keystore"
)

func TestWhatIsNoFileIsNotOpened(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := mkfifo(pipe); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	socket := filepath.Join(dir, "socket")
	defer must(net.Listen("unix", socket)).Close()
	for path, want := range map[string]string{pipe: "it is a pipe", socket: "it is a socket", os.DevNull: "it is a device", dir: "it is a directory"} {
		if _, err := keystore.Open(path, nil); err == nil || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that names %s and says %q", err, path, want)
		}
		if _, err := keystore.FilePassword(path)(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("as a password: got %v, want one that says %q", err, want)
		}
	}
}

func TestPipeInPlaceOfTheFileKeepsTheKeysInForce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := openRotating(t, jwkSet("one"), keystore.File{})
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		if err := mkfifo(r.path); err != nil {
			t.Skipf("no pipes here: %v", err)
		}
		r.expect(3*time.Second, "one", "one")
		if len(r.reports) == 0 || !errors.Is(r.reports[0], keystore.ErrUnsupported) {
			t.Errorf("got reports %v, want %v", r.reports, keystore.ErrUnsupported)
		}
	})
}

// growing is a file that somebody writes to while it is read.
type growing struct {
	*os.File
	path string
	grow func(path string)
	once sync.Once
}

func (g *growing) Read(p []byte) (int, error) {
	n, err := g.File.Read(p)
	if err == io.EOF {
		g.once.Do(func() { g.grow(g.path) })
	}
	return n, err
}

func TestFileThatChangesWhileItIsReadIsNotUsed(t *testing.T) {
	for name, grow := range map[string]func(path string){
		"nothing happens":     func(string) {},
		"it grows":            func(path string) { os.WriteFile(path, []byte("longer than before"), 0o600) },
		"only its time moves": func(path string) { os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)) },
	} {
		path := filepath.Join(t.TempDir(), "a.pem")
		install(t, path, "before")
		f := must(os.Open(path))
		data, _, err := keystore.ReadUnchanged(&growing{File: f, path: path, grow: grow}, 1<<20)
		if unchanged := name == "nothing happens"; (err == nil) != unchanged || unchanged != (string(data) == "before") {
			t.Errorf("%s: got %q, %v", name, data, err)
		}
		f.Close()
	}
}

func TestPasswordsAreWipedAfterTheLoad(t *testing.T) {
	file := keystore.File{
		Password:     keystore.StaticPassword("of the store"),
		KeyPassword:  keystore.StaticPassword("of the keys"),
		KeyPasswords: map[string]keystore.Password{"a": keystore.StaticPassword("of a key")},
	}
	var kept [][]byte
	err := keystore.WithPasswords(file, func(store []byte, key func(string) [][]byte) {
		kept = append(key("A"), store)
		if got := string(kept[0]) + ", " + string(kept[1]) + ", " + string(kept[2]); got != "of a key, of the keys, of the store" {
			t.Errorf("got %q to try", got)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, password := range kept {
		if strings.Trim(string(password), "\x00") != "" {
			t.Errorf("password %d is still there after the load", i)
		}
	}
}

// vault is a secret manager whose answers a test decides.
type vault struct {
	answer func(ctx context.Context) ([]byte, error)
	asked  atomic.Int64
}

func (v *vault) read(ctx context.Context) ([]byte, error) {
	v.asked.Add(1)
	return v.answer(ctx)
}

func (v *vault) holds(content string) {
	v.answer = func(context.Context) ([]byte, error) { return []byte(content), nil }
}

func openVault(t *testing.T, v *vault, file keystore.File) *rotating {
	t.Helper()
	r := &rotating{t: t}
	file.Path, file.Read = "vault:signing", v.read
	file.OnReload = func(err error) { r.reports = append(r.reports, err) }
	r.Store = must(file.Open())
	return r
}

func TestFunctionIsAskedAtItsIntervalAndRotatesAsAFileDoes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var v vault
		v.holds(jwkSet("one"))
		r := openVault(t, &v, keystore.File{Interval: 10 * time.Second})
		r.expect(9*time.Second, "one", "one")
		if got := v.asked.Load(); got != 1 {
			t.Errorf("got asked %d times in 9 seconds, want once", got)
		}
		v.holds(jwkSet("two"))
		r.expect(time.Second, "one", "one two")
		r.expect(time.Hour, "two", "one two")
		r.expect(24*time.Hour, "two", "two")
		if len(r.reports) != 1 || r.reports[0] != nil {
			t.Errorf("got reports %v, want one success", r.reports)
		}
		v.holds(jwkSet("three"))
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.expect(0, "three", "three")
	})
}

func TestFunctionThatFailsKeepsTheKeysInForceAndIsAskedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var v vault
		v.holds(jwkSet("one"))
		r := openVault(t, &v, keystore.File{Interval: 10 * time.Second})
		sealed := errors.New("the vault is sealed")
		v.answer = func(context.Context) ([]byte, error) { return nil, sealed }
		r.expect(11*time.Second, "one", "one")
		if len(r.reports) == 0 || !errors.Is(r.reports[0], sealed) || !strings.Contains(r.reports[0].Error(), "vault:signing: ") {
			t.Fatalf("got reports %v, want %v under the store's name", r.reports, sealed)
		}
		v.holds(jwkSet("one"))
		r.expect(5*time.Second, "one", "one")
		if last := r.reports[len(r.reports)-1]; last != nil {
			t.Errorf("got %v, want success", last)
		}
	})
}

func TestFunctionThatHangsHoldsUpNobody(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var v vault
		v.holds(jwkSet("one"))
		r := openVault(t, &v, keystore.File{Interval: 10 * time.Second})
		release := make(chan struct{})
		v.answer = func(ctx context.Context) ([]byte, error) {
			<-release // whatever ctx says
			return []byte(jwkSet("two")), nil
		}
		time.Sleep(10 * time.Second)
		start := time.Now()
		if got := kids(must(r.PrivateKeys(t.Context()))); got != "one" || time.Since(start) > 100*time.Millisecond {
			t.Errorf("got %q after %v, want the old key within 100 ms", got, time.Since(start))
		}
		for range 5 {
			time.Sleep(time.Second)
			start := time.Now()
			r.PrivateKeys(t.Context())
			r.Entries()
			r.TLSCertificate("")
			if waited := time.Since(start); waited > 0 {
				t.Errorf("got a caller who waited for %v while another looks, want none", waited)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if err := r.Reload(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
			t.Errorf("got %v from Reload after %v, want %v within a second", err, time.Since(start), context.DeadlineExceeded)
		}
		close(release)
		r.expect(time.Second, "one", "one two")
	})
}

func TestLookWaitsNoLongerThanTheContext(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var v vault
		v.holds(jwkSet("one"))
		r := openVault(t, &v, keystore.File{})
		v.answer = func(ctx context.Context) ([]byte, error) {
			time.Sleep(50 * time.Millisecond)
			return []byte(jwkSet("two")), ctx.Err()
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		start := time.Now()
		if keys, err := r.PrivateKeys(ctx); err != nil || kids(keys) != "one" || time.Since(start) > 20*time.Millisecond {
			t.Errorf("got %q, %v after %v, want the old key within 20 ms", kids(keys), err, time.Since(start))
		}
		time.Sleep(time.Second) // the look went on without its caller
		if got := kids(must(r.PublishedKeys(t.Context()))); got != "one two" {
			t.Errorf("got %q published, want both", got)
		}
	})
}

// A reload that its caller has left changes nothing, even if it would succeed.
func TestReloadThatIsLeftChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var v vault
		v.holds(jwkSet("one"))
		r := openVault(t, &v, keystore.File{Interval: time.Hour})
		v.answer = func(context.Context) ([]byte, error) {
			time.Sleep(2 * time.Second)
			return []byte(jwkSet("two")), nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Reload(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		r.expect(10*time.Second, "one", "one")
	})
}

func TestFunctionHasALimitInTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var v vault
		v.holds(jwkSet("one"))
		r := openVault(t, &v, keystore.File{})
		v.answer = func(ctx context.Context) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		for range 100 {
			time.Sleep(time.Second)
			r.PrivateKeys(t.Context())
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if len(r.reports) == 0 || !errors.Is(r.reports[0], context.DeadlineExceeded) {
			t.Errorf("got reports %v, want %v", r.reports, context.DeadlineExceeded)
		}
	})
}

func TestPlacesThatCannotBe(t *testing.T) {
	read := func(context.Context) ([]byte, error) { return nil, nil }
	for name, file := range map[string]keystore.File{
		"nothing":                          {},
		"a function and a certificate":     {Read: read, Certificate: "tls.crt"},
		"a PKCS #12 file beside a tls.crt": {Path: "testdata/keytool-rsa2048.p12", Certificate: "testdata/certificate.der", Password: keystore.StaticPassword(changeit)},
	} {
		if _, err := file.Open(); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
