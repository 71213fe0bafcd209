package servertest

import (
	"fmt"
	"strings"
	"testing"

	"doorward/internal/config"
)

// occasions are those of the mails to an address, the latest first.
func (s *Server) occasions(t *testing.T, to string) (list []string) {
	t.Helper()
	for _, m := range s.caught(t, to) {
		list = append(list, m.Occasion)
	}
	return list
}

type caughtMail struct {
	Occasion, Subject string
	Links             []string
}

func (s *Server) caught(t *testing.T, to string) []caughtMail {
	t.Helper()
	var got struct{ Messages []caughtMail }
	s.Do(t, "GET", "/dev/mail?to="+to, nil, "Accept", "application/json").JSON(t, &got)
	return got.Messages
}

// startPrivate is a server whose sign-ups keep it to themselves who has an account.
func startPrivate(t *testing.T, engine string) *Server {
	private := true
	return Start(t, engine, func(cfg *config.Config) {
		cfg.PublicURL = "https://app.example.com"
		cfg.Mounts = map[string]config.Mount{
			"djoser": {Preset: "djoser", SignupPrivacy: &private, Djoser: config.Djoser{Login: "email"}},
			"v1":     {Preset: "v1", SignupPrivacy: &private},
		}
	})
}

// TestAPrivateSignUpDoesNotTell is G2 of signing up: an address that has an account is answered as one that has
// none, letter for letter, and its owner gets a mail.
func TestAPrivateSignUpDoesNotTell(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			s := startPrivate(t, engine)
			for i, path := range []string{"/v1/sign-up", "/auth/users/"} {
				name := fmt.Sprintf("ann%d@example.com", i)
				signUp := func(email, password string) *Reply {
					return s.Send(t, "POST", path, map[string]any{"email": email, "password": password})
				}
				fresh := signUp(name, goodPassword)
				if fresh.Status != 201 && fresh.Status != 202 || strings.Contains(string(fresh.Body), `"id"`) {
					t.Fatalf("POST %s: got %d %s, want no id in it", path, fresh.Status, fresh.Body)
				}
				if diff := differs(signUp(name, "another-horse-9"), fresh); diff != "" {
					t.Errorf("POST %s again: %s", path, diff)
				}
				if got := signUp(strings.ToUpper(name[:3])+name[3:], goodPassword); got.Status != fresh.Status {
					t.Errorf("POST %s in capitals: got %d %s, want %d", path, got.Status, got.Body, fresh.Status)
				}
				mails := s.caught(t, name)
				if got := fmt.Sprint(s.occasions(t, name)); got != "[address_taken address_taken activation]" {
					t.Fatalf("mails to the owner: got %s", got)
				}
				s.post(t, 401, "/v1/sign-in", map[string]any{"email": name, "password": goodPassword}, nil)
				part := strings.Split(mails[2].Links[0], "/")
				link := map[string]any{"uid": part[len(part)-2], "token": part[len(part)-1]}
				s.post(t, 204, "/v1/activate", link, nil)
				s.post(t, 400, "/v1/activate", map[string]any{"uid": link["uid"], "token": "abc-def"}, nil)
				s.post(t, 401, "/v1/sign-in", map[string]any{"email": name, "password": "another-horse-9"}, nil)
				s.signIn(t, name)
			}
			r := s.Send(t, "POST", "/v1/sign-up", map[string]any{"email": "bob@example.com", "username": "bob", "password": goodPassword})
			if r.Status != 400 || !strings.Contains(string(r.Body), `"read_only"`) {
				t.Errorf("a user name, which would tell: got %d %s, want 400 read_only", r.Status, r.Body)
			}
		})
	}
}

// TestPrivateSignUpsAtOnce: of any number for one address one makes the user, and nobody is told.
func TestPrivateSignUpsAtOnce(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			s := startPrivate(t, engine)
			const many = 12
			answers := make(chan int, many)
			for range many {
				go func() {
					answers <- s.Send(t, "POST", "/v1/sign-up", map[string]any{"email": "ann@example.com", "password": goodPassword}).Status
				}()
			}
			for range many {
				if got := <-answers; got != 202 {
					t.Errorf("got: %d want: 202", got)
				}
			}
			got := strings.Join(s.occasions(t, "ann@example.com"), " ")
			if strings.Count(got, "activation") != 1 || strings.Count(got, "address_taken") != many-1 {
				t.Errorf("mails: got %s, want one activation and %d of a taken address", got, many-1)
			}
		})
	}
}

// TestPrivacyThatCannotBeKept: a server that would tell does not start.
func TestPrivacyThatCannotBeKept(t *testing.T) {
	private := true
	for name, tt := range map[string]struct {
		change func(*config.Config)
		want   string
	}{
		"a login name": {func(c *config.Config) {
			c.Mounts = map[string]config.Mount{"djoser": {Preset: "djoser", SignupPrivacy: &private}}
		}, `login = "email"`},
		"a preset that tells": {func(c *config.Config) {
			c.Mounts = map[string]config.Mount{"tag1": {Preset: "tag1", SignupPrivacy: &private}}
		}, "tag1"},
		"a table of Django's": {func(c *config.Config) {
			c.User.Table = "auth_user"
			c.Mounts = map[string]config.Mount{"v1": {Preset: "v1", SignupPrivacy: &private}}
		}, "own table"},
		"no mail": {func(c *config.Config) {
			Production(c)
			c.PublicURL = "https://app.example.com"
			c.Mounts = map[string]config.Mount{"v1": {Preset: "v1", SignupPrivacy: &private}}
		}, "mail_url"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Try(t, "sqlite", tt.change)
			if err == nil {
				s.Stop(t)
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got: %v want: %s in it", err, tt.want)
			}
		})
	}
}

// TestTheOldAddressIsTold: who gives an account another address cannot keep it from the one before.
func TestTheOldAddressIsTold(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			s := Start(t, engine, func(cfg *config.Config) {
				cfg.Mounts = map[string]config.Mount{"djoser": {Preset: "djoser", Djoser: config.Djoser{Login: "email", NamedBy: "id"}}, "byname": {
					Preset: "djoser", Prefix: "/names/",
				}}
			})
			s.post(t, 201, "/names/users/", map[string]any{"username": "ann", "email": "ann@example.com", "password": goodPassword}, nil)
			var signed struct {
				Token string `json:"auth_token"`
			}
			s.post(t, 200, "/names/token/login/", map[string]any{"username": "ann", "password": goodPassword}, &signed)
			bearer := []string{"Authorization", "Token " + signed.Token}
			if r := s.Send(t, "PATCH", "/names/users/me/", map[string]any{"email": "ann@example.org"}, bearer...); r.Status != 200 {
				t.Fatalf("PATCH: got %d %s", r.Status, r.Body)
			}
			if r := s.Send(t, "PATCH", "/names/users/me/", map[string]any{"email": "ann@example.org"}, bearer...); r.Status != 200 {
				t.Fatalf("PATCH of the same: got %d %s", r.Status, r.Body)
			}
			s.post(t, 204, "/auth/users/set_email/", map[string]any{"new_email": "ann@example.net", "current_password": goodPassword}, nil, bearer...)
			s.post(t, 204, "/auth/users/reset_email/", map[string]any{"email": "ann@example.net"}, nil)
			link := s.caught(t, "ann@example.net")[0].Links[0]
			part := strings.Split(link, "/")
			s.post(t, 204, "/auth/users/reset_email_confirm/", map[string]any{
				"uid": part[len(part)-2], "token": part[len(part)-1], "new_email": "ann@example.edu",
			}, nil)
			for address, want := range map[string]string{
				"ann@example.com": "[address_changed]", "ann@example.org": "[address_changed]",
				"ann@example.net": "[address_changed login_reset]", "ann@example.edu": "[]",
			} {
				if got := fmt.Sprint(s.occasions(t, address)); got != want {
					t.Errorf("mails to %s:\ngot:  %s\nwant: %s", address, got, want)
				}
			}
		})
	}
}

// TestMailsSpeakTheUsersLanguage: first his own, then the request's, then the server's.
func TestMailsSpeakTheUsersLanguage(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			s := Start(t, engine, nil)
			var ann struct {
				Access string `json:"access_token"`
				User   struct{ Language *string }
			}
			s.post(t, 201, "/v1/sign-up", map[string]any{"email": "ann@example.com", "password": goodPassword}, &ann, "Accept-Language", "xx, de-AT;q=0.5")
			if ann.User.Language == nil || *ann.User.Language != "de" {
				t.Fatalf("the language of a sign-up: got %v, want de", ann.User.Language)
			}
			bearer := []string{"Authorization", "Bearer " + ann.Access}
			reset := func(want string, headers ...string) {
				t.Helper()
				s.post(t, 204, "/auth/users/reset_password/", map[string]any{"email": "ann@example.com"}, nil, headers...)
				if got := s.caught(t, "ann@example.com")[0].Subject; !strings.HasPrefix(got, want) {
					t.Errorf("the subject: got %q, want %q", got, want)
				}
			}
			set := func(language string, want int) {
				t.Helper()
				if r := s.Send(t, "PATCH", "/v1/me", map[string]any{"language": language}, bearer...); r.Status != want {
					t.Errorf("PATCH language %q: got %d %s, want %d", language, r.Status, r.Body, want)
				}
			}
			reset("Ein neues Passwort", "Accept-Language", "fr") // his own, not the request's
			set("xx", 400)
			set("ES", 200)
			var me struct{ Language string }
			if s.Do(t, "GET", "/v1/me", nil, bearer...).JSON(t, &me); me.Language != "es" {
				t.Errorf("me: got language %q, want es", me.Language)
			}
			reset("Elija una contraseña nueva", "Accept-Language", "fr")
			set("", 200)
			reset("Ein neues Passwort", "Accept-Language", "de")
			reset("Set a new password")
		})
	}
}
