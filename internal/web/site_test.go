package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"doorward/internal/account"
)

// plain is a dialect in few words: its views run the route of the method, its errors are faults.
type plain struct {
	slash bool
	log   *slog.Logger
}

func (p *plain) View(m *Mount, routes []*Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, route := range routes {
			if route.Method != r.Method {
				continue
			}
			who := &account.Principal{User: account.User{ID: 7}}
			if err := route.Handler(w, &Request{Request: r, Route: route, Mount: m, Who: who}); err != nil {
				Fault(p.log, w, r, err)
				w.WriteHeader(http.StatusInternalServerError)
			}
			return
		}
		w.WriteHeader(http.StatusMethodNotAllowed)
	})
}

func (p *plain) NotFound(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }

func (p *plain) Refuse(w http.ResponseWriter, _ *http.Request, status int, reason string) {
	w.WriteHeader(status)
	fmt.Fprint(w, reason)
}
func (p *plain) Headers(h http.Header) { h.Set("X-Dialect", "plain") }
func (p *plain) Slash() bool           { return p.slash }
func (p *plain) Rewrite(r *http.Request) *http.Request {
	path, ok := strings.CutSuffix(r.URL.Path, ".json")
	if !ok {
		return nil
	}
	r = r.Clone(r.Context())
	r.URL.Path = path + "/"
	return r
}

// site is a Site under test and what it logs.
type site struct {
	*Site
	log bytes.Buffer
	reg *prometheus.Registry
}

func newSite(t testing.TB, change func(*Options), mounts ...Mount) (*site, error) {
	t.Helper()
	s := &site{reg: prometheus.NewRegistry()}
	log := slog.New(slog.NewJSONHandler(&s.log, nil))
	for i := range mounts {
		mounts[i].Dialect.(*plain).log = log
	}
	o := Options{
		Mounts: mounts, Fallback: &plain{log: log}, Hosts: []string{"example.com"}, Metrics: NewMetrics(s.reg), Log: log,
		Now: time.Now, Operations: map[string]http.Handler{"/healthz": http.NotFoundHandler()},
	}
	if change != nil {
		change(&o)
	}
	var err error
	s.Site, err = NewSite(o)
	return s, err
}

func mustSite(t testing.TB, change func(*Options), mounts ...Mount) *site {
	t.Helper()
	s, err := newSite(t, change, mounts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) ask(method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// lastLine is the line of the last request.
func (s *site) lastLine(t testing.TB) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatalf("log %q: %v", lines, err)
	}
	return line
}

// requests is the counter of a route's requests.
func (s *site) requests(t testing.TB, mount, op, class string) float64 {
	t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if f.GetName() == "doorward_requests_total" && labels["mount"] == mount && labels["op"] == op && labels["status"] == class {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

func route(op, method, path string, h Handler) Route {
	if h == nil {
		h = func(w http.ResponseWriter, r *Request) error {
			_, err := fmt.Fprint(w, r.Mount.Name, " ", r.Route.Op, " ", r.Mount.Path(r.Route.Op))
			return err
		}
	}
	return Route{Op: op, Method: method, Path: path, Access: Anyone, Handler: h}
}

func TestATableThatIsWrongIsRefused(t *testing.T) {
	ok := route("a", "GET", "a/", nil)
	noAccess, noMethod, noName, noHandler := ok, ok, ok, ok
	noAccess.Access, noMethod.Method, noName.Op, noHandler.Handler = 0, "", "", nil
	mount := func(name, prefix string, routes ...Route) Mount {
		return Mount{Name: name, Prefix: prefix, Dialect: &plain{}, Routes: routes}
	}
	tests := []struct {
		name   string
		mounts []Mount
		want   string
	}{
		{"a route without access rule", []Mount{mount("m", "/", noAccess)}, "mount m: route GET a/ has no access rule"},
		{"a route without method", []Mount{mount("m", "/", noMethod)}, "is incomplete"},
		{"a route without name", []Mount{mount("m", "/", noName)}, "is incomplete"},
		{"a route without handler", []Mount{mount("m", "/", noHandler)}, "is incomplete"},
		{"one path in two mounts", []Mount{mount("m", "/", ok), mount("n", "/", ok)}, "two mounts have the path /a/"},
		{"one method and path twice in a mount", []Mount{mount("m", "/", ok, ok)}, "mount m: two routes answer GET /a/"},
		{"a path of the operations", []Mount{mount("m", "/", route("h", "GET", "healthz", nil))}, "two mounts have the path /healthz"},
		{"a path that is no pattern", []Mount{mount("m", "/", route("h", "GET", "{id", nil))}, "a wildcard is a whole segment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newSite(t, nil, tt.mounts...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAViewKnowsItsOwnMount(t *testing.T) {
	short := Mount{Name: "short", Prefix: "/a/", Dialect: &plain{slash: true}, Routes: []Route{route("x", "GET", "x/", nil)}}
	long := Mount{Name: "long", Prefix: "/a/longer/", Dialect: &plain{}, Routes: []Route{route("x", "GET", "x/", nil)}}
	for _, order := range [][]Mount{{short, long}, {long, short}} {
		s := mustSite(t, nil, order...)
		for target, want := range map[string]string{"/a/x/": "short x /a/x/", "/a/longer/x/": "long x /a/longer/x/"} {
			if got := s.ask("GET", "http://example.com"+target).Body.String(); got != want {
				t.Errorf("%s of %s first: got %q, want %q", target, order[0].Name, got, want)
			}
		}
		if got := s.ask("GET", "http://example.com/a/x").Code; got != 301 {
			t.Errorf("/a/x: got %d, want 301: its dialect appends slashes", got)
		}
		if got := s.ask("GET", "http://example.com/a/longer/x").Code; got != 404 {
			t.Errorf("/a/longer/x: got %d, want 404: its dialect has exact paths", got)
		}
	}
}

func TestARedirectStaysHere(t *testing.T) {
	m := Mount{Name: "m", Prefix: "/", Dialect: &plain{slash: true}, Routes: []Route{
		route("a", "GET", "a/", nil), route("any", "GET", "{one}/{two}/", nil), route("three", "GET", "{one}/{two}/{three}/", nil),
	}}
	s := mustSite(t, nil, m)
	tests := []struct{ name, target, want string }{
		{"a path without its slash", "/a", "/a/"},
		{"with its query", "/a?next=//evil.example", "/a/?next=//evil.example"},
		{"two slashes in front are no host", "//evil.example/x", ""},
		{"nor are three", "///evil.example/x", ""},
		{"nor escaped ones", "/%2Fevil.example/x", ""},
		{"nor a backslash", `/%5Cevil.example/x`, "/%5Cevil.example/x/"},
		{"a line end stays escaped", "/a%0d%0aX:1/x", "/a%0d%0aX:1/x/"},
		{"a host with a path that is ours", "http://example.com/a", "/a/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", nil)
			u := *r.URL
			target, query, _ := strings.Cut(strings.TrimPrefix(tt.target, "http://example.com"), "?")
			u.RawQuery = query
			if err := setPath(&u, target); err != nil {
				t.Fatal(err)
			}
			r.URL = &u
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := w.Header().Get("Location"); got != tt.want || strings.HasPrefix(got, "//") {
				t.Errorf("%s: got %d to %q, want %q", tt.target, w.Code, got, tt.want)
			}
			if tt.want != "" && (w.Code != 301 || w.Header().Get("X-Dialect") == "" || w.Body.Len() > 0) {
				t.Errorf("%s: got %d %v %q, want 301 with the dialect's headers", tt.target, w.Code, w.Header(), w.Body)
			}
		})
	}
}

func TestARedirectNamesNoHost(t *testing.T) {
	for _, path := range []string{"//evil.example", "///evil.example", "/%2Fevil.example", `/\evil.example`, `\\evil.example`} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		redirect(w, r)
		to, err := r.URL.Parse(w.Header().Get("Location"))
		if err != nil || to.Host != "" || strings.ContainsAny(w.Header().Get("Location"), "\\\r\n") || strings.HasPrefix(w.Header().Get("Location"), "//") {
			t.Errorf("%s: got Location %q, %v", path, w.Header().Get("Location"), err)
		}
	}
}

func TestTheSchemeIsTheProxysWord(t *testing.T) {
	m := Mount{Name: "m", Prefix: "/", Dialect: &plain{}, Routes: []Route{route("base", "GET", "base", func(w http.ResponseWriter, r *Request) error {
		_, err := fmt.Fprint(w, BaseURL(r.Request))
		return err
	})}}
	tests := []struct {
		name      string
		proxies   int
		forwarded string
		target    string
		want      string
	}{
		{"nobody says anything", 0, "", "http://example.com/base", "http://example.com"},
		{"a client says https", 0, "https", "http://example.com/base", "http://example.com"},
		{"the proxy says https", 1, "https", "http://example.com/base", "https://example.com"},
		{"the proxy says something else", 1, "gopher", "http://example.com/base", "http://example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustSite(t, func(o *Options) { o.Proxies = tt.proxies }, m)
			r := httptest.NewRequest("GET", tt.target, nil)
			r.Header.Set("X-Forwarded-Proto", tt.forwarded)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := w.Body.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	s := mustSite(t, nil, m)
	r := httptest.NewRequest("GET", "http://example.com/base", nil)
	r.URL.Scheme = "https" // a request line in absolute form
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if got := w.Body.String(); got != "http://example.com" {
		t.Errorf("a request line that says https: got %q", got)
	}
}

func TestAForeignHostIsRefused(t *testing.T) {
	s := mustSite(t, nil, Mount{Name: "m", Prefix: "/m/", Dialect: &plain{}, Routes: []Route{route("a", "GET", "a", nil)}})
	for _, target := range []string{"http://evil.example/m/a", "http://evil.example/", "http://evil.example/healthz"} {
		if w := s.ask("GET", target); w.Code != 400 || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d %v, want 400 with the headers of every answer", target, w.Code, w.Header())
		}
	}
}

func TestABodyIsBounded(t *testing.T) {
	tests := []struct {
		name string
		body *http.Request
		size int
		want error
	}{
		{"no body", httptest.NewRequest("POST", "/", nil), 0, nil},
		{"the longest", httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", MaxBody))), MaxBody, nil},
		{"one byte more", httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", MaxBody+1))), 0, ErrBodyTooLarge},
		{"of unknown length, one byte more", unknown(strings.Repeat("x", MaxBody+1)), 0, ErrBodyTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, err := ReadBody(tt.body)
			if len(body) != tt.size || !errors.Is(err, tt.want) {
				t.Errorf("got %d bytes, %v, want %d, %v", len(body), err, tt.size, tt.want)
			}
		})
	}
}

func unknown(body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.ContentLength = -1
	return r
}

// setPath is what net/http does with the path of a request line.
func setPath(u *url.URL, path string) error {
	parsed, err := url.ParseRequestURI(path)
	if err == nil {
		u.Path, u.RawPath = parsed.Path, parsed.RawPath
	}
	return err
}
