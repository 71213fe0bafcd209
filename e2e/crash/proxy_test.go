package crash

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	probeEvery  = 25 * time.Millisecond // how often the proxy asks /readyz
	dialTimeout = time.Second
)

// proxy spreads TCP connections over the nodes that say they are ready. A connection stays with
// its node; one that a node does not take goes to the next. It repeats no request: it knows none.
type proxy struct {
	ln    net.Listener
	slots []*slot
	turn  atomic.Int64
	stop  chan struct{}
	all   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// slot is a place for a node.
type slot struct {
	addr  atomic.Value // string
	ready atomic.Bool
}

func newProxy(t *testing.T, slots int) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, stop: make(chan struct{})}
	for range slots {
		s := &slot{}
		s.addr.Store("")
		p.slots = append(p.slots, s)
		p.all.Go(func() { p.follow(s) })
	}
	p.all.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.ln.Addr().String() }

func (p *proxy) close() {
	close(p.stop)
	_ = p.ln.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.all.Wait()
}

// follow asks a node whether it is ready.
func (p *proxy) follow(s *slot) {
	ticks := time.NewTicker(probeEvery)
	defer ticks.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticks.C:
			addr := s.addr.Load().(string)
			s.ready.Store(addr != "" && isReady(addr, time.Second))
		}
	}
}

func (p *proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.serve(c) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	node, err := p.dial()
	if err != nil {
		return
	}
	defer node.Close()
	if !p.keep(client, node) {
		return
	}
	defer p.forget(client, node)
	var both sync.WaitGroup
	both.Go(func() { pass(node, client) })
	both.Go(func() { pass(client, node) })
	both.Wait()
}

// pass copies until one side has said all, and tells the other.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.(*net.TCPConn).CloseWrite()
}

// dial connects to the next ready node.
func (p *proxy) dial() (net.Conn, error) {
	first := int(p.turn.Add(1))
	for i := range p.slots {
		s := p.slots[(first+i)%len(p.slots)]
		if !s.ready.Load() {
			continue
		}
		if c, err := net.DialTimeout("tcp", s.addr.Load().(string), dialTimeout); err == nil {
			return c, nil
		}
	}
	return nil, errors.New("no node is ready")
}

// keep remembers connections for close, and reports false when it is too late.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stop:
		return false
	default:
		p.conns = append(p.conns, conns...)
		return true
	}
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = slices.DeleteFunc(p.conns, func(c net.Conn) bool { return slices.Contains(conns, c) })
}

// awaitReady waits until the proxy sends connections to a slot.
func (p *proxy) awaitReady(t *testing.T, s *slot) {
	t.Helper()
	for end := time.Now().Add(stopWithin); !s.ready.Load(); time.Sleep(probeEvery) {
		if time.Now().After(end) {
			t.Fatal("the proxy saw no ready node")
		}
	}
}
