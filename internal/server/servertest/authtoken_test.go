package servertest

import (
	"database/sql"
	"encoding/json"
	"strings"
	"testing"

	"doorward/internal/config"
	"doorward/internal/server"
)

// djangoTokens is the table of rest_framework.authtoken, as its migrations make it.
var djangoTokens = map[string]string{
	"sqlite": `create table "authtoken_token" ("key" varchar(40) NOT NULL PRIMARY KEY, "created" datetime NOT NULL,
		"user_id" integer NOT NULL UNIQUE REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED)`,
	"postgres": `create table "authtoken_token" ("key" varchar(40) NOT NULL PRIMARY KEY, "created" timestamp with time zone NOT NULL,
		"user_id" integer NOT NULL UNIQUE REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED)`,
}

// besideDjango is a server that adopted auth_user in a database where Django keeps its tokens too, and what
// another program sees of it.
func besideDjango(t *testing.T, engine string) (*Server, *sql.DB) {
	t.Helper()
	adopt := func(cfg *config.Config) {
		cfg.User = config.User{Table: "auth_user", Login: "username", EmailUnique: "no"}
		cfg.Mounts = map[string]config.Mount{"djoser": {Preset: "djoser"}, "v1": {Preset: "v1"}}
	}
	first := Start(t, engine, adopt) // makes auth_user
	url, keyFile := first.Config.DatabaseURL, first.Config.KeyFile
	first.Stop(t)
	driver, name := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	django, err := sql.Open(driver, name)
	if err == nil {
		_, err = django.Exec(djangoTokens[engine])
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = django.Close() })
	return Start(t, "sqlite", func(cfg *config.Config) {
		adopt(cfg)
		cfg.DatabaseURL, cfg.KeyFile = url, keyFile
	}), django
}

// key is the key that Django has of a user, and "" where he has none.
func key(t *testing.T, django *sql.DB, id int) (key string) {
	t.Helper()
	if err := django.QueryRow(`select "key" from authtoken_token where user_id = $1`, id).Scan(&key); err != nil && err != sql.ErrNoRows {
		t.Fatal(err)
	}
	return key
}

// TestOpaqueTokensAreDjangosWhereItKeepsThem: a token that Django made is good here, one of ours lies where Django
// finds it, and either is gone for both once it is taken away.
func TestOpaqueTokensAreDjangosWhereItKeepsThem(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			s, django := besideDjango(t, engine)
			exec := func(text string, args ...any) {
				t.Helper()
				if _, err := django.Exec(text, args...); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range []string{"ann", "bob"} {
				s.post(t, 201, "/auth/users/", map[string]any{"username": name, "email": name + "@example.com", "password": goodPassword}, nil)
			}
			signIn := func(name string) string {
				t.Helper()
				var out struct {
					Token string `json:"auth_token"`
				}
				s.post(t, 200, "/auth/token/login/", map[string]any{"username": name, "password": goodPassword}, &out)
				return out.Token
			}
			me := func(token string, want int) {
				t.Helper()
				if r := s.Do(t, "GET", "/auth/users/me/", nil, "Authorization", "Token "+token); r.Status != want {
					t.Errorf("me with %s: got %d %s, want %d", token, r.Status, r.Body, want)
				}
			}
			if clear, err := server.KeepsClearTokens(t.Context(), s.Config); !clear || err != nil {
				t.Errorf("what check says of the table: got %v, %v, want true", clear, err)
			}
			ours := signIn("ann")
			if got := key(t, django, 1); got != ours || len(got) != 40 {
				t.Errorf("Django's table: got key %q, want ours, %q", got, ours)
			}
			if again := signIn("ann"); again != ours {
				t.Errorf("a second sign-in: got %q, want %q", again, ours)
			}
			me(ours, 200)
			const theirs = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
			exec(`insert into authtoken_token ("key", created, user_id) values ($1, '2026-01-02 03:04:05.123456', 2)`, theirs)
			me(theirs, 200)
			me(strings.ToUpper(theirs), 401)
			if got := signIn("bob"); got != theirs {
				t.Errorf("who has a token of Django's signs in: got %q, want %q", got, theirs)
			}

			exec(`delete from authtoken_token where user_id = 1`) // Django's token/logout
			me(ours, 401)
			s.post(t, 204, "/auth/token/logout/", nil, nil, "Authorization", "Token "+theirs)
			me(theirs, 401)
			if got := key(t, django, 2); got != "" {
				t.Errorf("signed out: got key %q in Django's table, want none", got)
			}

			ours = signIn("ann")
			change := map[string]any{"current_password": goodPassword, "new_password": "another-horse-9"}
			s.post(t, 204, "/auth/users/set_password/", change, nil, "Authorization", "Token "+ours)
			me(ours, 200) // it asked
			var pair struct{ Access string }
			s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "ann", "password": "another-horse-9"}, &pair)
			change = map[string]any{"current_password": "another-horse-9", "new_password": goodPassword}
			s.post(t, 204, "/auth/users/set_password/", change, nil, "Authorization", "Bearer "+pair.Access)
			me(ours, 401) // another one asked
			if got := key(t, django, 1); got != "" {
				t.Errorf("a new password: got key %q in Django's table, want none", got)
			}

			ours = signIn("ann")
			body, err := json.Marshal(map[string]any{"current_password": goodPassword})
			if err != nil {
				t.Fatal(err)
			}
			if r := s.Do(t, "DELETE", "/auth/users/me/", strings.NewReader(string(body)), "Authorization", "Token "+ours, "Content-Type", "application/json"); r.Status != 204 {
				t.Errorf("delete: got %d %s, want 204", r.Status, r.Body)
			}
			me(ours, 401)
			s.faultless(t)
		})
	}
}

// TestAnAdoptedTableSignsInByAddress: djoser's LoginFieldBackend over auth_user.
func TestAnAdoptedTableSignsInByAddress(t *testing.T) {
	s := Start(t, "sqlite", func(cfg *config.Config) {
		cfg.User = config.User{Table: "auth_user", Login: "username", EmailUnique: "no"}
		cfg.Mounts = map[string]config.Mount{"djoser": {Preset: "djoser", Djoser: config.Djoser{Login: "email"}}}
	})
	s.post(t, 201, "/auth/users/", map[string]any{"username": "ann", "email": "ann@example.com", "password": goodPassword}, nil)
	for path, body := range map[string]map[string]any{
		"/auth/token/login/": {"email": "ann@example.com", "password": goodPassword},
		"/auth/jwt/create/":  {"username": "ann@example.com", "password": goodPassword},
	} {
		s.post(t, 200, path, body, nil)
	}
	s.post(t, 401, "/auth/jwt/create/", map[string]any{"username": "ann", "password": goodPassword}, nil)
}
