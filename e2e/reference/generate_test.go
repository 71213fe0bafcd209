package reference

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// route is a path, with the fields of a request that it would accept.
type route struct {
	path    string
	methods []string // what it is for; others are sent now and then
	who     string   // whose token fits; "" for nobody's
	fields  map[string]any
}

const password = "correct-horse-9"

// people are there at the start of each round.
func people() []map[string]any {
	return []map[string]any{
		{"id": 1, "username": "ann", "email": "ann@example.com", "password": password},
		{"id": 2, "username": "bob", "email": "bob@example.com", "password": password},
		{"id": 3, "username": "eve", "email": "eve@example.com", "password": password, "is_staff": true},
		{"id": 4, "username": "dan", "email": "dan@example.com", "password": password, "is_active": false},
		{"id": 5, "username": "nopw", "email": "nopw@example.com", "password": nil},
	}
}

var djoserRoutes = []route{
	{path: "/auth/users/", methods: []string{"POST"}, fields: map[string]any{"username": "new", "email": "new@example.com", "password": "staple-battery-4", "re_password": "staple-battery-4"}},
	{path: "/auth/users/", methods: []string{"GET"}, who: "eve"},
	{path: "/auth/users/me/", methods: []string{"GET", "PUT", "PATCH"}, who: "ann", fields: map[string]any{"email": "ann2@example.com"}},
	{path: "/auth/users/me/", methods: []string{"DELETE"}, who: "bob", fields: map[string]any{"current_password": password}},
	{path: "/auth/users/1/", methods: []string{"GET", "PUT", "PATCH"}, who: "ann", fields: map[string]any{"email": "ann3@example.com"}},
	{path: "/auth/users/2/", methods: []string{"GET", "PATCH", "DELETE"}, who: "eve", fields: map[string]any{"email": "bob3@example.com", "current_password": password}},
	{path: "/auth/users/99/", methods: []string{"GET", "PATCH"}, who: "eve", fields: map[string]any{"email": "bob3@example.com"}},
	{path: "/auth/users/activation/", methods: []string{"POST"}, fields: map[string]any{"uid": "{{mail.uid}}", "token": "{{mail.token}}"}},
	{path: "/auth/users/resend_activation/", methods: []string{"POST"}, fields: map[string]any{"email": "dan@example.com"}},
	{path: "/auth/users/set_password/", methods: []string{"POST"}, who: "bob", fields: map[string]any{"current_password": password, "new_password": "staple-battery-5", "re_new_password": "staple-battery-5"}},
	{path: "/auth/users/reset_password/", methods: []string{"POST"}, fields: map[string]any{"email": "ann@example.com"}},
	{path: "/auth/users/reset_password_confirm/", methods: []string{"POST"}, fields: map[string]any{"uid": "{{mail.uid}}", "token": "{{mail.token}}", "new_password": "staple-battery-6", "re_new_password": "staple-battery-6"}},
	{path: "/auth/users/set_username/", methods: []string{"POST"}, who: "ann", fields: map[string]any{"current_password": password, "new_username": "anna", "re_new_username": "anna"}},
	{path: "/auth/users/reset_username/", methods: []string{"POST"}, fields: map[string]any{"email": "bob@example.com"}},
	{path: "/auth/users/reset_username_confirm/", methods: []string{"POST"}, fields: map[string]any{"uid": "{{mail.uid}}", "token": "{{mail.token}}", "new_username": "bobby", "re_new_username": "bobby"}},
	{path: "/auth/jwt/create/", methods: []string{"POST"}, fields: map[string]any{"username": "ann", "password": password}},
	{path: "/auth/jwt/refresh/", methods: []string{"POST"}, fields: map[string]any{"refresh": "{{ann.refresh}}"}},
	{path: "/auth/jwt/verify/", methods: []string{"POST"}, fields: map[string]any{"token": "{{ann.access}}"}},
	{path: "/auth/token/login/", methods: []string{"POST"}, fields: map[string]any{"username": "bob", "password": password}},
	{path: "/auth/token/logout/", methods: []string{"POST"}, who: "bob"},
	{path: "/auth/", methods: []string{"GET"}},
	{path: "/auth/nowhere/", methods: []string{"GET"}},
	{path: "/auth/users/me", methods: []string{"GET", "POST"}, who: "ann"},
}

var simpleRoutes = []route{
	{path: "/api/token/", methods: []string{"POST"}, fields: map[string]any{"username": "ann", "password": password}},
	{path: "/api/token/refresh/", methods: []string{"POST"}, fields: map[string]any{"refresh": "{{ann.refresh}}"}},
	{path: "/api/token/verify/", methods: []string{"POST"}, fields: map[string]any{"token": "{{ann.access}}"}},
	{path: "/api/token/blacklist/", methods: []string{"POST"}, fields: map[string]any{"refresh": "{{bob.refresh}}"}},
	{path: "/api/sliding/", methods: []string{"POST"}, fields: map[string]any{"username": "bob", "password": password}},
	{path: "/api/sliding/refresh/", methods: []string{"POST"}, fields: map[string]any{"token": "{{bob.access}}"}},
	{path: "/api/protected-endpoint/", methods: []string{"GET", "POST"}, who: "ann"},
	{path: "/api/token", methods: []string{"GET", "POST"}},
}

var profileRoutes = []route{
	{path: "/api/accounts/all-profiles/", methods: []string{"GET"}, who: "eve"},
	{path: "/api/accounts/all-profiles/", methods: []string{"POST"}, who: "ann", fields: map[string]any{"description": "again", "location": "Kent", "is_organizer": "true"}},
	{path: "/api/accounts/all-profiles", methods: []string{"GET", "POST"}, who: "ann"},
	{path: "/api/accounts/profile/1/", methods: []string{"GET", "PUT", "PATCH", "PUT", "PATCH"}, who: "ann", fields: map[string]any{"description": "dark", "location": "Wales", "is_organizer": true}},
	{path: "/api/accounts/profile/2", methods: []string{"GET", "PUT", "PATCH", "DELETE"}, who: "bob", fields: map[string]any{"description": "", "location": "", "is_organizer": "off"}},
	{path: "/api/accounts/profile/3/", methods: []string{"PUT", "DELETE"}, who: "eve", fields: map[string]any{"location": "Essex"}},
	{path: "/api/accounts/profile/6/", methods: []string{"GET", "PUT", "DELETE"}, who: "ann", fields: map[string]any{"location": "Essex"}},
	{path: "/api/accounts/profile/x/", methods: []string{"GET"}, who: "ann"},
	{path: "/api/accounts/profile/-1/", methods: []string{"GET"}, who: "ann"},
	{path: "/api/accounts/", methods: []string{"GET"}, who: "ann"},
	{path: "/auth/users/", methods: []string{"POST"}, fields: map[string]any{"username": "new", "email": "new@example.com", "password": "staple-battery-4"}},
	{path: "/auth/users/me/", methods: []string{"DELETE"}, who: "bob", fields: map[string]any{"current_password": password}},
	{path: "/auth/users/set_username/", methods: []string{"POST"}, who: "ann", fields: map[string]any{"current_password": password, "new_username": "anna"}},
}

// signIns begin each round: what they say is used by the requests after them.
func signIns(dialect string) (list []request) {
	path := map[string]string{"djoser": "/auth/jwt/create/", "profiles": "/auth/jwt/create/", "simplejwt": "/api/token/"}[dialect]
	for _, name := range []string{"ann", "bob", "eve"} {
		who := map[string]any{"username": name, "password": password}
		list = append(list, request{method: "POST", path: path, kind: "json", fields: who, keep: name})
		if dialect == "djoser" {
			list = append(list, request{method: "POST", path: "/auth/token/login/", kind: "form", fields: who, keep: name})
		}
	}
	return list
}

// odd are values for a field of any name.
var odd = []any{
	"", " ", nil, true, false, "true", "N", "oN", "1.0", 0, 1, 1.0, 5, -1, 1.5, 12345678901,
	[]any{},
	[]any{"a"},
	map[string]any{},
	map[string]any{"a": 1},
	"ann", " ann ", "ANN", "ann@example.com", "Ann@EXAMPLE.com", "bob", "a b", "nul\x00", "ünïcødé", "ＡＮＮ", "password1", "12345678", "short",
	" pad-ded-staple-7 ", "annexample", "no-address", "a@b", "two@at@example.com", "x@example.com ", "MQ", "MQ==", "Mg", "OTk", "///", "set-password", "abc-def",
	"{{ann.access}}", "{{ann.refresh}}", "{{tampered:ann.access}}", "{{tampered:ann.refresh}}", "{{bob.auth_token}}", "{{mail.token}}",
	"{{tampered:mail.token}}", "{{mail.uid}}", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", strings.Repeat("x", 151), strings.Repeat("y", 255) + "@example.com",
}

// extra are fields that nobody may set.
var extra = map[string]any{"id": 77, "is_staff": true, "is_superuser": true, "is_active": false, "last_login": "2020-01-01T00:00:00Z", "groups": []any{1}}

var raws = []string{
	"", "{", "[]", "null", `"text"`, "5", `{"a":1,}`, `{"username": "ann", "username": "bob", "password": "` + password + `"}`, "\xff\xfe", "{\"a\": \"\xff\"}", "username=ann",
	`{"username":"\ud800","password":"x"}`, "[1", strings.Repeat("[", 40) + strings.Repeat("]", 40), `{'a': 1}`, "NaN", ` {"username": "ann", "password": "` + password + `"} `,
}

var kinds = []string{"application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", ""}

var accepts = []string{"*/*", "application/json", "text/html, */*;q=0.5", "application/xml", "application/json; indent=4", "nonsense"}

// credentials are values of Authorization, by the route's own person.
func credentials(rng *rand.Rand, who string) string {
	if who == "" {
		who = "ann"
	}
	if rng.IntN(3) > 0 {
		return "Bearer {{" + who + ".access}}"
	}
	return pick(rng, []string{
		"Token {{" + who + ".auth_token}}", "Bearer {{ann.access}}", "Bearer {{bob.access}}", "Bearer {{eve.access}}", "Token {{eve.auth_token}}",
		"Bearer {{ann.refresh}}", "Bearer {{tampered:ann.access}}", "Bearer", "Bearer a b", "bearer {{ann.access}}", "token {{bob.auth_token}}", "Token 0123", "Token",
		"Basic YW5uOnB3", "JWT {{ann.access}}", "Bearer x", "Bearer ünï", "Token a b", "Digest x",
	})
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// generate makes a request for one of the routes: most are valid or nearly so, some are hostile.
func generate(rng *rand.Rand, routes []route) *request {
	r := pick(rng, routes)
	q := &request{method: pick(rng, r.methods), path: r.path, headers: map[string]string{}, fields: maps.Clone(r.fields)}
	if rng.IntN(8) == 0 {
		q.method = pick(rng, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"})
	}
	if r.who != "" || rng.IntN(4) == 0 {
		if rng.IntN(6) > 0 {
			q.headers["Authorization"] = credentials(rng, r.who)
		}
	}
	if rng.IntN(10) == 0 {
		q.headers["Accept"] = pick(rng, accepts)
	}
	if q.method == "GET" || q.method == "HEAD" || q.method == "OPTIONS" || q.method == "TRACE" {
		q.fields = nil
		return q
	}
	q.kind = pick(rng, []string{"json", "json", "json", "json", "form", "form", "multipart"})
	for range pick(rng, []int{0, 0, 1, 1, 1, 2}) {
		mutate(rng, q)
	}
	if rng.IntN(10) == 0 {
		q.kind, q.fields, q.raw = "", nil, pick(rng, raws)
		if kind := pick(rng, kinds); kind != "" {
			q.headers["Content-Type"] = kind
		}
	}
	return q
}

func mutate(rng *rand.Rand, q *request) {
	if q.fields == nil {
		q.fields = map[string]any{}
	}
	names := slices.Sorted(maps.Keys(q.fields))
	switch n := rng.IntN(10); {
	case n < 6 && len(names) > 0:
		q.fields[pick(rng, names)] = pick(rng, odd)
	case n < 8 && len(names) > 0:
		delete(q.fields, pick(rng, names))
	default:
		name := pick(rng, slices.Sorted(maps.Keys(extra)))
		q.fields[name] = extra[name]
	}
}

func (q *request) String() string {
	body := fmt.Sprintf("%s %q", q.kind, q.fields)
	if q.raw != "" {
		body = fmt.Sprintf("raw %q", q.raw)
	}
	return fmt.Sprintf("%s %s %q %s", q.method, q.path, q.headers, body)
}
