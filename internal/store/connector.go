package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
)

// connector finishes connections that were begun. Where the requests that ask for one give up
// sooner than a loaded server answers, connections made in their contexts would never be there,
// and each attempt would load the server more.
type connector struct {
	driver.Connector
	timeout time.Duration
	slots   chan struct{}    // attempts at once
	spare   chan driver.Conn // made for somebody who had gone
	dials   sync.WaitGroup
	mu      sync.Mutex
	closed  bool // no attempt is begun any more: sql.DB may ask for one while it closes
}

func newConnector(c driver.Connector, timeout time.Duration, n int) *connector {
	return &connector{Connector: c, timeout: timeout, slots: make(chan struct{}, n), spare: make(chan driver.Conn, n)}
}

// Connect gives a new connection, or ends with ctx.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	select {
	case conn, open := <-c.spare:
		if open && fresh(ctx, conn) {
			return conn, nil
		}
	default:
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !c.begin() {
		<-c.slots
		return nil, errClosed
	}
	type made struct {
		conn driver.Conn
		err  error
	}
	done := make(chan made)
	go func() {
		defer c.dials.Done()
		defer func() { <-c.slots }()
		dialing, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
		defer cancel()
		conn, err := c.Connector.Connect(dialing)
		select {
		case done <- made{conn, err}:
		case <-ctx.Done():
			if err == nil {
				c.keep(conn)
			}
		}
	}()
	select {
	case m := <-done:
		return m.conn, m.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin counts an attempt that Close will wait for, unless it is too late for one.
func (c *connector) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.dials.Add(1)
	}
	return !c.closed
}

func (c *connector) keep(conn driver.Conn) {
	select {
	case c.spare <- conn:
	default:
		_ = conn.Close()
	}
}

// fresh reports whether a connection that has lain for a while still works; it closes one that doesn't.
func fresh(ctx context.Context, conn driver.Conn) bool {
	r, ok := conn.(driver.SessionResetter)
	if ok && r.ResetSession(ctx) == nil {
		return true
	}
	_ = conn.Close()
	return false
}

// Close waits for what was begun and closes what is left; sql.DB calls it.
func (c *connector) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.dials.Wait()
	close(c.spare)
	var err error
	for conn := range c.spare {
		err = errors.Join(err, conn.Close())
	}
	return err
}
