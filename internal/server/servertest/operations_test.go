package servertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
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
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, Production)
		for _, path := range []string{"/healthz", "/readyz"} {
			for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405} {
				r := s.Do(t, method, path, nil)
				answered(t, path, r)
				if r.Status != want || r.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s %s: got %d %s, want %d", method, path, r.Status, r.Header.Get("Cache-Control"), want)
				}
			}
		}
		probe := func(path string) int {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest("GET", s.URL+path, nil))
			return w.Code
		}
		s.Drain()
		for deadline := time.Now().Add(10 * time.Second); probe("/readyz") != 503; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("a server that drains says that it is ready")
			}
		}
		if got := probe("/healthz"); got != 200 {
			t.Errorf("/healthz of a server that drains: got %d", got)
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
			r := s.Do(t, "GET", path, nil, "Authorization", scheme(&m)+" "+p.Access)
			if r.Status == 200 || strings.Contains(string(r.Body), "connect") || time.Since(began) > 4*time.Second {
				t.Errorf("away: %s answers %d %s after %s", path, r.Status, r.Body, time.Since(began))
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
	s := Start(t, "sqlite", nil)
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
	s := Start(t, "sqlite", func(c *config.Config) { c.DrainSeconds = 0 })
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

func TestAForeignHostIsRefusedInTheDialectsWords(t *testing.T) {
	s := Start(t, "sqlite", nil)
	ask := func(host, path string) *Reply {
		r := s.raw(t, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		answered(t, host+path, r)
		return r
	}
	for _, m := range s.Mounts() {
		for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost:http", "127.0.0.1,evil.example"} {
			if r := ask(host, m.Prefix+"x"); r.Status != 400 {
				t.Errorf("%s of %s: got %d", m.Prefix, host, r.Status)
			} else {
				wellSaid(t, host, &m, r)
			}
		}
		for _, host := range []string{"localhost:1", "127.0.0.1", "[::1]:8000", "app.localhost"} {
			if r := ask(host, m.Prefix+"x"); r.Status != 404 {
				t.Errorf("%s of %s: got %d", m.Prefix, host, r.Status)
			}
		}
	}
	for _, path := range []string{"/dev/clock", "/dev/reset", "/healthz"} {
		if r := ask("evil.example", path); r.Status != 400 {
			t.Errorf("%s: got %d %s", path, r.Status, r.Body)
		}
	}
}

// line is the log's line of an answer.
func (s *Server) line(t testing.TB, r *Reply) (line map[string]any) {
	t.Helper()
	for text := range strings.SplitSeq(s.Log.String(), "\n") {
		if strings.Contains(text, `"msg":"request"`) && strings.Contains(text, r.Header.Get("X-Request-Id")) {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
		}
	}
	return line
}

func TestTheClientInTheLog(t *testing.T) {
	for proxies, cases := range map[int]map[string]string{
		0: {"203.0.113.7": "127.0.0.1", "": "127.0.0.1"},
		1: {"1.1.1.1, 203.0.113.7": "203.0.113.7", "": "127.0.0.1", "junk": "127.0.0.1"},
		2: {"1.1.1.1, 203.0.113.7, 10.0.0.1": "203.0.113.7", "203.0.113.7": "127.0.0.1"},
	} {
		s := Start(t, "sqlite", func(c *config.Config) { c.TrustedProxies = proxies })
		for forwarded, want := range cases {
			r := s.Do(t, "GET", "/healthz", nil, "X-Forwarded-For", forwarded, "X-Real-IP", "6.6.6.6", "Forwarded", "for=6.6.6.6", "X-Forwarded-Host", "evil.example")
			time.Sleep(time.Millisecond) // the line follows the answer
			for range 1000 {
				if s.line(t, r) != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if got := s.line(t, r)["client"]; got != want {
				t.Errorf("%d proxies, X-Forwarded-For %q: got %v, want %s", proxies, forwarded, got, want)
			}
		}
	}
}

func TestOtherOriginsOnTheWire(t *testing.T) {
	const ours = "https://app.example.com"
	s := Start(t, "sqlite", func(c *config.Config) { c.CORS.Origins = []string{ours} })
	p := s.signUp(t, "ann@example.com")
	ask := func(method, path, origin string) *Reply {
		return s.Do(t, method, path, nil, "Origin", origin, "Access-Control-Request-Method", "POST", "Authorization", "Bearer "+p.Access)
	}
	for _, path := range []string{"/v1/me", "/api/user/view/", "/v1/nothing", "/api/nothing/"} {
		r := ask("GET", path, ours)
		if r.Header.Get("Access-Control-Allow-Origin") != ours || !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s from our page: got %v", path, r.Header)
		}
		r = ask("GET", path, "https://evil.example")
		if r.Header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s from another: got %v", path, r.Header)
		}
		if r := ask("OPTIONS", path, ours); r.Status != 204 || r.Header.Get("Access-Control-Allow-Methods") == "" {
			t.Errorf("preflight of %s: got %d %v", path, r.Status, r.Header)
		}
	}
	if r := ask("POST", "/dev/clock", ours); r.Status != 403 {
		t.Errorf("/dev/ from a page on the list: got %d", r.Status)
	}
}

func TestAPathWithoutItsSlash(t *testing.T) {
	s := Start(t, "sqlite", nil)
	cases := []struct {
		name, method, target string
		status               int
		location             string
	}{
		{"a contract's path", "GET", "/api/user/view", 301, "/api/user/view/"},
		{"whatever the method", "POST", "/api/user/login?next=1", 301, "/api/user/login/?next=1"},
		{"a host in the query", "GET", "/api/user/view?//evil.example", 301, "/api/user/view/?//evil.example"},
		{"another host in front", "GET", "//evil.example/api/user/view", 404, ""},
		{"dots in front", "GET", "/../api/user/view", 404, ""},
		{"the native API has exact paths", "GET", "/v1/me/", 404, ""},
		{"a path that is none", "GET", "/api/user/fly", 404, ""},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			r := s.raw(t, tt.method+" "+tt.target+" HTTP/1.1\r\nHost: "+s.Addr+"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			answered(t, tt.target, r)
			if r.Status != tt.status || r.Header.Get("Location") != tt.location {
				t.Errorf("got %d to %q, want %d to %q", r.Status, r.Header.Get("Location"), tt.status, tt.location)
			}
			if r.Status == 301 && (r.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" || r.Header.Get("Cache-Control") != "no-store") {
				t.Errorf("the redirect has %v", r.Header)
			}
		})
	}
}

func TestFormatJSON(t *testing.T) {
	s := Start(t, "sqlite", nil)
	s.create(t, "ann@example.com", goodPassword)
	token := s.login(t, "ann@example.com", goodPassword)
	for query, want := range map[string]int{"?format=json": 200, "?format=xml": 404, "?format=api": 200, "?format=": 200} {
		r := s.Do(t, "GET", "/api/user/view/"+query, nil, "Authorization", "JWT "+token, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		if r.Status != want || want == 200 && !json.Valid(r.Body) {
			t.Errorf("%s: got %d %s, want %d", query, r.Status, r.Body, want)
		}
	}
}

func TestTheRoutesOfDevelopment(t *testing.T) {
	s := Start(t, "sqlite", nil)
	cases := []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"the clock", "GET", "/dev/clock", "", nil, 200},
		{"with a slash", "GET", "/dev/clock/", "", nil, 200},
		{"turned", "POST", "/dev/clock", `{"advance_seconds": 60}`, nil, 200},
		{"set", "POST", "/dev/clock", `{"now": "2030-01-02T03:04:05Z"}`, nil, 200},
		{"set right", "POST", "/dev/clock", `{"now": null}`, nil, 200},
		{"turned by nothing", "POST", "/dev/clock", `{}`, nil, 400},
		{"turned by a text", "POST", "/dev/clock", `{"advance_seconds": "x"}`, nil, 400},
		{"turned beyond all", "POST", "/dev/clock", `{"advance_seconds": 1e300}`, nil, 400},
		{"set and turned", "POST", "/dev/clock", `{"advance_seconds": 1, "now": null}`, nil, 400},
		{"caught mail", "GET", "/dev/mail", "", nil, 200},
		{"a route that is none", "GET", "/dev/nothing", "", nil, 404},
		{"another method", "DELETE", "/dev/reset", "", nil, 404},
		{"a reset to nothing", "POST", "/dev/reset", "", nil, 400},
		{"a reset to no JSON", "POST", "/dev/reset", "{", nil, 400},
		{"a reset with a key that is unknown", "POST", "/dev/reset", `{"dialect":"tag1","user_model":"spauser.SpaUser","settings":{"ODD":1}}`, nil, 400},
		{"a reset of 1 MiB and a byte", "POST", "/dev/reset", strings.Repeat(" ", 1<<20+1), nil, 413},
		{"a page of another site", "POST", "/dev/clock", `{"advance_seconds": 60}`, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a page of another port", "POST", "/dev/clock", `{"advance_seconds": 60}`, []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"a page of another site that only reads", "GET", "/dev/mail", "", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a page of ours", "GET", "/dev/mail", "", []string{"Sec-Fetch-Site", "same-origin", "Origin", s.URL}, 200},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			r := s.Do(t, tt.method, tt.path, strings.NewReader(tt.body), tt.headers...)
			answered(t, tt.path, r)
			if r.Status != tt.want || !json.Valid(r.Body) {
				t.Errorf("got %d %s, want %d", r.Status, r.Body, tt.want)
			}
		})
	}
	s.faultless(t)
	production := Start(t, "sqlite", Production)
	for _, path := range []string{"/dev/clock", "/dev/reset", "/dev/mail", "/dev/"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if r := production.Do(t, method, path, nil); r.Status != 404 {
				t.Errorf("%s %s in production: got %d", method, path, r.Status)
			}
		}
	}
}
