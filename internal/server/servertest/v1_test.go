package servertest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func bearer(access string) []string { return []string{"Authorization", "Bearer " + access} }

func TestALifeUnderV1(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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

func TestWhatSignUpRefuses(t *testing.T) {
	t.Parallel()
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
