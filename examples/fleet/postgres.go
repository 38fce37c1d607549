package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenprofile/tokenprofile-go/examples/postgres"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// postgresServer is one with its default settings, in a folder below dir.
func postgresServer(dir string) (*process, error) {
	dir = postgresDir(dir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	credential, err := postgresUser(dir)
	if err != nil {
		return nil, err
	}
	program := func(name string, args ...string) *exec.Cmd {
		// Debian keeps them out of the path.
		if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
			name = found[len(found)-1]
		}
		command := exec.Command(name, args...)
		command.Dir = dir
		command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
		return command
	}
	data := filepath.Join(dir, "data")
	if out, err := program("initdb", "--pgdata", data, "--auth", "trust", "--username", "postgres").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return &process{
		name: "postgres",
		log:  filepath.Join(filepath.Dir(dir), "postgres.log"),
		command: func() (*exec.Cmd, error) {
			return program("postgres", "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories="+dir), nil
		},
		ready: func(ctx context.Context) error {
			conn, err := pgx.Connect(ctx, postgresDSN(dir))
			if err != nil {
				return err
			}
			defer conn.Close(ctx)
			_, err = conn.Exec(ctx, postgres.Schema)
			return err
		},
	}, nil
}

// postgresUser is who PostgreSQL runs as where we are root, which it refuses to
// be. That user gets the folder.
func postgresUser(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	found, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

func postgresDir(dir string) string { return filepath.Join(dir, "postgres") }

func postgresDSN(dir string) string { return "host=" + dir + " user=postgres dbname=postgres" }

func postgresGuard(ctx context.Context, dir string) (tokenprofile.ReplayGuard, error) {
	pool, err := pgxpool.New(ctx, postgresDSN(postgresDir(dir)))
	if err != nil {
		return nil, err
	}
	return &postgres.ReplayGuard{Pool: pool}, nil
}
