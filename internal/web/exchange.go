package web

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// exchange is one request and its answer, as the log and the counters see them.
type exchange struct {
	http.ResponseWriter
	Line            // what the log gets in the end
	id    [1]string // its ID as the value of a header
	start time.Time
	gone  bool // the client hung up
	meter *meter
}

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if x.Status == 0 && status >= 200 {
		x.Status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(b []byte) (int, error) {
	if x.Status == 0 {
		x.Status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.Bytes += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// noted wraps a route's handler so that the log names the route and the user.
func noted(route *Route, m *meter) Handler {
	serve := route.Handler
	return func(w http.ResponseWriter, r *Request) error {
		if x := exchangeOf(w); x != nil {
			x.Op, x.meter = route.Op, m
			if r.Who != nil {
				x.User = r.Who.User.ID
			}
		}
		return serve(w, r)
	}
}

// exchangeOf finds the exchange under what a dialect wrapped around it; nil in a test without one.
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		if x, ok := w.(*exchange); ok {
			return x
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}

// chance is random bytes, drawn in advance: the kernel is asked once for many ids.
var chance struct {
	sync.Mutex
	bytes [512]byte
	left  int
}

// Client is the address of who sent the request that w answers; the zero address where nobody knows.
func Client(w http.ResponseWriter) netip.Addr {
	if x := exchangeOf(w); x != nil {
		return x.Client
	}
	return netip.Addr{}
}

// newID names a request: 8 random bytes as hex digits.
func newID() string {
	var id [8]byte
	chance.Lock()
	if chance.left == 0 {
		rand.Read(chance.bytes[:])
		chance.left = len(chance.bytes)
	}
	chance.left -= copy(id[:], chance.bytes[chance.left-len(id):])
	chance.Unlock()
	var text [16]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}
