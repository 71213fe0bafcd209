package servertest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"doorward/internal/config"
)

var mailedLink = regexp.MustCompile(`/([A-Za-z0-9_-]+)/([0-9a-z]+-[0-9a-f]{32})`)

// mailed mounts djoser alone, with mails in a folder and an activation before the first sign-in.
func mailed(t testing.TB, change func(*config.Mount)) func(*config.Config) {
	return func(c *config.Config) {
		FileMail(t)(c)
		m := config.Mount{Preset: "djoser", Mails: []string{"activation"}}
		if change != nil {
			change(&m)
		}
		c.Mounts = map[string]config.Mount{"djoser": m}
	}
}

// link is the user id and the token of the last mail.
func (s *Server) link(t testing.TB) map[string]any {
	t.Helper()
	mails := s.mails(t)
	if len(mails) == 0 {
		t.Fatal("no mail was sent")
	}
	m := mailedLink.FindStringSubmatch(mails[len(mails)-1].text)
	if m == nil {
		t.Fatalf("the last mail has no link: %s", mails[len(mails)-1].text)
	}
	return map[string]any{"uid": m[1], "token": m[2]}
}

// TestALinkWorksOnce holds S1 and S5 for every link that is mailed: of a thousand uses at once one
// succeeds, and afterwards none.
func TestALinkWorksOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, mailed(t, nil))
		s.post(t, 201, "/auth/users/", map[string]any{"username": "ann", "email": "ann@example.com", "password": goodPassword}, nil)
		for _, tt := range []struct {
			name, ask, use string
			body           func(i int) map[string]any
		}{
			{"activation", "", "/auth/users/activation/", func(int) map[string]any { return nil }},
			{"password reset", "/auth/users/reset_password/", "/auth/users/reset_password_confirm/", func(i int) map[string]any {
				return map[string]any{"new_password": fmt.Sprintf("battery-staple-%d", i)}
			}},
			{"login reset", "/auth/users/reset_username/", "/auth/users/reset_username_confirm/", func(i int) map[string]any {
				return map[string]any{"new_username": fmt.Sprintf("ann-%d", i)}
			}},
			{"login reset to one name", "/auth/users/reset_username/", "/auth/users/reset_username_confirm/", func(int) map[string]any {
				return map[string]any{"new_username": "anna"}
			}},
		} {
			if tt.ask != "" {
				s.post(t, 204, tt.ask, map[string]any{"email": "ann@example.com"}, nil)
			}
			link := s.link(t)
			use := func(i int) string {
				body := tt.body(i)
				if body == nil {
					body = map[string]any{}
				}
				body["uid"], body["token"] = link["uid"], link["token"]
				r := s.Send(t, "POST", tt.use, body)
				return fmt.Sprintf("%d %s", r.Status, r.Body)
			}
			counts := map[string]int{}
			for _, a := range together(crowd, use) {
				counts[a]++
			}
			refused := 0
			for a, n := range counts {
				if strings.HasPrefix(a, "400 ") || strings.HasPrefix(a, "403 ") {
					refused += n
				}
			}
			if counts["204 "] != 1 || refused != crowd-1 {
				t.Errorf("%s: got %v, want 204 once and %d refusals", tt.name, counts, crowd-1)
			}
			if got := use(crowd); strings.HasPrefix(got, "204") {
				t.Errorf("%s, used again: got %s", tt.name, got)
			}
		}
		s.faultless(t)
	})
}

// TestLinksOfOnePurpose holds that a link which activates sets no password, and dies when a user
// is disabled.
func TestLinksOfOnePurpose(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", mailed(t, nil))
	s.post(t, 201, "/auth/users/", map[string]any{"username": "ann", "email": "ann@example.com", "password": goodPassword}, nil)
	link := s.link(t)
	link["new_password"] = "battery-staple-7"
	if r := s.post(t, 400, "/auth/users/reset_password_confirm/", link, nil); !strings.Contains(string(r.Body), "Invalid token") {
		t.Errorf("a password by the link that activates: got %s", r.Body)
	}
	if err := s.Accounts().SetActive(t.Context(), 1, false); err != nil {
		t.Fatal(err)
	}
	sent := len(s.mails(t))
	s.post(t, 400, "/auth/users/activation/", link, nil)
	s.post(t, 204, "/auth/users/resend_activation/", map[string]any{"email": "ANN@example.com"}, nil)
	if n := len(s.mails(t)); n != sent {
		t.Errorf("who was disabled got %d mails more", n-sent)
	}
	if err := s.Accounts().SetActive(t.Context(), 1, true); err != nil {
		t.Fatal(err)
	}
	s.post(t, 204, "/auth/users/reset_password/", map[string]any{"email": "Ann@Example.com"}, nil)
	link = s.link(t)
	s.post(t, 400, "/auth/users/activation/", link, nil) // of another purpose
	s.Clock.Advance(3*24*time.Hour + 2*time.Second)
	link["new_password"] = "battery-staple-7"
	s.post(t, 400, "/auth/users/reset_password_confirm/", link, nil)
	s.faultless(t)
}

// TestALinkOfALoginIsNoField: djoser's serializer of a login reset has the new login alone for a field, and looks
// at the link as it was sent. The answers are those of djoser 2.1; where it fails with 500 they are as their neighbours'.
func TestALinkOfALoginIsNoField(t *testing.T) {
	t.Parallel()
	const badUID, badToken = `{"uid":["Invalid user id or user doesn't exist."]}`, `{"token":["Invalid token for given user."]}`
	s := Start(t, "sqlite", mailed(t, nil))
	s.post(t, 201, "/auth/users/", map[string]any{"username": "ann", "email": "ann@example.com", "password": goodPassword}, nil)
	for _, tt := range []struct{ body, want string }{
		{`{}`, `{"new_username":["This field is required."]}`},
		{`{"uid": 5, "token": {}}`, `{"new_username":["This field is required."]}`},
		{`{"new_username": "x"}`, badUID},
		{`{"new_username": "x", "uid": " ", "token": " "}`, badUID},
		{`{"new_username": "x", "uid": " MQ ", "token": "a-b"}`, badUID},
		{`{"new_username": "x", "uid": "x", "token": []}`, badUID},
		{`{"new_username": "x", "uid": "nul\u0000", "token": "x"}`, badUID},
		{`{"new_username": "x", "uid": null, "token": "x"}`, badUID}, // 500
		{`{"new_username": "x", "uid": 5, "token": "x"}`, badUID},    // 500
		{`{"new_username": "x", "uid": "MQ"}`, badToken},
		{`{"new_username": "x", "uid": "MQ", "token": " "}`, badToken},
		{`{"new_username": "x", "uid": "MQ", "token": null}`, badToken},
		{`{"new_username": "x", "uid": "MQ", "token": false}`, badToken},
		{`{"new_username": "x", "uid": "MQ", "token": 0}`, badToken},
		{`{"new_username": "x", "uid": "MQ", "token": []}`, badToken},
		{`{"new_username": "x", "uid": "MQ", "token": {}}`, badToken},
		{`{"new_username": "x", "uid": "MQ", "token": true}`, badToken}, // 500
	} {
		if r := s.Send(t, "POST", "/auth/users/reset_username_confirm/", json.RawMessage(tt.body)); r.Status != 400 || string(r.Body) != tt.want {
			t.Errorf("%s\ngot:  %d %s\nwant: 400 %s", tt.body, r.Status, r.Body, tt.want)
		}
	}
	s.faultless(t)
}

// TestResendingTellsOfAnAddress: with PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND djoser looks for the address first, and then
// whether it mails at all.
func TestResendingTellsOfAnAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		mails       []string
		tell        bool
		email, want string
	}{
		{"no mails, nobody", nil, true, "nobody@example.com", `400 ["User with given email does not exist."]`},
		{"no mails, active", nil, true, "ann@example.com", `400 ["User with given email does not exist."]`},
		{"no mails, inactive", nil, true, "ben@example.com", "400 "},
		{"no mails, not telling", nil, false, "nobody@example.com", "400 "},
		{"mails, nobody", []string{"activation"}, true, "nobody@example.com", `400 ["User with given email does not exist."]`},
		{"mails, inactive", []string{"activation"}, true, "ben@example.com", "204 "},
	} {
		s := Start(t, "sqlite", mailed(t, func(m *config.Mount) { m.Mails, m.Djoser.TellEmail = tt.mails, &tt.tell }))
		for _, name := range []string{"ann", "ben"} {
			s.post(t, 201, "/auth/users/", map[string]any{"username": name, "email": name + "@example.com", "password": goodPassword}, nil)
		}
		s.sqlOn(t, "sqlite", `update users set is_active = username = 'ann'`) // nobody disabled ben
		r := s.Send(t, "POST", "/auth/users/resend_activation/", map[string]any{"email": tt.email})
		if got := fmt.Sprintf("%d %s", r.Status, r.Body); got != tt.want {
			t.Errorf("%s: %s\ngot:  %s\nwant: %s", tt.name, tt.email, got, tt.want)
		}
	}
}

// TestAResetIsComparedWithWhoAsks: djoser's rules get the user of the request, who is nobody as a rule. Where somebody
// is signed in the new password may not resemble him, whosever link it is.
func TestAResetIsComparedWithWhoAsks(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", mailed(t, func(m *config.Mount) { m.Mails = nil }))
	s.post(t, 201, "/auth/users/", map[string]any{"username": "alexandra", "email": "a@example.com", "password": goodPassword}, nil)
	var pair struct{ Access string }
	s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "alexandra", "password": goodPassword}, &pair)
	body := map[string]any{"uid": "x", "token": "x", "new_password": "alexandra7"}
	for _, tt := range []struct {
		name, want string
		headers    []string
	}{
		{"a stranger", `{"uid":["Invalid user id or user doesn't exist."]}`, nil},
		{"she herself", `{"new_password":["The password is too similar to the username."]}`, []string{"Authorization", "Bearer " + pair.Access}},
	} {
		if r := s.Send(t, "POST", "/auth/users/reset_password_confirm/", body, tt.headers...); r.Status != 400 || string(r.Body) != tt.want {
			t.Errorf("%s\ngot:  %d %s\nwant: 400 %s", tt.name, r.Status, r.Body, tt.want)
		}
	}
	s.faultless(t)
}

// TestNobodyIsToldOfAnAddress holds G2 for the routes that mail links.
func TestNobodyIsToldOfAnAddress(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", mailed(t, func(m *config.Mount) { m.Mails = []string{} }))
	s.post(t, 201, "/auth/users/", map[string]any{"username": "ann", "email": "ann@example.com", "password": goodPassword}, nil)
	for _, path := range []string{"/auth/users/reset_password/", "/auth/users/reset_username/"} {
		before := len(s.mails(t))
		known := s.post(t, 204, path, map[string]any{"email": "ann@example.com"}, nil)
		unknown := s.post(t, 204, path, map[string]any{"email": "eve@example.com"}, nil)
		for _, name := range []string{"X-Request-Id", "Date"} {
			known.Header.Del(name)
			unknown.Header.Del(name)
		}
		if got, want := fmt.Sprint(unknown.Header, unknown.Body), fmt.Sprint(known.Header, known.Body); got != want {
			t.Errorf("%s for nobody: got %s, want %s", path, got, want)
		}
		if sent := len(s.mails(t)) - before; sent != 1 {
			t.Errorf("%s: %d mails, want 1", path, sent)
		}
	}
	s.faultless(t)
}

// TestAnOpaqueTokenIsOneAUser holds what djoser's token/login and token/logout do where serve's own
// defaults hold: the token is the same until it is taken away, and a new password ends it elsewhere.
func TestAnOpaqueTokenIsOneAUser(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, mailed(t, func(m *config.Mount) { m.Mails = []string{} }))
		s.post(t, 201, "/auth/users/", map[string]any{"username": "ann", "password": goodPassword}, nil)
		in := func(password string) string {
			var out struct {
				Token string `json:"auth_token"`
			}
			s.post(t, 200, "/auth/token/login/", map[string]any{"username": "ann", "password": password}, &out)
			return out.Token
		}
		me := func(token string) int {
			return s.Do(t, "GET", "/auth/users/me/", nil, "Authorization", "Token "+token).Status
		}
		tokens := together(50, func(int) string { return in(goodPassword) })
		for _, token := range tokens {
			if len(token) != 40 || token != tokens[0] {
				t.Fatalf("fifty sign-ins gave %q and %q, want one token of 40 digits", tokens[0], token)
			}
		}
		if got := me(tokens[0]); got != 200 {
			t.Errorf("me: got %d", got)
		}
		var pair struct{ Access string }
		s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "ann", "password": goodPassword}, &pair)
		s.post(t, 204, "/auth/users/set_password/", map[string]any{"current_password": goodPassword, "new_password": "battery-staple-7"}, nil, "Authorization", "Token "+tokens[0])
		if got := me(tokens[0]); got != 200 {
			t.Errorf("the token that changed the password: got %d", got)
		}
		if r := s.Do(t, "GET", "/auth/users/me/", nil, "Authorization", "Bearer "+pair.Access); r.Status != 401 {
			t.Errorf("another session after a change of the password: got %d", r.Status)
		}
		s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "ann", "password": "battery-staple-7"}, &pair)
		s.post(t, 204, "/auth/users/set_password/", map[string]any{"current_password": "battery-staple-7", "new_password": goodPassword}, nil, "Authorization", "Bearer "+pair.Access)
		if got := me(tokens[0]); got != 401 {
			t.Errorf("the token after a change by another session: got %d", got)
		}
		fresh := in(goodPassword)
		s.post(t, 204, "/auth/token/logout/", nil, nil, "Authorization", "Token "+fresh)
		if got := me(fresh); fresh == tokens[0] || got != 401 || in(goodPassword) == fresh {
			t.Errorf("after a sign-out: got %d, and the next token is the same", got)
		}
		s.faultless(t)
	})
}

// TestWhoHasNoUserNameGoesByHisAddress: all mounts share one table, and in /v1/ people need no user name.
func TestWhoHasNoUserNameGoesByHisAddress(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		s.signUp(t, "ann@example.com")
		s.post(t, 201, "/v1/sign-up", map[string]any{"username": "bob", "email": "bob@example.com", "password": goodPassword}, nil)
		for _, tt := range []struct {
			name, username string
			want           int
		}{{"her address", "ann@example.com", 200}, {"in another case", "ANN@example.com", 200}, {"of one who has a name", "bob@example.com", 401}, {"a name", "bob", 200}, {"nobody", "eve@example.com", 401}} {
			r := s.Send(t, "POST", "/auth/jwt/create/", map[string]any{"username": tt.username, "password": goodPassword})
			if r.Status != tt.want {
				t.Errorf("%s: got %d %s, want %d", tt.name, r.Status, r.Body, tt.want)
			}
		}
		s.faultless(t)
	})
}

// TestHisOwnAddressIsFree: in our own table addresses are one user's each, and his own is his to send again.
func TestHisOwnAddressIsFree(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, mailed(t, func(m *config.Mount) { m.Mails = []string{} }))
		var out struct{ Access string }
		for _, name := range []string{"ann", "bob"} {
			s.post(t, 201, "/auth/users/", map[string]any{"username": name, "email": name + "@example.com", "password": goodPassword}, nil)
		}
		s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "ann", "password": goodPassword}, &out)
		for _, tt := range []struct {
			method, path, email string
			want                int
		}{
			{"PUT", "/auth/users/me/", "ann@example.com", 200},
			{"PATCH", "/auth/users/1/", "ANN@example.com", 200},
			{"PATCH", "/auth/users/me/", "BOB@example.com", 400},
			{"PUT", "/auth/users/1/", "bob@example.com", 400},
			{"PATCH", "/auth/users/me/", "", 200},
			{"PATCH", "/auth/users/me/", "new@example.com", 200},
		} {
			r := s.Send(t, tt.method, tt.path, map[string]any{"email": tt.email}, "Authorization", "Bearer "+out.Access)
			if r.Status != tt.want || tt.want == 400 && string(r.Body) != `{"email":["user with this email address already exists."]}` {
				t.Errorf("%s %s %q: got %d %s, want %d", tt.method, tt.path, tt.email, r.Status, r.Body, tt.want)
			}
		}
		s.faultless(t)
	})
}
