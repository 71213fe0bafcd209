package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheLineOfARequest(t *testing.T) {
	secret := "f7d1-CANARY"
	m := Mount{Name: "m", Prefix: "/m/", Dialect: &plain{slash: true}, Routes: []Route{
		route("me", "GET", "me/", nil), route("me-update", "PATCH", "me/", nil), route("code", "GET", "code/{code}/", nil),
		route("panic", "GET", "panic/", func(http.ResponseWriter, *Request) error { panic(secret) }),
		route("fault", "GET", "fault/", func(http.ResponseWriter, *Request) error { return errors.New("disk full") }),
	}}
	tests := []struct {
		name, method, target string
		path, op, counted    string
		status               float64
	}{
		{"a route", "GET", "/m/me/", "/m/me/", "me", "me", 200},
		{"another method of its path has its own name", "PATCH", "/m/me/", "/m/me/", "me-update", "me-update", 200},
		{"a method that the path has not", "PUT", "/m/me/", "/m/me/", "", "me", 405},
		{"a wildcard keeps to itself what it took", "GET", "/m/code/" + secret + "/", "/m/code/{code}/", "code", "code", 200},
		{"a path that is rewritten", "GET", "/m/me.json", "/m/me/", "me", "me", 200},
		{"a path that is rewritten to none", "GET", "/m/" + secret + "/x/y.json", "/m/…/…/…", "", "none", 404},
		{"so does a redirect", "GET", "/m/code/" + secret, "/m/code/{code}", "", "code", 301},
		{"a path that is no route shows words of the table", "GET", "/m/code/" + secret + "/me/x/", "/m/code/…/me/…/", "", "none", 404},
		{"the query is not logged", "GET", "/m/me/?password=" + secret, "/m/me/", "me", "me", 200},
		{"a line end is not logged", "GET", "/m/%0a%1b[31m" + secret, "/m/…", "", "none", 404},
		{"a fault is a fault", "GET", "/m/fault/", "/m/fault/", "fault", "fault", 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustSite(t, nil, m)
			w := s.ask(tt.method, "http://example.com"+tt.target)
			line := s.lastLine(t)
			op, _ := line["op"].(string)
			if line["path"] != tt.path || op != tt.op || line["status"] != tt.status || line["method"] != tt.method {
				t.Errorf("%s %s: got %v", tt.method, tt.target, line)
			}
			if line["id"] != w.Header().Get("X-Request-Id") || line["id"] == "" {
				t.Errorf("the line's id is %v, the answer's %q", line["id"], w.Header().Get("X-Request-Id"))
			}
			if line["bytes"] != float64(w.Body.Len()) {
				t.Errorf("%v bytes are logged, %d were sent", line["bytes"], w.Body.Len())
			}
			mount := "m"
			if tt.counted == "none" {
				mount = ""
			}
			if n := s.requests(t, mount, tt.counted, fmt.Sprint(w.Code/100)+"xx"); n != 1 {
				t.Errorf("%s counts %v requests, want 1", tt.counted, n)
			}
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the log has the secret: %s", &s.log)
			}
		})
	}
}

func TestAnyPathIsShownInDevelopment(t *testing.T) {
	s := mustSite(t, func(o *Options) { o.ShowPaths = true })
	s.ask("GET", "http://example.com/no/such/"+strings.Repeat("x", 300))
	if line := s.lastLine(t); !strings.HasPrefix(line["path"].(string), "/no/such/xx") || len(line["path"].(string)) > maxLogged+3 {
		t.Errorf("got %v", line["path"])
	}
}

func TestAPanicIsAnswered(t *testing.T) {
	late := func(w http.ResponseWriter, _ *Request) error { w.WriteHeader(201); panic("late") }
	m := Mount{Name: "m", Prefix: "/", Dialect: &plain{}, Routes: []Route{
		route("early", "GET", "early", func(http.ResponseWriter, *Request) error { panic("early") }), route("late", "GET", "late", late),
		route("abort", "GET", "abort", func(http.ResponseWriter, *Request) error { panic(http.ErrAbortHandler) }),
	}}
	s := mustSite(t, nil, m)
	if w := s.ask("GET", "http://example.com/early"); w.Code != 500 || w.Body.String() != "Internal server error." {
		t.Errorf("early: got %d %q", w.Code, w.Body)
	}
	if !strings.Contains(s.log.String(), `"msg":"panic"`) || !strings.Contains(s.log.String(), "site_test.go") {
		t.Errorf("the log has no stack: %s", &s.log)
	}
	if w := s.ask("GET", "http://example.com/late"); w.Code != 201 || w.Body.Len() > 0 {
		t.Errorf("late: got %d %q, want what was written", w.Code, w.Body)
	}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("abort: got panic %v", p)
		}
	}()
	s.ask("GET", "http://example.com/abort")
}

func TestAClientThatWentAwayIsNoFault(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m := Mount{Name: "m", Prefix: "/", Dialect: &plain{}, Routes: []Route{
		route("slow", "GET", "slow", func(_ http.ResponseWriter, r *Request) error {
			cancel()
			return fmt.Errorf("wait: %w", r.Context().Err())
		}),
		route("own", "GET", "own", func(http.ResponseWriter, *Request) error { return context.Canceled }),
	}}
	s := mustSite(t, nil, m)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "http://example.com/slow", nil).WithContext(ctx))
	if line := s.lastLine(t); line["status"] != float64(499) || strings.Contains(s.log.String(), `"fault"`) || s.requests(t, "m", "slow", "5xx") != 0 {
		t.Errorf("got %s", &s.log)
	}
	s.ask("GET", "http://example.com/own")
	if !strings.Contains(s.log.String(), `"msg":"fault"`) {
		t.Error("a cancelled context of our own is no fault either")
	}
}

func TestAnExchangeCountsWhatIsSent(t *testing.T) {
	x := &exchange{ResponseWriter: httptest.NewRecorder()}
	x.WriteHeader(http.StatusEarlyHints)
	if x.Status != 0 {
		t.Errorf("after 103 the status is %d, want none yet", x.Status)
	}
	w := httptest.NewRecorder()
	x.ResponseWriter = w
	x.Write([]byte("abc"))
	x.Write([]byte("de"))
	if x.Status != 200 || x.Bytes != 5 {
		t.Errorf("got %d, %d bytes, want 200, 5 bytes", x.Status, x.Bytes)
	}
	x.WriteHeader(500)
	if x.Status != 200 {
		t.Errorf("a second status: got %d, want the first", x.Status)
	}
	if err := http.NewResponseController(x).Flush(); err != nil || !w.Flushed {
		t.Errorf("flush: %v", err)
	}
	if exchangeOf(struct{ http.ResponseWriter }{w}) != nil {
		t.Error("an exchange was found where there is none")
	}
}
