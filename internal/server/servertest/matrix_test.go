package servertest

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/web"
)

// update rewrites testdata/access.txt by what the server answers. Look at the difference before it is committed.
var update = flag.Bool("update", false, "rewrite testdata/access.txt")

const matrixFile = "testdata/access.txt"

const matrixHead = `# Who gets what of every route: the status of a request with an empty object for a body. TestWhoMayCallWhat holds it; its
# flag -update rewrites this file. A path is about a plain user, who is "user"; "other" is another one, "disabled" the
# user himself once he is disabled.
`

// matrixRoles are whom a request can come from.
var matrixRoles = []string{"nobody", "user", "other", "staff", "superuser", "disabled"}

// member registers somebody in a mount, past HTTP, with the flags of a role.
func (s *Server) member(t testing.TB, mount, role string) (account.User, string) {
	t.Helper()
	email := fmt.Sprintf("%s-%s-%d@example.com", mount, role, people.Add(1))
	n := account.NewUser{Email: email, Username: email, Password: goodPassword, Staff: role == "staff", Superuser: role == "superuser"}
	g, err := s.Accounts().Register(context.Background(), s.Policy(mount), n)
	if err != nil {
		t.Fatalf("register %s in %s: %v", email, mount, err)
	}
	return g.User, g.Access
}

// about is a route's path, about u, and about a group and a permission that are there.
func about(m *web.Mount, r *web.Route, u *account.User, group int64) string {
	profile, _ := u.Profiles.Of("profile")
	return strings.NewReplacer("{id}", fmt.Sprint(u.ID), "{id:int}", fmt.Sprint(profile.ID), "{group}", fmt.Sprint(group), "{permission}", "blog.change_post").Replace(m.Prefix + r.Path)
}

// furnish makes what paths of groups and permissions name.
func (s *Server) furnish(t testing.TB) (group int64) {
	t.Helper()
	g, err := s.Accounts().MakeGroup(context.Background(), fmt.Sprint("group ", people.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accounts().MakePermission(context.Background(), "blog.change_post", ""); err != nil && account.Refusal(err) == nil {
		t.Fatal(err)
	}
	return g.ID
}

// asked is the status that a role gets of a route.
func (s *Server) asked(t testing.TB, m *web.Mount, r *web.Route, role string) int {
	t.Helper()
	user, token := s.member(t, m.Name, "user")
	switch role {
	case "nobody":
		token = ""
	case "other", "staff", "superuser":
		_, token = s.member(t, m.Name, role)
	case "disabled":
		if err := s.Accounts().SetActive(context.Background(), user.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	headers := []string{"Content-Type", "application/json"}
	if token != "" {
		headers = append(headers, "Authorization", scheme(m)+" "+token)
	}
	return s.Do(t, r.Method, about(m, r, &user, s.furnish(t)), strings.NewReader("{}"), headers...).Status
}

// TestWhoMayCallWhat asks for every route of every preset as everybody, and holds the answers against the pinned ones.
// A route that is not pinned fails: who may call it is to be looked at first.
func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	got := map[string]string{}
	for _, m := range s.Mounts() {
		for i := range m.Routes {
			r := &m.Routes[i]
			var cells []string
			for _, role := range matrixRoles {
				status := s.asked(t, &m, r, role)
				if status >= 500 {
					t.Errorf("%s %s %s as %s: got %d", m.Name, r.Method, r.Path, role, status)
				}
				cells = append(cells, fmt.Sprintf("%s %d", role, status))
			}
			got[fmt.Sprintf("%s %s %s %s", m.Name, r.Op, r.Method, m.Prefix+r.Path)] = strings.Join(cells, "  ")
		}
	}
	if *update {
		lines := []string{}
		for _, route := range slices.Sorted(maps.Keys(got)) {
			lines = append(lines, fmt.Sprintf("%-80s %s\n", route, got[route]))
		}
		if err := os.WriteFile(matrixFile, []byte(matrixHead+strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := pinned(t)
	for _, route := range slices.Sorted(maps.Keys(got)) {
		if want[route] == "" {
			t.Errorf("%s is not pinned in %s\ngot:  %s\nwant: a line there, which -update writes and somebody looks at", route, matrixFile, got[route])
		} else if got[route] != want[route] {
			t.Errorf("%s\ngot:  %s\nwant: %s", route, got[route], want[route])
		}
	}
	for route := range want {
		if got[route] == "" {
			t.Errorf("%s has %s, which is no route", matrixFile, route)
		}
	}
	s.faultless(t)
}

// pinned are the lines of the file: by mount, name, method and path the statuses.
func pinned(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 4 && words[0] != "#" {
			var cells []string
			for i := 4; i+1 < len(words); i += 2 {
				cells = append(cells, words[i]+" "+words[i+1])
			}
			rows[strings.Join(words[:4], " ")] = strings.Join(cells, "  ")
		}
	}
	return rows
}

// TestWhoComesInByHisRole holds what the pinned matrix must never say, whoever rewrites it: nobody gets in where somebody
// is wanted, nor who is disabled, and no route of staff's takes anybody else.
func TestWhoComesInByHisRole(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	want := pinned(t)
	refused := func(status string) bool { return status == "401" || status == "403" || status == "404" }
	for _, m := range s.Mounts() {
		for i := range m.Routes {
			r := &m.Routes[i]
			what := fmt.Sprintf("%s %s %s %s", m.Name, r.Op, r.Method, m.Prefix+r.Path)
			cells := strings.Fields(want[what])
			by := map[string]string{}
			for i := 0; i+1 < len(cells); i += 2 {
				by[cells[i]] = cells[i+1]
			}
			for _, rule := range []struct {
				role string
				from web.Access
			}{
				{"nobody", web.SignedIn}, {"disabled", web.SignedIn}, {"user", web.SecondFactor}, {"other", web.SecondFactor}, {"staff", web.Superuser},
			} {
				if r.Access >= rule.from && !refused(by[rule.role]) {
					t.Errorf("%s as %s: %s is pinned, want a refusal", what, rule.role, by[rule.role])
				}
			}
			if r.About && r.Reach == account.OwnOrStaff && !refused(by["other"]) {
				t.Errorf("%s as another user: %s is pinned, want a refusal", what, by["other"])
			}
		}
	}
}

// unassignable are members that no body may set, with a value that would be known again, as JSON.
var unassignable = map[string]string{
	"is_staff": `true`, "is_superuser": `true`, "is_admin": `true`, "is_active": `false`, "id": `424242`, "pk": `424242`,
	"last_login": `"2001-02-03T04:05:06Z"`, "date_joined": `"2001-02-03T04:05:06Z"`, "jwt_secret": `"66666666-6666-4666-8666-666666666666"`,
	"password_hash": `"pbkdf2_sha256$1$evil$ZXZpbA=="`, "password": `"pbkdf2_sha256$1$evil$ZXZpbA=="`, "groups": `["evil"]`,
	"user_permissions": `["blog.change_post"]`, "email_key": `"evil@example.com"`, "epoch": `77`, "user": `424242`, "user_id": `424242`,
}

// evilRows count what only an assignment could have made.
var evilRows = map[string]string{
	"staff or a superuser":   `select count(*) from users where (is_staff = 1 or is_superuser = 1) and email not like '%superuser%'`,
	"somebody of that id":    `select count(*) from users where id >= 424242`,
	"somebody disabled":      `select count(*) from users where is_active = 0`,
	"that time":              `select count(*) from users where last_login = 981173106000000 or date_joined = 981173106000000`,
	"that secret":            `select count(*) from users where jwt_secret = '66666666666646668666666666666666'`,
	"that hash":              `select count(*) from users where password like 'pbkdf2_sha256$1$evil%'`,
	"a member of the group":  `select count(*) from user_groups g join groups n on n.id = g.group_id where n.name = 'evil'`,
	"a permission":           `select count(*) from user_permissions where user_id not in (select id from users where email like '%superuser%')`,
	"another's key":          `select count(*) from users where email_key = 'evil@example.com'`,
	"that epoch":             `select count(*) from user_states where epoch >= 77`,
	"a session of that user": `select count(*) from sessions where user_id >= 424242`,
}

// TestNoBodyAssignsWhatIsNotItsOwn sends every route that reads a body each member that it must not take, beside values that
// are as good as can be, and looks at the rows afterwards.
func TestNoBodyAssignsWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(s.Config.DatabaseURL, "sqlite:")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := s.Accounts().MakeGroup(context.Background(), "evil"); err != nil {
		t.Fatal(err)
	}
	group := s.furnish(t)
	accepted, sent := 0, 0
	for _, m := range s.Mounts() {
		for i := range m.Routes {
			r := &m.Routes[i]
			if r.Method == "GET" || r.Method == "DELETE" && !reads(r) {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(unassignable)) {
				role := "user"
				if r.Access > web.SignedIn {
					role = "superuser"
				}
				user, token := s.member(t, m.Name, role)
				path, body := about(&m, r, &user, group), s.assigning(t, &m, r, &user, name)
				headers := []string{"Content-Type", "application/json"}
				if r.Access > web.Anyone {
					headers = append(headers, "Authorization", scheme(&m)+" "+token)
				}
				reply := s.Do(t, r.Method, path, strings.NewReader(body), headers...)
				if sent++; reply.Status < 300 {
					accepted++
				}
				if reply.Status >= 500 {
					t.Errorf("%s %s %s: got %d %s", r.Method, path, body, reply.Status, reply.Body)
				}
				for what, text := range evilRows {
					var n int
					if err := db.QueryRow(text).Scan(&n); err != nil {
						t.Fatal(err)
					}
					if n != 0 {
						t.Fatalf("%s %s %s: got %d and %d rows with %s, want none", r.Method, path, body, reply.Status, n, what)
					}
				}
			}
		}
	}
	if accepted < sent/8 {
		t.Errorf("only %d of %d bodies were taken: the test proves little", accepted, sent)
	}
}

// signsIn are the routes that take a login and a password.
var signsIn = []string{"jwt-create", "jwt-sliding", "login", "sign-in", "token-create", "user-login"}

// assigning is a body of r's members with values that are as good as can be, and one that it must not take.
func (s *Server) assigning(t testing.TB, m *web.Mount, r *web.Route, u *account.User, name string) string {
	t.Helper()
	fresh := fmt.Sprintf("fresh-%d", people.Add(1))
	members := map[string]any{}
	for _, f := range r.Input {
		if f.ReadOnly {
			continue
		}
		switch {
		case f.Name == "current_password", f.Name == "password" && (r.Access != web.Anyone || slices.Contains(signsIn, r.Op)):
			members[f.Name] = goodPassword
		case strings.Contains(f.Name, "password"):
			members[f.Name] = "battery-staple-7"
		case f.Kind == web.Email || strings.Contains(f.Name, "email"):
			members[f.Name] = fresh + "@example.com"
		case f.Name == "permission":
			members[f.Name] = "blog." + strings.ReplaceAll(fresh, "-", "_")
		case f.Spec == nil && f.Fields == nil:
			members[f.Name] = fresh
		}
	}
	if slices.Contains(signsIn, r.Op) {
		for _, login := range []string{"email", "username"} {
			if _, ok := members[login]; ok {
				members[login] = u.LoginName(account.Field(login))
			}
		}
	}
	if _, legitimate := members[name]; !legitimate || name == "password" && r.Access == web.Anyone {
		members[name] = json.RawMessage(unassignable[name])
	}
	out, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
