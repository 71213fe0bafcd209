//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// conn is one connection of a stream of traffic, with the state of whoever uses it.
type conn struct {
	fd      int // -1: none
	stream  *stream
	buf     []byte
	have    int
	busy    bool
	started int64 // when the request was due, or sent; see stream.send
	wake    int64 // when a resting connection asks for work again; 0: when it is told to

	// What the request at hand is about; the stream's functions use it as they like.
	mark  int
	noted bool
}

var errClosed = errors.New("the server closed the connection")

// open connects. On loopback this waits for nobody.
func (c *conn) open(g *generator) error {
	addr, family := sockaddr(c.stream.addr)
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	for {
		if err = syscall.Connect(fd, addr); err != syscall.EINTR {
			break
		}
	}
	if err == nil || errors.Is(err, syscall.EISCONN) || errors.Is(err, syscall.EALREADY) {
		err = errors.Join(syscall.SetNonblock(fd, true), syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
	}
	if err == nil {
		err = g.watch(fd, c)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return fmt.Errorf("connect to %s: %w", c.stream.addr, err)
	}
	c.fd, c.have = fd, 0
	return nil
}

func sockaddr(a netip.AddrPort) (syscall.Sockaddr, int) {
	if a.Addr().Is4() {
		return &syscall.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, syscall.AF_INET
	}
	return &syscall.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}, syscall.AF_INET6
}

func (c *conn) close(g *generator) {
	if c.fd >= 0 {
		delete(g.byFD, int32(c.fd))
		_ = syscall.Close(c.fd)
		c.fd = -1
	}
}

// write sends a request, on a new connection where the server has given the old one up.
func (c *conn) write(g *generator, req []byte) error {
	for fresh := false; ; fresh = true {
		if c.fd < 0 {
			if err := c.open(g); err != nil {
				return err
			}
			fresh = true
		}
		n, err := syscall.Write(c.fd, req)
		switch {
		case err == nil && n == len(req):
			return nil
		case err == syscall.EINTR && n <= 0:
			continue
		case err == nil:
			return fmt.Errorf("sent %d bytes of %d: the server does not read", n, len(req))
		case fresh:
			return fmt.Errorf("send a request: %w", err)
		}
		c.close(g)
	}
}

// read takes what has come. ok says that a whole answer is there.
func (c *conn) read() (a answer, ok bool, err error) {
	for {
		if c.have == len(c.buf) {
			c.buf = append(c.buf, make([]byte, max(4096, len(c.buf)))...)
		}
		n, err := syscall.Read(c.fd, c.buf[c.have:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return a, false, nil
		case err == syscall.ECONNRESET || err == nil && n == 0:
			return a, false, errClosed
		case err != nil:
			return a, false, fmt.Errorf("read an answer: %w", err)
		}
		c.have += n
		break
	}
	a, size, err := parseAnswer(c.buf[:c.have])
	switch {
	case err != nil || size == 0:
		return a, false, err
	case size < c.have:
		return a, false, fmt.Errorf("%w: %d bytes follow it", errResponse, c.have-size)
	}
	c.have = 0
	return a, true, nil
}
