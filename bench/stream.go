//go:build linux

package main

import (
	"fmt"
	"math"
	"net/netip"
	"time"
)

// stream is traffic of one kind to one server: so many connections, each with one request under
// way at a time.
type stream struct {
	name  string
	addr  netip.AddrPort
	width int // connections
	// rate is how many requests are due in a second, at even distances and whatever became of the
	// ones before. 0: each connection sends the next request when it has its answer.
	rate float64
	// next writes the next request of a connection; nil: it rests, until its wake.
	next func(c *conn) []byte
	// want is the status of every answer; 0: any.
	want int
	// took is given every answer; nil: nobody is interested.
	took func(c *conn, a *answer) error

	halted    bool // no new requests
	all, idle []*conn
	wakes     int   // how many idle connections have a time to wake
	freed     int64 // when a connection became idle while all others were busy
	origin    int64 // when due number 0 is due
	sent      int   // how many dues are behind us

	figures
}

// figures are what a stream did since the last reset.
type figures struct {
	done     int
	statuses map[int]int
	latency  *histogram
	late     *histogram // how late the generator itself was, at a fixed rate
}

func (s *stream) reset() {
	s.figures = figures{statuses: map[int]int{}, latency: &histogram{}, late: &histogram{}}
}

const never = math.MaxInt64

// begin starts a run: a fixed rate counts from now on, and idle connections get work.
func (s *stream) begin(g *generator, now int64) error {
	s.origin, s.sent = now, 0
	if s.rate > 0 {
		return nil
	}
	return s.resume(g, func(c *conn) bool { return c.wake == 0 })
}

// resume asks idle connections for work.
func (s *stream) resume(g *generator, which func(*conn) bool) error {
	resting := s.idle
	s.idle = nil
	for _, c := range resting {
		if !which(c) {
			s.idle = append(s.idle, c)
			continue
		}
		if c.wake != 0 {
			c.wake = 0
			s.wakes--
		}
		if err := s.send(g, c, nanos()); err != nil {
			return err
		}
	}
	return nil
}

// dispatch sends what is due, and says when it wants to be asked again.
func (s *stream) dispatch(g *generator, now int64) (again int64, err error) {
	switch {
	case s.halted:
		return never, nil
	case s.rate == 0:
		return s.rouse(g, now)
	}
	for len(s.idle) > 0 {
		due := s.due()
		if due > now {
			return due, nil
		}
		c := s.idle[len(s.idle)-1]
		s.idle = s.idle[:len(s.idle)-1]
		s.sent++
		started := due
		if due >= s.freed { // nobody but the generator kept it waiting
			s.late.add(now - due)
			started = now
		}
		if err := s.send(g, c, started); err != nil {
			return 0, err
		}
	}
	return never, nil // an answer comes first
}

func (s *stream) due() int64 { return s.origin + int64(float64(s.sent)*1e9/s.rate) }

func (s *stream) rouse(g *generator, now int64) (again int64, err error) {
	again = never
	if s.wakes == 0 {
		return again, nil
	}
	for _, c := range s.idle {
		if c.wake != 0 {
			again = min(again, c.wake)
		}
	}
	if again > now {
		return again, nil
	}
	return now, s.resume(g, func(c *conn) bool { return c.wake != 0 && c.wake <= now })
}

// send sends the next request of c, if there is one.
func (s *stream) send(g *generator, c *conn, started int64) error {
	var req []byte
	if !s.halted {
		req = s.next(c)
	}
	if req == nil {
		if c.wake != 0 {
			s.wakes++
		}
		s.idle = append(s.idle, c)
		return nil
	}
	c.busy, c.started = true, started
	if err := c.write(g, req); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// answered counts an answer and goes on.
func (s *stream) answered(g *generator, c *conn, a *answer) error {
	if !c.busy {
		return fmt.Errorf("an answer nobody asked for: %v", a)
	}
	now := nanos()
	c.busy = false
	s.done++
	s.statuses[a.status]++
	s.latency.add(now - c.started)
	if s.want != 0 && a.status != s.want {
		return fmt.Errorf("want status %d, have %v", s.want, a)
	}
	if s.took != nil {
		if err := s.took(c, a); err != nil {
			return err
		}
	}
	if a.closes() {
		c.close(g)
	}
	if s.rate == 0 {
		return s.send(g, c, now)
	}
	if len(s.idle) == 0 {
		s.freed = now
	}
	s.idle = append(s.idle, c)
	return nil
}

// closed takes note that the server has hung up, which it may do between requests.
func (s *stream) closed(g *generator, c *conn) error {
	c.close(g)
	if c.busy {
		return errClosed
	}
	return nil
}

// census counts what is still owed at the end of a window with its age, so that a server that
// stopped answering does not look quick.
func (s *stream) census() {
	now := nanos()
	for _, c := range s.all {
		if c.busy {
			s.latency.add(now - c.started)
		}
	}
	for s.rate > 0 && s.due() < now-int64(time.Millisecond) {
		s.latency.add(now - s.due())
		s.sent++
	}
}

// resting reports whether every connection has nothing to do, now or later.
func (s *stream) resting() bool { return s.rate == 0 && s.wakes == 0 && len(s.idle) == len(s.all) }
