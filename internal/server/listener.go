package server

import (
	"net"
	"net/netip"
	"sync"
)

// fairListener bounds how many connections one client has open: the next one is closed at once. Whoever
// is on this machine has none of that: he has better ways to harm it, and may be a proxy.
type fairListener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[netip.Addr]int
}

func newFairListener(ln net.Listener, most int) *fairListener {
	return &fairListener{Listener: ln, most: most, open: map[netip.Addr]int{}}
}

// Accept gives the next connection of a client that may have one more.
func (l *fairListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client, ok := clientOf(c.RemoteAddr())
		switch {
		case !ok:
			return c, nil
		case l.enter(client):
			return &countedConn{Conn: c, leave: sync.OnceFunc(func() { l.leave(client) })}, nil
		}
		_ = c.Close()
	}
}

// clientOf is the address that stands for a client: of IPv6 the network of 64 bits, of which one
// client has all addresses. It reports false for this machine, and for what is no address.
func clientOf(a net.Addr) (client netip.Addr, ok bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return client, false
	}
	addr, ok := netip.AddrFromSlice(tcp.IP)
	addr = addr.Unmap()
	if !ok || addr.IsLoopback() {
		return client, false
	}
	if addr.Is6() {
		network, err := addr.Prefix(64)
		return network.Addr(), err == nil
	}
	return addr, true
}

func (l *fairListener) enter(client netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client] >= l.most {
		return false
	}
	l.open[client]++
	return true
}

func (l *fairListener) leave(client netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client]--; l.open[client] <= 0 {
		delete(l.open, client)
	}
}

// countedConn is a connection that counts until it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// CloseWrite is for net/http, which lets the client read its answer before the connection is reset.
func (c *countedConn) CloseWrite() error { return closeWrite(c.Conn) }
