package servertest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorward/internal/config"
)

// taken are transcripts that we took ourselves; README.md beside them says of what.
const taken = "testdata/recorded"

// ourOwn lists them.
func ourOwn(t testing.TB) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(taken, "djrestauth"))
	if err != nil || len(entries) != 23 {
		t.Fatalf("%d transcripts, %v, want 23", len(entries), err)
	}
	for _, e := range entries {
		list = append(list, "djrestauth/"+e.Name())
	}
	return list
}

func TestRecorded(t *testing.T) {
	ours := ReadDivergences(t, filepath.Join(taken, "differ.json"))
	for _, engine := range Engines {
		for _, file := range ourOwn(t) {
			t.Run(engine+"/"+file, func(t *testing.T) {
				t.Parallel()
				Replay(t, Start(t, engine, FileMail(t)), ReadTranscript(t, taken, file), ours)
			})
		}
	}
}

// djRestAuth mounts the preset, with mails in a folder.
func djRestAuth(t testing.TB, r config.RestAuth, c config.TokenCookies) func(*config.Config) {
	return func(cfg *config.Config) {
		FileMail(t)(cfg)
		yes := true
		cfg.Mounts = map[string]config.Mount{"djrestauth": {
			RestAuth: r, TokenCookies: c, FrontendURL: "https://app.example.com", Tokens: config.Tokens{RotateRefresh: &yes},
		}}
	}
}

const djPrefix = "/dj-rest-auth/"

// djEnroll registers somebody with a good password.
func (s *Server) djEnroll(t testing.TB, name, email string) *Reply {
	t.Helper()
	return s.Send(t, "POST", djPrefix+"registration/", map[string]any{"username": name, "email": email, "password1": goodPassword, "password2": goodPassword})
}

// cookies are those that an answer sets, by name.
func (r *Reply) cookies(t testing.TB) map[string]string {
	t.Helper()
	set := map[string]string{}
	for _, line := range r.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		set[c.Name] = c.Value
	}
	return set
}

type tokens struct{ Access, Refresh string }

// TestLeavingEndsTheSession holds serve's own defaults of dj-rest-auth's tokens: who leaves ends his session and with it the access
// token, a refresh token that was used is spent, and one that was shown again after that ends its session.
func TestLeavingEndsTheSession(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, djRestAuth(t, config.RestAuth{EmailVerification: "none"}, config.TokenCookies{}))
		s.djEnroll(t, "ann", "ann@example.com")
		in := func() (p tokens) {
			s.post(t, 200, djPrefix+"login/", map[string]any{"username": "ann", "password": goodPassword}, &p)
			return p
		}
		alive := func(access string) int {
			return s.Do(t, "GET", djPrefix+"user/", nil, "Authorization", "Bearer "+access).Status
		}
		one, two := in(), in()
		s.post(t, 200, djPrefix+"logout/", map[string]any{"refresh": one.Refresh}, nil)
		if alive(one.Access) != 401 || alive(two.Access) != 200 {
			t.Errorf("after leaving by refresh token: got %d and %d, want 401 for the session and 200 for the other", alive(one.Access), alive(two.Access))
		}
		r := s.post(t, 401, djPrefix+"logout/", map[string]any{}, nil, "Authorization", "Bearer "+two.Access)
		if string(r.Body) != `{"detail":"Refresh token was not included in request data."}` || alive(two.Access) != 401 {
			t.Errorf("after leaving without a refresh token: got %s, then %d, want the session ended all the same", r.Body, alive(two.Access))
		}
		s.post(t, 401, djPrefix+"logout/", map[string]any{"refresh": two.Refresh}, nil)
		old := in()
		var fresh tokens
		s.post(t, 200, djPrefix+"token/refresh/", map[string]any{"refresh": old.Refresh}, &fresh)
		s.Turn(t, 11*time.Second)
		s.post(t, 401, djPrefix+"token/refresh/", map[string]any{"refresh": old.Refresh}, nil)
		if got := alive(fresh.Access); got != 401 {
			t.Errorf("after a spent refresh token was shown again: got %d, want 401", got)
		}
		s.faultless(t)
	})
}

// TestTokensInCookies holds that cookies bring tokens, and that no page of another site writes by them.
func TestTokensInCookies(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, djRestAuth(t, config.RestAuth{EmailVerification: "none"}, config.TokenCookies{Access: "app-auth", Refresh: "app-refresh"}))
		s.djEnroll(t, "ann", "ann@example.com")
		r := s.post(t, 200, djPrefix+"login/", map[string]any{"username": "ann", "password": goodPassword}, nil)
		set := r.cookies(t)
		if len(set) != 2 || !strings.Contains(string(r.Body), `"refresh":""`) {
			t.Fatalf("sign in: got cookies %v, %s", set, r.Body)
		}
		const evil, ours = "https://evil.example", "https://app.example.com"
		access, refresh := "app-auth="+set["app-auth"], "app-refresh="+set["app-refresh"]
		for _, tt := range []struct {
			name, method, path, body, cookie, origin string
			want                                     int
		}{
			{"to read", "GET", "user/", "", access, evil, 200}, // CORS keeps the answer from that page
			{"to write", "PATCH", "user/", `{"first_name": "Eve"}`, access, evil, 403},
			{"to write, from nowhere", "PATCH", "user/", `{"first_name": "Eve"}`, access, "null", 403},
			{"to refresh", "POST", "token/refresh/", `{}`, refresh, evil, 403},
			{"to leave", "POST", "logout/", ``, refresh, evil, 403},
			{"to leave by both", "POST", "logout/", ``, access + "; " + refresh, evil, 403},
			{"to write, from our page", "PATCH", "user/", `{"first_name": "Ann"}`, access, ours, 200},
			{"to write, from no page", "PATCH", "user/", `{"first_name": "Ann"}`, access, "", 200},
			{"to refresh, from our page", "POST", "token/refresh/", `{}`, refresh, ours, 200},
		} {
			headers := []string{"Content-Type", "application/json", "Cookie", tt.cookie}
			if tt.origin != "" {
				headers = append(headers, "Origin", tt.origin)
			}
			r := s.Do(t, tt.method, djPrefix+tt.path, strings.NewReader(tt.body), headers...)
			if r.Status != tt.want {
				t.Errorf("%s: got %d %s, want %d", tt.name, r.Status, r.Body, tt.want)
			}
			if n := len(r.cookies(t)); r.Status == 403 && n > 0 {
				t.Errorf("%s: %d cookies are changed", tt.name, n)
			}
		}
		if r := s.Do(t, "GET", djPrefix+"user/", nil, "Cookie", access); !strings.Contains(string(r.Body), `"first_name":"Ann"`) {
			t.Errorf("afterwards: got %s, want Ann", r.Body)
		}
		s.faultless(t)
	})
}

// TestATokenOfDjangosBesideTheCookie holds cookie_csrf, whose cookie a sign-in sets.
func TestATokenOfDjangosBesideTheCookie(t *testing.T) {
	t.Parallel()
	yes := true
	s := Start(t, "sqlite", djRestAuth(t, config.RestAuth{EmailVerification: "none"}, config.TokenCookies{Access: "app-auth", CSRF: &yes, SameSite: "None"}))
	s.djEnroll(t, "ann", "ann@example.com")
	r := s.post(t, 200, djPrefix+"login/", map[string]any{"username": "ann", "password": goodPassword}, nil)
	set := r.cookies(t)
	if line := r.Header.Values("Set-Cookie")[0]; !strings.HasSuffix(line, "; Max-Age=300; Secure; SameSite=None") {
		t.Errorf("the cookie: got %q", line)
	}
	for token, want := range map[string]int{"": 403, strings.Repeat("b", 64): 403, set["csrftoken"]: 200} {
		cookie := "app-auth=" + set["app-auth"] + "; csrftoken=" + set["csrftoken"]
		r := s.Send(t, "PATCH", djPrefix+"user/", map[string]any{"first_name": "Ann"}, "Cookie", cookie, "X-CSRFToken", token)
		if r.Status != want {
			t.Errorf("with the token %q: got %d %s, want %d", token, r.Status, r.Body, want)
		}
	}
	s.faultless(t)
}

// TestAKeyIsMailedAgain holds that who asks for a key learns nothing, and that only who needs one is mailed.
func TestAKeyIsMailedAgain(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, djRestAuth(t, mandatory, config.TokenCookies{}))
		s.djEnroll(t, "ann", "Ann@example.com")
		again := func(email string) string {
			r := s.post(t, 200, djPrefix+"registration/resend-email/", map[string]any{"email": email}, nil)
			r.Header.Del("X-Request-Id")
			r.Header.Del("Date")
			return fmt.Sprint(r.Header, string(r.Body))
		}
		known, unknown := again("ANN@example.com"), again("eve@example.com")
		if known != unknown {
			t.Errorf("for somebody: got %s, for nobody: %s", known, unknown)
		}
		if n := len(s.mails(t)); n != 2 {
			t.Errorf("%d mails, want 2: of the registration, and the one again", n)
		}
		s.post(t, 200, djPrefix+"registration/verify-email/", map[string]any{"key": s.mailedKey(t)}, nil)
		if got := again("ann@example.com"); got != known || len(s.mails(t)) != 2 {
			t.Errorf("for who is verified: got %s and %d mails, want %s and 2", got, len(s.mails(t)), known)
		}
		s.faultless(t)
	})
}
