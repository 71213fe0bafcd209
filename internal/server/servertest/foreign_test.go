package servertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"doorward/internal/config"
)

// foreign signs a token as the Django beside us would.
func foreign(t testing.TB, secret string, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestATokenNamesItsOwnUser(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
