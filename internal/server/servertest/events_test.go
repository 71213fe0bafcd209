package servertest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"testing"

	"doorward/internal/config"
)

// form sends members as REST framework's test client does, in multipart/form-data.
func (s *Server) form(t *testing.T, method, path string, members map[string]string, headers ...string) *Reply {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range members {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return s.Do(t, method, path, &body, append(headers, "Content-Type", w.FormDataContentType())...)
}

// article is the set-up of the tutorial's test class: an empty database, a user who registers, and his token.
type article struct {
	*Server
	token []string // the header
}

func (s *Server) setUpArticle(t *testing.T) article {
	t.Helper()
	s.post(t, 204, "/dev/reset", map[string]any{
		"dialect": "events", "variant": "events", "user_model": "auth.User",
		"settings": map[string]any{
			"DJOSER":         map[string]any{"TOKEN_MODEL": nil},
			"REST_FRAMEWORK": map[string]any{"DEFAULT_AUTHENTICATION_CLASSES": []string{"rest_framework_simplejwt.authentication.JWTAuthentication"}},
		},
		"setup": map[string]any{"users": []any{}},
	}, nil)
	mario := map[string]string{"username": "mario", "password": "i-keep-jumping"}
	if r := s.form(t, "POST", "/auth/users/", mario); r.Status != 201 {
		t.Fatalf("register: got %d %s, want 201", r.Status, r.Body)
	}
	var out struct{ Access string }
	s.form(t, "POST", "/auth/jwt/create/", mario).JSON(t, &out)
	return article{s, bearer(out.Access)}
}

// TestTheTutorialsOwnTests are those of its class, in their order, each after a set-up of its own.
func TestTheTutorialsOwnTests(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		for _, tt := range []struct {
			name string
			test func(t *testing.T, a article)
		}{
			{"the list of profiles, signed in", func(t *testing.T, a article) {
				if r := a.Do(t, "GET", "/api/accounts/all-profiles", nil, a.token...); r.Status != 200 {
					t.Errorf("got:  %d %s\nwant: 200", r.Status, r.Body)
				}
			}},
			{"the list of profiles, not signed in", func(t *testing.T, a article) {
				if r := a.Do(t, "GET", "/api/accounts/all-profiles", nil); r.Status != 401 {
					t.Errorf("got:  %d %s\nwant: 401", r.Status, r.Body)
				}
			}},
			{"one profile", func(t *testing.T, a article) {
				if r := a.Do(t, "GET", "/api/accounts/profile/1", nil, a.token...); r.Status != 200 {
					t.Errorf("got:  %d %s\nwant: 200", r.Status, r.Body)
				}
			}},
			{"a changed profile", func(t *testing.T, a article) {
				change := map[string]string{"description": "I am a very famous game character", "location": "nintendo world", "is_creator": "true"}
				if r := a.form(t, "PUT", "/api/accounts/profile/1", change, a.token...); r.Status != 200 {
					t.Errorf("got:  %d %s\nwant: 200", r.Status, r.Body)
				}
				var got map[string]any
				a.Do(t, "GET", "/api/accounts/profile/1", nil, a.token...).JSON(t, &got)
				for name, want := range map[string]any{"user": "mario", "description": change["description"], "location": change["location"], "is_creator": true} {
					if got[name] != want {
						t.Errorf("%s\ngot:  %v\nwant: %v", name, got[name], want)
					}
				}
			}},
		} {
			t.Run(tt.name, func(t *testing.T) { tt.test(t, s.setUpArticle(t)) })
		}
		s.faultless(t)
	})
}

// TestWhoMayAskForProfiles tries other credentials than SimpleJWT's at a mount that lets them in. The challenge is
// the first one's.
func TestWhoMayAskForProfiles(t *testing.T) {
	t.Parallel()
	s := withSessions(t, "sqlite", func(cfg *config.Config) {
		withProfiles(cfg)
		mount := config.Mount{}
		mount.REST.Authenticators = []string{"simplejwt", "session", "basic", "opaque"}
		cfg.Mounts["profiles"] = mount
	})
	const list = "/api/accounts/all-profiles/"
	basic := func(password string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:"+password))}
	}
	for _, tt := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"nobody", nil, 401},
		{"a password", basic(goodPassword), 200},
		{"a wrong password", basic("wrong"), 401},
	} {
		r := s.Do(t, "GET", list, nil, tt.headers...)
		if r.Status != tt.want || tt.want == 401 && r.Header.Get("WWW-Authenticate") != `Bearer realm="api"` {
			t.Errorf("%s\ngot:  %d %s, challenge %q\nwant: %d", tt.name, r.Status, r.Body, r.Header.Get("WWW-Authenticate"), tt.want)
		}
	}
	b := s.browse(t, "ann", goodPassword, nil)
	if r := b.do(t, "GET", list, nil); r.Status != 200 {
		t.Errorf("a session of djoser's mount: got %d %s, want 200", r.Status, r.Body)
	}
	for name, tt := range map[string]struct {
		ask  func(testing.TB, string, string, any) *Reply
		want int
	}{
		"a page of ours":      {b.write, 200},
		"a page of another's": {func(t testing.TB, method, path string, v any) *Reply { return b.do(t, method, path, v) }, 403},
	} {
		if r := tt.ask(t, "PATCH", "/api/accounts/profile/1/", map[string]any{"location": "Kent"}); r.Status != tt.want {
			t.Errorf("a change by %s\ngot:  %d %s\nwant: %s", name, r.Status, r.Body, fmt.Sprint(tt.want))
		}
	}
	s.faultless(t)
}
