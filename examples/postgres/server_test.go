package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenprofile/tokenprofile-go/examples/postgres"
)

// server is a PostgreSQL of these tests' own, in a folder of its own, behind a
// socket in it. All tests share it, because making one takes seconds.
type server struct {
	dir        string
	credential *syscall.Credential // nil: whoever runs the test
}

var (
	shared  = sync.OnceValues(newServer)
	running *server // set by newServer
)

func TestMain(m *testing.M) {
	code := m.Run()
	if running != nil {
		running.stop()
		os.RemoveAll(running.dir)
	}
	os.Exit(code)
}

func newServer() (*server, error) {
	dir, err := os.MkdirTemp("", "postgres") // t.TempDir is too long for the name of a socket
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	running = s
	if os.Getuid() == 0 { // as root PostgreSQL refuses to run
		if err := s.becomeOther("postgres"); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(dir, "data")
	if err := s.run("initdb", "--pgdata", data, "--auth", "trust", "--username", "postgres"); err != nil {
		return nil, err
	}
	return s, s.start()
}

func (s *server) becomeOther(name string) error {
	other, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(other.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(other.Gid)
	if err != nil {
		return err
	}
	s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, uid, gid)
}

// run runs a program of the Debian package, which keeps them out of the path.
func (s *server) run(name string, arguments ...string) error {
	path, err := exec.LookPath(name)
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		path, err = found[len(found)-1], nil
	}
	if err != nil {
		return err
	}
	command := exec.Command(path, arguments...)
	command.Dir = s.dir
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

func (s *server) start() error {
	options := "-c listen_addresses= -c unix_socket_directories=" + s.dir
	return s.run("pg_ctl", "start", "--wait", "--pgdata", filepath.Join(s.dir, "data"),
		"--log", filepath.Join(s.dir, "log"), "--options", options)
}

// stop leaves no time to write anything: the next start recovers as after a
// crash.
func (s *server) stop() error {
	return s.run("pg_ctl", "stop", "--mode", "immediate", "--pgdata", filepath.Join(s.dir, "data"))
}

func startPostgres(t *testing.T) *server {
	t.Helper()
	if os.Getenv("TOKENPROFILE_TOOLS") != "1" {
		t.Skip("needs postgresql: set TOKENPROFILE_TOOLS=1")
	}
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// guard has connections of its own, as another process would.
func (s *server) guard(t *testing.T) *postgres.ReplayGuard {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "host="+s.dir+" user=postgres dbname=postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := pool.Exec(ctx, postgres.Schema); err != nil {
		t.Fatal(err)
	}
	return &postgres.ReplayGuard{Pool: pool}
}
