package crash

import (
	"bytes"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// trouble is what a link does to connections.
type trouble int

const (
	none    trouble = iota
	refused         // connections break, and new ones are refused
	silent          // nothing comes through any more, and nobody is told
	deaf            // connections that listen to the feed are refused, others work
)

// link is one node's way to PostgreSQL, which a test can cut.
type link struct {
	ln     net.Listener
	socket string
	url    string // for the node
	all    sync.WaitGroup

	mu      sync.Mutex
	trouble trouble
	changed chan struct{} // closed when trouble changes
	conns   []*pair
}

// pair is a connection over a link.
type pair struct {
	ends   [2]net.Conn
	listen bool // it listens to the feed
}

func (c *pair) close() {
	for _, end := range c.ends {
		_ = end.Close()
	}
}

func newLink(t *testing.T, database string) *link {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{ln: ln, socket: filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432"), changed: make(chan struct{})}
	u.Host, u.RawQuery = ln.Addr().String(), "sslmode=disable"
	l.url = u.String()
	l.all.Go(l.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		l.set(refused)
		l.all.Wait()
	})
	return l
}

// set brings trouble, or ends it. What is silent then stays broken: its bytes are lost.
func (l *link) set(next trouble) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if next == refused || l.trouble == silent || next == deaf && c.listen {
			c.close()
		}
	}
	l.trouble = next
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *link) accept() {
	for {
		client, err := l.ln.Accept()
		if err != nil {
			return
		}
		l.all.Go(func() { l.serve(client) })
	}
}

func (l *link) serve(client net.Conn) {
	server, err := net.Dial("unix", l.socket)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &pair{ends: [2]net.Conn{client, server}}
	defer c.close()
	l.mu.Lock()
	broken := l.trouble == refused
	l.conns = append(l.conns, c)
	l.mu.Unlock()
	if !broken {
		var both sync.WaitGroup
		both.Go(func() { l.pass(c, server, client) })
		both.Go(func() { l.pass(c, client, server) })
		both.Wait()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = slices.DeleteFunc(l.conns, func(other *pair) bool { return other == c })
}

// pass copies until the connection or the link breaks.
func (l *link) pass(c *pair, to, from net.Conn) {
	defer c.close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !l.carry(c, to, buffer[:n]) || err != nil {
			return
		}
	}
}

func (l *link) carry(c *pair, to net.Conn, data []byte) bool {
	l.mu.Lock()
	c.listen = c.listen || bytes.Contains(data, []byte("listen doorward_feed"))
	state, listens, changed := l.trouble, c.listen, l.changed
	l.mu.Unlock()
	switch {
	case state == silent:
		<-changed
		return false
	case state == refused, state == deaf && listens:
		return false
	}
	_, err := to.Write(data)
	return err == nil
}
