package server

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// from is one end of a pipe that says where it comes from.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// arrivals is a listener on which connections arrive from given addresses.
type arrivals chan net.Conn

var errNoMore = errors.New("no more")

func (a arrivals) Accept() (net.Conn, error) {
	select {
	case c := <-a:
		return c, nil
	default:
		return nil, errNoMore
	}
}
func (a arrivals) Close() error   { return nil }
func (a arrivals) Addr() net.Addr { return nil }

func TestConnectionsOfOneClientAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name   string
		addrs  []string
		passed int
	}{
		{"as many as there may be", []string{"203.0.113.7:1", "203.0.113.7:2"}, 2},
		{"one too many", []string{"203.0.113.7:1", "203.0.113.7:2", "203.0.113.7:3"}, 2},
		{"one too many, written as IPv6", []string{"203.0.113.7:1", "[::ffff:203.0.113.7]:2", "203.0.113.7:3"}, 2},
		{"another client behind it", []string{"203.0.113.7:1", "203.0.113.7:2", "203.0.113.7:3", "203.0.113.8:1"}, 3},
		{"addresses of one IPv6 network", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1"}, 2},
		{"two IPv6 networks", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::]:1"}, 3},
		{"this machine", []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "[::1]:1", "[::1]:2", "[::1]:3"}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := make(arrivals, 20)
			l := newFairListener(in, 2)
			passed := arrive(t, l, in, tt.addrs)
			if len(passed) != tt.passed {
				t.Errorf("%v\ngot:  %d\nwant: %d connections", tt.addrs, len(passed), tt.passed)
			}
			for _, c := range passed {
				_ = c.Close()
				_ = c.Close() // net/http may do so twice
			}
			if len(l.open) != 0 {
				t.Errorf("after all were closed: %v are counted", l.open)
			}
			if again := arrive(t, l, in, tt.addrs); len(again) != tt.passed {
				t.Errorf("after all were closed\ngot:  %d\nwant: %d connections", len(again), tt.passed)
			}
		})
	}
}

// arrive gives the connections that the listener lets through.
func arrive(t *testing.T, l net.Listener, in arrivals, addrs []string) (passed []net.Conn) {
	t.Helper()
	for _, text := range addrs {
		here, there := net.Pipe()
		t.Cleanup(func() { _ = there.Close() })
		in <- from{here, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text))}
	}
	for {
		c, err := l.Accept()
		if err != nil {
			if !errors.Is(err, errNoMore) {
				t.Error(err)
			}
			return passed
		}
		passed = append(passed, c)
	}
}
