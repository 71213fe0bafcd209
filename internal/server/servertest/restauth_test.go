package servertest

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
)

var mailedKey = regexp.MustCompile(`account-confirm-email/([-:\w]+)/`)

// restAuth mounts the preset beside /v1/ and djoser, with mails in a folder.
func restAuth(t testing.TB, r config.RestAuth) func(*config.Config) {
	return func(c *config.Config) {
		FileMail(t)(c)
		c.Mounts = map[string]config.Mount{"restauth": {Preset: "restauth", RestAuth: r}, "v1": {Preset: "v1"}, "djoser": {Preset: "djoser"}}
	}
}

var mandatory = config.RestAuth{EmailVerification: "mandatory"}

func (s *Server) enroll(t testing.TB, name, email string) *Reply {
	t.Helper()
	body := map[string]any{"email": email, "password1": goodPassword, "password2": goodPassword}
	if name != "" {
		body["username"] = name
	}
	return s.Send(t, "POST", "/rest-auth/registration/", body)
}

// enter is the answer to a sign-in.
func (s *Server) enter(t testing.TB, name, password string) string {
	t.Helper()
	r := s.Send(t, "POST", "/rest-auth/login/", map[string]any{"username": name, "password": password})
	return fmt.Sprintf("%d %s", r.Status, r.Body)
}

// mailedKey is the key of the last mail.
func (s *Server) mailedKey(t testing.TB) string {
	t.Helper()
	mails := s.mails(t)
	if len(mails) == 0 {
		t.Fatal("no mail was sent")
	}
	m := mailedKey.FindStringSubmatch(mails[len(mails)-1].text)
	if m == nil {
		t.Fatalf("the last mail has no key: %s", mails[len(mails)-1].text)
	}
	return m[1]
}

const notVerified = `400 {"non_field_errors":["E-mail is not verified."]}`

// TestAKeyWorksOnce holds S1 for keys that verify an address: of a thousand uses at once, by the route and by the
// page, one succeeds, and afterwards none.
func TestAKeyWorksOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, restAuth(t, mandatory))
		if r := s.enroll(t, "ann", "Ann@Example.com"); r.Status != 201 || string(r.Body) != `{"detail":"Verification e-mail sent."}` {
			t.Fatalf("register: got %d %s", r.Status, r.Body)
		}
		if got := s.enter(t, "ann", goodPassword); got != notVerified {
			t.Errorf("before: got %s, want %s", got, notVerified)
		}
		key := s.mailedKey(t)
		form := "csrfmiddlewaretoken=" + strings.Repeat("a", 64)
		use := func(i int) string {
			if i%2 == 0 {
				r := s.Send(t, "POST", "/rest-auth/registration/verify-email/", map[string]any{"key": key})
				return fmt.Sprintf("%d %s", r.Status, r.Body)
			}
			r := s.Do(t, "POST", "/rest-auth/registration/account-confirm-email/"+key+"/", strings.NewReader(form),
				"Content-Type", "application/x-www-form-urlencoded", "Cookie", "csrftoken="+strings.Repeat("a", 64))
			return fmt.Sprint(r.Status)
		}
		good, refused := 0, 0
		for _, a := range together(crowd, use) {
			switch {
			case strings.HasPrefix(a, "200"):
				good++
			case strings.HasPrefix(a, "404"):
				refused++
			default:
				t.Errorf("got %s, want 200 or 404", a)
			}
		}
		if good != 1 || refused != crowd-1 {
			t.Errorf("got %d successes and %d refusals, want 1 and %d", good, refused, crowd-1)
		}
		for i := range 2 {
			if got := use(i); !strings.HasPrefix(got, "404") {
				t.Errorf("used again: got %s, want 404", got)
			}
		}
		if got := s.enter(t, "ann", goodPassword); !strings.HasPrefix(got, `200 {"key":"`) {
			t.Errorf("after: got %s, want 200 and a key", got)
		}
		s.faultless(t)
	})
}

// TestAKeyIsOfOneAddress holds that a key dies with its address, its time and its secret, and that another address
// is not verified.
func TestAKeyIsOfOneAddress(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, restAuth(t, mandatory))
		verify := func(key string) int {
			return s.Send(t, "POST", "/rest-auth/registration/verify-email/", map[string]any{"key": key}).Status
		}
		s.enroll(t, "ann", "ann@example.com")
		key := s.mailedKey(t)
		s.Clock.Advance(3*24*time.Hour + 2*time.Second)
		if got := verify(key); got != 404 {
			t.Errorf("after three days: got %d, want 404", got)
		}
		s.Clock.Advance(-3 * 24 * time.Hour)
		s.enroll(t, "bob", "bob@example.com")
		other := s.mailedKey(t)
		if got := verify(strings.Replace(other, other[:strings.IndexByte(other, ':')], key[:strings.IndexByte(key, ':')], 1)); got != 404 {
			t.Errorf("the key of another user: got %d, want 404", got)
		}
		move := func(email string) {
			var pair struct{ Access string }
			s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "ann", "password": goodPassword}, &pair)
			if r := s.Send(t, "PATCH", "/auth/users/me/", map[string]any{"email": email}, "Authorization", "Bearer "+pair.Access); r.Status != 200 {
				t.Fatalf("change the address: got %d %s", r.Status, r.Body)
			}
		}
		move("eve@example.com")
		if got := verify(key); got != 404 {
			t.Errorf("for another address: got %d, want 404", got)
		}
		move("ann@example.com")
		if got := verify(key); got != 200 {
			t.Errorf("for its address: got %d, want 200", got)
		}
		if got := s.enter(t, "ann", goodPassword); !strings.HasPrefix(got, "200") {
			t.Errorf("who is verified: got %s", got)
		}
		move("eve@example.com")
		if got := s.enter(t, "ann", goodPassword); got != notVerified {
			t.Errorf("with another address: got %s, want %s", got, notVerified)
		}
		// A link that sets a password was mailed to the address, so it verifies it.
		s.post(t, 200, "/rest-auth/password/reset/", map[string]any{"email": "EVE@example.com"}, nil)
		link := s.link(t)
		link["new_password1"], link["new_password2"] = "battery-staple-7", "battery-staple-7"
		s.post(t, 200, "/rest-auth/password/reset/confirm/", link, nil)
		if got := s.enter(t, "ann", "battery-staple-7"); !strings.HasPrefix(got, "200") {
			t.Errorf("after a reset by mail: got %s", got)
		}
		if r := s.Do(t, "GET", "/v1/me", nil, "Authorization", "Bearer "+s.signUp(t, "joe@example.com").Access); strings.Contains(string(r.Body), "verified") {
			t.Errorf("/v1/me shows what is noted of addresses: %s", r.Body)
		}
		s.faultless(t)
	})
}

// TestThePageOfAKey holds that a key is taken by the page's own form alone, and that the log has no key.
func TestThePageOfAKey(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", restAuth(t, config.RestAuth{EmailConfirmedURL: "https://app.example.com/welcome"}))
	s.enroll(t, "ann", "ann@example.com")
	key := s.mailedKey(t)
	path := "/rest-auth/registration/account-confirm-email/" + key + "/"
	page := s.Do(t, "GET", path, nil)
	token := formFields(page.Body)["csrfmiddlewaretoken"]
	if page.Status != 200 || len(token) != 64 || page.Header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Fatalf("the page: got %d %v %s", page.Status, page.Header, page.Body)
	}
	cookie := "csrftoken=" + token
	form := url.Values{"csrfmiddlewaretoken": {token}}.Encode()
	for _, tt := range []struct {
		name, method, form, cookie, origin string
		want                               int
	}{
		{"without a cookie", "POST", form, "", "", 403},
		{"without the field", "POST", "", cookie, "", 403},
		{"another token", "POST", "csrfmiddlewaretoken=" + strings.Repeat("b", 64), cookie, "", 403},
		{"from another site", "POST", form, cookie, "https://evil.example", 403},
		{"a flood", "POST", "x=" + strings.Repeat("a", 1<<16) + "&" + form, cookie, "", 403},
		{"to delete", "DELETE", "", cookie, "", 403},
		{"to ask what it takes", "OPTIONS", "", "", "", 200},
		{"as a HEAD", "HEAD", "", "", "", 200},
		{"by the form", "POST", form, cookie, "", 302},
		{"again", "POST", form, cookie, "", 404},
	} {
		headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
		if tt.cookie != "" {
			headers = append(headers, "Cookie", tt.cookie)
		}
		if tt.origin != "" {
			headers = append(headers, "Origin", tt.origin)
		}
		r := s.Do(t, tt.method, path, strings.NewReader(tt.form), headers...)
		if r.Status != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, r.Status, tt.want)
		}
		if to := r.Header.Get("Location"); r.Status == 302 && to != "https://app.example.com/welcome" {
			t.Errorf("%s: leads to %q", tt.name, to)
		}
	}
	if r := s.Do(t, "GET", path, nil); r.Status != 200 || len(formFields(r.Body)) > 0 {
		t.Errorf("the page of a key that was used: got %d %s", r.Status, r.Body)
	}
	if log := s.Log.tail(1 << 20); strings.Contains(log, key[strings.LastIndexByte(key, ':')+1:]) {
		t.Errorf("the key is in the log")
	}
	s.faultless(t)
}

// TestManyEnrollAtOnce holds that an address is one user's, and that names which are made tell users apart.
func TestManyEnrollAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		no := false
		s := Start(t, engine, restAuth(t, config.RestAuth{UsernameRequired: &no, EmailVerification: "none"}))
		counts := map[int]int{}
		for _, status := range together(crowd/5, func(i int) int { return s.enroll(t, "", mixed("one@example.com", i)).Status }) {
			counts[status]++
		}
		if counts[201] != 1 || counts[400] != crowd/5-1 {
			t.Errorf("one address: got %v, want 201 once and 400 else", counts)
		}
		for _, r := range together(40, func(i int) *Reply { return s.enroll(t, "", fmt.Sprintf("Sam.Poe@d%d.example.com", i)) }) {
			if r.Status != 201 {
				t.Fatalf("register: got %d %s", r.Status, r.Body)
			}
		}
		users, err := s.Accounts().List(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		made := regexp.MustCompile(`^(one|sam\.poe\d{0,6})$`)
		names := map[string]bool{}
		for _, u := range users {
			if names[u.Username] || !made.MatchString(u.Username) {
				t.Errorf("a name is %q, and should be another one like sam.poe1", u.Username)
			}
			names[u.Username] = true
		}
		if len(users) != 41 || !names["sam.poe"] {
			t.Errorf("there are %d users, want 41, one of them sam.poe", len(users))
		}
		s.faultless(t)
	})
}

// TestRestAuthEndsWhatItShould holds serve's own defaults: who leaves ends the session of his token, and who gets
// another password ends all others.
func TestRestAuthEndsWhatItShould(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		no, yes := false, true
		s := Start(t, engine, func(c *config.Config) {
			restAuth(t, config.RestAuth{SignInGives: "jwt", OldPassword: &yes})(c)
			c.Mounts["keeps"] = config.Mount{Preset: "restauth", Prefix: "/keeps/", RestAuth: config.RestAuth{SignInGives: "jwt", LogoutEnds: &no}}
			c.Mounts["key"] = config.Mount{Preset: "restauth", Prefix: "/key/"}
		})
		s.enroll(t, "ann", "ann@example.com")
		in := func(mount, password string) string {
			var out struct{ Token, Key string }
			s.post(t, 200, mount+"login/", map[string]any{"email": "ANN@example.com", "password": password}, &out)
			if out.Key != "" {
				return "Token " + out.Key
			}
			return "JWT " + out.Token
		}
		alive := func(mount, token string) bool {
			return s.Do(t, "GET", mount+"user/", nil, "Authorization", token).Status == 200
		}
		for _, tt := range []struct {
			mount string
			want  bool
		}{{"/rest-auth/", false}, {"/keeps/", true}, {"/key/", false}} {
			one, two := in(tt.mount, goodPassword), in(tt.mount, goodPassword)
			s.post(t, 200, tt.mount+"logout/", nil, nil, "Authorization", one)
			if got := alive(tt.mount, one); got != tt.want {
				t.Errorf("%s: after logout the token is alive: %v, want %v", tt.mount, got, tt.want)
			}
			if one != two && !alive(tt.mount, two) {
				t.Errorf("%s: another session ended, too", tt.mount)
			}
		}
		mine, other, opaque := in("/rest-auth/", goodPassword), in("/rest-auth/", goodPassword), in("/key/", goodPassword)
		change := map[string]any{"new_password1": "battery-staple-7", "new_password2": "battery-staple-7"}
		s.post(t, 400, "/rest-auth/password/change/", change, nil, "Authorization", mine)
		change["old_password"] = goodPassword
		s.post(t, 200, "/rest-auth/password/change/", change, nil, "Authorization", mine)
		if !alive("/rest-auth/", mine) || alive("/rest-auth/", other) || alive("/key/", opaque) {
			t.Errorf("after a change: mine %v, another %v, the key %v; want true, false, false",
				alive("/rest-auth/", mine), alive("/rest-auth/", other), alive("/key/", opaque))
		}
		opaque = in("/key/", "battery-staple-7")
		change = map[string]any{"new_password1": goodPassword, "new_password2": goodPassword}
		s.post(t, 200, "/key/password/change/", change, nil, "Authorization", opaque)
		if alive("/rest-auth/", mine) || !alive("/key/", opaque) {
			t.Errorf("after a change by key: the session %v, the key %v; want false, true", alive("/rest-auth/", mine), alive("/key/", opaque))
		}
		s.faultless(t)
	})
}

// TestRestAuthTellsStrangersNothing holds G2: who asks for a link is told the same of everybody, and who has none
// cannot learn what another's password would resemble.
func TestRestAuthTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", restAuth(t, config.RestAuth{EmailVerification: "none"}))
	s.enroll(t, "zebedeexy", "ann@example.com")
	known := s.post(t, 200, "/rest-auth/password/reset/", map[string]any{"email": "ann@example.com"}, nil)
	unknown := s.post(t, 200, "/rest-auth/password/reset/", map[string]any{"email": "eve@example.com"}, nil)
	for _, name := range []string{"X-Request-Id", "Date"} {
		known.Header.Del(name)
		unknown.Header.Del(name)
	}
	if got, want := fmt.Sprint(unknown.Header, unknown.Body), fmt.Sprint(known.Header, known.Body); got != want {
		t.Errorf("for nobody: got %s, want %s", got, want)
	}
	if n := len(s.mails(t)); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	link := s.link(t)
	body := map[string]any{"uid": link["uid"], "token": "x-y", "new_password1": "zebedeexy1", "new_password2": "zebedeexy1"}
	if r := s.post(t, 400, "/rest-auth/password/reset/confirm/", body, nil); string(r.Body) != `{"token":["Invalid value"]}` {
		t.Errorf("a password like her name, by a bad link: got %s", r.Body)
	}
	body["token"] = link["token"]
	if r := s.post(t, 400, "/rest-auth/password/reset/confirm/", body, nil); !strings.Contains(string(r.Body), "too similar to the username") {
		t.Errorf("a password like her name, by a good link: got %s", r.Body)
	}
	s.faultless(t)
}

// TestMandatoryNeedsMails: without mails nobody could confirm his address.
func TestMandatoryNeedsMails(t *testing.T) {
	t.Parallel()
	_, err := Try(t, "sqlite", func(c *config.Config) {
		c.MailURL = ""
		c.Mounts = map[string]config.Mount{"restauth": {Preset: "restauth", RestAuth: mandatory}}
	})
	if err == nil || !strings.Contains(err.Error(), "needs mails") {
		t.Errorf("got %v, want a refusal to start", err)
	}
}

// TestVerifiedBesideDjango: in a table of Django's what is verified lies in a table of ours.
func TestVerifiedBesideDjango(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(c *config.Config) {
			restAuth(t, mandatory)(c)
			c.User.Table = "auth_user"
			delete(c.Mounts, "djoser")
		})
		s.enroll(t, "ann", "ann@example.com")
		key := s.mailedKey(t)
		if r := s.enroll(t, "ANN", "other@example.com"); r.Status != 400 {
			t.Errorf("a name in another case: got %d %s, want 400", r.Status, r.Body)
		}
		s.post(t, 200, "/rest-auth/registration/verify-email/", map[string]any{"key": key}, nil)
		for _, name := range []string{"ann", "ANN"} {
			if got := s.enter(t, name, goodPassword); !strings.HasPrefix(got, "200") {
				t.Errorf("%s: got %s", name, got)
			}
		}
		u, err := s.Accounts().Owner(t.Context(), account.Username, "ann")
		if err != nil || u.LastLogin.IsZero() {
			t.Errorf("ann: got %+v, %v, want a last sign-in", u, err)
		}
		s.faultless(t)
	})
}

// TestRestAuthUser: in our own table a name is another's or his own, an address is changed elsewhere, and whoever has
// no name shows none.
func TestRestAuthUser(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, restAuth(t, config.RestAuth{SignInGives: "jwt"}))
		s.enroll(t, "bob", "bob@example.com")
		var out struct{ Token string }
		r := s.enroll(t, "ann", "ann@example.com")
		r.JSON(t, &out)
		for _, tt := range []struct {
			name, method, body string
			want               int
			answer             string
		}{
			{"all of it", "PUT", `{"username": "ann", "first_name": "Ann", "last_name": "Lee", "email": "x@example.com"}`, 200, `{"pk":2,"username":"ann","email":"ann@example.com","first_name":"Ann","last_name":"Lee"}`},
			{"another's name", "PATCH", `{"username": "bob"}`, 400, `{"username":["A user with that username already exists."]}`},
			{"no name that can be", "PATCH", `{"username": "a b"}`, 400, `{"username":["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."]}`},
			{"nothing", "PATCH", `{}`, 200, `{"pk":2,"username":"ann","email":"ann@example.com","first_name":"Ann","last_name":"Lee"}`},
			{"no name", "PATCH", `{"username": null, "first_name": ""}`, 200, `{"pk":2,"username":null,"email":"ann@example.com","first_name":"","last_name":"Lee"}`},
		} {
			r := s.Do(t, tt.method, "/rest-auth/user/", strings.NewReader(tt.body), "Content-Type", "application/json", "Authorization", "JWT "+out.Token)
			if r.Status != tt.want || string(r.Body) != tt.answer {
				t.Errorf("%s: got %d %s, want %d %s", tt.name, r.Status, r.Body, tt.want, tt.answer)
			}
		}
		s.faultless(t)
	})
}
