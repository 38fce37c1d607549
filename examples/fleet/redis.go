package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tokenprofile/tokenprofile-go/examples/redis"
	"github.com/tokenprofile/tokenprofile-go/tokenprofile"
)

// redisServer is one that has an id on disk before it answers, and never drops
// one for want of room.
func redisServer(dir string) *process {
	return &process{
		name: "redis",
		log:  filepath.Join(dir, "redis.log"),
		command: func() (*exec.Cmd, error) {
			return exec.Command("redis-server", "--port", "0", "--unixsocket", redisSocket(dir), "--dir", dir,
				"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"), nil
		},
		ready: redisAnswers(redisSocket(dir)),
	}
}

// redisAnswers asks whether Redis has read what it kept.
func redisAnswers(socket string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		defer conn.Close()
		fmt.Fprint(conn, "PING\r\n")
		answer, err := bufio.NewReader(conn).ReadString('\n')
		if err == nil && answer != "+PONG\r\n" {
			err = fmt.Errorf("the answer to a ping is %q", answer)
		}
		return err
	}
}

func redisSocket(dir string) string { return filepath.Join(dir, "redis.sock") }

// redisGuard does not repeat a command whose answer was lost: SET NX would find
// the key it has set itself, and a good token would pass for a replayed one.
func redisGuard(dir string) tokenprofile.ReplayGuard {
	return &redis.ReplayGuard{Client: goredis.NewClient(&goredis.Options{
		Network: "unix", Addr: redisSocket(dir), MaxRetries: -1, PoolSize: 100, DialTimeout: time.Second, ContextTimeoutEnabled: true,
	})}
}
