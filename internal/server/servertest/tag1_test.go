package servertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

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

// foreign signs a token as the Django beside us would.
func foreign(t testing.TB, secret string, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTag1ByDefault(t *testing.T) {
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

func TestATokenNamesItsOwnUser(t *testing.T) {
	const claimsOfOwn = "own"
	exp := time.Now().Add(time.Hour).Unix()
	check := func(name string, s *Server) {
		t.Helper()
		for who, want := range map[string]string{"ann@example.com": "", "bob@example.com": "Invalid signature.", "nobody@example.com": "Invalid signature.", "ANN@example.com": "Invalid signature.", "": "Invalid payload."} {
			token := foreign(t, annSecret, jwt.MapClaims{"user_id": 1, "username": who, "email": who, "exp": exp})
			if got := s.view(t, token); got != want {
				t.Errorf("%s: user 1 with the name %q: got %q, want %q", name, who, got, want)
			}
		}
		if got := s.view(t, foreign(t, bobSecret, jwt.MapClaims{"user_id": 1, "username": "ann@example.com", "exp": exp})); got != undecodable {
			t.Errorf("%s: user 1 with the key of user 2: got %q", name, got)
		}
	}
	s := Start(t, "sqlite", nil)
	s.reset(t, nil)
	check("after a reset", s)
	for _, claims := range []string{"", claimsOfOwn} {
		adopted := Start(t, "sqlite", func(c *config.Config) {
			django(c)
			c.Mounts = map[string]config.Mount{"tag1": {Claims: claims}}
		})
		adopted.create(t, "ann@example.com", goodPassword)
		adopted.create(t, "bob@example.com", goodPassword)
		secrets := secretsOf(t, adopted)
		token := foreign(t, secrets[0], jwt.MapClaims{"user_id": 1, "username": "bob@example.com", "email": "bob@example.com", "exp": exp})
		if got := adopted.view(t, token); got != "Invalid signature." {
			t.Errorf("by default, claims %q: user 1 with the name of user 2: got %q", claims, got)
		}
		if got := adopted.view(t, foreign(t, secrets[0], jwt.MapClaims{"user_id": 1, "username": "ann@example.com", "exp": exp})); got != "" {
			t.Errorf("by default, claims %q: a token of the Django beside us: got %q", claims, got)
		}
	}
}

// secretsOf are the users' signing keys as Django's table has them.
func secretsOf(t testing.TB, s *Server) (secrets []string) {
	t.Helper()
	users, err := s.Accounts().List(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		x := fmt.Sprintf("%x", u.JWTSecret)
		secrets = append(secrets, strings.Join([]string{x[:8], x[8:12], x[12:16], x[16:20], x[20:]}, "-"))
	}
	return secrets
}

// TestADumpSignsNobodyIn holds that what lies in our own table is no key (T5).
func TestADumpSignsNobodyIn(t *testing.T) {
	s := Start(t, "sqlite", nil)
	s.create(t, "ann@example.com", goodPassword)
	claims := jwt.MapClaims{"user_id": 1, "username": "ann@example.com", "exp": time.Now().Add(time.Hour).Unix(), "orig_iat": time.Now().Unix(), "otp_device_id": nil}
	users, err := s.Accounts().List(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{secretsOf(t, s)[0], string(users[0].JWTSecret[:]), fmt.Sprintf("%x", users[0].JWTSecret), users[0].Password} {
		if got := s.view(t, foreign(t, key, claims)); got != undecodable {
			t.Errorf("a token signed with a column: got %q", got)
		}
	}
}

func TestForeignTokens(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		now := time.Now().Unix()
		renewable := func(orig int64) string {
			return foreign(t, annSecret, jwt.MapClaims{"user_id": 1, "username": "ann@example.com", "exp": now + 600, "orig_iat": orig})
		}
		s.reset(t, map[string]any{"JWT_ALLOW_REFRESH": true})

		endless := foreign(t, annSecret, jwt.MapClaims{"user_id": 1, "username": "ann@example.com"})
		if got := s.view(t, endless); got != "" {
			t.Errorf("a token without end: got %q", got)
		}
		phone, laptop := renewable(now-10), renewable(now-20)
		next := s.renew(t, phone)
		if got := unverified(t, next)["orig_iat"]; got != float64(now-10) {
			t.Errorf("renewed: orig_iat %v, want %d", got, now-10)
		}
		s.post(t, 204, "/api/user/logout/", nil, nil, "Authorization", "JWT "+phone)
		for _, token := range []string{phone, next} {
			if got := s.view(t, token); got != undecodable {
				t.Errorf("a foreign token that signed out: got %q", got)
			}
			s.post(t, 400, "/api/user/login/refresh/", map[string]any{"token": token}, nil)
		}
		never := renewable(now - 30) // signs out before it was ever renewed
		s.post(t, 204, "/api/user/logout/", nil, nil, "Authorization", "JWT "+never)
		s.post(t, 204, "/api/user/logout/", nil, nil, "Authorization", "JWT "+endless)
		for name, token := range map[string]string{"never renewed": never, "without end": endless} {
			if got := s.view(t, token); got != undecodable {
				t.Errorf("a foreign token %s that signed out: got %q", name, got)
			}
		}
		if err := s.Accounts().Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{phone, next, never, endless} {
			if got := s.view(t, token); got != undecodable {
				t.Errorf("after a sweep: got %q", got)
			}
		}
		if got := s.view(t, laptop); got != "" {
			t.Errorf("another session's foreign token: got %q", got)
		}
		s.post(t, 204, "/api/user/logout/all/", nil, nil, "Authorization", "JWT "+laptop)
		for _, token := range []string{laptop, renewable(now + 1), endless} {
			if got := s.view(t, token); got != undecodable {
				t.Errorf("after logout/all, a token of the old key: got %q", got)
			}
		}
		s.faultless(t)
	})
}

// TestTokensThatNoSessionMade holds that foreign tokens, and with them those without end, are for
// tables that Django has a part in.
func TestTokensThatNoSessionMade(t *testing.T) {
	adopted := Start(t, "sqlite", django)
	adopted.create(t, "ann@example.com", goodPassword)
	own := Start(t, "sqlite", djoser1(nil))
	own.post(t, 201, "/api/users/create/", map[string]any{"email": "ann@example.com", "password": goodPassword}, nil)
	future := float64(time.Now().Unix() + 60)
	cases := []struct {
		name         string
		exp          any
		adopted, own string
	}{
		{"a fitting end", future, "", undecodable},
		{"no end", nil, "", undecodable},
		{"an end in words", "soon", undecodable, undecodable},
		{"an end beyond all", 1e300, undecodable, undecodable},
		{"an end that is over", 1.0, "Signature has expired.", "Signature has expired."},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			claims := jwt.MapClaims{"user_id": 1, "username": "ann@example.com", "email": "ann@example.com"}
			if tt.exp != nil {
				claims["exp"] = tt.exp
			}
			if got := adopted.view(t, foreign(t, secretsOf(t, adopted)[0], claims)); got != tt.adopted {
				t.Errorf("in Django's table: got %q, want %q", got, tt.adopted)
			}
			r := own.Do(t, "GET", "/api/me/", nil, "Authorization", "JWT "+foreign(t, own.Config.SecretKey, claims))
			if got := detail(t, r); got != tt.own {
				t.Errorf("in our own: got %d %q, want %q", r.Status, got, tt.own)
			}
		})
	}
}
