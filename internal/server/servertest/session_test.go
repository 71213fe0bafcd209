package servertest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"doorward/internal/config"
)

// browser keeps the cookies of one, and sends them.
type browser struct {
	server  *Server
	cookies map[string]string
}

func (b *browser) do(t testing.TB, method, path string, v any, headers ...string) *Reply {
	t.Helper()
	var jar []string
	for name, value := range b.cookies {
		jar = append(jar, name+"="+value)
	}
	headers = append(headers, "Cookie", strings.Join(jar, "; "))
	r := b.server.Send(t, method, path, v, headers...)
	for _, line := range r.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%s %s sets %q: %v", method, path, line, err)
		}
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return r
}

// write is do with what shows that a page of ours sent it.
func (b *browser) write(t testing.TB, method, path string, v any) *Reply {
	t.Helper()
	return b.do(t, method, path, v, "X-CSRFToken", b.cookies["csrftoken"])
}

// browse is a browser that signed in; cookies are what it had before.
func (s *Server) browse(t testing.TB, name, password string, cookies map[string]string) *browser {
	t.Helper()
	b := &browser{server: s, cookies: map[string]string{}}
	for name, value := range cookies {
		b.cookies[name] = value
	}
	if r := b.write(t, "POST", "/auth/token/login/", map[string]any{"username": name, "password": password}); r.Status != 200 {
		t.Fatalf("sign in: got %d %s", r.Status, r.Body)
	}
	if len(b.cookies["sessionid"]) < 32 || len(b.cookies["csrftoken"]) != 64 {
		t.Fatalf("sign in: got the cookies %v", b.cookies)
	}
	return b
}

func (b *browser) me(t testing.TB) int {
	t.Helper()
	return b.do(t, "GET", "/auth/users/me/", nil).Status
}

// withSessions mounts djoser with a session at each sign-in, and ann and bob in it.
func withSessions(t testing.TB, engine string, change func(*config.Config)) *Server {
	t.Helper()
	yes := true
	s := Start(t, engine, func(c *config.Config) {
		mailed(t, func(m *config.Mount) { m.Mails, m.Djoser.Session = []string{}, &yes })(c)
		if change != nil {
			change(c)
		}
	})
	for _, name := range []string{"ann", "bob"} {
		s.post(t, 201, "/auth/users/", map[string]any{"username": name, "password": goodPassword}, nil)
	}
	return s
}

// TestWhatEndsASession holds T3 for sessions of cookies: what ends them ends them at once, and the
// browser loses its cookie.
func TestWhatEndsASession(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := withSessions(t, engine, nil)
		const fresh = "battery-staple-7"
		for _, tt := range []struct {
			name        string
			end         func(b *browser) int
			want, other int
		}{
			{"nothing", func(*browser) int { return 204 }, 200, 200},
			{"signing out", func(b *browser) int { return b.write(t, "POST", "/auth/token/logout/", nil).Status }, 401, 200},
			{"a sign-out everywhere", func(*browser) int {
				if err := s.Accounts().SignOutEverywhere(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				return 204
			}, 401, 401},
			{"two weeks", func(*browser) int { s.Clock.Advance(14 * 24 * time.Hour); return 204 }, 401, 401},
			{"its own new password", func(b *browser) int {
				return b.write(t, "POST", "/auth/users/set_password/", map[string]any{"current_password": goodPassword, "new_password": fresh}).Status
			}, 200, 401},
		} {
			b, other := s.browse(t, "ann", goodPassword, nil), s.browse(t, "ann", goodPassword, nil)
			session := b.cookies["sessionid"]
			if got := tt.end(b); got != 204 {
				t.Errorf("%s: got %d, want 204", tt.name, got)
			}
			if tt.want == 401 {
				b.cookies["sessionid"] = session // as a thief keeps it
			}
			if got, second := b.me(t), other.me(t); got != tt.want || second != tt.other {
				t.Errorf("after %s: got %d, and %d in another browser, want %d and %d", tt.name, got, second, tt.want, tt.other)
			}
			if _, kept := b.cookies["sessionid"]; kept != (tt.want == 200) {
				t.Errorf("after %s: the cookie is there: %t", tt.name, kept)
			}
		}
		b := s.browse(t, "bob", goodPassword, nil)
		if err := s.Accounts().SetActive(t.Context(), 2, false); err != nil {
			t.Fatal(err)
		}
		if got := b.me(t); got != 401 || b.cookies["sessionid"] != "" {
			t.Errorf("disabled: got %d and the cookies %v", got, b.cookies)
		}
		s.faultless(t)
	})
}

// TestASessionIsNeverTakenOver: a sign-in gives a new one, whatever the browser brought.
func TestASessionIsNeverTakenOver(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := withSessions(t, engine, nil)
		planted := strings.Repeat("x", 32)
		b := s.browse(t, "ann", goodPassword, map[string]string{"sessionid": planted, "csrftoken": strings.Repeat("y", 64)})
		if b.cookies["sessionid"] == planted || b.cookies["csrftoken"] == strings.Repeat("y", 64) {
			t.Errorf("a planted cookie is signed in: %v", b.cookies)
		}
		thief := &browser{server: s, cookies: map[string]string{"sessionid": planted}}
		if got := thief.me(t); got != 401 {
			t.Errorf("who planted it: got %d", got)
		}
		// A good session of the thief's own is no better, and ends.
		thief = s.browse(t, "bob", goodPassword, nil)
		own := thief.cookies["sessionid"]
		b = s.browse(t, "ann", goodPassword, map[string]string{"sessionid": own, "csrftoken": thief.cookies["csrftoken"]})
		if b.cookies["sessionid"] == own {
			t.Error("ann is signed in by bob's cookie")
		}
		if got, his := b.me(t), thief.me(t); got != 200 || his != 401 {
			t.Errorf("ann: got %d, want 200; bob: got %d, want 401", got, his)
		}
		// To sign in past a session is to write by it.
		if r := b.do(t, "POST", "/auth/token/login/", map[string]any{"username": "bob", "password": goodPassword}); r.Status != 403 {
			t.Errorf("signing in from another site's page: got %d %s, want 403", r.Status, r.Body)
		}
		lines := 0
		for _, line := range b.write(t, "POST", "/auth/token/login/", map[string]any{"username": "ann", "password": goodPassword}).Header.Values("Set-Cookie") {
			if strings.HasPrefix(line, "sessionid=") {
				lines++
			}
		}
		if lines != 1 {
			t.Errorf("a sign-in sets the cookie %d times", lines)
		}
		s.faultless(t)
	})
}

// TestWritingBySession holds the words of 403, for both generations of Django.
func TestWritingBySession(t *testing.T) {
	t.Parallel()
	for _, generation := range []string{"classic", "modern"} {
		s := withSessions(t, "sqlite", func(c *config.Config) {
			m := c.Mounts["djoser"]
			m.Generation = generation
			c.Mounts["djoser"] = m
		})
		ann, bob := s.browse(t, "ann", goodPassword, nil), s.browse(t, "bob", goodPassword, nil)
		const modernWrong = "CSRF Failed: CSRF token from the 'X-Csrftoken' HTTP header incorrect."
		for _, tt := range []struct {
			name, cookie, header string
			classic, modern      string
		}{
			{"no cookie", "", ann.cookies["csrftoken"], "CSRF Failed: CSRF cookie not set.", "CSRF Failed: CSRF cookie not set."},
			{"another's in the header", ann.cookies["csrftoken"], bob.cookies["csrftoken"], "CSRF Failed: CSRF token missing or incorrect.", modernWrong},
			{"another's in the cookie", bob.cookies["csrftoken"], ann.cookies["csrftoken"], "CSRF Failed: CSRF token missing or incorrect.", modernWrong},
			{"good", ann.cookies["csrftoken"], ann.cookies["csrftoken"], "", ""},
		} {
			b := &browser{server: s, cookies: map[string]string{"sessionid": ann.cookies["sessionid"]}}
			if tt.cookie != "" {
				b.cookies["csrftoken"] = tt.cookie
			}
			r := b.do(t, "PATCH", "/auth/users/me/", map[string]any{"email": "x@example.com"}, "X-CSRFToken", tt.header)
			want, status := map[string]string{"classic": tt.classic, "modern": tt.modern}[generation], 403
			if want == "" {
				status = 200
			}
			if r.Status != status || want != "" && detail(t, r) != want || r.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s, %s: got %d %s, want %d %s", generation, tt.name, r.Status, r.Body, status, want)
			}
		}
		// A token in the header needs no such thing, and is asked first.
		token := s.browse(t, "ann", goodPassword, nil)
		var out struct{ Access string }
		s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "ann", "password": goodPassword}, &out)
		if r := token.do(t, "PATCH", "/auth/users/me/", map[string]any{"email": "y@example.com"}, "Authorization", "Bearer "+out.Access); r.Status != 200 {
			t.Errorf("by a token beside a session: got %d %s", r.Status, r.Body)
		}
		s.faultless(t)
	}
}

// TestSessionsOfDjoserOne: the first version has the setting, too; no other mount has cookies.
func TestSessionsOfDjoserOne(t *testing.T) {
	t.Parallel()
	yes := true
	s := withSessions(t, "sqlite", func(c *config.Config) {
		c.Mounts["old"] = config.Mount{Preset: "djoser1", Prefix: "/old/", Djoser: config.Djoser{Session: &yes}}
		c.Mounts["plain"] = config.Mount{Preset: "djoser", Prefix: "/plain/"}
	})
	s.post(t, 201, "/old/users/create/", map[string]any{"email": "eve@example.com", "password": goodPassword}, nil)
	b := &browser{server: s, cookies: map[string]string{}}
	if r := b.do(t, "POST", "/old/token/create/", map[string]any{"email": "eve@example.com", "password": goodPassword}); r.Status != 200 {
		t.Fatalf("sign in: got %d %s", r.Status, r.Body)
	}
	session := b.cookies["sessionid"]
	for _, tt := range []struct {
		path string
		want int
	}{{"/old/me/", 200}, {"/plain/users/me/", 401}, {"/auth/users/me/", 401}} {
		b.cookies["sessionid"] = session
		if got := b.do(t, "GET", tt.path, nil).Status; got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.path, got, tt.want)
		}
	}
	b.cookies["sessionid"] = session
	if r := b.write(t, "POST", "/old/token/destroy/", nil); r.Status != 204 || b.cookies["sessionid"] != "" {
		t.Errorf("sign out: got %d and the cookies %v", r.Status, b.cookies)
	}
	if r := s.post(t, 200, "/plain/token/login/", map[string]any{"username": "ann", "password": goodPassword}, nil); r.Header.Get("Set-Cookie") != "" {
		t.Errorf("a mount without sessions sets %q", r.Header.Get("Set-Cookie"))
	}
	if _, err := Try(t, "sqlite", func(c *config.Config) {
		c.Mounts = map[string]config.Mount{"tag1": {Djoser: config.Djoser{Session: &yes}}}
	}); err == nil || !strings.Contains(err.Error(), "session_on_login does not go with this preset") {
		t.Errorf("a mount without opaque tokens: got %v", err)
	}
	s.faultless(t)
}

// TestCookiesOfATranscript: the replayer finds each cookie too many and too few.
func TestCookiesOfATranscript(t *testing.T) {
	t.Parallel()
	const set, gone = "a=1; Path=/", "a=; Max-Age=0; Path=/"
	for _, tt := range []struct {
		name  string
		lines []string
		want  ExpectCookies
		ok    bool
	}{
		{"none", nil, ExpectCookies{}, true},
		{"set", []string{set}, ExpectCookies{Set: []string{"a"}}, true},
		{"set, and none expected", []string{set}, ExpectCookies{}, false},
		{"expected, and not set", nil, ExpectCookies{Set: []string{"a"}}, false},
		{"another one", []string{set}, ExpectCookies{Set: []string{"b"}}, false},
		{"deleted", []string{gone}, ExpectCookies{Deleted: []string{"a"}}, true},
		{"deleted by its date", []string{"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, ExpectCookies{Deleted: []string{"a"}}, true},
		{"deleted, and not to be", []string{gone}, ExpectCookies{}, false},
		{"set where it is to be deleted", []string{set}, ExpectCookies{Deleted: []string{"a"}}, false},
		{"deleted where it is to be set", []string{gone}, ExpectCookies{Set: []string{"a"}}, false},
		{"not deleted", nil, ExpectCookies{Deleted: []string{"a"}}, false},
		{"two in another order", []string{set, "b=2"}, ExpectCookies{Set: []string{"b", "a"}}, true},
		{"twice", []string{set, set}, ExpectCookies{Set: []string{"a"}}, false},
	} {
		if err := matchCookies(&tt.want, http.Header{"Set-Cookie": tt.lines}); (err == nil) != tt.ok {
			t.Errorf("%s: got %v, want it to pass: %t", tt.name, err, tt.ok)
		}
	}
	p := player{vars: vars{}}
	r := &Reply{Header: http.Header{"Set-Cookie": {"b=2; Path=/", "a=1; Path=/"}}}
	if got, err := p.captured("header:Set-Cookie:a=([^;]+)", r, nil); err != nil || got != "1" {
		t.Errorf("capture: got %v, %v, want 1", got, err)
	}
	if got, err := p.captured("header:Set-Cookie:c=([^;]+)", r, nil); err == nil {
		t.Errorf("capture of a cookie that is not there: got %v", got)
	}
}
