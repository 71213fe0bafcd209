package servertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"doorward/internal/config"
)

// welcome is what the envelope gives at a sign-up and at a sign-in.
type welcome struct {
	Message string
	User    json.RawMessage
	Tokens  struct{ Refresh, Access string }
}

// john is a sign-up of the envelope's, with members that are changed or added; nil takes one away.
func john(changes map[string]any) map[string]any {
	body := map[string]any{
		"name": "John Doe", "email": "john@example.com", "phone": "1234567890", "password": goodPassword, "confirm_password": goodPassword,
	}
	for name, v := range changes {
		if body[name] = v; v == nil {
			delete(body, name)
		}
	}
	return body
}

func TestTheEnvelopeByDefault(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, Production)
		for _, tt := range []struct {
			name    string
			changes map[string]any
			want    string // of the answer
		}{
			{"as it is", nil, `{"message":"User registered successfully","user":{"id":1,"email":"john@example.com","name":"John Doe","phone":"1234567890"},"tokens":{"refresh":"`},
			{"the address in another spelling", map[string]any{"email": "JOHN@example.com", "phone": "2"}, `{"email":["user with this email already exists."]}`},
			{"the same address and phone", nil, `{"email":["user with this email already exists."],"phone":["user with this phone already exists."]}`},
			{
				"a password like the address",
				map[string]any{"email": "ann.archer@example.com", "phone": "2", "password": "ann.archer@example.com", "confirm_password": "ann.archer@example.com"},
				`{"password":["The password is too similar to the email address."]}`,
			},
			{
				"the mismatch is said before that",
				map[string]any{"email": "ann.archer@example.com", "phone": "2", "password": "ann.archer@example.com"},
				`{"password":["Password fields didn't match."]}`,
			},
			{
				"a field is wrong, and the passwords differ",
				map[string]any{"phone": strings.Repeat("1", 21), "email": "x@example.com", "confirm_password": "x"},
				`{"phone":["Ensure this field has no more than 20 characters."]}`,
			},
		} {
			r := s.Send(t, "POST", "/api/accounts/signup/", john(tt.changes))
			if !strings.HasPrefix(string(r.Body), tt.want) || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s:\n got: %d %s\nwant: %s", tt.name, r.Status, r.Body, tt.want)
			}
		}
		// The session that signing up opened is one of SimpleJWT's, good for an hour, and signing in stamps.
		var in welcome
		s.post(t, 200, "/api/accounts/login/", map[string]any{"email": "John@Example.COM", "password": goodPassword}, &in)
		claims := unverified(t, in.Tokens.Access)
		if got := claims["exp"].(float64) - claims["iat"].(float64); got != 3600 || len(claims) != 5 {
			t.Errorf("the claims are %v", claims)
		}
		if u, err := s.Accounts().Find(t.Context(), "1"); err != nil || u.LastLogin.IsZero() {
			t.Errorf("last_login is %v (%v)", u.LastLogin, err)
		}
		next, words := s.exchange(t, "/api/", in.Tokens.Refresh)
		if words != "" || !s.opens(t, "accounts", next.Access) || !s.opens(t, "djoser", in.Tokens.Access) {
			t.Errorf("a refresh: %q", words)
		}
		s.post(t, 200, "/api/token/blacklist/", map[string]any{"refresh": in.Tokens.Refresh}, nil)
		if s.opens(t, "accounts", next.Access) {
			t.Error("an access token outlives its session")
		}
		for _, path := range []string{"/api/accounts/", "/api/protected-endpoint/"} {
			if r := s.Do(t, "GET", path, nil); r.Status != 404 {
				t.Errorf("GET %s: got %d", path, r.Status)
			}
		}
		s.faultless(t)
	})
}

// declared are fields and profiles as an operator declares them, who has people of two roles.
func declaredSchool(cfg *config.Config) {
	on := true
	cfg.Fields = []config.Field{
		{Name: "phone2", Max: intOf(20), Unique: true},
		{Name: "role", Type: "choice", Choices: []string{"Teacher", "Student"}, Default: "Student", Write: "staff", SignUp: &on, Claim: true},
		{Name: "note", Read: "staff", Write: "staff"},
	}
	cfg.Profiles = []config.Profile{
		{Name: "profile", Fields: []config.Field{{Name: "zip", Max: intOf(5), Required: &on}, {Name: "dob", Type: "date"}}},
		{Name: "teacher", Role: "Teacher", Fields: []config.Field{
			{Name: "subject", Required: &on},
			{Name: "rank", Type: "integer", Write: "staff", SignUp: &on},
			{Name: "since", Type: "timestamp", Computed: "made", Read: "nobody"},
		}},
		{Name: "student", Role: "Student", Fields: []config.Field{{Name: "year", Type: "integer", Max: intOf(13)}}},
	}
}

func intOf(n int) *int { return &n }

// TestDeclaredFieldsInTheEnvelope holds that sign-up takes what was declared, and that the answer shows what he may see.
func TestDeclaredFieldsInTheEnvelope(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, declaredSchool)
		for _, tt := range []struct {
			name    string
			changes map[string]any
			status  int
			want    string
		}{
			{"nothing of it", nil, 201, `"user":{"id":1,"email":"john@example.com","name":"John Doe","phone":"1234567890","phone2":"","role":"Student",` +
				`"profile":null,"teacher":null,"student":null},"tokens"`},
			{"user and profiles at once", map[string]any{
				"email": "eve@example.com", "phone": "2", "phone2": "22", "role": "Teacher", "profile": map[string]any{"zip": "CF101", "dob": "1990-2-8"},
				"teacher": map[string]any{"subject": "Latin", "rank": 3},
			}, 201, `"phone2":"22","role":"Teacher","profile":{"zip":"CF101","dob":"1990-02-08"},"teacher":{"subject":"Latin","rank":3},"student":null},"tokens"`},
			{"all that is wrong", map[string]any{
				"email": "x@example.com", "phone2": "22", "role": "Boss", "profile": map[string]any{"zip": "CF1012"}, "teacher": []any{}, "student": map[string]any{"year": "x"},
			}, 400, `{"phone":["user with this phone already exists."],"phone2":["user with this phone2 already exists."],"role":["\"Boss\" is not a valid choice."],` +
				`"profile":{"zip":["Ensure this field has no more than 5 characters."]},` +
				`"teacher":{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]},"student":{"year":["A valid integer is required."]}}`},
			{
				"another role's profile",
				map[string]any{"email": "x@example.com", "phone": "3", "teacher": map[string]any{"subject": "x"}},
				400,
				`{"teacher":["This profile belongs to another role."]}`,
			},
			{"a field that is not his to write", map[string]any{"email": "amy@example.com", "phone": "3", "note": "mine"}, 201, `"role":"Student"`},
		} {
			r := s.Send(t, "POST", "/api/accounts/signup/", john(tt.changes))
			if r.Status != tt.status || !strings.Contains(string(r.Body), tt.want) {
				t.Errorf("%s:\n got: %d %s\nwant: %d %s", tt.name, r.Status, r.Body, tt.status, tt.want)
			}
		}
		r := s.Do(t, "POST", "/api/accounts/signup/", strings.NewReader("name=Al&email=al@example.com&phone=4&password="+goodPassword+"&confirm_password="+goodPassword+"&role=Student&student.year=7&profile.zip=N1"),
			"Content-Type", "application/x-www-form-urlencoded")
		if !strings.Contains(string(r.Body), `"profile":{"zip":"N1","dob":null},"teacher":null,"student":{"year":7}`) {
			t.Errorf("a form: got %d %s", r.Status, r.Body)
		}
		var in welcome
		s.post(t, 200, "/api/accounts/login/", map[string]any{"email": "eve@example.com", "password": goodPassword}, &in)
		if !strings.Contains(string(in.User), `"role":"Teacher"`) || unverified(t, in.Tokens.Access)["role"] != "Teacher" {
			t.Errorf("the role at a sign-in: %s, %v", in.User, unverified(t, in.Tokens.Access))
		}
		next, words := s.exchange(t, "/api/", in.Tokens.Refresh)
		if unverified(t, next.Access)["role"] != "Teacher" {
			t.Errorf("the role after a refresh: %v %q", unverified(t, next.Access), words)
		}
		s.faultless(t)
	})
}

// TestRegistrationInSteps registers somebody who says his role first, and what belongs to the role later.
func TestRegistrationInSteps(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, declaredSchool)
		for name, start := range map[string]struct {
			path, login, me string
			body            map[string]any
		}{
			"envelope": {"/api/accounts/signup/", "a@example.com", "/api/accounts/me/", john(map[string]any{"email": "a@example.com", "role": "Teacher"})},
			"djoser":   {"/auth/users/", "b", "/auth/users/me/", map[string]any{"username": "b", "email": "b@example.com", "password": goodPassword, "role": "Teacher"}},
		} {
			s.post(t, 201, start.path, start.body, nil)
			access := s.obtain(t, "/api/", start.login).Access
			for _, step := range []struct {
				sent   string
				status int
				want   string
			}{
				{`{"student": {"year": 3}}`, 400, `{"student":["This profile belongs to another role."]}`},
				{`{"teacher": {}}`, 400, `{"teacher":{"subject":["This field is required."]}}`},
				{`{"teacher": {"subject": "Latin", "rank": 2}}`, 200, `"teacher":{"subject":"Latin","rank":2},"student":null`},
				{`{"teacher": {"subject": "Greek"}}`, 200, `"teacher":{"subject":"Greek","rank":2}`},
				{`{"teacher": {"rank": 5}}`, 400, `{"teacher":{"rank":["This field is read-only."]}}`},
				{`{"role": "Student"}`, 200, `"role":"Teacher"`}, // not his to change, and ignored as DRF does
				{`{"profile": {"zip": "CF1"}, "phone2": "` + name + `"}`, 200, `"phone2":"` + name + `","role":"Teacher","profile":{"zip":"CF1","dob":null}`},
				{`{"profile": null}`, 400, `{"profile":["This field may not be null."]}`},
				{`{}`, 200, `"teacher":{"subject":"Greek","rank":2}`},
			} {
				r := s.Do(t, "PATCH", start.me, strings.NewReader(step.sent), "Content-Type", "application/json", "Authorization", "Bearer "+access)
				if r.Status != step.status || !strings.Contains(string(r.Body), step.want) {
					t.Errorf("%s, %s:\n got: %d %s\nwant: %d %s", name, step.sent, r.Status, r.Body, step.status, step.want)
				}
			}
			r := s.Do(t, "GET", start.me, nil, "Authorization", "Bearer "+access)
			if r.Status != http.StatusOK || !strings.Contains(string(r.Body), `"profile":{"zip":"CF1","dob":null},"teacher":{"subject":"Greek","rank":2},"student":null`) {
				t.Errorf("%s, me: got %d %s", name, r.Status, r.Body)
			}
		}
		s.faultless(t)
	})
}

// TestTheEnvelopeInTablesOfDjangos signs up where the table lacks columns, asks for more, or goes by another login.
func TestTheEnvelopeInTablesOfDjangos(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		for _, tt := range []struct{ table, login, user, other string }{
			{"accounts_user", "John@example.com", `{"id":1,"email":"John@example.com","name":"John Doe","phone":"1234567890"}`, `{"email":["user with this email already exists."],"phone":`},
			{"auth_user", "John@Example.com", `{"id":1,"email":"John@example.com"}`, `{"email":["user with this email already exists."]}`},
			{"spauser_spauser", "John@example.com", `{"id":1,"email":"John@example.com"}`, `{"email":["user with this email already exists."]}`},
		} {
			s := Start(t, engine, func(c *config.Config) {
				Production(c)
				c.User.Table = tt.table
			})
			var up, in welcome
			s.post(t, 201, "/api/accounts/signup/", john(map[string]any{"email": "John@Example.com"}), &up)
			s.post(t, 200, "/api/accounts/login/", map[string]any{"email": tt.login, "password": goodPassword}, &in)
			if string(up.User) != tt.user || string(in.User) != tt.user {
				t.Errorf("%s:\n got: %s, %s\nwant: %s", tt.table, up.User, in.User, tt.user)
			}
			if r := s.Send(t, "POST", "/api/accounts/signup/", john(map[string]any{"email": tt.login})); r.Status != 400 || !strings.HasPrefix(string(r.Body), tt.other) {
				t.Errorf("%s, again: got %d %s, want %s", tt.table, r.Status, r.Body, tt.other)
			}
			s.faultless(t)
			s.Stop(t)
		}
	})
}

// TestDjoserWithTheAccountsModel registers two people whose user names nobody asks for (F058): Django answers 500.
func TestDjoserWithTheAccountsModel(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(c *config.Config) { c.User.Table = "accounts_user" })
		for i, email := range []string{"ann@example.com", strings.Repeat("b", 60) + "@" + strings.Repeat("c.", 60) + "example.com"} {
			phone := string(rune('1' + i))
			r := s.Send(t, "POST", "/auth/users/", map[string]any{"email": email, "name": "Ann", "phone": phone, "password": goodPassword})
			if want := `{"name":"Ann","phone":"` + phone + `","email":"` + email + `","id":` + phone + `}`; r.Status != 201 || string(r.Body) != want {
				t.Errorf("got: %d %s\nwant: 201 %s", r.Status, r.Body, want)
			}
		}
		s.faultless(t)
	})
}

// TestDjoserWithTheUserapiModel: its REQUIRED_FIELDS are asked for, and may be left out, for the model lets them be blank.
func TestDjoserWithTheUserapiModel(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(c *config.Config) {
		c.User.Table = "userapi_user"
		c.Mounts = map[string]config.Mount{"djoser": {}}
	})
	for _, tt := range []struct{ body, want string }{
		{`{}`, `400 {"email":["This field is required."],"password":["This field is required."]}`},
		{
			`{"email": "ann@example.com", "password": "correct-horse-9"}`,
			`201 {"username":"ann@example.com","first_name":"","last_name":"","profile":null,"email":"ann@example.com","id":1}`,
		},
		{
			`{"email": "ben@example.com", "password": "correct-horse-9", "username": "ben", "first_name": "Ben", "last_name": ""}`,
			`201 {"username":"ben","first_name":"Ben","last_name":"","profile":null,"email":"ben@example.com","id":2}`,
		},
	} {
		r := s.Send(t, "POST", "/auth/users/", json.RawMessage(tt.body))
		if got := fmt.Sprintf("%d %s", r.Status, r.Body); got != tt.want {
			t.Errorf("%s\ngot:  %s\nwant: %s", tt.body, got, tt.want)
		}
	}
	s.faultless(t)
}

// TestOfManySignUpsWithOnePhoneOneWins holds that who comes second hears what he would have heard a moment later.
func TestOfManySignUpsWithOnePhoneOneWins(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, declaredSchool)
		for _, tt := range []struct {
			changes map[string]any
			refusal string
		}{
			{map[string]any{}, `400 {"phone":["user with this phone already exists."]}`},
			{map[string]any{"phone": "own", "phone2": "1"}, `400 {"phone2":["user with this phone2 already exists."]}`},
		} {
			answers := together(crowd/20, func(i int) string {
				changes := map[string]any{"email": fmt.Sprintf("u%d-%d@example.com", i, len(tt.changes))}
				for name, v := range tt.changes {
					changes[name] = v
				}
				if changes["phone"] == "own" {
					changes["phone"] = fmt.Sprint(i)
				}
				r := s.Send(t, "POST", "/api/accounts/signup/", john(changes))
				// A clash on a declared field that only the table sees has DRF's own text.
				return strings.Replace(fmt.Sprintf("%d %s", r.Status, r.Body), "This field must be unique.", "user with this phone2 already exists.", 1)
			})
			won, refused := 0, 0
			for _, a := range answers {
				switch {
				case strings.HasPrefix(a, "201 "):
					won++
				case a == tt.refusal:
					refused++
				default:
					t.Errorf("got %s", a)
				}
			}
			if won != 1 || refused != len(answers)-1 {
				t.Errorf("%v: %d were made and %d refused of %d", tt.changes, won, refused, len(answers))
			}
		}
		s.faultless(t)
	})
}
