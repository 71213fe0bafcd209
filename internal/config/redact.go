package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// String gives one line of key=value without secrets.
func (c Config) String() string {
	var parts []string
	for _, a := range c.attrs() {
		parts = append(parts, a.Key+"="+fmt.Sprintf("%v", a.Value.Any()))
	}
	return strings.Join(parts, " ")
}

// GoString is String: %#v must not show secrets either.
func (c Config) GoString() string { return c.String() }

// LogValue gives every key that was set or has a default, without secrets.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }

func (c Config) attrs() []slog.Attr {
	var list []slog.Attr
	for _, s := range c.allSettings() {
		value := reflect.ValueOf(s.into).Elem()
		if value.IsZero() {
			continue
		}
		if value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		list = append(list, slog.Any(s.key, safe(s.key, value.Interface())))
	}
	return list
}

func safe(key string, value any) any {
	switch {
	case slices.Contains(secretKeys, key):
		return redacted
	case slices.Contains(secretURLs, key):
		return safeURL(value.(string))
	}
	return value
}

// safeURL hides the password and the query, which may hold another. What cannot be read as a URL
// is hidden whole; what follows a bare "sqlite:" or "file:" is a path.
func safeURL(raw string) string {
	scheme, rest, _ := strings.Cut(raw, ":")
	if slices.Contains([]string{"sqlite", "file", "log", "catch"}, scheme) {
		if name, _, asked := strings.Cut(rest, "?"); asked {
			return scheme + ":" + name + "?" + redacted
		}
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return redacted
	}
	text := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.User != nil {
		text = u.Scheme + "://" + url.User(u.User.Username()).String() + ":" + redacted + "@" + u.Host + u.EscapedPath()
	}
	if u.RawQuery != "" {
		text += "?" + redacted
	}
	return text
}
