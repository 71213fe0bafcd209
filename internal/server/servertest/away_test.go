package servertest

import (
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/web"
)

// goodBody is what a route takes, of a user who is there.
func goodBody(route *web.Route, m *web.Mount, p pair) map[string]any {
	values := map[string]any{
		"email": "new@example.com", "password": goodPassword, "current_password": goodPassword, "new_password": "another-horse-9",
		"refresh_token": p.Refresh, "token": p.Access, "name": "Ann", "username": m.Name, "refresh": p.Refresh, "uid": "MQ", "new_username": "ann",
	}
	body := map[string]any{}
	for _, f := range route.Input {
		if v, ok := values[f.Name]; ok {
			body[f.Name] = v
		}
	}
	return body
}

// TestEveryRouteWhileTheDatabaseIsAway asks each route without its database: what needs it answers
// 503 in the dialect's shape, never that somebody or something is not there.
func TestEveryRouteWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	s := Start(t, "postgres", everyPreset)
	tokens := map[string]pair{}
	for _, m := range s.Mounts() {
		g, err := s.Accounts().Register(t.Context(), s.Policy(m.Name), account.NewUser{Email: m.Name + "@example.com", Username: m.Name, Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		tokens[m.Name] = pair{Access: g.Access, Refresh: g.Refresh}
	}
	back := away(t, s.Config.DatabaseURL)
	defer back()
	refused := 0
	for _, m := range s.Mounts() {
		p := tokens[m.Name]
		for i := range m.Routes {
			route := &m.Routes[i]
			what := m.Name + " " + route.Method + " " + route.Path
			var headers []string
			if somebodys(route) {
				headers = []string{"Authorization", scheme(&m) + " " + p.Access}
			}
			var body any
			if route.Method != "GET" {
				body = goodBody(route, &m, p)
			}
			path := strings.ReplaceAll(m.Prefix+route.Path, "{id:int}", "1")
			r := s.Send(t, route.Method, path, body, headers...)
			if r.Status == 401 && route.Op == "jwt-sliding-refresh" { // the token is of another kind, as it says itself
				continue
			}
			if r.Status == 405 || r.Status == 403 && isPage(route) { // it is refused, or asks for its form, before anything is looked up
				continue
			}
			if r.Status != 503 && (somebodys(route) || r.Status != 200 && r.Status != 400) {
				t.Errorf("%s\ngot:  %d %s\nwant: 503", what, r.Status, r.Body)
				continue
			}
			if r.Status != 503 {
				t.Logf("%s needs no database for this: %d %s", what, r.Status, r.Body)
				continue
			}
			refused++
			if r.Header.Get("Retry-After") != "2" {
				t.Errorf("%s: Retry-After\ngot:  %q\nwant: 2", what, r.Header.Get("Retry-After"))
			}
			err := drfShape(r)
			if isNative(&m) {
				err = problemShape(r)
			}
			if err != nil {
				t.Errorf("%s: %d %s: %v", what, r.Status, r.Body, err)
			}
		}
	}
	if refused < 15 {
		t.Errorf("only %d routes were refused", refused)
	}
	s.faultless(t)
}
