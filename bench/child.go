//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// child is a process that we started, and end.
type child struct {
	cmd  *exec.Cmd
	name string
	done chan struct{} // closed when it has ended
	err  error
	once sync.Once
}

// startChild starts a process on the given cores. It gets its own process group, so that Ctrl-C
// reaches it through us, and dies with us whatever ends us.
func startChild(name string, cores cpuSet, cmd *exec.Cmd, withUs syscall.Signal) (*child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, withUs
	if err := on(cores, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c := &child{cmd: cmd, name: name, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.err = cmd.Wait()
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// ended reports whether the process is over, without waiting.
func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// patience is how long a process may take to end when it is asked to.
const patience = 20 * time.Second

// stop asks the process to end, waits, and in the end insists.
func (c *child) stop(ask syscall.Signal) (err error) {
	c.once.Do(func() {
		if err := c.cmd.Process.Signal(ask); err != nil && !errors.Is(err, os.ErrProcessDone) {
			_ = c.cmd.Process.Kill()
		}
		select {
		case <-c.done:
		case <-time.After(patience):
			_ = c.cmd.Process.Kill()
			<-c.done
			err = fmt.Errorf("%s (process %d) did not end within %v and was killed", c.name, c.pid(), patience)
		}
	})
	return err
}
