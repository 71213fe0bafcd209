// Package servertest runs a whole server inside a test: real database, real HTTP over loopback, a
// clock that can be turned, cheap password hashes. It also replays contract transcripts.
package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"doorward/internal/config"
	"doorward/internal/server"
	"doorward/internal/store/storetest"
)

// Engines are the databases that every contract is tested on.
var Engines = []string{"sqlite", "postgres"}

// Server is a server under test.
type Server struct {
	*server.Server
	URL    string
	Client *http.Client
	Log    *Log
}

// Start runs a server in development mode on an empty database of the given engine until the test
// ends. change may alter its configuration; nil leaves it.
func Start(t testing.TB, engine string, change func(*config.Config)) *Server {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Dev = true
	cfg.KeyFile = filepath.Join(dir, "doorward.key")
	cfg.DatabaseURL = "sqlite:" + filepath.Join(dir, "doorward.db")
	if engine == "postgres" {
		cfg.DatabaseURL = storetest.Postgres(t)
	}
	cfg.Password.MemoryKiB, cfg.Password.Time, cfg.Password.QueueSeconds = 64, 1, 60
	if change != nil {
		change(cfg)
	}
	log := &Log{}
	srv, err := server.New(context.Background(), cfg, server.Options{Now: time.Now, Log: slog.New(slog.NewJSONHandler(log, nil)), Version: "test"})
	if err != nil {
		t.Fatalf("start a server on %s: %v", engine, err)
	}
	listener := httptest.NewServer(srv)
	s := &Server{Server: srv, URL: listener.URL, Client: listener.Client(), Log: log}
	s.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		listener.Close()
		if err := srv.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", log)
		}
	})
	return s
}

// Reply is an answer, read whole.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body into v.
func (r *Reply) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("answer %d %q is not JSON: %v", r.Status, r.Body, err)
	}
}

// Do sends a request and reads the answer. headers are name, value, name, value.
func (s *Server) Do(t testing.TB, method, path string, body io.Reader, headers ...string) *Reply {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, body)
	if err != nil {
		t.Fatalf("make a request to %s %s: %v", method, path, err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: read the answer: %v", method, path, err)
	}
	return &Reply{Status: res.StatusCode, Header: res.Header, Body: text}
}

// Send sends v as JSON, and nothing when it is nil.
func (s *Server) Send(t testing.TB, method, path string, v any, headers ...string) *Reply {
	t.Helper()
	if v == nil {
		return s.Do(t, method, path, nil, headers...)
	}
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("encode the body of %s %s: %v", method, path, err)
	}
	return s.Do(t, method, path, bytes.NewReader(body), append(headers, "Content-Type", "application/json")...)
}
