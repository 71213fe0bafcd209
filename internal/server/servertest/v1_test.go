package servertest

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"doorward/internal/config"
)

func bearer(access string) []string { return []string{"Authorization", "Bearer " + access} }

func TestALifeUnderV1(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		first := s.signUp(t, "Ann@Example.com")
		if first.Expires != 300 || first.User.Email != "Ann@example.com" {
			t.Errorf("sign-up: got %+v", first)
		}
		second := s.signIn(t, "aNN@example.COM")
		if r := s.Send(t, "PATCH", "/v1/me", map[string]any{"name": "Ann Ångström", "phone": "+1 555"}, bearer(second.Access)...); r.Status != 200 || !strings.Contains(string(r.Body), "Ångström") {
			t.Errorf("update: got %d %s", r.Status, r.Body)
		}
		for _, member := range []string{"email", "is_staff", "id", "password"} {
			if r := s.Send(t, "PATCH", "/v1/me", map[string]any{member: "x"}, bearer(second.Access)...); r.Status != 400 || r.code(t) != "invalid_request" {
				t.Errorf("update of %s: got %d %s", member, r.Status, r.Body)
			}
		}

		change := map[string]any{"current_password": "wrong", "new_password": "battery-staple-7"}
		s.post(t, 403, "/v1/me/password", change, nil, bearer(second.Access)...)
		change["current_password"] = goodPassword
		s.post(t, 204, "/v1/me/password", change, nil, bearer(second.Access)...)
		if code := s.me(t, second.Access); code != "session_ended" {
			t.Errorf("the access token from before the change: got %q", code)
		}
		if code := s.me(t, first.Access); code != "session_ended" {
			t.Errorf("the other session's: got %q", code)
		}
		if _, code := s.refresh(t, first.Refresh); code != "session_ended" {
			t.Errorf("its refresh token: got %q", code)
		}
		third, code := s.refresh(t, second.Refresh)
		if code != "" || s.me(t, third.Access) != "" {
			t.Errorf("this session's refresh token: got %q, then %q", code, s.me(t, third.Access))
		}
		r := s.post(t, 401, "/v1/sign-in", map[string]any{"email": "ann@example.com", "password": goodPassword}, nil)
		if r.code(t) != "invalid_credentials" {
			t.Errorf("the old password: got %s", r.Body)
		}
		var other pair
		s.post(t, 200, "/v1/sign-in", map[string]any{"email": "ann@example.com", "password": "battery-staple-7"}, &other)

		s.post(t, 204, "/v1/sign-out", nil, nil, bearer(third.Access)...)
		if here, there := s.me(t, third.Access), s.me(t, other.Access); here != "session_ended" || there != "" {
			t.Errorf("after sign-out: got %q here, %q there", here, there)
		}
		if _, code := s.refresh(t, third.Refresh); code != "session_ended" {
			t.Errorf("refresh after sign-out: got %q", code)
		}
		var fourth pair
		s.post(t, 200, "/v1/sign-in", map[string]any{"email": "ann@example.com", "password": "battery-staple-7"}, &fourth)
		s.post(t, 204, "/v1/sign-out/everywhere", nil, nil, bearer(fourth.Access)...)
		for _, p := range []pair{fourth, other} {
			_, code := s.refresh(t, p.Refresh)
			if access := s.me(t, p.Access); access != "session_ended" || code != "session_ended" {
				t.Errorf("after sign-out everywhere: access %q, refresh %q", access, code)
			}
		}

		var last pair
		s.post(t, 200, "/v1/sign-in", map[string]any{"email": "ann@example.com", "password": "battery-staple-7"}, &last)
		if r := s.Send(t, "DELETE", "/v1/me", map[string]any{"password": goodPassword}, bearer(last.Access)...); r.Status != 403 {
			t.Errorf("delete with the old password: got %d", r.Status)
		}
		if r := s.Send(t, "DELETE", "/v1/me", map[string]any{"password": "battery-staple-7"}, bearer(last.Access)...); r.Status != 204 {
			t.Errorf("delete: got %d %s", r.Status, r.Body)
		}
		if code := s.me(t, last.Access); code != "token_invalid" {
			t.Errorf("me of a deleted user: got %q", code)
		}
		if _, code := s.refresh(t, last.Refresh); code != "session_ended" {
			t.Errorf("refresh of a deleted user: got %q", code)
		}
		s.signUp(t, "ann@example.com")
		s.faultless(t)
	})
}

func TestARefreshTokenIsGoodOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		bystander := s.signUp(t, "ann@example.com")
		one := s.signIn(t, "ann@example.com")
		two, _ := s.refresh(t, one.Refresh)
		s.Clock.Advance(9 * time.Second)
		if again, code := s.refresh(t, one.Refresh); code != "" || again.Refresh != two.Refresh {
			t.Errorf("within the grace: got %q, %q, want the same successor", again.Refresh, code)
		}
		three, _ := s.refresh(t, two.Refresh)
		if _, code := s.refresh(t, one.Refresh); code != "session_ended" {
			t.Errorf("a token of two generations ago: got %q", code)
		}
		_, refresh := s.refresh(t, three.Refresh)
		if access := s.me(t, three.Access); access != "session_ended" || refresh != "session_ended" {
			t.Errorf("the session after the reuse: access %q, refresh %q", access, refresh)
		}

		late := s.signIn(t, "ann@example.com")
		next, _ := s.refresh(t, late.Refresh)
		s.Clock.Advance(10*time.Second + time.Millisecond)
		if _, code := s.refresh(t, late.Refresh); code != "session_ended" {
			t.Errorf("after the grace: got %q", code)
		}
		if _, code := s.refresh(t, next.Refresh); code != "session_ended" {
			t.Errorf("its successor: got %q", code)
		}
		if code := s.me(t, bystander.Access); code != "" {
			t.Errorf("the other session: got %q", code)
		}
		if n := strings.Count(s.Log.String(), "an old refresh token was used again"); n != 2 {
			t.Errorf("the log tells of %d reuses, want 2", n)
		}
		s.faultless(t)
	})
}

func TestHowLongASessionLives(t *testing.T) {
	const day = 24 * time.Hour
	s := Start(t, "sqlite", nil)
	s.signUp(t, "ann@example.com")
	cases := []struct {
		name  string
		steps []time.Duration // between refreshes
		want  string          // the last answer
	}{
		{"thirteen days idle", []time.Duration{14*day - time.Second}, ""},
		{"fourteen days idle", []time.Duration{14 * day}, "token_expired"},
		{"a refresh begins the idle time again", []time.Duration{13 * day, 13 * day}, ""},
		{"eighty-nine days", []time.Duration{13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 11 * day}, ""},
		{"ninety days", []time.Duration{13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 13 * day, 12 * day}, "token_expired"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			p, code := s.signIn(t, "ann@example.com"), ""
			for i, step := range tt.steps {
				if code != "" {
					t.Fatalf("refresh %d: got %q", i, code)
				}
				s.Clock.Advance(step)
				p, code = s.refresh(t, p.Refresh)
			}
			if code != tt.want {
				t.Errorf("got %q, want %q", code, tt.want)
			}
		})
	}
	p := s.signIn(t, "ann@example.com")
	s.Clock.Advance(300 * time.Second)
	if code := s.me(t, p.Access); code != "token_expired" {
		t.Errorf("an access token after 5 minutes: got %q", code)
	}
}

func TestRefreshOfADisabledUser(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		p := s.signUp(t, "ann@example.com")
		if err := s.Accounts().SetActive(t.Context(), p.User.ID, false); err != nil {
			t.Fatal(err)
		}
		_, refresh := s.refresh(t, p.Refresh)
		if access := s.me(t, p.Access); access != "session_ended" || refresh != "session_ended" {
			t.Errorf("disabled: access %q, refresh %q", access, refresh)
		}
		if r := s.Send(t, "POST", "/v1/sign-in", map[string]any{"email": "ann@example.com", "password": goodPassword}); r.Status != 401 || r.code(t) != "invalid_credentials" {
			t.Errorf("disabled sign-in: got %d %s", r.Status, r.Body)
		}
		if err := s.Accounts().SetActive(t.Context(), p.User.ID, true); err != nil {
			t.Fatal(err)
		}
		if code := s.me(t, p.Access); code != "session_ended" {
			t.Errorf("let in again, the old token: got %q", code)
		}
		s.signIn(t, "ann@example.com")
	})
}

// keys fetches the published keys, as another service does.
func (s *Server) keys(t testing.TB) map[string]ed25519.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kty, Crv, Alg, Kid, X, D string }
	}
	s.Do(t, "GET", "/.well-known/jwks.json", nil).JSON(t, &set)
	keys := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || k.Kty != "OKP" || k.Crv != "Ed25519" || k.D != "" {
			t.Fatalf("key %+v: %v", k, err)
		}
		keys[k.Kid] = x
	}
	return keys
}

// verify checks an access token with another library and the published keys alone.
func verify(keys map[string]ed25519.PublicKey, token string, now time.Time) (jwt.MapClaims, string, error) {
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(token, claims, func(tok *jwt.Token) (any, error) {
		key, ok := keys[fmt.Sprint(tok.Header["kid"])]
		if !ok {
			return nil, fmt.Errorf("no key %v", tok.Header["kid"])
		}
		return key, nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		return nil, "", err
	}
	return claims, fmt.Sprint(parsed.Header["kid"]), nil
}

func TestOthersVerifyAccessTokens(t *testing.T) {
	s := Start(t, "sqlite", nil)
	p := s.signUp(t, "ann@example.com")
	claims, kid, err := verify(s.keys(t), p.Access, s.Clock.Now())
	if err != nil || kid == "" {
		t.Fatalf("verify: kid %q, %v", kid, err)
	}
	var names []string
	for name := range claims {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "ep exp iat iat_ms jti sid user_id" || claims["user_id"] != float64(p.User.ID) {
		t.Errorf("the claims are %v", claims)
	}
	if _, _, err := verify(s.keys(t), p.Access[:len(p.Access)-4]+"AAAA", s.Clock.Now()); err == nil {
		t.Error("a changed signature verifies")
	}
	if r := s.Send(t, "POST", "/.well-known/jwks.json", nil); r.Status != 405 {
		t.Errorf("POST: got %d", r.Status)
	}
}

func TestKeyRotationSignsNobodyOut(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		p := s.signUp(t, "ann@example.com")
		type issued struct {
			access string
			at     time.Time
		}
		all := []issued{{p.Access, s.Clock.Now()}}
		seen := map[string]bool{}
		for round := range 5 {
			published := s.keys(t)
			if err := s.Accounts().RotateKeys(t.Context(), 6*time.Minute); err != nil {
				t.Fatalf("rotate: %v", err)
			}
			var code string
			if p, code = s.refresh(t, p.Refresh); code != "" {
				t.Fatalf("round %d: refresh: %s", round, code)
			}
			all = append(all, issued{p.Access, s.Clock.Now()})
			_, kid, err := verify(published, p.Access, s.Clock.Now())
			if err != nil {
				t.Errorf("round %d: the new key was not published before it signed: %v", round, err)
			}
			if seen[kid] {
				t.Errorf("round %d: the key did not change", round)
			}
			seen[kid] = true
			s.Clock.Advance(70 * time.Second)
			for i, old := range all {
				live := s.Clock.Now().Before(old.at.Add(5 * time.Minute))
				_, _, err := verify(s.keys(t), old.access, s.Clock.Now())
				if code := s.me(t, old.access); live && (code != "" || err != nil) || !live && code != "token_expired" {
					t.Errorf("round %d: token %d, alive %v: got %q, %v", round, i, live, code, err)
				}
			}
		}
		s.Clock.Advance(6 * time.Minute)
		if err := s.Accounts().LoadKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if keys := s.keys(t); len(keys) != 2 {
			t.Errorf("after their time %d keys are published, want the one that signs and the next", len(keys))
		}
		s.faultless(t)
	})
}

func TestSessionsOutliveARestart(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		first := Start(t, engine, nil)
		p := first.signUp(t, "ann@example.com")
		first.create(t, "bob@example.com", goodPassword)
		token := first.login(t, "bob@example.com", goodPassword)
		dead := first.login(t, "bob@example.com", goodPassword)
		first.post(t, 204, "/api/user/logout/", nil, nil, "Authorization", "JWT "+dead)
		first.Stop(t)

		second := Start(t, engine, func(c *config.Config) {
			c.DatabaseURL, c.KeyFile = first.Config.DatabaseURL, first.Config.KeyFile
		})
		if code := second.me(t, p.Access); code != "" {
			t.Errorf("the access token: got %q", code)
		}
		next, code := second.refresh(t, p.Refresh)
		if code != "" {
			t.Errorf("the refresh token: got %q", code)
		}
		if again, _ := second.refresh(t, p.Refresh); again.Refresh != next.Refresh {
			t.Errorf("again: got %q, want the same successor", again.Refresh)
		}
		if alive, over := second.view(t, token), second.view(t, dead); alive != "" || over == "" {
			t.Errorf("tag1: the live token got %q, the dead one %q", alive, over)
		}
		second.Stop(t)

		third := Start(t, engine, func(c *config.Config) {
			c.DatabaseURL, c.KeyFile = first.Config.DatabaseURL, first.Config.KeyFile
			c.Mounts = map[string]config.Mount{"tag1": {}}
		})
		if words := third.view(t, token); words != "" {
			t.Errorf("with other mounts: got %q", words)
		}
	})
}

// TestAnotherRootKeyOpensNothing holds that a copy of the database alone signs nobody in (T5).
func TestAnotherRootKeyOpensNothing(t *testing.T) {
	first := Start(t, "sqlite", nil)
	first.create(t, "bob@example.com", goodPassword)
	first.Stop(t)
	_, err := Try(t, "sqlite", func(c *config.Config) { c.DatabaseURL = first.Config.DatabaseURL })
	if err == nil || !strings.Contains(err.Error(), "root key") {
		t.Errorf("a start with another root key: got %v, want a word about the root key", err)
	}
}

func TestWhatSignUpRefuses(t *testing.T) {
	s := Start(t, "sqlite", nil)
	s.signUp(t, "taken@example.com")
	s.post(t, 201, "/v1/sign-up", map[string]any{"email": "named@example.com", "password": goodPassword, "username": "ann", "phone": "1"}, nil)
	cases := []struct {
		name   string
		body   map[string]any
		status int
		want   string
	}{
		{"a short password", map[string]any{"email": "a@example.com", "password": "x7k"}, 400, "password:password_too_short"},
		{"a common one", map[string]any{"email": "a@example.com", "password": "password"}, 400, "password:password_too_common"},
		{"one of digits", map[string]any{"email": "a@example.com", "password": "8301947562"}, 400, "password:password_entirely_numeric"},
		{"one like the address", map[string]any{"email": "carpentry@example.com", "password": "carpentry-x"}, 400, "password:password_too_similar"},
		{"one of 4,097 bytes", map[string]any{"email": "a@example.com", "password": strings.Repeat("ab", 2048) + "c"}, 400, "password:password_too_long"},
		{"no address", map[string]any{"email": "", "password": goodPassword}, 400, "email:required"},
		{"text that is no address", map[string]any{"email": "a@b@c", "password": goodPassword}, 400, "email:invalid"},
		{"an address that is taken", map[string]any{"email": "TAKEN@example.com", "password": goodPassword}, 409, "email:email_taken"},
		{"a user name that is taken", map[string]any{"email": "b@example.com", "password": goodPassword, "username": "ann"}, 409, "username:username_taken"},
		{"a number that is taken", map[string]any{"email": "b@example.com", "password": goodPassword, "phone": "1"}, 409, "phone:phone_taken"},
		{"a number of 21 digits", map[string]any{"email": "b@example.com", "password": goodPassword, "phone": strings.Repeat("1", 21)}, 400, "phone:too_long"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			r := s.Send(t, "POST", "/v1/sign-up", tt.body)
			var p struct {
				Errors []struct{ Field, Code, Detail string }
			}
			r.JSON(t, &p)
			var got []string
			for _, e := range p.Errors {
				got = append(got, e.Field+":"+e.Code)
				if strings.Contains(e.Detail, "%") || e.Detail == "" {
					t.Errorf("%s says %q", e.Code, e.Detail)
				}
			}
			if r.Status != tt.status || strings.Join(got, " ") != tt.want {
				t.Errorf("got %d %s, want %d %s", r.Status, r.Body, tt.status, tt.want)
			}
		})
	}
	var list json.RawMessage
	s.post(t, 201, "/v1/sign-up", map[string]any{"email": "b@example.com", "password": goodPassword}, &list)
}
