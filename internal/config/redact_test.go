package config

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestNothingPrintsSecrets(t *testing.T) {
	c := Default()
	c.SecretKey, c.SecretKeyFallbacks, c.Metrics.Token = "SECRET1", []string{"SECRET2"}, "SECRET3"
	c.DatabaseURL = "postgres://ann:SECRET4@db/x?password=SECRET5"
	c.MailURL = "smtp://ann:SECRET6@mail:25"
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("started", "config", c, "value", *c)
	outputs := []string{c.String(), log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		outputs = append(outputs, fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c))
	}
	for _, out := range outputs {
		if strings.Contains(out, "SECRET") {
			t.Errorf("a secret in: %s", out)
		}
		for _, want := range []string{"127.0.0.1:8000", "postgres://ann:[redacted]@db/x?[redacted]", "smtp://ann:[redacted]@mail:25"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s\nlacks %s", out, want)
			}
		}
	}
}

func TestSafeURL(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"a file", "sqlite:a/b.db", "sqlite:a/b.db"},
		{"a file with a key", "sqlite:b.db?_key=x", "sqlite:b.db?[redacted]"},
		{"a URL without a user", "https://example.com/app", "https://example.com/app"},
		{"a URL that cannot be read", "postgres://ann:%zz@db", "[redacted]"},
		{"a URL without slashes", "postgres:ann:pw@db", "[redacted]"},
	}
	for _, tt := range tests {
		if got := safeURL(tt.raw); got != tt.want {
			t.Errorf("%s: safeURL(%q) = %q, want %q", tt.name, tt.raw, got, tt.want)
		}
	}
}

func TestHosts(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want []string
	}{
		{
			"hosts and the public URL's, once each",
			Config{AllowedHosts: []string{"A.example", ".b.example"}, PublicURL: "https://a.example:8443/x"},
			[]string{"a.example", ".b.example"},
		},
		{"an IPv6 public URL", Config{PublicURL: "http://[2001:db8::1]:80"}, []string{"[2001:db8::1]"}},
		{"development", Config{Dev: true, PublicURL: "http://localhost:8000"}, []string{"localhost", ".localhost", "127.0.0.1", "[::1]"}},
		{"nothing", Config{}, nil},
	}
	for _, tt := range tests {
		if got := tt.cfg.Hosts(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: Hosts = %q, want %q", tt.name, got, tt.want)
		}
	}
}
