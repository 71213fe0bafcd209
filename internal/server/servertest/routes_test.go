package servertest

import (
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"doorward/internal/config"
	"doorward/internal/server"
	"doorward/internal/web"
)

var (
	person  = regexp.MustCompile(`/users/[0-9]+/$`)
	profile = regexp.MustCompile(`/profile/[0-9]+/$`)
)

// usual is where a preset's transcripts found it.
var usual = map[string]string{"tag1": "/api/", "djoser1": "/api/", "djoser": "/auth/", "simplejwt": "/api/", "profiles": "/api/accounts/", "accounts": "/api/accounts/", "userapi": "/userapi/", "restauth": "/rest-auth/", "djrestauth": "/dj-rest-auth/"}

// exercised says which test calls a route that no transcript calls, by mount and name.
var exercised = map[string]string{
	"tag1 user-logout":                     "TestOneSessionSignsOut",
	"djoser1 root":                         "TestDjoser1MountedByConfiguration",
	"djoser1 user-create":                  "TestDjoser1MountedByConfiguration",
	"djoser1 user":                         "TestDjoser1MountedByConfiguration",
	"djoser1 user-delete":                  "TestDjoser1MountedByConfiguration",
	"djoser1 jwt-create":                   "TestDjoser1MountedByConfiguration",
	"djoser1 jwt-refresh":                  "TestDjoser1MountedByConfiguration",
	"djoser1 jwt-verify":                   "TestDjoser1MountedByConfiguration",
	"accounts user-me":                     "TestRegistrationInSteps",
	"v1 activate":                          "TestAPrivateSignUpDoesNotTell",
	"v1 sign-up":                           "TestALifeUnderV1",
	"v1 sign-in":                           "TestALifeUnderV1",
	"v1 refresh":                           "TestALifeUnderV1",
	"v1 me":                                "TestALifeUnderV1",
	"v1 me-update":                         "TestALifeUnderV1",
	"v1 me-export":                         "TestOnesOwnExport",
	"v1 users":                             "TestStaffFindsUsers",
	"v1 me-delete":                         "TestALifeUnderV1",
	"v1 password-change":                   "TestALifeUnderV1",
	"v1 sign-out":                          "TestALifeUnderV1",
	"v1 sign-out-everywhere":               "TestALifeUnderV1",
	"v1 groups":                            "TestGroupsUnderV1",
	"v1 group-create":                      "TestGroupsUnderV1",
	"v1 group":                             "TestGroupsUnderV1",
	"v1 group-rename":                      "TestGroupsUnderV1",
	"v1 group-delete":                      "TestGroupsUnderV1",
	"v1 group-members":                     "TestGroupsUnderV1",
	"v1 group-join":                        "TestGroupsUnderV1",
	"v1 group-leave":                       "TestGroupsUnderV1",
	"v1 group-grant":                       "TestGroupsUnderV1",
	"v1 group-revoke":                      "TestGroupsUnderV1",
	"v1 permissions":                       "TestGroupsUnderV1",
	"v1 permission-create":                 "TestGroupsUnderV1",
	"v1 permission-delete":                 "TestGroupsUnderV1",
	"v1 user-groups":                       "TestGroupsUnderV1",
	"v1 user-permissions":                  "TestGroupsUnderV1",
	"v1 user-grant":                        "TestGroupsUnderV1",
	"v1 user-revoke":                       "TestGroupsUnderV1",
	"v1 me-permissions":                    "TestGroupsUnderV1",
	"restauth rest_user_details":           "TestRestAuthUser",
	"restauth rest_logout":                 "TestRestAuthEndsWhatItShould",
	"restauth rest_password_change":        "TestRestAuthEndsWhatItShould",
	"restauth rest_password_reset":         "TestRestAuthTellsStrangersNothing",
	"restauth rest_password_reset_confirm": "TestRestAuthTellsStrangersNothing",
	"restauth account_confirm_email":       "TestThePageOfAKey",
	"djrestauth account_confirm_email":     "TestThePageOfAKey",
}

// tests are the names of this package's tests.
func tests(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name := range parsed.Scope.Objects {
			names = append(names, name)
		}
	}
	return names
}

// recorded are the requests of the transcripts that are played: "tag1 POST /api/user/login/".
func recorded(t *testing.T) map[string]bool {
	t.Helper()
	asked := map[string]bool{}
	all := []*Transcript{}
	for dialect := range played {
		for _, file := range files(t, dialect) {
			all = append(all, ReadTranscript(t, contract, file))
		}
	}
	for _, file := range ourOwn(t) {
		all = append(all, ReadTranscript(t, taken, file))
	}
	for _, tr := range all {
		dialect, _, _ := strings.Cut(tr.file, "/")
		for _, step := range tr.Steps {
			if step.Request != nil {
				path, _, _ := strings.Cut(step.Request.Path, "?")
				path = profile.ReplaceAllString(person.ReplaceAllString(path, "/users/{id}/"), "/profile/{id:int}/")
				asked[dialect+" "+step.Request.Method+" "+path] = true
			}
		}
	}
	return asked
}

func TestTheRouteTable(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	names, asked := tests(t), recorded(t)
	for _, m := range s.Mounts() {
		paths := map[string]string{}
		seen := map[string]bool{}
		for _, r := range m.Routes {
			what := fmt.Sprintf("%s %s %s", m.Name, r.Method, r.Path)
			if r.Access < web.Anyone || r.Access > web.Superuser {
				t.Errorf("%s has no access rule", what)
			}
			if r.Anonymous && r.Access != web.Anyone {
				t.Errorf("%s wants somebody signed in and looks at no credentials", what)
			}
			if other, ok := paths[r.Op]; r.Op == "" || ok && other != r.Path || seen[r.Op+r.Method] {
				t.Errorf("%s: its name %q is another route's, at %s", what, r.Op, other)
			}
			paths[r.Op] = r.Path
			seen[r.Op+r.Method] = true
			if !isNative(&m) && (r.View == "" || r.Doc == "") {
				t.Errorf("%s has no view name or no doc", what)
			}
			test, listed := exercised[m.Name+" "+r.Op]
			switch path := usual[m.Name] + r.Path; {
			case asked[m.Name+" "+r.Method+" "+path]:
			case !listed:
				t.Errorf("%s is in no transcript that is played, and in no test that is listed", what)
			case !slices.Contains(names, test):
				t.Errorf("%s is listed with %s, which is no test", what, test)
			}
			for _, f := range r.Input {
				if f.Name == "" || !isNative(&m) && f.Label == "" && f.Fields == nil {
					t.Errorf("%s has a member without name or label: %+v", what, f)
				}
			}
		}
	}
}

// TestTheNamesOfRoutes holds the names that articles and clients know (F098).
func TestTheNamesOfRoutes(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	want := map[string]string{
		"user-create": "/api/user/create/", "user-view": "/api/user/view/", "user-delete": "/api/user/delete/", "user-login": "/api/user/login/",
		"user-login-refresh": "/api/user/login/refresh/", "user-logout-all": "/api/user/logout/all/", "user-logout": "/api/user/logout/",
	}
	for _, m := range s.Mounts() {
		for op, path := range want {
			if got := m.Path(op); m.Name == "tag1" && got != path {
				t.Errorf("%s is at %q, want %q", op, got, path)
			}
		}
	}
}

func TestWhoIsNotSignedInComesInNowhere(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	everyRoute(t, s, func(m *web.Mount, r *web.Route, path, authorization string) {
		if r.Access == web.Anyone {
			return
		}
		for name, header := range map[string]string{"no token": "", "a bad token": scheme(m) + " x.y.z", "another scheme": "Basic dXNlcjpwYXNz", "half a token": authorization[:len(authorization)-9]} {
			got := s.Do(t, r.Method, path, strings.NewReader(`{"password":"correct-horse-9","current_password":"correct-horse-9"}`), "Content-Type", "application/json", "Authorization", header)
			if got.Status != 401 || got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s with %s: got %d %s, want 401 with a challenge", r.Method, path, name, got.Status, got.Body)
			}
		}
		if got := s.Do(t, r.Method, path, nil, "Authorization", authorization); got.Status == 401 || got.Status == 404 || got.Status == 405 {
			t.Errorf("%s %s with a good token: got %d %s", r.Method, path, got.Status, got.Body)
		}
	})
}

func TestMountsThatCannotBeAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	mounts := func(m map[string]config.Mount) func(*config.Config) {
		return func(c *config.Config) { c.Mounts = m }
	}
	cases := []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"two mounts at one path", mounts(map[string]config.Mount{"a": {Preset: "tag1"}, "b": {Preset: "tag1"}}), "two mounts have the path /api/user/"},
		{"two routes moved to one path", mounts(map[string]config.Mount{"tag1": {Paths: map[string]string{"user-delete": "user/create/"}}}), "two routes answer POST /api/user/create/"},
		{"a route moved onto an operation", mounts(map[string]config.Mount{"v1": {Prefix: "/", Paths: map[string]string{"me": "healthz"}}}), "two mounts have the path /healthz"},
		{"a route that the mount has not", mounts(map[string]config.Mount{"tag1": {Paths: map[string]string{"user-fly": "user/fly/"}}}), `"user-fly"`},
		{"a path that is no pattern", mounts(map[string]config.Mount{"tag1": {Paths: map[string]string{"user-view": "{who/"}}}), "a wildcard is a whole segment"},
		{"a preset that is none", mounts(map[string]config.Mount{"x": {Preset: "tag9"}}), `names the preset "tag9"`},
		{"signing that does not go", mounts(map[string]config.Mount{"v1": {Signing: "shared"}}), "does not go with this preset"},
		{"published keys for a contract", mounts(map[string]config.Mount{"tag1": {Signing: "published"}}), "does not go with this preset"},
		{"claims that are none", mounts(map[string]config.Mount{"tag1": {Claims: "odd"}}), `no payload is called "odd"`},
		{"no mounts", mounts(map[string]config.Mount{}), "nothing is mounted"},
		{"profiles that nobody declared", mounts(map[string]config.Mount{"profiles": {}}), `serves the profile "profile", which is not declared`},
		{"a profile of a preset without", mounts(map[string]config.Mount{"tag1": {Profile: "profile"}}), "does not go with this preset"},
		{"a table that nobody knows", func(c *config.Config) { c.User.Table = "app_member" }, `table "app_member" is not known`},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Try(t, "sqlite", tt.change)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if got := server.Presets(); !slices.IsSorted(got) || len(got) < 3 {
		t.Errorf("the presets are %v", got)
	}
}
