package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"doorward/internal/pattern"
)

// clientAddr is who sent r: the other end of the connection, or with n trusted proxies the n-th
// address from the right of X-Forwarded-For, which the outermost of them wrote. A header that
// cannot be read that far is nobody's word: the connection's address stands.
func clientAddr(r *http.Request, proxies int) netip.Addr {
	peer := parseAddr(r.RemoteAddr)
	if proxies == 0 {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if len(hops) < proxies {
		return peer
	}
	addr := parseAddr(strings.TrimSpace(hops[len(hops)-proxies]))
	if !addr.IsValid() {
		return peer
	}
	return addr
}

func parseAddr(text string) netip.Addr {
	if at, err := netip.ParseAddrPort(text); err == nil { // what net/http writes
		return at.Addr().Unmap().WithZone("")
	}
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// BaseURL is how the client wrote the server's address: "http://host:port". The host was checked
// against the list before any view saw the request.
func BaseURL(r *http.Request) string {
	scheme := "http"
	if r.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// hosts is a list of the names that the server answers to: "example.com", ".example.com" for it
// and everything under it, or "*".
type hosts []string

// newHosts folds the names as allow wants them.
func newHosts(names []string) (h hosts) {
	for _, name := range names {
		h = append(h, strings.ToLower(strings.Trim(name, "[]")))
	}
	return h
}

// hostSyntax is Django's host_validation_re, and the underscore that names of containers have. What
// else net/http lets through, "a:@b" among it, would turn up in the addresses that answers are made with.
var hostSyntax = pattern.Of(`^([a-z0-9._-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(:[0-9]+)?$`)

// allow judges a Host header as Django does: port and case do not matter.
func (h hosts) allow(header string) bool {
	name, ok := plainHost(header)
	if !ok {
		match := hostSyntax().FindStringSubmatch(strings.ToLower(header))
		if match == nil {
			return false
		}
		name = match[1]
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	for _, pattern := range h {
		if pattern == "*" || pattern == name {
			return true
		}
		if strings.HasPrefix(pattern, ".") && (strings.HasSuffix(name, pattern) || name == pattern[1:]) {
			return true
		}
	}
	return false
}

// plainHost takes the port off a header that hostSyntax would match, in small letters and without
// brackets. It reports false for any other, good or not.
func plainHost(header string) (name string, ok bool) {
	name, port, found := strings.Cut(header, ":")
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return "", false
		}
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return "", false
		}
	}
	return name, name != "" && found == (port != "")
}
