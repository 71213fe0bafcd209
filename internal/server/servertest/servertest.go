// Package servertest runs a whole server inside a test: real database, real HTTP over loopback, a
// clock that can be turned, cheap password hashes. It also replays contract transcripts.
package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
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
	Addr   string // host:port
	Client *http.Client
	Log    *Log          // at the level debug
	Clock  *server.Clock // the server's own, below the one that /dev/clock turns
	Config *config.Config

	stop   context.CancelFunc
	served chan error
}

// patience is the store's: many tests load a machine at once.
const patience = time.Minute

// Start runs a server in development mode on an empty database of the given engine until the test
// ends. change may alter its configuration; nil leaves it.
func Start(t testing.TB, engine string, change func(*config.Config)) *Server {
	t.Helper()
	s, err := Try(t, engine, change)
	if err != nil {
		t.Fatalf("start a server on %s: %v", engine, err)
	}
	return s
}

// Production is a change for Start: serve's own mode, which has no /dev/ routes.
func Production(cfg *config.Config) {
	cfg.Dev, cfg.MailURL, cfg.AllowedHosts = false, "", []string{"127.0.0.1"}
	cfg.SecretKey = "a secret key of thirty-two bytes, or more"
}

// Try is Start where the start itself may fail.
func Try(t testing.TB, engine string, change func(*config.Config)) (*Server, error) {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Dev, cfg.MailURL = true, "catch:"
	cfg.KeyFile = filepath.Join(dir, "doorward.key")
	cfg.DatabaseURL = "sqlite:" + filepath.Join(dir, "doorward.db")
	if engine == "postgres" {
		cfg.DatabaseURL = storetest.Postgres(t)
	}
	cfg.DrainSeconds = 0
	cfg.Password.MemoryKiB, cfg.Password.Time, cfg.Password.QueueSeconds = 64, 1, 60
	if change != nil {
		change(cfg)
	}
	s := &Server{Config: cfg, Log: newLog(), Clock: server.NewClock(time.Now), served: make(chan error, 1)}
	var err error
	if s.Server, err = server.New(context.Background(), cfg, server.Options{
		Now: s.Clock.Now, Log: s.Log.journal.Logger(), Version: "test", Patience: patience,
	}); err != nil {
		return nil, err
	}
	s.listen(t)
	t.Cleanup(func() {
		s.Stop(t)
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", s.Log.tail(4000))
		}
	})
	return s, nil
}

// listen serves on a port of this machine until Drain or Stop.
func (s *Server) listen(t testing.TB) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	go func() { s.served <- s.Serve(ctx, ln) }()
	s.Addr = ln.Addr().String()
	s.URL = "http://" + s.Addr
	if s.Config.TLS.On() {
		s.URL = "https://" + s.Addr
	}
	s.Client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 256},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Drain tells the server to stop, as a signal does, and does not wait.
func (s *Server) Drain() { s.stop() }

// Stop ends the server and closes it. Doing so again does nothing.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.Server == nil {
		return
	}
	s.Client.CloseIdleConnections()
	s.stop()
	if err := <-s.served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close the server: %v", err)
	}
	s.Server = nil
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
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
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
