package crash

import (
	"bytes"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mood is what a wire does to the bytes that pass.
type mood int32

const (
	passes mood = iota
	cut         // connections are reset, new ones at once
	hole        // bytes vanish, connections stay, also those that are made meanwhile, and they never recover
	slow        // each answer comes late
	mute        // the answer to a commit is lost, and its connection reset
	deaf        // connections that listen to the feed are reset, others work
)

// wire is a TCP proxy before a PostgreSQL on a unix socket.
type wire struct {
	ln     net.Listener
	socket string
	mood   atomic.Int32
	late   atomic.Int64 // how much later answers come, in nanoseconds
	muted  atomic.Int64 // answers to a commit that were lost
	all    sync.WaitGroup
	mu     sync.Mutex
	conns  map[*strand]bool // nil: closed
}

// strand is one connection through a wire.
type strand struct {
	w              *wire
	client, server net.Conn
	dead           atomic.Bool // it was in a hole
	ending         atomic.Bool // the client asked for a commit
	listens        atomic.Bool // to the feed
}

// newWire gives a wire before the database whose URL names the folder of a socket, and its URL through the wire.
func newWire(t *testing.T, direct string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{ln: ln, socket: filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432"), conns: map[*strand]bool{}}
	w.all.Go(w.accept)
	t.Cleanup(w.close)
	u.Host, u.RawQuery = w.ln.Addr().String(), "sslmode=disable"
	return w, u.String()
}

func (w *wire) is(m mood) bool { return mood(w.mood.Load()) == m }

// set changes the mood of the connections that are there, and of those to come.
func (w *wire) set(m mood) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mood.Store(int32(m))
	for s := range w.conns {
		switch m {
		case cut:
			s.reset()
		case hole:
			s.dead.Store(true)
		case deaf:
			if s.listens.Load() {
				s.reset()
			}
		}
	}
}

func (w *wire) close() {
	_ = w.ln.Close()
	w.mu.Lock()
	for s := range w.conns {
		s.reset()
	}
	w.conns = nil
	w.mu.Unlock()
	w.all.Wait()
}

func (w *wire) accept() {
	for {
		c, err := w.ln.Accept()
		if err != nil {
			return
		}
		w.all.Go(func() { w.serve(c) })
	}
}

func (w *wire) serve(client net.Conn) {
	s := &strand{w: w, client: client}
	defer client.Close()
	if w.is(cut) {
		s.reset()
		return
	}
	server, err := net.Dial("unix", w.socket)
	if err != nil { // as the machine answers on whose port nobody listens
		s.reset()
		return
	}
	defer server.Close()
	s.server = server
	s.dead.Store(w.is(hole))
	w.mu.Lock()
	open := w.conns != nil
	if open {
		w.conns[s] = true
	}
	w.mu.Unlock()
	if !open {
		return
	}
	var both sync.WaitGroup
	both.Go(s.ask)
	both.Go(s.answer)
	both.Wait()
	w.mu.Lock()
	delete(w.conns, s)
	w.mu.Unlock()
}

// reset ends a strand at once, as a machine does that knows nothing of it.
func (s *strand) reset() {
	_ = s.client.(*net.TCPConn).SetLinger(0)
	_ = s.client.Close()
	if s.server != nil {
		_ = s.server.Close()
	}
}

// commit is the message that ends a transaction, as the driver writes it (PostgreSQL 15, §55.7, Query).
var commit = []byte("Q\x00\x00\x00\x0bcommit\x00")

// listen is what a node that follows the feed says first.
var listen = []byte("listen doorward_feed")

func (s *strand) ask() {
	defer s.server.Close()
	pump(s.client, func(b []byte) bool {
		if s.dead.Load() {
			return true
		}
		if bytes.Contains(b, listen) {
			s.listens.Store(true)
		}
		if s.w.is(deaf) && s.listens.Load() {
			s.reset()
			return false
		}
		if s.w.is(mute) && bytes.Contains(b, commit) {
			s.ending.Store(true)
		}
		_, err := s.server.Write(b)
		return err == nil
	})
}

func (s *strand) answer() {
	defer func() {
		if !s.dead.Load() {
			_ = s.client.Close()
		}
	}()
	pump(s.server, func(b []byte) bool {
		if s.ending.Load() {
			s.w.muted.Add(1)
			s.reset()
			return false
		}
		if s.w.is(slow) {
			time.Sleep(time.Duration(s.w.late.Load()))
		}
		if s.dead.Load() {
			return true
		}
		_, err := s.client.Write(b)
		return err == nil
	})
}

// pump hands what it reads to f until either is done.
func pump(from net.Conn, f func([]byte) bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !f(buffer[:n]) || err != nil {
			return
		}
	}
}
