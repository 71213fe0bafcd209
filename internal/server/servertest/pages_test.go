package servertest

import (
	"fmt"
	"testing"

	"doorward/internal/config"
)

// TestPagesOfPeople asks the list of users with profiles for pages.
func TestPagesOfPeople(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(cfg *config.Config) {
			cfg.Mounts = map[string]config.Mount{
				"v1": {}, "userapi": {REST: config.REST{PageSize: 2}},
				"short": {Preset: "userapi", Prefix: "/short/", REST: config.REST{ListLimit: 2}},
			}
		})
		s.staff(t, "boss@example.com")
		boss := []string{"Authorization", s.jwt(t, "boss@example.com")}
		var other struct{ Token string }
		s.post(t, 200, "/short/api-token-auth/", map[string]any{"email": "boss@example.com", "password": goodPassword}, &other)
		short := func(what string, status int, text string) {
			t.Helper()
			s.Do(t, "GET", "/short/users/", nil, "Authorization", "JWT "+other.Token).says(t, what, status, text)
		}
		list := s.URL + "/userapi/users/"
		short("a list of one", 200, `[{"url":"`+s.URL+`/short/users/1/"`)
		for i := range 2 {
			s.resident(t, fmt.Sprintf("u%d@example.com", i))
		}
		s.Do(t, "GET", "/userapi/users/", nil, boss...).
			says(t, "the first page", 200, `{"count":3,"next":"`+list+`?page=2","previous":null,"results":[{"url":"`+list+`1/",`)
		s.Do(t, "GET", "/userapi/users/?page=2", nil, boss...).
			says(t, "the second page", 200, `{"count":3,"next":null,"previous":"`+list+`","results":[{"url":"`+list+`3/",`)
		s.Do(t, "GET", "/userapi/users.json?page=last", nil, boss...).
			says(t, "the last page with a suffix", 200, `"previous":"`+s.URL+`/userapi/users.json","results":[{"url":"`+list+`3.json",`)
		s.Do(t, "GET", "/userapi/users/?page=3", nil, boss...).says(t, "a page that is not there", 404, `{"detail":"Invalid page."}`)
		s.Do(t, "GET", "/userapi/users/?page=2", nil, "Authorization", s.jwt(t, "u0@example.com")).says(t, "no staff", 403, "")
		short("more than a list may have", 400, `{"detail":"There are more than 2 of them, and this list has no pages."}`)
		s.faultless(t)
	})
}

// TestPagesOfProfiles asks the list of profiles for pages, by the ids of the profiles.
func TestPagesOfProfiles(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(cfg *config.Config) {
			withProfiles(cfg)
			cfg.Mounts = map[string]config.Mount{
				"djoser": {}, "profiles": {REST: config.REST{PageSize: 2}},
				"short": {Preset: "profiles", Prefix: "/short/", REST: config.REST{ListLimit: 2}},
			}
		})
		var ann []string
		for i, name := range []string{"ann", "bob", "eve"} {
			headers := s.register(t, name)
			if ann == nil {
				ann = headers
			}
			if name == "bob" { // his comes last now
				s.Do(t, "DELETE", "/api/accounts/profile/2/", nil, headers...).says(t, "delete", 204, "")
			}
			if i < 2 {
				s.Do(t, "GET", "/short/all-profiles/", nil, ann...).says(t, "a short list", 200, `[{"id":1,`)
			}
		}
		list := s.URL + "/api/accounts/all-profiles/"
		all := func(query string) *Reply { return s.Do(t, "GET", "/api/accounts/all-profiles/"+query, nil, ann...) }
		all("").says(t, "one page", 200, `{"count":2,"next":null,"previous":null,"results":[{"id":1,"user":"ann",`)
		s.register(t, "kay")
		all("").says(t, "the first page", 200, `{"count":3,"next":"`+list+`?page=2","previous":null,"results":[{"id":1,"user":"ann",`)
		all("?page=2").says(t, "the second page", 200, `{"count":3,"next":null,"previous":"`+list+`","results":[{"id":4,"user":"kay",`)
		all("?page=last").says(t, "the last page", 200, `"results":[{"id":4,"user":"kay",`)
		all("?page=0").says(t, "a page that is not there", 404, `{"detail":"Invalid page."}`)
		s.Do(t, "GET", "/short/all-profiles/", nil, ann...).
			says(t, "more than a list may have", 400, `{"detail":"There are more than 2 of them, and this list has no pages."}`)
		s.faultless(t)
	})
}
