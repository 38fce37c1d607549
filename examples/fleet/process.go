package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A process is one that is killed and started again, under the same address.
type process struct {
	name    string
	command func() (*exec.Cmd, error)
	ready   func(ctx context.Context) error // nil once it does its work
	log     string                          // path of what it prints

	mu      sync.Mutex // held while the process is down
	running *exec.Cmd
	exited  chan error // what Wait said

	outages []outage // guarded by mu
}

// An outage is a time in which a process was down.
type outage struct{ from, until time.Time }

const startTimeout = 30 * time.Second

// start returns when the process does its work. One that gives up is started
// again: PostgreSQL does while a server before it has not quite gone.
func (p *process) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := p.launch(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not begin to work: %w (see %s)", p.name, err, p.log)
		case <-p.exited:
			time.Sleep(50 * time.Millisecond)
			if err := p.launch(); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// launch starts the process in a group of its own, so that what it starts dies
// with it.
func (p *process) launch() error {
	command, err := p.command()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Setpgid = true
	if err := command.Start(); err != nil {
		return err
	}
	p.running, p.exited = command, make(chan error, 1)
	go func(exited chan<- error) { exited <- command.Wait() }(p.exited)
	return nil
}

// kill is kill -9. It is an error if the process had ended by itself.
func (p *process) kill() error {
	if p == nil || p.running == nil {
		return nil
	}
	pid := p.running.Process.Pid
	p.running = nil
	select {
	case err := <-p.exited:
		return fmt.Errorf("%s has ended by itself: %v (see %s)", p.name, err, p.log)
	default:
	}
	err := syscall.Kill(-pid, syscall.SIGKILL)
	<-p.exited
	return err
}

// restart kills the process, leaves it dead for a while, and starts it again.
func (p *process) restart(ctx context.Context, pause time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	down := outage{from: time.Now()}
	if err := p.kill(); err != nil {
		return err
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	down.until = time.Now()
	p.outages = append(p.outages, down)
	return nil
}

// wasDown reports whether the process was down during the attempt, or a while
// before.
func (p *process) wasDown(a attempt, while time.Duration) bool {
	return slices.ContainsFunc(p.outages, func(o outage) bool {
		return a.Begin.Before(o.until.Add(while)) && a.End.After(o.from)
	})
}

// again is this program in one of its roles, as the nth of them.
func again(role string, n int, address, dir string, settings any) *process {
	name := fmt.Sprintf("%s %d", role, n)
	return &process{
		name: name,
		log:  filepath.Join(dir, fmt.Sprintf("%s-%d.log", role, n)),
		command: func() (*exec.Cmd, error) {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(settings)
			return exec.Command(self, role, string(text)), err
		},
		ready: listening(address),
	}
}

// listening asks whether somebody accepts connections.
func listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// freeAddresses are on a loopback address of this fleet's own, so that nobody
// takes the port of a process that is down.
func freeAddresses(n int) ([]string, error) {
	var addresses []string
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	for port := 20000; len(addresses) < n; port++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, port))
		if err != nil && port < 20100 {
			continue // somebody has the port on all addresses
		}
		if err != nil {
			return nil, err
		}
		listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}
