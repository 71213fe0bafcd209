package servertest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"doorward/internal/account"
	"doorward/internal/config"
)

var residence = map[string]any{"title": "Ms", "dob": "1990-02-28", "address": "1 High Street", "country": "Wales", "city": "Cardiff", "zip": "CF101"}

// resident registers somebody with a profile, and signs him in.
func (s *Server) resident(t testing.TB, email string) (path, authorization string) {
	t.Helper()
	var made struct{ URL string }
	s.post(t, 201, "/userapi/users/", map[string]any{"email": email, "first_name": "Ann", "password": goodPassword, "profile": residence}, &made)
	return strings.TrimPrefix(made.URL, s.URL), s.jwt(t, email)
}

func (s *Server) jwt(t testing.TB, email string) string {
	t.Helper()
	var out struct{ Token string }
	s.post(t, 200, "/userapi/api-token-auth/", map[string]any{"email": email, "password": goodPassword}, &out)
	return "JWT " + out.Token
}

// says holds the status of an answer and what its body says.
func (r *Reply) says(t testing.TB, what string, status int, text string) {
	t.Helper()
	if r.Status != status || !strings.Contains(string(r.Body), text) {
		t.Errorf("%s\ngot:  %d %s\nwant: %d %s", what, r.Status, r.Body, status, text)
	}
}

// TestSigningUpWithAProfile is the life of a user under serve's own defaults.
func TestSigningUpWithAProfile(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		s.Send(t, "POST", "/userapi/users/", map[string]any{"email": "Ann@Example.COM", "password": "password", "profile": residence}).
			says(t, "a common password", 400, `{"password":["This password is too common."]}`)
		r := s.Send(t, "POST", "/userapi/users/", map[string]any{"email": "Ann@Example.COM", "first_name": "Ann", "password": goodPassword, "profile": residence})
		r.says(t, "sign-up", 201, `{"url":"`+s.URL+`/userapi/users/1/","email":"Ann@Example.COM","first_name":"Ann","last_name":"","profile":{"title":"Ms","dob":"1990-02-28",`)
		if got, want := r.Header.Get("Location"), s.URL+"/userapi/users/1/"; got != want {
			t.Errorf("Location\ngot:  %q\nwant: %q", got, want)
		}
		s.Send(t, "POST", "/userapi/users/", map[string]any{"email": "ann@example.com", "password": goodPassword, "profile": residence}).
			says(t, "the address in another spelling", 400, `{"email":["user with this email address already exists."]}`)
		ann := []string{"Authorization", s.jwt(t, "ann@example.com")}
		one := func(method string, body any, header []string) *Reply {
			return s.Send(t, method, "/userapi/users/1/", body, header...)
		}
		one("GET", nil, nil).says(t, "nobody", 401, "Authentication credentials were not provided.")
		one("PATCH", map[string]any{"email": "Ann@example.com"}, ann).says(t, "a PATCH without a profile", 200, `"email":"Ann@example.com","first_name":"Ann","last_name":"","profile":{"title":"Ms"`)
		ann = []string{"Authorization", s.jwt(t, "ann@example.com")}
		one("PATCH", map[string]any{"first_name": "Zed", "password": "x", "profile": map[string]any{"city": "Newport"}}, ann).
			says(t, "a PATCH", 200, `"first_name":"Ann","last_name":"","profile":{"title":"Ms","dob":"1990-02-28","address":"1 High Street","country":"Wales","city":"Newport","zip":"CF101"}}`)
		s.post(t, 200, "/userapi/api-token-auth/", map[string]any{"email": "ann@example.com", "password": goodPassword}, nil) // the password stayed
		s.Do(t, "GET", "/userapi/users/1.json", nil, ann...).says(t, "a suffix", 200, `{"url":"`+s.URL+`/userapi/users/1.json"`)
		s.Do(t, "GET", "/userapi/users/99/", nil, ann...).says(t, "who is not there", 404, `{"detail":"No User matches the given query."}`)

		p := s.signUp(t, "ben@example.com") // /v1/ knows nothing of the profile
		if r := s.Do(t, "GET", "/v1/me", nil, "Authorization", "Bearer "+p.Access); strings.Contains(string(r.Body), "profile") {
			t.Errorf("/v1/me shows the profile of another mount: %s", r.Body)
		}
		ben := []string{"Authorization", s.jwt(t, "ben@example.com")}
		s.Do(t, "GET", "/userapi/users/2/", nil, ben...).says(t, "who has no profile", 200, `"profile":null}`)
		s.Send(t, "PATCH", "/userapi/users/2/", map[string]any{"profile": map[string]any{}}, ben...).says(t, "nothing of no profile", 200, `"profile":null}`)
		s.Send(t, "PATCH", "/userapi/users/2/", map[string]any{"profile": map[string]any{"city": "Bath"}}, ben...).
			says(t, "a part of no profile", 400, `{"profile":{"title":["This field is required."],"dob"`)
		s.Send(t, "PATCH", "/userapi/users/2/", map[string]any{"profile": residence}, ben...).says(t, "the first profile", 200, `"profile":{"title":"Ms"`)
		s.Do(t, "DELETE", "/userapi/users/1/", nil, ben...).says(t, "no staff", 403, "You do not have permission")

		boss := []string{"Authorization", "JWT " + s.registered(t, "userapi", account.NewUser{Email: "boss@example.com", Password: goodPassword, Staff: true})}
		r = s.Do(t, "GET", "/userapi/users/", nil, boss...)
		r.says(t, "the list", 200, `"email":"boss@example.com","first_name":"","last_name":"","profile":null}]`)
		if got := strings.Count(string(r.Body), `"url"`); got != 3 {
			t.Errorf("the list has %d users, want 3: %s", got, r.Body)
		}
		s.Do(t, "DELETE", "/userapi/users/1/", nil, boss...).says(t, "staff", 204, "")
		one("GET", nil, ann).says(t, "who was deleted", 401, "Invalid signature.")
		s.resident(t, "ann@example.com") // the address is free, and so is the profile
		s.faultless(t)
	})
}

func basic(name, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
}

// TestBasicAuthentication has the answers of the transcript of that name, on a view of this mount's own.
func TestBasicAuthentication(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	path, _ := s.resident(t, "ann@example.com")
	for _, tt := range []struct {
		name, header string
		status       int
		text         string
	}{
		{"the right password", "Basic " + basic("ann@example.com", goodPassword), 200, `"email":"ann@example.com"`},
		{"another scheme's spelling", "basic " + basic("ann@example.com", goodPassword), 200, `"email":"ann@example.com"`},
		{"a wrong password", "Basic " + basic("ann@example.com", "bad"), 401, "Invalid username/password."},
		{"nobody's", "Basic " + basic("eve@example.com", goodPassword), 401, "Invalid username/password."},
		{"no password", "Basic YW5uQGV4YW1wbGUuY29t", 401, "Invalid username/password."},
		{"nothing", "Basic", 401, "Invalid basic header. No credentials provided."},
		{"three words", "Basic a b", 401, "Invalid basic header. Credentials string should not contain spaces."},
		{"what Python passes over", "Basic !!!", 401, "Invalid username/password."},
		{"what Python does not", "Basic abc", 401, "Invalid basic header. Credentials not correctly base64 encoded."},
	} {
		r := s.Do(t, "GET", path, nil, "Authorization", tt.header)
		r.says(t, tt.name, tt.status, tt.text)
		if got, want := r.Header.Get("WWW-Authenticate"), `JWT realm="api"`; tt.status == 401 && got != want {
			t.Errorf("%s: challenge\ngot:  %q\nwant: %q", tt.name, got, want)
		}
	}
	s.faultless(t)
}

// TestATokenInACookie holds that pages of others do not write by it.
func TestATokenInACookie(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(c *config.Config) {
		c.Mounts = map[string]config.Mount{"userapi": {REST: config.REST{TokenCookie: "jwt"}, FrontendURL: "https://app.example.com"}}
	})
	path, authorization := s.resident(t, "ann@example.com")
	r := s.post(t, 200, "/userapi/api-token-auth/", map[string]any{"email": "ann@example.com", "password": goodPassword}, nil)
	set, err := http.ParseSetCookie(r.Header.Get("Set-Cookie"))
	if err != nil || set.Name != "jwt" || !set.HttpOnly || set.SameSite != http.SameSiteLaxMode || set.Path != "/" || set.MaxAge != 3600 {
		t.Fatalf("the cookie\ngot:  %q (%v)\nwant: jwt, HttpOnly, SameSite=Lax, Path=/, an hour", r.Header.Get("Set-Cookie"), err)
	}
	move := map[string]any{"profile": map[string]any{"city": "Newport"}}
	cookie := []string{"Cookie", "jwt=" + set.Value}
	s.Do(t, "GET", path, nil, cookie...).says(t, "read by the cookie", 200, "ann@example.com")
	for origin, want := range map[string]int{"": 200, s.URL: 200, "https://app.example.com": 200, "https://evil.example": 403, "null": 403} {
		r := s.Send(t, "PATCH", path, move, append(cookie, "Origin", origin)...)
		if origin == "" {
			r = s.Send(t, "PATCH", path, move, cookie...)
		}
		r.says(t, "written by the cookie from "+origin, want, "")
	}
	s.Send(t, "PATCH", path, move, "Cookie", "jwt=rubbish", "Origin", "https://evil.example", "Authorization", authorization).says(t, "the header goes first", 200, "Newport")
	s.Do(t, "GET", path, nil, "Cookie", "jwt=rubbish").says(t, "rubbish", 401, "Error decoding signature.")
	s.faultless(t)
}

// TestPartiesOfATokenByConfiguration holds what [mounts] can ask of drf-jwt's tokens.
func TestPartiesOfATokenByConfiguration(t *testing.T) {
	t.Parallel()
	mount := func(tokens config.Tokens) func(*config.Config) {
		return func(c *config.Config) { c.Mounts = map[string]config.Mount{"userapi": {Tokens: tokens}} }
	}
	s := Start(t, "sqlite", mount(config.Tokens{Audience: []string{"front"}, Issuer: "us", LeewaySeconds: 5, Algorithm: "HS512"}))
	path, authorization := s.resident(t, "ann@example.com")
	claims := unverified(t, strings.TrimPrefix(authorization, "JWT "))
	if claims["aud"] != "front" || claims["iss"] != "us" {
		t.Errorf("a token says\ngot:  %v\nwant: aud front, iss us", claims)
	}
	s.Do(t, "GET", path, nil, "Authorization", authorization).says(t, "its own token", 200, "ann@example.com")
	other := Start(t, "sqlite", func(c *config.Config) {
		mount(config.Tokens{Audience: []string{"back"}, Issuer: "us", Algorithm: "HS512"})(c)
		c.DatabaseURL, c.KeyFile = "sqlite:"+strings.TrimPrefix(s.Config.DatabaseURL, "sqlite:")+".other", s.Config.KeyFile
	})
	other.resident(t, "ann@example.com")
	other.Do(t, "GET", path, nil, "Authorization", authorization).says(t, "for another audience", 401, "Incorrect authentication credentials.")
	if _, err := Try(t, "sqlite", func(c *config.Config) {
		c.Mounts = map[string]config.Mount{"tag1": {Tokens: config.Tokens{Algorithm: "HS512"}}}
	}); err == nil || !strings.Contains(err.Error(), "algorithm") {
		t.Errorf("HS512 with a key for everybody\ngot:  %v\nwant: a refusal", err)
	}
}

// TestTheFirstProfileIsMadeOnce sends the same two changes at once: one makes the row, and neither fails.
func TestTheFirstProfileIsMadeOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		for round := range 5 {
			email := fmt.Sprintf("ann%d@example.com", round)
			p := s.signUp(t, email)
			authorization := s.jwt(t, email)
			path := fmt.Sprintf("/userapi/users/%d/", p.User.ID)
			var group sync.WaitGroup
			replies := make([]*Reply, 4)
			for i := range replies {
				group.Go(func() {
					replies[i] = s.Send(t, "PATCH", path, map[string]any{"profile": residence}, "Authorization", authorization)
				})
			}
			group.Wait()
			made := 0
			for _, r := range replies {
				switch {
				case r.Status == 200:
					made++
				case r.Status != 400 || !strings.Contains(string(r.Body), "This profile already exists."):
					t.Errorf("at once\ngot:  %d %s\nwant: 200, or 400 since another was first", r.Status, r.Body)
				}
			}
			if made == 0 {
				t.Error("none of them made the profile")
			}
			s.Do(t, "GET", path, nil, "Authorization", authorization).says(t, "afterwards", 200, `"profile":{"title":"Ms"`)
		}
		s.faultless(t)
	})
}

// TestUsersOfAnAdoptedTable holds that the list goes with a table of another Django's, whose users sign in by name,
// and with the tutorial's own, whose profiles it has.
func TestUsersOfAnAdoptedTable(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		for table, login := range map[string]string{"auth_user": "username", "userapi_user": "email"} {
			s := Start(t, engine, func(c *config.Config) {
				c.Mounts, c.User.Table = map[string]config.Mount{"userapi": {}}, table
			})
			body := map[string]any{"email": "ann@example.com", "username": "ann", "password": goodPassword, "profile": residence}
			s.post(t, 201, "/userapi/users/", body, nil)
			var out struct{ Token string }
			s.post(t, 200, "/userapi/api-token-auth/", map[string]any{login: body[login], "password": goodPassword}, &out)
			ann := []string{"Authorization", "JWT " + out.Token}
			s.Send(t, "PATCH", "/userapi/users/1/", map[string]any{"profile": map[string]any{"zip": "E1"}}, ann...).says(t, table, 200, `"zip":"E1"}`)
			boss := account.NewUser{Email: "boss@example.com", Username: "boss", Password: goodPassword, Staff: true}
			staff := []string{"Authorization", "JWT " + s.registered(t, "userapi", boss)}
			s.Do(t, "DELETE", "/userapi/users/1/", nil, staff...).says(t, table+": his row and his profile", 204, "")
			s.faultless(t)
			s.Stop(t)
		}
	})
}

// TestSigningInOpensASessionBesideAToken: REST_SESSION_LOGIN among people who are listed.
func TestSigningInOpensASessionBesideAToken(t *testing.T) {
	t.Parallel()
	yes := true
	s := Start(t, "sqlite", func(cfg *config.Config) {
		cfg.Mounts = map[string]config.Mount{"userapi": {Djoser: config.Djoser{Session: &yes}}, "plain": {Preset: "userapi", Prefix: "/plain/"}}
	})
	s.resident(t, "ann@example.com")
	for at, want := range map[string]int{"/userapi/": 200, "/plain/": 401} {
		r := s.Send(t, "POST", at+"auth/login/", map[string]any{"email": "ann@example.com", "password": goodPassword})
		r.says(t, "sign in at "+at, 200, `"user":{"pk":1,`)
		cookie := ""
		for _, text := range r.Header.Values("Set-Cookie") {
			if strings.HasPrefix(text, "sessionid=") {
				cookie, _, _ = strings.Cut(text, ";")
			}
		}
		s.Do(t, "GET", at+"auth/user/", nil, "Cookie", cookie).says(t, "by the cookie of "+at, want, "")
	}
}
