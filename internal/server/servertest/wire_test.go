package servertest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorward/internal/config"
)

func TestAForeignHostIsRefusedInTheDialectsWords(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
