package servertest

import (
	"fmt"
	"strings"
	"testing"

	"doorward/internal/config"
)

// as asks as somebody, and gives the status and the body in one line.
func (s *Server) as(t testing.TB, token, method, path string, v any) string {
	t.Helper()
	r := s.Send(t, method, path, v, bearer(token)...)
	if r.Status >= 400 {
		return fmt.Sprint(r.Status, " ", r.code(t))
	}
	return strings.TrimSpace(fmt.Sprint(r.Status, " ", string(r.Body)))
}

func TestGroupsUnderV1(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		ann, annToken := s.member(t, "v1", "user")
		bob, _ := s.member(t, "v1", "user")
		_, boss := s.member(t, "v1", "superuser")
		_, staff := s.member(t, "v1", "staff")
		one := fmt.Sprintf("/v1/users/%d", ann.ID)
		for _, step := range []struct {
			token, method, path string
			body                any
			want                string
		}{
			{boss, "POST", "/v1/groups", map[string]any{"name": "editors"}, `201 {"id":1,"name":"editors"}`},
			{boss, "POST", "/v1/groups", map[string]any{"name": "readers"}, `201 {"id":2,"name":"readers"}`},
			{boss, "POST", "/v1/groups", map[string]any{"name": "editors"}, `409 group_taken`},
			{boss, "POST", "/v1/groups", map[string]any{"name": " "}, `400 invalid_request`},
			{boss, "POST", "/v1/groups", map[string]any{"name": " editors"}, `400 invalid_request`},
			{boss, "POST", "/v1/groups", map[string]any{"name": strings.Repeat("é", 151)}, `400 invalid_request`},
			{boss, "POST", "/v1/groups", map[string]any{"name": "x", "id": 7}, `400 invalid_request`},
			{boss, "POST", "/v1/permissions", map[string]any{"permission": "blog.change_post"}, `201 {"id":1,"permission":"blog.change_post","name":"Can change post"}`},
			{boss, "POST", "/v1/permissions", map[string]any{"permission": "blog.view_post", "name": "Reads"}, `201 {"id":2,"permission":"blog.view_post","name":"Reads"}`},
			{boss, "POST", "/v1/permissions", map[string]any{"permission": "blog.view_post"}, `409 permission_taken`},
			{boss, "POST", "/v1/permissions", map[string]any{"permission": "blog"}, `400 invalid_request`},
			{boss, "POST", "/v1/permissions", map[string]any{"permission": "blog.a/b"}, `400 invalid_request`},
			{boss, "PUT", "/v1/groups/1/permissions/blog.change_post", nil, `204`},
			{boss, "PUT", "/v1/groups/1/permissions/blog.change_post", nil, `204`},
			{boss, "PUT", "/v1/groups/1/permissions/blog.none", nil, `404 no_such_permission`},
			{boss, "PUT", "/v1/groups/1/permissions/blog.%00", nil, `404 no_such_permission`},
			{boss, "PUT", "/v1/groups/9/permissions/blog.change_post", nil, `404 no_such_group`},
			{boss, "PUT", "/v1/groups/x/permissions/blog.change_post", nil, `404 no_such_group`},
			{boss, "PUT", "/v1/groups/99999999999999999/permissions/blog.change_post", nil, `404 no_such_group`},
			{boss, "PUT", fmt.Sprintf("/v1/groups/1/members/%d", ann.ID), nil, `204`},
			{boss, "PUT", fmt.Sprintf("/v1/groups/1/members/%d", bob.ID), nil, `204`},
			{boss, "PUT", "/v1/groups/1/members/4711", nil, `404 no_such_user`},
			{boss, "PUT", "/v1/groups/9/members/1", nil, `404 no_such_group`},
			{boss, "PUT", one + "/permissions/blog.view_post", nil, `204`},
			{staff, "PUT", one + "/permissions/blog.view_post", nil, `403 forbidden`},
			{staff, "GET", "/v1/groups?limit=1", nil, `200 {"results":[{"id":1,"name":"editors"}],"next":"1"}`},
			{staff, "GET", "/v1/groups?after=1&limit=1", nil, `200 {"results":[{"id":2,"name":"readers"}],"next":null}`},
			{staff, "GET", "/v1/groups?limit=0", nil, `400 invalid_request`},
			{staff, "GET", "/v1/groups?after=x", nil, `400 invalid_request`},
			{staff, "GET", "/v1/groups/1", nil, `200 {"id":1,"name":"editors","permissions":["blog.change_post"]}`},
			{staff, "GET", "/v1/permissions?after=1", nil, `200 {"results":[{"id":2,"permission":"blog.view_post","name":"Reads"}],"next":null}`},
			{staff, "GET", one + "/permissions", nil, `200 {"groups":[{"id":1,"name":"editors"}],"permissions":["blog.change_post","blog.view_post"],"own_permissions":["blog.view_post"]}`},
			{annToken, "GET", one + "/groups", nil, `200 {"groups":[{"id":1,"name":"editors"}]}`},
			{annToken, "GET", "/v1/me/permissions", nil, `200 {"groups":[{"id":1,"name":"editors"}],"permissions":["blog.change_post","blog.view_post"],"own_permissions":["blog.view_post"]}`},
			{annToken, "GET", fmt.Sprintf("/v1/users/%d/permissions", bob.ID), nil, `404 no_such_user`},
			{annToken, "GET", "/v1/users/4711/permissions", nil, `404 no_such_user`},
			{boss, "GET", "/v1/me/permissions", nil, `200 {"groups":[],"permissions":["blog.change_post","blog.view_post"],"own_permissions":[]}`},
			{boss, "PATCH", "/v1/groups/1", map[string]any{"name": "writers"}, `200 {"id":1,"name":"writers"}`},
			{boss, "PATCH", "/v1/groups/1", map[string]any{"name": "readers"}, `409 group_taken`},
			{boss, "PATCH", "/v1/groups/9", map[string]any{"name": "nobody"}, `404 no_such_group`},
			{boss, "DELETE", fmt.Sprintf("/v1/groups/1/members/%d", bob.ID), nil, `204`},
			{boss, "DELETE", "/v1/groups/1/permissions/blog.change_post", nil, `204`},
			{boss, "DELETE", one + "/permissions/blog.view_post", nil, `204`},
			{annToken, "GET", "/v1/me/permissions", nil, `200 {"groups":[{"id":1,"name":"writers"}],"permissions":[],"own_permissions":[]}`},
			{boss, "DELETE", "/v1/permissions/blog.view_post", nil, `204`},
			{boss, "DELETE", "/v1/permissions/blog.view_post", nil, `404 no_such_permission`},
			{boss, "DELETE", "/v1/groups/1", nil, `204`},
			{boss, "DELETE", "/v1/groups/1", nil, `404 no_such_group`},
			{annToken, "GET", "/v1/me/permissions", nil, `200 {"groups":[],"permissions":[],"own_permissions":[]}`},
		} {
			if got := s.as(t, step.token, step.method, step.path, step.body); got != step.want {
				t.Errorf("%s %s %v\ngot:  %s\nwant: %s", step.method, step.path, step.body, got, step.want)
			}
		}
		s.as(t, boss, "PUT", fmt.Sprintf("/v1/groups/2/members/%d", ann.ID), nil)
		var members struct {
			Results []struct{ ID int64 }
			Next    *string
		}
		s.Do(t, "GET", "/v1/groups/2/members?limit=1", nil, bearer(staff)...).JSON(t, &members)
		if len(members.Results) != 1 || members.Results[0].ID != ann.ID || members.Next != nil {
			t.Errorf("members: got %+v, want user %d alone", members, ann.ID)
		}
		s.faultless(t)
	})
}

// ruled mounts djoser and /v1/ with rules.
func ruled(access map[string]map[string]string) func(*config.Config) {
	return func(c *config.Config) {
		c.Mounts = map[string]config.Mount{}
		for name, rules := range access {
			c.Mounts[name] = config.Mount{Access: rules}
		}
	}
}

// TestRulesOfAConfiguration holds what each rule lets in: by route and role the status.
func TestRulesOfAConfiguration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, mount, key, rule string
		method, path           string
		want                   string // nobody, user, other, staff, superuser, disabled
	}{
		{"a list to anyone", "djoser", "user-list", "anyone", "GET", "users/", "200 200 200 200 200 401"},
		{"a list to staff", "djoser", "GET user-list", "staff", "GET", "users/", "401 404 404 200 200 401"},
		{"a list to a superuser", "djoser", "GET user-list", "superuser", "GET", "users/", "401 404 404 404 200 401"},
		{"a registration by staff", "djoser", "POST user-list", "staff", "POST", "users/", "401 403 403 400 400 401"},
		{"a registration by staff, of our own", "v1", "sign-up", "staff", "POST", "sign-up", "401 403 403 400 400 401"},
		{"everybody is read", "djoser", "user-detail", "owner-or-read-only", "GET", "users/{id}/", "401 200 200 200 200 401"},
		{"and changed by himself", "djoser", "user-detail", "owner-or-read-only", "PATCH", "users/{id}/", "401 200 404 404 404 401"},
		{"himself and staff", "djoser", "user-detail", "own", "PATCH", "users/{id}/", "401 200 404 200 200 401"},
		{"whoever is signed in", "djoser", "GET user-detail", "signed-in", "GET", "users/{id}/", "401 200 200 200 200 401"},
		{"no other method", "djoser", "GET user-detail", "signed-in", "PATCH", "users/{id}/", "401 200 404 200 200 401"},
		{"a second factor, which nobody has", "v1", "me", "second-factor", "GET", "me", "401 403 403 403 403 401"},
		{"a permission", "v1", "me", "perm:blog.change_post", "GET", "me", "401 403 200 403 200 401"},
		{"a permission, in a contract", "djoser", "user-me", "perm:blog.change_post", "GET", "users/me/", "401 404 200 404 200 401"},
		{"a permission that is none", "v1", "me", "perm:blog.fly", "GET", "me", "401 403 403 403 200 401"},
		{"a group", "v1", "me", "group:editors", "GET", "me", "401 403 200 403 403 401"},
		{"a group that is none", "v1", "me", "group:flyers", "GET", "me", "401 403 403 403 403 401"},
		{"as Django's admin demands", "v1", "groups", "perm:blog.change_post", "GET", "groups", "401 403 200 403 200 401"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := Start(t, "sqlite", ruled(map[string]map[string]string{tt.mount: {tt.key: tt.rule}}))
			s.furnish(t)
			g, err := s.Accounts().MakeGroup(t.Context(), "editors")
			if err == nil {
				err = s.Accounts().SetGroupPermission(t.Context(), g.ID, "blog.change_post", true)
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, role := range matrixRoles {
				m := s.Mounts()[0]
				user, token := s.member(t, m.Name, "user")
				switch role {
				case "nobody":
					token = ""
				case "disabled":
					err = s.Accounts().SetActive(t.Context(), user.ID, false)
				case "user":
				default:
					other, theirs := s.member(t, m.Name, role)
					token = theirs
					if role == "other" {
						err = s.Accounts().SetMember(t.Context(), g.ID, other.ID, true)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				headers := []string{"Content-Type", "application/json"}
				if token != "" {
					headers = append(headers, "Authorization", "Bearer "+token)
				}
				path := strings.ReplaceAll(m.Prefix+tt.path, "{id}", fmt.Sprint(user.ID))
				got = append(got, fmt.Sprint(s.Do(t, tt.method, path, strings.NewReader("{}"), headers...).Status))
			}
			if line := strings.Join(got, " "); line != tt.want {
				t.Errorf("%s = %q: %s %s\ngot:  %s\nwant: %s", tt.key, tt.rule, tt.method, tt.path, line, tt.want)
			}
			s.faultless(t)
		})
	}
}

// TestARevokedPermissionIsGoneAtOnce holds that nothing remembers what somebody might do.
func TestARevokedPermissionIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, ruled(map[string]map[string]string{"v1": {"me": "perm:blog.change_post"}}))
		s.furnish(t)
		ann, token := s.member(t, "v1", "user")
		for i, granted := range []bool{true, false, true, false} {
			if err := s.Accounts().SetUserPermission(t.Context(), ann.ID, "blog.change_post", granted); err != nil {
				t.Fatal(err)
			}
			if got := s.me(t, token); (got == "") != granted {
				t.Errorf("change %d: got %q, want it to be let in: %v", i, got, granted)
			}
		}
	})
}

func TestRulesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, mount, key, rule, want string }{
		{"a rule that is none", "djoser", "user-list", "admins", `has the rule "admins", which is not known`},
		{"the list of rules", "djoser", "user-list", "", "there are: anyone, signed-in, own, owner-or-read-only, second-factor, staff, superuser, perm:APP.CODENAME, group:NAME"},
		{"a permission without its app", "v1", "me", "perm:change", `has the rule "perm:change"`},
		{"a group without a name", "v1", "me", "group:", `has the rule "group:"`},
		{"a route that is none", "v1", "fly", "staff", `access names the route "fly", which is not there`},
		{"a method that is none", "v1", "PUT me", "staff", `access names the route "PUT me"`},
		{"nobody's own", "v1", "groups", "own", "that route is about nobody in particular"},
		{"nobody's me", "v1", "me", "anyone", "that route is about who asks"},
		{"nobody's view", "tag1", "user-view", "anyone", "that route is about who asks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Try(t, "sqlite", ruled(map[string]map[string]string{tt.mount: {tt.key: tt.rule}}))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s = %q\ngot:  %v\nwant: %s", tt.key, tt.rule, err, tt.want)
			}
		})
	}
	_, err := Try(t, "sqlite", func(c *config.Config) {
		c.Mounts = map[string]config.Mount{"djoser": {Djoser: config.Djoser{Permissions: map[string]string{"user": "admins"}}}}
	})
	if err == nil || !strings.Contains(err.Error(), `permissions has the rule "admins"`) {
		t.Errorf("djoser's permissions: got %v", err)
	}
}
