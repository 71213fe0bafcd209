package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// moved counts how often the deadlines of a listener's connections are moved.
type moved struct {
	net.Listener
	times atomic.Int64
}

func (m *moved) Accept() (net.Conn, error) {
	c, err := m.Listener.Accept()
	return &movedConn{c, m}, err
}

type movedConn struct {
	net.Conn
	by *moved
}

func (c *movedConn) SetReadDeadline(t time.Time) error {
	c.by.times.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c *movedConn) SetWriteDeadline(t time.Time) error {
	c.by.times.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func TestRequestsHardlyMoveDeadlines(t *testing.T) {
	const requests = 200
	ln := &moved{Listener: listen(t)}
	h := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	t.Cleanup(func() { _ = h.Close() })
	go func() { _ = h.Serve(easyListener{ln}) }()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	for range requests {
		res, err := client.Get("http://" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	if got := ln.times.Load(); got == 0 || got > 3*requests {
		t.Errorf("got:  %d moves for %d requests\nwant: 1 at least, and less than half of the 8 a request of net/http", got, requests)
	}
}

// connPair is a connection of an easyListener and the other end of it.
func connPair(t *testing.T) (c, client net.Conn) {
	t.Helper()
	ln := easyListener{listen(t)}
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if c, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = client.Close() })
	return c, client
}

// TestReadingEndsAtItsDeadline sets deadlines one after the other, each for the read after it. A time of 0 is
// no deadline. That read finds a byte, if it is to, and ends at its deadline otherwise.
func TestReadingEndsAtItsDeadline(t *testing.T) {
	const soon, later, far = 100 * time.Millisecond, 400 * time.Millisecond, time.Hour
	type step struct {
		in   time.Duration
		byte bool
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"the first", []step{{soon, false}}},
		{"an earlier one than before", []step{{far, true}, {soon, false}}},
		{"a later one than one that ran out", []step{{soon, false}, {later, false}}},
		{"a later one than one that runs out meanwhile", []step{{soon, true}, {later, false}}},
		{"one that is past", []step{{far, true}, {-far, false}, {far, true}, {soon, false}}},
		{"none after one that ran out", []step{{soon, false}, {0, true}}},
		{"none after one that runs out meanwhile", []step{{soon, true}, {0, true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, client := connPair(t)
			for i, s := range tt.steps {
				switch {
				case !s.byte:
					until := time.Now().Add(s.in)
					_ = c.SetReadDeadline(until)
					endsAt(t, until, func() (int, error) { return c.Read(make([]byte, 8)) })
				case s.in == 0: // it waits for longer than the deadline before
					_ = c.SetReadDeadline(time.Time{})
					time.AfterFunc(3*soon, func() { _, _ = client.Write([]byte("x")) })
					if n, err := c.Read(make([]byte, 8)); n != 1 || err != nil {
						t.Fatalf("step %d\ngot:  %d, %v\nwant: a byte", i, n, err)
					}
				default:
					_, _ = client.Write([]byte("x"))
					inTime(t, s.in, c.SetReadDeadline, func() (int, error) { return c.Read(make([]byte, 8)) })
				}
			}
		})
	}
}

// endsAt holds that a call ends at its deadline, and moves nothing.
func endsAt(t *testing.T, until time.Time, call func() (int, error)) {
	t.Helper()
	n, err := call()
	var timeout net.Error
	if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got:  %d, %v\nwant: the deadline", n, err)
	}
	if early := time.Until(until); early > 0 {
		t.Errorf("it ended %v too early", early)
	}
}

// inTime makes a call that moves one byte before a deadline, and makes it again on a machine that was too slow.
func inTime(t *testing.T, d time.Duration, set func(time.Time) error, call func() (int, error)) {
	t.Helper()
	for {
		until := time.Now().Add(d)
		_ = set(until)
		n, err := call()
		if n == 1 && err == nil {
			return
		}
		if n != 0 || time.Until(until) > 0 {
			t.Fatalf("got:  %d, %v\nwant: a byte", n, err)
		}
	}
}

func TestADeadlineEndsTheReadUnderWay(t *testing.T) {
	for _, tt := range []struct {
		name         string
		before, then time.Duration
	}{
		{"without one before", 0, -time.Hour},
		{"with a later one before", time.Hour, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := connPair(t)
			if tt.before != 0 {
				_ = c.SetReadDeadline(time.Now().Add(tt.before))
			}
			ended := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				ended <- err
			}()
			time.Sleep(20 * time.Millisecond) // the read is under way, most likely: it ends the same if not
			until := time.Now().Add(tt.then)
			_ = c.SetReadDeadline(until)
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got:  %v\nwant: the deadline", err)
			}
			if early := time.Until(until); early > 0 {
				t.Errorf("it ended %v too early", early)
			}
		})
	}
}

// TestAWriteGoesOnBehindAnOldDeadline lets a deadline run out that is no longer wanted, in the middle of a
// write that the other end is slow to take.
func TestAWriteGoesOnBehindAnOldDeadline(t *testing.T) {
	c, client := connPair(t)
	inTime(t, 200*time.Millisecond, c.SetWriteDeadline, func() (int, error) { return c.Write([]byte("x")) })
	_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
	sent := append([]byte("x"), bytes.Repeat([]byte("0123456789abcdef"), 1<<20)...) // more than any buffer
	arrived := make(chan []byte, 1)
	go func() {
		time.Sleep(400 * time.Millisecond)
		got, _ := io.ReadAll(client)
		arrived <- got
	}()
	n, err := c.Write(sent[1:])
	_ = c.Close()
	if got := <-arrived; n != len(sent)-1 || err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got:  %d, %v, and %d bytes came\nwant: %d, all as they were sent", n, err, len(got), len(sent)-1)
	}
}

func TestAWriteEndsAtItsDeadline(t *testing.T) {
	c, _ := connPair(t)          // nobody reads
	long := make([]byte, 16<<20) // more than any buffer
	until := time.Now().Add(200 * time.Millisecond)
	_ = c.SetWriteDeadline(until)
	n, err := c.Write(long)
	if n == len(long) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got:  %d, %v\nwant: a part at most, and the deadline", n, err)
	}
	if early := time.Until(until); early > 0 {
		t.Errorf("it ended %v too early", early)
	}
}

// TestClosingForWritingIsPassedOn holds what net/http does before it leaves a client that still sends.
func TestClosingForWritingIsPassedOn(t *testing.T) {
	c, client := connPair(t)
	counted := &countedConn{Conn: c}
	if err := counted.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("got:  %d, %v\nwant: the end", n, err)
	}
}
