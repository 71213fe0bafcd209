//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// generator drives streams of traffic from one thread: raw sockets and epoll, since net/http's
// client takes more of a core than the servers that are measured.
type generator struct {
	epoll   int
	byFD    map[int32]*conn
	streams []*stream
	events  [256]syscall.EpollEvent
}

func newGenerator(streams ...*stream) (*generator, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	g := &generator{epoll: fd, byFD: map[int32]*conn{}}
	for _, s := range streams {
		g.add(s)
	}
	return g, nil
}

// add takes one more stream; its connections begin with the next run.
func (g *generator) add(s *stream) {
	s.idle = nil
	for range s.width {
		s.idle = append(s.idle, &conn{fd: -1, stream: s})
	}
	s.all = append([]*conn(nil), s.idle...)
	s.reset()
	g.streams = append(g.streams, s)
}

func (g *generator) close() {
	for _, s := range g.streams {
		for _, c := range s.all {
			c.close(g)
		}
	}
	_ = syscall.Close(g.epoll)
}

func (g *generator) watch(fd int, c *conn) error {
	g.byFD[int32(fd)] = c
	return syscall.EpollCtl(g.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// run drives the streams for d, or until over says so; nil: never. What is under way at the end
// is read in the next run.
func (g *generator) run(ctx context.Context, d time.Duration, over func() bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now := nanos()
	end := now + int64(d)
	for _, s := range g.streams {
		if err := s.begin(g, now); err != nil {
			return err
		}
	}
	for {
		now := nanos()
		if now >= end || over != nil && over() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		next := end
		for _, s := range g.streams {
			at, err := s.dispatch(g, now)
			if err != nil {
				return err
			}
			next = min(next, at)
		}
		if err := g.turn(time.Duration(next - nanos())); err != nil {
			return err
		}
	}
}

// drain takes the answers that are still to come and sends nothing more, so that no client goes
// away with a request under way.
func (g *generator) drain(ctx context.Context) error {
	const atMost = 20 * time.Second
	for _, s := range g.streams {
		s.halted = true
	}
	return g.run(ctx, atMost, func() bool {
		for _, s := range g.streams {
			if len(s.idle) < len(s.all) {
				return false
			}
		}
		return true
	})
}

// turn waits for answers, at most for d, and takes them.
func (g *generator) turn(d time.Duration) error {
	n, err := g.wait(min(max(d, 0), 50*time.Millisecond))
	if err != nil {
		return err
	}
	for _, e := range g.events[:n] {
		c := g.byFD[e.Fd]
		if c == nil {
			continue
		}
		a, ok, err := c.read()
		switch {
		case errors.Is(err, errClosed):
			err = c.stream.closed(g, c)
		case err == nil && ok:
			err = c.stream.answered(g, c, &a)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.stream.name, err)
		}
	}
	return nil
}

// sysEpollPwait2 has one number on all of Linux's newer architectures; it counts nanoseconds.
const sysEpollPwait2 = 441

func (g *generator) wait(d time.Duration) (int, error) {
	limit := syscall.NsecToTimespec(int64(d))
	n, _, code := syscall.Syscall6(sysEpollPwait2, uintptr(g.epoll), uintptr(unsafe.Pointer(&g.events[0])),
		uintptr(len(g.events)), uintptr(unsafe.Pointer(&limit)), 0, 0)
	switch code {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	case syscall.ENOSYS, syscall.EPERM: // Linux before 5.11, or a sandbox
		found, err := syscall.EpollWait(g.epoll, g.events[:], int((d+time.Millisecond-1)/time.Millisecond))
		if err == syscall.EINTR {
			return 0, nil
		}
		return found, err
	}
	return 0, fmt.Errorf("epoll: %w", code)
}
