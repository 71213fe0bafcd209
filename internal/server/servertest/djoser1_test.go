package servertest

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"doorward/internal/config"
)

func djoser1(paths map[string]string) func(*config.Config) {
	return func(c *config.Config) {
		c.SecretKey = "a secret key that Django has too, and long enough"
		c.Mounts = map[string]config.Mount{"api": {Preset: "djoser1", Paths: paths}}
	}
}

func TestDjoser1MountedByConfiguration(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, djoser1(nil))
		var user struct {
			ID    int64
			Email string
		}
		s.post(t, 201, "/api/users/create/", map[string]any{"email": "Ann@Example.COM", "password": goodPassword}, &user)
		if user.ID != 1 || user.Email != "Ann@example.com" {
			t.Errorf("created: got %+v", user)
		}
		credentials := map[string]any{"email": "ann@example.com", "password": goodPassword}
		var out struct{ Token string }
		s.post(t, 200, "/api/jwt/create/", credentials, &out)
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(out.Token, claims, func(*jwt.Token) (any, error) { return []byte(s.Config.SecretKey), nil }, jwt.WithValidMethods([]string{"HS256"}))
		if err != nil || claims["user_id"] != 1.0 || claims["username"] != "Ann@example.com" || claims["email"] != "Ann@example.com" || claims["orig_iat"] == nil {
			t.Errorf("the secret key does not verify the token, or it says %v: %v", claims, err)
		}
		header := []string{"Authorization", "JWT " + out.Token}
		s.Do(t, "GET", "/api/me/", nil, header...).JSON(t, &user)
		if user.ID != 1 || user.Email != "Ann@example.com" {
			t.Errorf("me: got %+v", user)
		}
		for _, method := range []string{"PUT", "PATCH"} { // the login field cannot be changed
			if r := s.Send(t, method, "/api/me/", map[string]any{"email": "eve@example.com"}, header...); r.Status != 200 || !strings.Contains(string(r.Body), "Ann@example.com") {
				t.Errorf("%s me: got %d %s", method, r.Status, r.Body)
			}
		}
		s.post(t, 200, "/api/jwt/verify/", map[string]any{"token": out.Token}, nil)
		s.post(t, 200, "/api/jwt/refresh/", map[string]any{"token": out.Token}, nil)
		r := s.post(t, 400, "/api/users/delete/", map[string]any{"current_password": "wrong"}, nil, header...)
		if string(r.Body) != `{"current_password":["Invalid password."]}` {
			t.Errorf("delete with a wrong password: got %s", r.Body)
		}
		s.post(t, 204, "/api/users/delete/", map[string]any{"current_password": goodPassword}, nil, header...)
		s.post(t, 400, "/api/jwt/verify/", map[string]any{"token": out.Token}, nil)
		s.post(t, 400, "/api/jwt/refresh/", map[string]any{"token": out.Token}, nil)
		s.post(t, 400, "/api/jwt/create/", credentials, nil)
		if r := s.Do(t, "GET", "/api/me/", nil, header...); r.Status != 401 {
			t.Errorf("me of a deleted user: got %d %s", r.Status, r.Body)
		}
		s.faultless(t)
	})
}

func TestTheIndexNamesFourteenRoutes(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", djoser1(map[string]string{"user-create": "register/", "jwt-verify": ""}))
	var index map[string]string
	s.Do(t, "GET", "/api/", nil).JSON(t, &index)
	want := map[string]string{
		"user": s.URL + "/api/me/", "user-create": s.URL + "/api/register/", "user-delete": s.URL + "/api/users/delete/", "root": s.URL + "/api/",
		"jwt-create": s.URL + "/api/jwt/create/", "jwt-refresh": s.URL + "/api/jwt/refresh/", "jwt-verify": "",
		"user-activate": s.URL + "/api/users/activate/", "set_username": s.URL + "/api/email/", "set_password": s.URL + "/api/password/",
		"password_reset": s.URL + "/api/password/reset/", "password_reset_confirm": s.URL + "/api/password/reset/confirm/",
		"token-create": s.URL + "/api/token/create/", "token-destroy": s.URL + "/api/token/destroy/",
	}
	for name, address := range want {
		if got, ok := index[name]; !ok || got != address {
			t.Errorf("%s: got %q, want %q", name, got, address)
		}
	}
	if len(index) != 14 {
		t.Errorf("the index has %d names, want 14", len(index))
	}
	if r := s.Do(t, "GET", "/api/?format=json", nil); !strings.Contains(string(r.Body), "/api/me/?format=json") {
		t.Errorf("?format=json is not asked for again: %s", r.Body)
	}
	if r := s.Do(t, "GET", "/api/?format=xml", nil); r.Status != 404 {
		t.Errorf("a format that nobody renders: got %d", r.Status)
	}
	if r := s.Do(t, "GET", "/api/", nil, "Authorization", "JWT x.y.z"); r.Status != 401 || detail(t, r) != "Error decoding signature." {
		t.Errorf("the index with a bad token: got %d %s", r.Status, r.Body)
	}
}

func TestCustomPaths(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", djoser1(map[string]string{"user-create": "user/new/", "user": "who", "jwt-refresh": ""}))
	credentials := map[string]any{"email": "ann@example.com", "password": goodPassword}
	s.post(t, 201, "/api/user/new/", credentials, nil)
	var out struct{ Token string }
	s.post(t, 200, "/api/jwt/create/", credentials, &out)
	cases := []struct {
		name, method, path string
		want               int
	}{
		{"the old path of a moved route", "POST", "/api/users/create/", 404},
		{"its new path without slash", "POST", "/api/user/new", 301},
		{"a route moved to a path without slash", "GET", "/api/who", 200},
		{"which has none", "GET", "/api/who/", 404},
		{"the other methods moved along", "PATCH", "/api/who", 200},
		{"where it was before", "GET", "/api/me/", 404},
		{"a route that is not mounted", "POST", "/api/jwt/refresh/", 404},
		{"without slash neither", "POST", "/api/jwt/refresh", 404},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			if r := s.Do(t, tt.method, tt.path, nil, "Authorization", "JWT "+out.Token); r.Status != tt.want {
				t.Errorf("%s %s: got %d %.100s, want %d", tt.method, tt.path, r.Status, r.Body, tt.want)
			}
		})
	}
}

// TestSecretKeyFallbacks holds that a shared token outlives a change of the secret key while the
// old key is a fallback.
func TestSecretKeyFallbacks(t *testing.T) {
	t.Parallel()
	old := Start(t, "sqlite", djoser1(nil))
	credentials := map[string]any{"email": "ann@example.com", "password": goodPassword}
	old.post(t, 201, "/api/users/create/", credentials, nil)
	var out struct{ Token string }
	old.post(t, 200, "/api/jwt/create/", credentials, &out)
	old.Stop(t)
	for _, tt := range []struct {
		name      string
		fallbacks []string
		want      int
	}{{"kept", []string{"another", old.Config.SecretKey}, 200}, {"dropped", nil, 401}} {
		s := Start(t, "sqlite", func(c *config.Config) {
			djoser1(nil)(c)
			c.DatabaseURL, c.KeyFile = old.Config.DatabaseURL, old.Config.KeyFile
			c.SecretKey, c.SecretKeyFallbacks = "the next secret key, as long as the other", tt.fallbacks
		})
		if r := s.Do(t, "GET", "/api/me/", nil, "Authorization", "JWT "+out.Token); r.Status != tt.want {
			t.Errorf("the old key is %s: got %d %s, want %d", tt.name, r.Status, r.Body, tt.want)
		}
		s.Stop(t)
	}
}
