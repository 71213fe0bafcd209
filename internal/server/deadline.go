package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// easyListener gives connections whose deadlines are as good as any and cost next to nothing. net/http sets
// one eight times a request, and each turns a timer of the runtime, though nearly none is ever waited for.
type easyListener struct{ net.Listener }

// Accept gives the next connection.
func (l easyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &easyConn{
		Conn: c, reading: deadline{set: c.SetReadDeadline}, writing: deadline{set: c.SetWriteDeadline},
	}, nil
}

// easyConn is a connection that turns its timers only when it must. It has one reader and one writer at a
// time, which is how net/http and crypto/tls use theirs.
type easyConn struct {
	net.Conn
	reading, writing deadline
}

// Read implements net.Conn.
func (c *easyConn) Read(b []byte) (n int, err error) {
	err = c.reading.hold(func() (err error) {
		n, err = c.Conn.Read(b)
		return err
	})
	return n, err
}

// Write implements net.Conn.
func (c *easyConn) Write(b []byte) (n int, err error) {
	err = c.writing.hold(func() error {
		wrote, err := c.Conn.Write(b[n:])
		n += wrote
		return err
	})
	return n, err
}

// SetReadDeadline implements net.Conn.
func (c *easyConn) SetReadDeadline(t time.Time) error { return c.reading.want(t) }

// SetWriteDeadline implements net.Conn.
func (c *easyConn) SetWriteDeadline(t time.Time) error { return c.writing.want(t) }

// SetDeadline implements net.Conn.
func (c *easyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.reading.want(t), c.writing.want(t))
}

// CloseWrite lets the client read the last answer before the connection is reset.
func (c *easyConn) CloseWrite() error { return closeWrite(c.Conn) }

// closeWrite says that nothing more is sent, where a connection can say that.
func closeWrite(c net.Conn) error {
	if tcp, ok := c.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return nil
}

// deadline is that of reading or of writing. Between two calls it is only noted: where the connection's own
// is an earlier one, that one may run out, and is then moved to where it should be.
type deadline struct {
	set func(time.Time) error // the connection's own

	mu     sync.Mutex
	wanted time.Time // zero: none
	own    time.Time // what the connection has; zero: none
	busy   bool      // a call is under way
}

// longAgo is what net/http sets to end a read that it began beside each request.
var longAgo = time.Unix(1, 0)

// want changes the deadline, of the call that is under way, too.
func (d *deadline) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.busy {
		return d.move()
	}
	return nil
}

// hold makes a call that ends at the deadline.
func (d *deadline) hold(call func() error) error {
	if err := d.begin(); err != nil {
		return err
	}
	for {
		if err := call(); !d.early(err) {
			return err
		}
	}
}

// begin sees to it that a call ends in time.
func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && (d.own.IsZero() || d.wanted.Before(d.own)) {
		if !d.wanted.After(longAgo) {
			return os.ErrDeadlineExceeded
		}
		if err := d.move(); err != nil {
			return err
		}
	}
	d.busy = true
	return nil
}

// early reports whether a call ended with err before its deadline, and is to be made again.
func (d *deadline) early(err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) && !d.own.Equal(d.wanted) {
		return d.move() == nil
	}
	d.busy = false
	return false
}

// move gives the connection the deadline that is wanted.
func (d *deadline) move() error {
	d.own = d.wanted
	return d.set(d.wanted)
}
