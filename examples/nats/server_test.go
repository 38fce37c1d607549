package nats_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tokenprofile/tokenprofile-go/examples/nats"
)

// folder is where a process of this program that is to be a server keeps its
// data.
const folder = "NATS_FOLDER"

// TestMain lets the program be a NATS server too: one that can be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(folder); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// serve prints its URL when it is ready, and ends when it is killed or the
// test is gone.
func serve(dir string) error {
	server, err := natsserver.NewServer(&natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, JetStream: true, StoreDir: dir, SyncAlways: true,
	})
	if err != nil {
		return err
	}
	server.Start()
	if !server.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("the server is not ready")
	}
	fmt.Println(server.ClientURL())
	os.Stdin.Read(make([]byte, 1))
	server.Shutdown()
	return nil
}

// server is a NATS server in a process of its own.
type server struct {
	dir, url string
	command  *exec.Cmd
}

func startNATS(t *testing.T) *server {
	t.Helper()
	s := &server{dir: t.TempDir()}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.command = exec.Command(os.Args[0])
	s.command.Env = append(os.Environ(), folder+"="+s.dir)
	s.command.Stderr = os.Stderr
	if _, err := s.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s.url = strings.TrimSpace(line)
}

// kill is kill -9: the server learns nothing of it.
func (s *server) kill() {
	s.command.Process.Kill()
	s.command.Wait()
}

// guard has a connection of its own, as another process would.
func (s *server) guard(t *testing.T) *nats.ReplayGuard {
	t.Helper()
	connection, err := natsgo.Connect(s.url, natsgo.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	js, err := jetstream.New(connection)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := nats.Bucket(t.Context(), js, "replay", 1)
	if err != nil {
		t.Fatal(err)
	}
	return &nats.ReplayGuard{Bucket: bucket}
}
