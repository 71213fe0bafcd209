package servertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorward/internal/config"
)

func TestProbes(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(c *config.Config) { Production(c); c.DrainSeconds = 4 })
		for _, path := range []string{"/healthz", "/readyz"} {
			for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405} {
				r := s.Do(t, method, path, nil)
				answered(t, path, r)
				if r.Status != want || r.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s %s: got %d %s, want %d", method, path, r.Status, r.Header.Get("Cache-Control"), want)
				}
			}
		}
		s.Drain() // for a moment it still takes requests, and says to whoever asks that the next ones belong elsewhere
		r := s.Do(t, "GET", "/readyz", nil)
		for deadline := time.Now().Add(500 * time.Millisecond); r.Status == 200 && time.Now().Before(deadline); {
			r = s.Do(t, "GET", "/readyz", nil)
		}
		if r.Status != 503 {
			t.Errorf("/readyz of a server that drains: got %d %s", r.Status, r.Body)
		}
		if r := s.Do(t, "GET", "/healthz", nil); r.Status != 200 {
			t.Errorf("/healthz of a server that drains: got %d %s", r.Status, r.Body)
		}
	})
}

// away takes a PostgreSQL database away and gives what brings it back.
func away(t *testing.T, address string) (back func()) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	run := func(text string) {
		conn, err := pgx.Connect(context.Background(), u.String())
		if err == nil {
			_, err = conn.Exec(context.Background(), text)
			_ = conn.Close(context.Background())
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	run("alter database " + name + " with allow_connections false")
	run("select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + name + "'")
	return func() { run("alter database " + name + " with allow_connections true") }
}

func TestADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s := Start(t, "postgres", nil)
		p := s.signUp(t, "ann@example.com")
		back := away(t, s.Config.DatabaseURL)
		if r := s.Do(t, "GET", "/readyz", nil); r.Status != 503 {
			t.Errorf("away: /readyz answers %d %s", r.Status, r.Body)
		}
		if r := s.Do(t, "GET", "/healthz", nil); r.Status != 200 {
			t.Errorf("away: /healthz answers %d %s", r.Status, r.Body)
		}
		began := time.Now()
		for _, m := range s.Mounts() { // in the dialect's words, soon, and with nothing inside told
			path := m.Path("me") + m.Path("user-view")
			if path == "" {
				continue
			}
			r := s.Do(t, "GET", path, nil, "Authorization", scheme(&m)+" "+p.Access)
			if r.Status != 503 || r.Header.Get("Retry-After") == "" || strings.Contains(string(r.Body), "connect") || time.Since(began) > 4*time.Second {
				t.Errorf("away: %s answers %d %s after %s, retry after %q", path, r.Status, r.Body, time.Since(began), r.Header.Get("Retry-After"))
			}
		}
		back()
		for deadline := time.Now().Add(3 * time.Second); s.Do(t, "GET", "/readyz", nil).Status != 200; {
			if time.Now().After(deadline) {
				t.Fatal("three seconds after it came back the server is not ready")
			}
		}
		if code := s.me(t, p.Access); code != "" {
			t.Errorf("back: me got %q", code)
		}
		s.faultless(t)
		if n := strings.Count(s.Log.String(), "the database cannot be read"); n != 1 {
			t.Errorf("the log tells of the outage %d times, want once", n)
		}
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := Start(t, "sqlite", nil)
		srv := s.Server
		s.Stop(t)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest("GET", s.URL+"/readyz", nil))
		if w.Code != 503 {
			t.Errorf("closed: /readyz answers %d %s", w.Code, w.Body)
		}
	})
}

func TestWhoSeesMetrics(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*config.Config)
		header []string
		want   int
	}{
		{"this machine", nil, nil, 200},
		{"this machine through a proxy that says so", nil, []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"this machine where proxies stand before the server", func(c *config.Config) { c.TrustedProxies = 1 }, nil, 403},
		{"a proxy that is trusted, for a client of its machine", func(c *config.Config) { c.TrustedProxies = 1 }, []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"nobody, where there is a token", func(c *config.Config) { c.Metrics.Token = "let-me-see" }, nil, 403},
		{"a wrong token", func(c *config.Config) { c.Metrics.Token = "let-me-see" }, bearer("let-me-se"), 403},
		{"the token", func(c *config.Config) { c.Metrics.Token = "let-me-see" }, bearer("let-me-see"), 200},
		{"the token through a proxy", func(c *config.Config) { c.Metrics.Token, c.TrustedProxies = "let-me-see", 1 }, append(bearer("let-me-see"), "X-Forwarded-For", "203.0.113.7"), 200},
		{"another scheme", func(c *config.Config) { c.Metrics.Token = "let-me-see" }, []string{"Authorization", "Basic let-me-see"}, 403},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := Start(t, "sqlite", tt.change).Do(t, "GET", "/metrics", nil, tt.header...)
			answered(t, "/metrics", r)
			if r.Status != tt.want || r.Status != 200 && strings.Contains(string(r.Body), "doorward_") {
				t.Errorf("got %d %.100s, want %d", r.Status, r.Body, tt.want)
			}
		})
	}
}

// metric is the value of a line of /metrics; -1 when there is none.
func (s *Server) metric(t testing.TB, line string) (value float64) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + ` (\S+)$`).FindSubmatch(s.Do(t, "GET", "/metrics", nil).Body)
	if m == nil {
		return -1
	}
	if _, err := fmt.Sscan(string(m[1]), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	p := s.signUp(t, "ann@example.com")
	for range 3 {
		s.me(t, p.Access)
	}
	s.me(t, "x")
	s.Send(t, "PATCH", "/v1/me", map[string]any{"name": "Ann"}, bearer(p.Access)...)
	s.Do(t, "GET", "/nothing/here", nil)
	s.Do(t, "GET", "/api/user/view/", nil)
	for line, want := range map[string]float64{
		`doorward_requests_total{mount="v1",op="me",status="2xx"}`:          3,
		`doorward_requests_total{mount="v1",op="me",status="4xx"}`:          1,
		`doorward_requests_total{mount="v1",op="me-update",status="2xx"}`:   1,
		`doorward_requests_total{mount="v1",op="sign-up",status="2xx"}`:     1,
		`doorward_requests_total{mount="tag1",op="user-view",status="4xx"}`: 1,
		`doorward_requests_total{mount="",op="none",status="4xx"}`:          1,
		`doorward_request_seconds_count{mount="v1",op="me"}`:                4,
		`doorward_requests_in_flight`:                                       1,
		`doorward_hashes_total`:                                             1,
		`doorward_hashes_shed_total`:                                        0,
	} {
		if got := s.metric(t, line); got != want {
			t.Errorf("%s: got %v, want %v", line, got, want)
		}
	}
	if page := string(s.Do(t, "GET", "/metrics", nil).Body); strings.Contains(page, "/nothing") || !strings.Contains(page, "go_goroutines") {
		t.Error("a path that a client made up is a label, or the process's own figures are missing")
	}
}

func TestAStopFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(c *config.Config) { c.DrainSeconds = 5 })
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"email":"ann@example.com","password":"` + goodPassword + `"}`
	fmt.Fprintf(conn, "POST /v1/sign-up HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", s.Addr, len(body), body[:20])
	for s.metric(t, "doorward_requests_in_flight") < 2 {
		time.Sleep(time.Millisecond)
	}
	s.Drain()
	for deadline := time.Now().Add(10 * time.Second); ; {
		other, err := net.Dial("tcp", s.Addr)
		if err != nil {
			break
		}
		other.Close()
		if time.Now().After(deadline) {
			t.Fatal("a server that drains takes new connections")
		}
	}
	if _, err := io.WriteString(conn, body[20:]); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 201") || !strings.Contains(string(answer), "Connection: close") {
		t.Errorf("the request under way got %.200q, %v", answer, err)
	}
}

func TestARequestThatOutlivesTheDrainIsCut(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil) // no drain at all
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/sign-up HTTP/1.1\r\nHost: %s\r\nContent-Length: 9\r\n\r\n{", s.Addr)
	for s.metric(t, "doorward_requests_in_flight") < 2 {
		time.Sleep(time.Millisecond)
	}
	s.Stop(t)
	if !strings.Contains(s.Log.String(), "requests were cut off") {
		t.Error("the log does not say that a request was cut off")
	}
	if strings.Contains(s.Log.String(), `"msg":"fault"`) {
		t.Errorf("a client that was cut off is a fault: %s", s.Log)
	}
}
