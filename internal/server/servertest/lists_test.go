package servertest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/config"
)

// staff makes who has this address staff, and gives a token of his.
func (s *Server) staff(t testing.TB, email string) pair {
	t.Helper()
	u, err := s.Accounts().SignUp(t.Context(), s.Operator(), account.NewUser{Email: email, Username: strings.Split(email, "@")[0], Password: goodPassword, Staff: true, By: account.Staff})
	if err != nil {
		t.Fatalf("add %s: %v", email, err)
	}
	p := s.signIn(t, email)
	if p.User.ID != u.ID {
		t.Fatalf("signed in as %d, want %d", p.User.ID, u.ID)
	}
	return p
}

// TestStaffFindsUsers lists and searches users under /v1/.
func TestStaffFindsUsers(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		boss := s.staff(t, "boss@example.com")
		for i := range 6 {
			s.post(t, 201, "/v1/sign-up", map[string]any{"email": fmt.Sprintf("u%d@example.com", i), "username": fmt.Sprintf("name%d", i), "password": goodPassword}, nil)
		}
		if err := s.Accounts().SetActive(t.Context(), 3, false); err != nil {
			t.Fatal(err)
		}
		all := func(query string) string {
			var ids []string
			for after, pages := "", 0; pages < 20; pages++ {
				r := s.Do(t, "GET", "/v1/users?"+query+"&after="+url.QueryEscape(after), nil, bearer(boss.Access)...)
				var got struct {
					Results []map[string]any `json:"results"`
					Next    *string          `json:"next"`
				}
				if r.Status != 200 {
					return fmt.Sprint(r.Status, " ", string(r.Body))
				}
				r.JSON(t, &got)
				for _, u := range got.Results {
					ids = append(ids, fmt.Sprint(u["id"]))
					if _, secret := u["password"]; secret {
						t.Errorf("a password is shown: %v", u)
					}
				}
				if got.Next == nil {
					break
				}
				after = *got.Next
			}
			return strings.Join(ids, " ")
		}
		for _, tt := range []struct{ query, want string }{
			{"limit=2", "1 2 3 4 5 6 7"},
			{"limit=200", "1 2 3 4 5 6 7"},
			{"is_staff=true", "1"},
			{"is_staff=false&limit=1", "2 3 4 5 6 7"},
			{"is_active=false", "3"},
			{"is_active=true&limit=3", "1 2 4 5 6 7"},
			{"is_active=false&is_staff=true", ""},
			{"email=U", "2 3 4 5 6 7"},
			{"email=u3%40EXAMPLE", "5"},
			{"email=u&is_active=false", "3"},
			{"username=name&limit=4", "2 3 4 5 6 7"},
			{"username=name1&email=u", "3"},
			{"joined_after=2000-01-01&limit=3", "1 2 3 4 5 6 7"},
			{"joined_before=2000-01-01T00:00:00Z", ""},
		} {
			if got := all(tt.query); got != tt.want {
				t.Errorf("%s\n got: %s\nwant: %s", tt.query, got, tt.want)
			}
		}
		for _, tt := range []struct{ query, want string }{
			{"limit=0", "limit"}, {"limit=201", "limit"}, {"is_staff=1", "is_staff"}, {"joined_after=soon", "joined_after"}, {"q=x", "unknown"}, {"email=%00", ""},
		} {
			if r := s.Do(t, "GET", "/v1/users?"+tt.query, nil, bearer(boss.Access)...); tt.want != "" && (r.Status != 400 || !strings.Contains(string(r.Body), tt.want)) {
				t.Errorf("%s: got %d %s, want 400", tt.query, r.Status, r.Body)
			}
		}
		for _, after := range []string{"x", "aWQgeyJ", "aWQgW10", "ZW1haWwge30"} { // no base64 of ours, cut, a list, of another order
			if r := s.Do(t, "GET", "/v1/users?after="+after, nil, bearer(boss.Access)...); r.Status != 400 {
				t.Errorf("after %s: got %d %s, want 400", after, r.Status, r.Body)
			}
		}
		ann := s.signIn(t, "u0@example.com")
		if r := s.Do(t, "GET", "/v1/users", nil, bearer(ann.Access)...); r.Status != 403 || !strings.Contains(string(r.Body), `"forbidden"`) {
			t.Errorf("no staff: got %d %s, want 403", r.Status, r.Body)
		}
		if r := s.Do(t, "GET", "/v1/users", nil); r.Status != 401 {
			t.Errorf("nobody: got %d %s, want 401", r.Status, r.Body)
		}
	})
}

// TestAnAdoptedTableIsSearchedByItsIndexes holds that a search without an index is refused by name.
func TestAnAdoptedTableIsSearchedByItsIndexes(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(cfg *config.Config) { cfg.User.Table = "spauser_spauser" })
		boss := s.staff(t, "boss@example.com")
		r := s.Do(t, "GET", "/v1/users?is_staff=true", nil, bearer(boss.Access)...)
		if want := `"field":"is_staff","code":"not_indexed"`; r.Status != 400 || !strings.Contains(string(r.Body), want) {
			t.Errorf("got %d %s, want 400 and %s", r.Status, r.Body, want)
		}
		if r := s.Do(t, "GET", "/v1/users?limit=1", nil, bearer(boss.Access)...); r.Status != 200 || !strings.Contains(string(r.Body), "boss@") {
			t.Errorf("by id: got %d %s", r.Status, r.Body)
		}
	})
}

// TestPagesOfREST asks djoser's list of users for pages.
func TestPagesOfREST(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(cfg *config.Config) {
			cfg.Mounts = map[string]config.Mount{"v1": {}, "djoser": {REST: config.REST{PageSize: 2}}, "old": {Preset: "djoser", Prefix: "/old/", Generation: "classic", REST: config.REST{PageSize: 2}}}
		})
		boss := s.staff(t, "boss@example.com")
		_ = boss
		for i := range 4 {
			s.signUp(t, fmt.Sprintf("u%d@example.com", i))
		}
		var token struct {
			Access string `json:"access"`
		}
		s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "boss", "password": goodPassword}, &token)
		get := func(path string) *Reply { return s.Do(t, "GET", path, nil, "Authorization", "Bearer "+token.Access) }
		base := s.URL
		for _, tt := range []struct {
			path           string
			status         int
			next, previous string
			ids            string
		}{
			{"/auth/users/", 200, "/auth/users/?page=2", "", "1 2"},
			{"/auth/users/?page=1", 200, "/auth/users/?page=2", "", "1 2"},
			{"/auth/users/?page=", 200, "/auth/users/?page=2", "", "1 2"},
			{"/auth/users/?b=%26&page=2&a=", 200, "/auth/users/?a=&b=%26&page=3", "/auth/users/?a=&b=%26", "3 4"},
			{"/auth/users/?page=3", 200, "", "/auth/users/?page=2", "5"},
			{"/auth/users/?page=last", 200, "", "/auth/users/?page=2", "5"},
			{"/auth/users/?page=%2B2%20", 200, "/auth/users/?page=3", "/auth/users/", "3 4"},
			{"/auth/users/?page=4", 404, "", "", ""},
			{"/auth/users/?page=0", 404, "", "", ""},
			{"/auth/users/?page=-1", 404, "", "", ""},
			{"/auth/users/?page=x", 404, "", "", ""},
			{"/auth/users/?page=1.5", 404, "", "", ""},
			{"/auth/users/?page=99999999999999999999", 404, "", "", ""},
			{"/old/users/?page=", 404, "", "", ""},
		} {
			r := get(tt.path)
			if tt.status == 404 {
				if string(r.Body) != `{"detail":"Invalid page."}` || r.Status != 404 {
					t.Errorf("%s: got %d %s", tt.path, r.Status, r.Body)
				}
				continue
			}
			link := func(path string) string {
				if path == "" {
					return "null"
				}
				return `"` + base + path + `"`
			}
			head := fmt.Sprintf(`{"count":5,"next":%s,"previous":%s,"results":[{`, link(tt.next), link(tt.previous))
			var got struct {
				Results []struct {
					ID int `json:"id"`
				} `json:"results"`
			}
			r.JSON(t, &got)
			var ids []string
			for _, u := range got.Results {
				ids = append(ids, fmt.Sprint(u.ID))
			}
			if r.Status != tt.status || !strings.HasPrefix(string(r.Body), head) || strings.Join(ids, " ") != tt.ids {
				t.Errorf("%s\n got: %d %s\nwant: %s… with %s", tt.path, r.Status, r.Body, head, tt.ids)
			}
		}
	})
}

// TestAListWithoutPagesIsBounded holds that a list is never cut short unseen.
func TestAListWithoutPagesIsBounded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(cfg *config.Config) {
			cfg.Mounts = map[string]config.Mount{"v1": {}, "djoser": {REST: config.REST{ListLimit: 3}}}
		})
		s.staff(t, "boss@example.com")
		var token struct {
			Access string `json:"access"`
		}
		s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "boss", "password": goodPassword}, &token)
		for i, want := range []int{200, 200, 400} {
			s.signUp(t, fmt.Sprintf("u%d@example.com", i))
			r := s.Do(t, "GET", "/auth/users/", nil, "Authorization", "Bearer "+token.Access)
			if r.Status != want || want == 400 && string(r.Body) != `{"detail":"There are more than 3 of them, and this list has no pages."}` {
				t.Errorf("%d users: got %d %s, want %d", i+2, r.Status, r.Body, want)
			}
		}
	})
}
