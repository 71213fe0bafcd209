package config

import (
	"net/netip"
	"strings"

	"doorward/internal/pattern"
)

var (
	hostName  = pattern.Of(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)
	tableName = pattern.Of(`^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$`)
	urlPath   = pattern.Of(`^[A-Za-z0-9._~{}<>:/-]*$`)
)

// validHost takes a name, an IPv4 address, or an IPv6 address in brackets.
func validHost(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && addr.Is6() && strings.HasSuffix(host, "]")
	}
	return len(host) <= 253 && hostName().MatchString(host)
}

// validMount takes the name of a mount.
func validMount(name string) bool {
	rest := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")
	return name != "" && len(name) <= 40 && rest == "" && name[0] != '_' && name[0] != '-'
}

func validPrefix(prefix string) bool {
	return strings.HasPrefix(prefix, "/") && strings.HasSuffix(prefix, "/") && cleanPath(prefix) &&
		!strings.ContainsAny(prefix, "{}<>:")
}

// validPath takes what comes below a prefix.
func validPath(path string) bool { return !strings.HasPrefix(path, "/") && cleanPath(path) }

func cleanPath(path string) bool {
	return urlPath().MatchString(path) && !strings.Contains(path, "//") && !strings.Contains("/"+path+"/", "/../") &&
		!strings.Contains("/"+path+"/", "/./")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
