package servertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorward/internal/config"
)

const (
	undecodable = "Error decoding signature."
	annSecret   = "11111111-1111-4111-8111-111111111111"
	bobSecret   = "22222222-2222-4222-8222-222222222222"
)

// django makes the tables that tag1 had in Django the user table.
func django(c *config.Config) { c.User.Table = "spauser_spauser" }

// reset puts a server in the condition of a Django with ann (1) and bob (2), whose keys are known.
func (s *Server) reset(t testing.TB, jwtAuth map[string]any) {
	t.Helper()
	auth := map[string]any{"JWT_EXPIRATION_DELTA": 900, "JWT_GET_USER_SECRET_KEY": "spauser.models.jwt_get_secret_key", "JWT_PAYLOAD_HANDLER": "otp.utils.jwt_otp_payload"}
	for name, v := range jwtAuth {
		auth[name] = v
	}
	user := func(id int, email, secret string) map[string]any {
		return map[string]any{"id": id, "email": email, "password": goodPassword, "jwt_secret": secret}
	}
	s.post(t, 204, "/dev/reset", map[string]any{
		"dialect": "tag1", "variant": "tag1", "user_model": "spauser.SpaUser",
		"settings": map[string]any{"JWT_AUTH": auth, "SECRET_KEY": "a secret key"},
		"setup":    map[string]any{"users": []any{user(1, "ann@example.com", annSecret), user(2, "bob@example.com", bobSecret)}},
	}, nil)
}

func TestTag1ByDefault(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, Production)
		s.create(t, "Ann@Example.com", goodPassword)
		token := s.login(t, "ann@example.com", goodPassword)
		claims := unverified(t, token)
		if claims["exp"].(float64)-claims["orig_iat"].(float64) != 900 || claims["username"] != "Ann@example.com" || claims["otp_device_id"] != nil || len(claims) != 5 {
			t.Errorf("the claims are %v", claims)
		}
		s.Clock.Advance(800 * time.Second)
		fresh := s.renew(t, token)
		if again := unverified(t, fresh); again["orig_iat"] != claims["orig_iat"] || again["exp"].(float64) < claims["exp"].(float64)+799 {
			t.Errorf("renewed: got %v after %v", again, claims)
		}
		s.Clock.Advance(101 * time.Second)
		if old, now := s.view(t, token), s.view(t, fresh); old != "Signature has expired." || now != "" {
			t.Errorf("after 15 minutes: the old token got %q, the new one %q", old, now)
		}
		if engine != Engines[0] {
			return
		}
		fresh = s.renew(t, fresh)
		for s.Clock.Now().Unix() < int64(claims["orig_iat"].(float64))+7*24*3600-900 {
			s.Clock.Advance(840 * time.Second)
			fresh = s.renew(t, fresh)
		}
		s.Clock.Advance(890 * time.Second)
		if r := s.post(t, 400, "/api/user/login/refresh/", map[string]any{"token": fresh}, nil); !strings.Contains(string(r.Body), "Refresh has expired.") {
			t.Errorf("after seven days: got %s", r.Body)
		}
		s.faultless(t)
	})
}

func TestOneSessionSignsOut(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		for name, change := range map[string]func(*config.Config){"own table": nil, "Django's table": django} {
			s := Start(t, engine, change)
			s.create(t, "ann@example.com", goodPassword)
			phone, laptop := s.login(t, "ann@example.com", goodPassword), s.login(t, "ann@example.com", goodPassword)
			s.Clock.Advance(5 * time.Second)
			renewed := s.renew(t, phone)
			s.Clock.Advance(5 * time.Second)
			twice := s.renew(t, renewed)
			s.post(t, 204, "/api/user/logout/", nil, nil, "Authorization", "JWT "+renewed)
			for what, token := range map[string]string{"the token": phone, "its renewal": renewed, "the renewal's": twice} {
				if words := s.view(t, token); words != undecodable {
					t.Errorf("%s: %s after sign-out: got %q", name, what, words)
				}
				s.post(t, 400, "/api/user/login/refresh/", map[string]any{"token": token}, nil)
			}
			if words := s.view(t, laptop); words != "" {
				t.Errorf("%s: the other session: got %q", name, words)
			}
			if words := s.view(t, s.renew(t, laptop)); words != "" {
				t.Errorf("%s: the other session, renewed: got %q", name, words)
			}
			s.faultless(t)
			s.Stop(t)
		}
	})
}

func TestWhatEndsEveryToken(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		for name, change := range map[string]func(*config.Config){"own table": nil, "Django's table": django} {
			s := Start(t, engine, change)
			id := int64(0)
			cases := []struct {
				name string
				do   func(token string)
			}{
				{"logout/all", func(token string) {
					s.post(t, 204, "/api/user/logout/all/", nil, nil, "Authorization", "JWT "+token)
				}},
				{"an operator disables him", func(string) { _ = s.Accounts().SetActive(t.Context(), id, false) }},
				{"an operator disables him for a moment", func(string) {
					_ = s.Accounts().SetActive(t.Context(), id, false)
					_ = s.Accounts().SetActive(t.Context(), id, true)
				}},
				{"an operator sets his password", func(string) {
					u, _ := s.Accounts().Find(t.Context(), fmt.Sprint(id))
					_ = s.Accounts().SetPassword(t.Context(), s.Policy("tag1"), &u, "battery-staple-7")
				}},
				{"he deletes his account", func(token string) {
					s.post(t, 204, "/api/user/delete/", map[string]any{"current_password": goodPassword}, nil, "Authorization", "JWT "+token)
				}},
				{"an operator removes him", func(string) { _ = s.Accounts().Remove(t.Context(), id) }},
			}
			for _, tt := range cases {
				email := strings.NewReplacer(" ", "-", "/", "-").Replace(tt.name) + "@example.com"
				s.create(t, email, goodPassword)
				one, two := s.login(t, email, goodPassword), s.login(t, email, goodPassword)
				id = int64(unverified(t, one)["user_id"].(float64))
				tt.do(one)
				for _, token := range []string{one, two} {
					if got := s.view(t, token); got != undecodable {
						t.Errorf("%s: after %s: got %q, want %q", name, tt.name, got, undecodable)
					}
				}
			}
			s.faultless(t)
			s.Stop(t)
		}
	})
}

func TestPasswordsAreTrimmedInContractsOnly(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	try := func(path, email, password string) int {
		return s.Send(t, "POST", path, map[string]any{"email": email, "password": password}).Status
	}
	const tag1, v1 = "/api/user/login/", "/v1/sign-in"
	s.create(t, "ann@example.com", "  "+goodPassword+"\t")
	s.post(t, 201, "/v1/sign-up", map[string]any{"email": "bob@example.com", "password": "  " + goodPassword + "\t"}, nil)
	cases := []struct {
		name, path, email, password string
		want                        int
	}{
		{"signed up by contract, login as typed", tag1, "ann@example.com", "  " + goodPassword + "\t", 200},
		{"signed up by contract, login without blanks", tag1, "ann@example.com", goodPassword, 200},
		{"signed up by contract, /v1/ without blanks", v1, "ann@example.com", goodPassword, 200},
		{"signed up by contract, /v1/ as typed", v1, "ann@example.com", "  " + goodPassword + "\t", 401},
		{"signed up in /v1/, as typed", v1, "bob@example.com", "  " + goodPassword + "\t", 200},
		{"signed up in /v1/, without blanks", v1, "bob@example.com", goodPassword, 401},
		{"signed up in /v1/, contract as typed", tag1, "bob@example.com", "  " + goodPassword + "\t", 400},
		{"blanks within are kept", tag1, "ann@example.com", "correct- horse-9", 400},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			if got := try(tt.path, tt.email, tt.password); got != tt.want {
				t.Errorf("%s as %q: got %d, want %d", tt.path, tt.password, got, tt.want)
			}
		})
	}
}

func TestWhoseAddressItIs(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		cases := []struct {
			name                 string
			change               func(*config.Config)
			secondSpelling, fold int
			words                string
		}{
			{"own table", nil, 400, 200, "spa user with this email address already exists."},
			{"own table, exact", func(c *config.Config) { c.User.EmailUnique = "exact" }, 201, 400, ""},
			{"Django's table", django, 201, 400, ""},
		}
		for _, tt := range cases {
			s := Start(t, engine, tt.change)
			s.create(t, "ann@EXAMPLE.com", goodPassword)
			r := s.Send(t, "POST", "/api/user/create/", map[string]any{"email": "ann@example.com", "password": goodPassword})
			if r.Status != 400 {
				t.Errorf("%s: the same address, its domain in lower case: got %d %s", tt.name, r.Status, r.Body)
			}
			r = s.Send(t, "POST", "/api/user/login/", map[string]any{"email": "ANN@example.com", "password": goodPassword})
			if r.Status != tt.fold {
				t.Errorf("%s: login in another spelling: got %d %s, want %d", tt.name, r.Status, r.Body, tt.fold)
			}
			r = s.Send(t, "POST", "/api/user/create/", map[string]any{"email": "ANN@example.com", "password": goodPassword})
			if r.Status != tt.secondSpelling || !strings.Contains(string(r.Body), tt.words) {
				t.Errorf("%s: another spelling: got %d %s, want %d", tt.name, r.Status, r.Body, tt.secondSpelling)
			}
			s.faultless(t)
			s.Stop(t)
		}
	})
}
