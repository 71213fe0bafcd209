package server

import (
	"sync/atomic"
	"time"
)

// Clock is the time that rules are judged by. Development mode and tests turn it.
type Clock struct {
	base   func() time.Time
	offset atomic.Int64 // nanoseconds
}

// NewClock makes a clock that shows base's time until it is turned.
func NewClock(base func() time.Time) *Clock { return &Clock{base: base} }

// Now is the time shown.
func (c *Clock) Now() time.Time { return c.base().Add(time.Duration(c.offset.Load())) }

// Advance turns the clock by d.
func (c *Clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// Set turns the clock to t.
func (c *Clock) Set(t time.Time) { c.offset.Store(int64(t.Sub(c.base()))) }

// Restore shows the real time again.
func (c *Clock) Restore() { c.offset.Store(0) }
