package reference

import (
	"encoding/base64"
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
func people(dialect string) []map[string]any {
	list := []map[string]any{
		{"id": 1, "username": "ann", "email": "ann@example.com", "password": password},
		{"id": 2, "username": "bob", "email": "bob@example.com", "password": password},
		{"id": 3, "username": "eve", "email": "eve@example.com", "password": password, "is_staff": true},
		{"id": 4, "username": "dan", "email": "dan@example.com", "password": password, "is_active": false},
		{"id": 5, "username": "nopw", "email": "nopw@example.com", "password": nil},
	}
	for i, person := range list {
		switch {
		case dialect == "accounts":
			person["name"], person["phone"] = strings.ToUpper(person["username"].(string)), fmt.Sprint("+44 20 ", i)
		case dialect == "userapi" && i < 4: // the last one has none
			person["profile"] = home()
		case dialect == "profiles":
			person["profile"] = map[string]any{"description": "since 2019", "location": "Cardiff", "is_organizer": i == 1}
		}
	}
	return list
}

// home is a profile of userapi.
func home() map[string]any {
	return map[string]any{"title": "Ms", "dob": "1990-02-28", "address": "1 High Street", "country": "Wales", "city": "Cardiff", "zip": "CF101"}
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

var userapiRoutes = []route{
	{path: "/userapi/users/", methods: []string{"POST"}, fields: map[string]any{
		"email": "new@example.com", "first_name": "New", "last_name": "One", "password": "staple-battery-4", "profile": home(),
	}},
	{path: "/userapi/users/", methods: []string{"GET"}, who: "eve"},
	{path: "/userapi/users/1/", methods: []string{"GET", "PUT", "PATCH", "PATCH"}, who: "ann", fields: map[string]any{
		"email": "ann2@example.com", "first_name": "Anna", "last_name": "Two", "password": "staple-battery-5", "profile": home(),
	}},
	{path: "/userapi/users/2/", methods: []string{"GET", "PUT", "PATCH", "DELETE"}, who: "eve", fields: map[string]any{
		"email": "bob2@example.com", "first_name": "Bobby", "last_name": "Two", "password": "staple-battery-5", "profile": map[string]any{"dob": "1991-3-4"},
	}},
	{path: "/userapi/users/5/", methods: []string{"GET"}, who: "eve"},
	{path: "/userapi/users/99/", methods: []string{"GET", "PATCH", "DELETE"}, who: "eve", fields: map[string]any{"email": "x@example.com"}},
	{path: "/userapi/users.json", methods: []string{"GET", "POST"}, who: "eve", fields: map[string]any{"email": "new2@example.com"}},
	{path: "/userapi/users/1.json", methods: []string{"GET", "PATCH"}, who: "ann", fields: map[string]any{"profile": map[string]any{"city": "Swansea"}}},
	{path: "/userapi/users", methods: []string{"GET", "POST"}},
	{path: "/userapi/", methods: []string{"GET"}},
}

var accountsRoutes = []route{
	{path: "/api/accounts/signup/", methods: []string{"POST"}, fields: map[string]any{
		"name": "New One", "email": "new@example.com", "phone": "+44 30", "password": "staple-battery-4", "confirm_password": "staple-battery-4",
	}},
	{path: "/api/accounts/signup/", methods: []string{"POST"}, fields: map[string]any{
		"name": "Other", "email": "Other@EXAMPLE.com", "phone": "+44 20 1", "password": "staple-battery-5", "confirm_password": "staple-battery-5",
	}},
	{path: "/api/accounts/login/", methods: []string{"POST"}, fields: map[string]any{"email": "ann@example.com", "password": password}},
	{path: "/api/accounts/login/", methods: []string{"POST"}, fields: map[string]any{"email": "new@example.com", "password": "staple-battery-4"}},
	{path: "/api/protected-endpoint/", methods: []string{"GET", "POST"}, who: "ann"},
	{path: "/api/accounts/login", methods: []string{"GET", "POST"}},
	{path: "/api/accounts/", methods: []string{"GET"}},
}

var profilesRoutes = []route{
	{path: "/api/accounts/all-profiles/", methods: []string{"GET"}, who: "bob"},
	{path: "/api/accounts/all-profiles/", methods: []string{"POST"}, who: "ann", fields: map[string]any{"description": "new", "location": "Swansea", "is_organizer": true}},
	{path: "/api/accounts/profile/1/", methods: []string{"GET", "PUT", "PATCH", "PATCH"}, who: "ann", fields: map[string]any{
		"description": "I organise", "location": "Gotham", "is_organizer": "true",
	}},
	{path: "/api/accounts/profile/2/", methods: []string{"GET", "PUT", "PATCH"}, who: "bob", fields: map[string]any{"description": nil, "location": "", "is_organizer": false}},
	{path: "/api/accounts/profile/1/", methods: []string{"DELETE"}, who: "ann"},
	{path: "/api/accounts/profile/2/", methods: []string{"GET", "PATCH", "DELETE"}, who: "ann", fields: map[string]any{"location": "not mine"}},
	{path: "/api/accounts/profile/99/", methods: []string{"GET", "PATCH"}, who: "ann", fields: map[string]any{"location": "nowhere"}},
	{path: "/api/accounts/profile/-1/", methods: []string{"GET"}, who: "ann"},
	{path: "/api/accounts/", methods: []string{"GET"}, who: "ann"},
	{path: "/auth/users/me/", methods: []string{"DELETE"}, who: "bob", fields: map[string]any{"current_password": password}},
	{path: "/api/accounts/profile/abc/", methods: []string{"GET"}, who: "ann"},
	{path: "/api/accounts/profile/1", methods: []string{"GET", "PATCH"}, who: "ann", fields: map[string]any{"location": "no slash"}},
	{path: "/auth/users/", methods: []string{"POST"}, fields: map[string]any{"username": "new", "email": "new@example.com", "password": "staple-battery-4"}},
	{path: "/auth/users/me/", methods: []string{"GET", "PATCH"}, who: "ann", fields: map[string]any{"email": "ann4@example.com"}},
	{path: "/auth/users/set_username/", methods: []string{"POST"}, who: "ann", fields: map[string]any{"current_password": password, "new_username": "anna"}},
}

// routesOf are the routes of each dialect.
var routesOf = map[string][]route{
	"djoser": djoserRoutes, "simplejwt": simpleRoutes, "userapi": userapiRoutes, "accounts": accountsRoutes, "profiles": profilesRoutes,
}

// signIns begin each round: what they say is used by the requests after them. Who is asked for a password with each request signs in nowhere.
func signIns(dialect string) (list []request) {
	path, ok := map[string]string{
		"djoser": "/auth/jwt/create/", "profiles": "/auth/jwt/create/", "simplejwt": "/api/token/", "accounts": "/api/accounts/login/",
	}[dialect]
	if !ok {
		return nil
	}
	for _, name := range []string{"ann", "bob", "eve"} {
		who := map[string]any{"username": name, "password": password}
		if dialect == "accounts" {
			who = map[string]any{"email": name + "@example.com", "password": password}
		}
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
	"1990-2-8", "1990-02-30", "28/02/1990", "1990-02-28T00:00:00", "0000-01-01", "true", "False", "on", "off", "no", "null", "yes please", "\r\nline", "+44 20 0",
	"{{tampered:mail.token}}", "{{mail.uid}}", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", strings.Repeat("x", 151), strings.Repeat("y", 255) + "@example.com",
}

// extra are fields that nobody may set.
var extra = map[string]any{"id": 77, "user": 2, "url": "http://example.com/", "date_joined": "2020-01-01T00:00:00Z", "username": "chosen", "is_staff": true, "is_superuser": true, "is_active": false, "last_login": "2020-01-01T00:00:00Z", "groups": []any{1}}

var raws = []string{
	"", "{", "[]", "null", `"text"`, "5", `{"a":1,}`, `{"username": "ann", "username": "bob", "password": "` + password + `"}`, "\xff\xfe", "{\"a\": \"\xff\"}", "username=ann",
	`{"username":"\ud800","password":"x"}`, "[1", strings.Repeat("[", 40) + strings.Repeat("]", 40), `{'a': 1}`, "NaN", ` {"username": "ann", "password": "` + password + `"} `,
}

var kinds = []string{"application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", ""}

var accepts = []string{"*/*", "application/json", "text/html, */*;q=0.5", "application/xml", "application/json; indent=4", "nonsense"}

// credentials are values of Authorization, by the route's own person.
func credentials(rng *rand.Rand, dialect, who string) string {
	if who == "" {
		who = "ann"
	}
	if dialect == "userapi" {
		if rng.IntN(3) > 0 {
			return basic(who, password)
		}
		return pick(rng, []string{
			basic("ann", password), basic("bob", password), basic("eve", password), basic("dan", password), basic("nopw", ""), basic("ann", "wrong"),
			"Basic " + base64.StdEncoding.EncodeToString([]byte("ann:"+password)), "Basic", "Basic a b", "Basic !", "Basic YW5u", "basic YTpi", "Bearer x",
		})
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

// basic is HTTP Basic, by the address.
func basic(who, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(who+"@example.com:"+password))
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// generate makes a request for one of the routes: most are valid or nearly so, some are hostile.
func generate(rng *rand.Rand, dialect string) *request {
	r := pick(rng, routesOf[dialect])
	q := &request{method: pick(rng, r.methods), path: r.path, headers: map[string]string{}, fields: maps.Clone(r.fields)}
	if rng.IntN(8) == 0 {
		q.method = pick(rng, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"})
	}
	if r.who != "" || rng.IntN(4) == 0 {
		if rng.IntN(6) > 0 {
			q.headers["Authorization"] = credentials(rng, dialect, r.who)
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
		q.fields = mutated(rng, q.fields)
	}
	if rng.IntN(10) == 0 {
		q.kind, q.fields, q.raw = "", nil, pick(rng, raws)
		if kind := pick(rng, kinds); kind != "" {
			q.headers["Content-Type"] = kind
		}
	}
	return q
}

// mutated spoils one of the fields, or one of those inside it.
func mutated(rng *rand.Rand, fields map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, fields)
	names := slices.Sorted(maps.Keys(fields))
	if len(names) == 0 || rng.IntN(5) == 0 {
		name := pick(rng, slices.Sorted(maps.Keys(extra)))
		out[name] = extra[name]
		return out
	}
	name := pick(rng, names)
	if inner, ok := fields[name].(map[string]any); ok && rng.IntN(4) > 0 {
		out[name] = mutated(rng, inner)
		return out
	}
	if out[name] = pick(rng, odd); rng.IntN(4) == 0 {
		delete(out, name)
	}
	return out
}

func (q *request) String() string {
	body := fmt.Sprintf("%s %q", q.kind, q.fields)
	if q.raw != "" {
		body = fmt.Sprintf("raw %q", q.raw)
	}
	return fmt.Sprintf("%s %s %q %s", q.method, q.path, q.headers, body)
}
