package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestWhoTheClientIs(t *testing.T) {
	const peer = "192.0.2.9"
	tests := []struct {
		name      string
		proxies   int
		forwarded []string
		want      string
	}{
		{"without proxies the header is nobody's word", 0, []string{"203.0.113.7"}, peer},
		{"with one the last entry counts", 1, []string{"10.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		{"with two the last but one", 2, []string{"198.51.100.1, 203.0.113.7, 10.0.0.1"}, "203.0.113.7"},
		{"lines are one list", 2, []string{"198.51.100.1", "203.0.113.7", "10.0.0.1"}, "203.0.113.7"},
		{"what a client puts in front does not move it", 1, []string{strings.Repeat("1.1.1.1, ", 500) + "203.0.113.7"}, "203.0.113.7"},
		{"no header at all", 1, nil, peer},
		{"an empty header", 1, []string{""}, peer},
		{"fewer entries than proxies", 3, []string{"203.0.113.7, 10.0.0.1"}, peer},
		{"an entry that is no address", 1, []string{"unknown"}, peer},
		{"an entry with a port", 1, []string{"203.0.113.7:4711"}, "203.0.113.7"},
		{"an IPv6 address", 1, []string{"2001:db8::1"}, "2001:db8::1"},
		{"in brackets, with a port", 1, []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"a mapped IPv4 address is that address", 1, []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"a zone is no part of it", 1, []string{"fe80::1%eth0"}, "fe80::1"},
		{"white space around", 1, []string{" \t203.0.113.7 "}, "203.0.113.7"},
		{"a comma at the end", 1, []string{"203.0.113.7,"}, peer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = peer + ":1234"
			r.Header["X-Forwarded-For"] = tt.forwarded
			if got := clientAddr(r, tt.proxies).String(); got != tt.want {
				t.Errorf("%q behind %d: got %s, want %s", tt.forwarded, tt.proxies, got, tt.want)
			}
		})
	}
}

func TestTheHostsThatAreOurs(t *testing.T) {
	tests := []struct {
		name, list, header string
		want               bool
	}{
		{"its name", "example.com", "example.com", true},
		{"with a port", "example.com", "example.com:8443", true},
		{"in another case", "example.com", "EXAMPLE.com", true},
		{"the list's case is none either", "Example.Com", "example.com", true},
		{"with the dot of the root", "example.com", "example.com.", true},
		{"a name below", "example.com", "www.example.com", false},
		{"a name below where all are ours", ".example.com", "www.example.com", true},
		{"the name itself too", ".example.com", "example.com", true},
		{"a name that only ends like it", ".example.com", "evilexample.com", false},
		{"another name", "example.com", "evil.example", false},
		{"any name", "*", "evil.example", true},
		{"an empty list has none", "", "example.com", false},
		{"no header", "example.com", "", false},
		{"no header and any name", "*", "", false},
		{"an IPv4 address", "127.0.0.1", "127.0.0.1:8000", true},
		{"an IPv6 address", "[::1]", "[::1]:8000", true},
		{"an IPv6 address without port", "[::1]", "[::1]", true},
		{"an IPv6 address without brackets", "[::1]", "::1", false},
		{"a port that is none, behind which a host hides", "localhost", "localhost:@evil.example", false},
		{"a user before the host", "*", "localhost@evil.example", false},
		{"a path", "*", "localhost/evil", false},
		{"a port of letters", "localhost", "localhost:http", false},
		{"two ports", "localhost", "localhost:1:2", false},
		{"a blank", "*", "local host", false},
		{"a quote", "*", `localhost"`, false},
		{"bytes beyond ASCII", "*", "localhöst", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var list hosts
			if tt.list != "" {
				list = strings.Split(tt.list, ",")
			}
			if got := newHosts(list).allow(tt.header); got != tt.want {
				t.Errorf("Host %q with %q: got %v, want %v", tt.header, tt.list, got, tt.want)
			}
		})
	}
}

// FuzzForwarded holds that a header of a client neither panics nor moves the entry that a proxy wrote.
func FuzzForwarded(f *testing.F) {
	f.Add("1.2.3.4, [::1]:80", "203.0.113.7")
	f.Add("unknown,,,", "2001:db8::1")
	f.Add("fe80::1%\x00", "10.0.0.1")
	f.Fuzz(func(t *testing.T, sent, proxy string) {
		addr, err := netip.ParseAddr(proxy)
		if err != nil || addr.Zone() != "" { // a zone may hold anything, and no proxy writes one
			return
		}
		r := &http.Request{RemoteAddr: "192.0.2.9:1", Header: http.Header{"X-Forwarded-For": {sent, proxy}}}
		if got, want := clientAddr(r, 1), addr.Unmap().WithZone(""); got != want {
			t.Errorf("X-Forwarded-For %q, %q: got %s, want %s", sent, proxy, got, want)
		}
	})
}

// FuzzHosts holds that an address made with a host that passed has that host and nothing else.
func FuzzHosts(f *testing.F) {
	for _, header := range []string{"localhost:8000", "[::1]:1", "localhost:@evil.example", "a?b", "EXAMPLE.com.", "a%2fb"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		match := hostSyntax().FindStringSubmatch(header)
		if name, ok := plainHost(header); ok && (match == nil || match[1] != name) {
			t.Errorf("Host %q: got the plain name %q, want what %v finds: %q", header, name, hostSyntax(), match)
		}
		if !(hosts{"*"}).allow(header) {
			return
		}
		u, err := url.Parse(BaseURL(&http.Request{Host: header, URL: &url.URL{}}) + "/api/")
		if err != nil {
			return // a port out of range
		}
		if u.Host != header || u.User != nil || u.Path != "/api/" || u.RawQuery != "" {
			t.Errorf("Host %q makes %q", header, u)
		}
	})
}
