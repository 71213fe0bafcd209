package servertest

import (
	"strings"
	"testing"

	"doorward/internal/config"
)

// mounted configures tag1 alone.
func mounted(m config.Mount) func(*config.Config) {
	return func(c *config.Config) { c.Mounts = map[string]config.Mount{"tag1": m} }
}

func TestThePolicyOfAMount(t *testing.T) {
	t.Parallel()
	off := false
	cases := []struct {
		name     string
		mount    config.Mount
		password string
		create   int
		lifetime float64
		refresh  string // what the answer to a refresh says
	}{
		{"as it comes", config.Mount{}, "mysecret", 400, 900, `"token"`},
		{"as it comes, a good password", config.Mount{}, goodPassword, 201, 900, `"token"`},
		{"without the list of common passwords", config.Mount{PasswordRules: []string{"similarity", "length", "numeric"}}, "mysecret", 201, 900, `"token"`},
		{"without rules", config.Mount{PasswordRules: []string{}}, "1", 201, 900, `"token"`},
		{"twelve characters", config.Mount{PasswordMinLength: 12}, "elevenchar-", 400, 900, ""},
		{"five characters", config.Mount{PasswordMinLength: 5}, "xk7-q", 201, 900, `"token"`},
		{"tokens of a minute", config.Mount{AccessLifetimeSeconds: 60}, goodPassword, 201, 60, `"token"`},
		{"without refresh", config.Mount{AllowRefresh: &off}, goodPassword, 201, 900, "orig_iat field is required."},
		{"shared signing", config.Mount{Signing: "shared"}, goodPassword, 201, 900, `"token"`},
		{"drf-jwt's own claims", config.Mount{Claims: "own"}, goodPassword, 201, 900, `"token"`},
		{"another prefix", config.Mount{Prefix: "/api/", Noun: "member"}, goodPassword, 201, 900, `"token"`},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			s := Start(t, "sqlite", mounted(tt.mount))
			body := map[string]any{"email": "ann@example.com", "password": tt.password}
			r := s.Send(t, "POST", "/api/user/create/", body)
			if r.Status != tt.create {
				t.Fatalf("sign up with %q: got %d %s, want %d", tt.password, r.Status, r.Body, tt.create)
			}
			if r.Status != 201 {
				return
			}
			if r := s.Send(t, "POST", "/api/user/create/", body); tt.mount.Noun != "" && !strings.Contains(string(r.Body), tt.mount.Noun+" with this") {
				t.Errorf("the second sign-up: got %s", r.Body)
			}
			now := float64(s.Clock.Now().Unix())
			token := s.login(t, "ann@example.com", tt.password)
			if got := unverified(t, token)["exp"].(float64) - now; got < tt.lifetime-5 || got > tt.lifetime+5 {
				t.Errorf("a token lives %v s, want %v", got, tt.lifetime)
			}
			if r := s.Send(t, "POST", "/api/user/login/refresh/", map[string]any{"token": token}); !strings.Contains(string(r.Body), tt.refresh) {
				t.Errorf("refresh: got %d %s, want %q", r.Status, r.Body, tt.refresh)
			}
			if words := s.view(t, token); words != "" {
				t.Errorf("view: got %q", words)
			}
			s.faultless(t)
		})
	}
}

func TestSigningInByUserName(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(c *config.Config) {
			everyPreset(c)
			c.User.Login = "username"
		})
		r := s.Send(t, "POST", "/djoser1/users/create/", map[string]any{"username": "ann", "password": goodPassword})
		if r.Status != 201 || string(r.Body) != `{"email":"","profile":{"location":""},"username":"ann","id":1}` {
			t.Errorf("sign-up without an address: got %d %s", r.Status, r.Body)
		}
		r = s.Send(t, "POST", "/djoser1/users/create/", map[string]any{"username": "ann", "password": goodPassword})
		if r.Status != 400 || string(r.Body) != `{"username":["A user with that username already exists."]}` {
			t.Errorf("a second ann: got %d %s", r.Status, r.Body)
		}
		var out struct{ Token string }
		s.post(t, 200, "/djoser1/jwt/create/", map[string]any{"username": "ann", "password": goodPassword}, &out)
		if got := s.Do(t, "GET", "/djoser1/me/", nil, "Authorization", "JWT "+out.Token); string(got.Body) != `{"email":"","profile":{"location":""},"id":1,"username":"ann"}` {
			t.Errorf("me: got %d %s", got.Status, got.Body)
		}
		s.post(t, 400, "/djoser1/jwt/create/", map[string]any{"email": "ann", "password": goodPassword}, nil)
		s.post(t, 201, "/v1/sign-up", map[string]any{"username": "bob", "email": "bob@example.com", "password": goodPassword}, nil)
		s.post(t, 200, "/v1/sign-in", map[string]any{"username": "bob", "password": goodPassword}, nil)
		if r := s.Send(t, "POST", "/v1/sign-in", map[string]any{"email": "bob@example.com", "password": goodPassword}); r.Status != 400 || r.code(t) != "invalid_request" {
			t.Errorf("sign-in without the name: got %d %s", r.Status, r.Body)
		}
		s.post(t, 201, "/tag1/user/create/", map[string]any{"username": "eve", "password": goodPassword}, nil)
		s.post(t, 200, "/tag1/user/login/", map[string]any{"username": "eve", "password": goodPassword}, nil)
		s.faultless(t)
	})
}
