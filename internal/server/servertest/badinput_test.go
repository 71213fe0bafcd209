package servertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"doorward/internal/account"
	"doorward/internal/web"
)

// body is a body with its content type. Strict says that a route which reads bodies must refuse it.
type body struct {
	name, kind, text string
	strict           bool
}

// badBodies are wrong for any route that reads its body.
func badBodies() []body {
	const json, form = "application/json", "application/x-www-form-urlencoded"
	var many strings.Builder
	for i := range 201 {
		fmt.Fprintf(&many, `"m%d":1,`, i)
	}
	list := []body{
		{"text of 64 KiB and a byte", json, `{"email":"` + strings.Repeat("a", web.MaxBody) + `"}`, true},
		{"text of 1 MB", json, `{"email":"` + strings.Repeat("a", 1<<20) + `"}`, true},
		{"a form of 1 MB", form, "email=" + strings.Repeat("a", 1<<20), true},
		{"1 MB of brackets", json, strings.Repeat("[", 1<<20), true},
		{"too many members", json, "{" + many.String() + `"x":1}`, true},
		{"too deep", json, strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30), true},
		{"too deep and broken", json, strings.Repeat(`[`, 60000), true},
		{"plain text", "text/plain", "email=a", true},
		{"XML", "application/xml", "<a/>", true},
		{"another character set", json + "; charset=utf-16", "{\x00}\x00", true},
		{"a type that is none", ";;;", "{}", true},
		{"a type of one word", "json", "{}", true},
		{"multipart without boundary", "multipart/form-data", "--x\r\n\r\n--x--\r\n", true},
		{"multipart with an empty boundary", `multipart/form-data; boundary=""`, "--\r\n\r\n----\r\n", true},
		{"multipart with a boundary of 300 bytes", "multipart/form-data; boundary=" + strings.Repeat("b", 300), "x", true},
		{"multipart that breaks off", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na", true},
		{"multipart with broken headers", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition\r\n\r\na\r\n--x--\r\n", false},
		{"a form that is no UTF-8", form, "email=%ff%fe&password=%80", true},
		{"a form with a null character", form, "email=a%00@example.com&name=%00&first_name=%00&password=%00&location=%00&profile.location=%00", true},
		{"a form of broken escapes", form, "email=%&password=%zz&%", false},
		{"a form of ampersands", form, strings.Repeat("&", 1000), false},
		{"no body", json, "", false},
		{"no body, and no type", "", "", false},
	}
	for _, text := range []string{
		"{", "}", "[", "nul", "tru", `"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`, `{} x`, "{}{}", "[]", "null", "true", "7", `"text"`,
		"NaN", `{"a":NaN}`, `{"a":Infinity}`, `{"a":01}`, `{"a":+1}`, `{"a":.5}`, `{"a":1e}`, `{"a":"\x"}`, `{"a":"\u12"}`, "{\"a\":\"\n\"}", "{\"a\":\"\x00\"}",
		"\x00", "\xff\xfe{\x00}\x00", "\ufeff{}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"\xc0\xaf\":1}", "/*x*/{}", "{}//", "<html>", "a=b&c=d",
	} {
		list = append(list, body{fmt.Sprintf("%.20q", text), json, text, true})
	}
	return list
}

// badValues are values that no text field takes, as JSON.
var badValues = []struct {
	name, json   string
	native, rest bool // must Doorward's own API and the contracts refuse it; a number is text to these
}{
	{"null", "null", true, true},
	{"true", "true", true, true},
	{"false", "false", true, true},
	{"a list", "[]", true, true},
	{"a list of a text", `["a@example.com"]`, true, true},
	{"an object", "{}", true, true},
	{"a nested object", `{"a":{"b":[1]}}`, true, true},
	{"a number", "7", true, false},
	{"a float", "1.5", true, false},
	{"a number beyond all", "1e999", true, false},
	{"a number of 5000 digits", strings.Repeat("9", 5000), true, true},
	{"a negative number", "-1", true, false},
	{"a null character", `"a\u0000@example.com"`, true, true},
	{"half a surrogate pair", `"a\ud800@example.com"`, true, true},
	{"the other half", `"a\udfff@example.com"`, true, true},
	{"60 KB of text", `"` + strings.Repeat("a", 60000) + `"`, false, false},
	{"the empty text", `""`, false, true},
	{"blanks", `" \t\n "`, false, true},
	{"line ends and escapes", `"a\r\nX: 1\u001b[31m@example.com"`, false, false},
	{"SQL", `"a' or 1=1;--@example.com"`, false, false},
	{"a percent sign", `"%s%n%00@example.com"`, false, false},
	{"characters beyond the first plane", `"\ud83d\ude00@example.com"`, false, false},
	{"the last character", `"\udbff\udfff\uffff"`, false, false},
}

// reads reports whether a route reads its body.
func reads(r *web.Route) bool {
	for _, f := range r.Input {
		if !f.ReadOnly {
			return true
		}
	}
	return false
}

// with is a body of r's members, each with a fitting value, and one that is given.
func with(r *web.Route, name, value string) string {
	members := map[string]json.RawMessage{}
	for _, f := range r.Input {
		text := "no such thing"
		switch {
		case f.ReadOnly, f.Fields != nil:
			continue
		case f.Kind == web.Email:
			text = "bad-input@example.com"
		}
		members[f.Name], _ = json.Marshal(text)
		if f.Fields != nil {
			members[f.Name], _ = json.Marshal(object(f.Fields))
		}
	}
	members[name] = json.RawMessage(value)
	out, _ := json.Marshal(members)
	return string(out)
}

// object has a fitting value for each of these fields.
func object(fields []web.Field) map[string]string {
	members := map[string]string{}
	for _, f := range fields {
		if members[f.Name] = "x"; f.Spec != nil && f.Spec.Kind == account.Date {
			members[f.Name] = "1990-02-28"
		}
	}
	return members
}

var people atomic.Int64

// everyRoute runs f for each route of each mount, with a token for it where it wants one.
func everyRoute(t *testing.T, s *Server, f func(m *web.Mount, r *web.Route, path, authorization string)) {
	t.Helper()
	n := 0
	for _, mount := range s.Mounts() {
		for i := range mount.Routes {
			route := &mount.Routes[i]
			authorization := ""
			path := mount.Prefix + route.Path
			if somebodys(route) {
				role := "user"
				if route.Access > web.SignedIn {
					role = "superuser"
				}
				user, token := s.member(t, mount.Name, role)
				authorization = scheme(&mount) + " " + token
				path = about(&mount, route, &user, s.furnish(t))
			}
			f(&mount, route, path, authorization)
			n++
		}
	}
	if n < 20 {
		t.Fatalf("only %d routes were walked", n)
	}
}

func TestABadBodyIsRefusedClearly(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, everyPreset)
		everyRoute(t, s, func(m *web.Mount, route *web.Route, path, authorization string) {
			ask := func(b body) {
				what := fmt.Sprintf("%s %s with %s", route.Method, path, b.name)
				r := s.Do(t, route.Method, path, strings.NewReader(b.text), "Content-Type", b.kind, "Authorization", authorization)
				switch {
				case isPage(route):
				case b.strict && reads(route):
					refused(t, what, m, r)
				default:
					wellSaid(t, what, m, r)
				}
			}
			if engine == Engines[0] { // no database sees these
				for _, b := range badBodies() {
					ask(b)
				}
			}
			for _, f := range route.Input {
				for _, v := range badValues {
					strict := v.rest && f.Required && !f.ReadOnly
					if isNative(m) {
						strict = v.native && (f.Fields == nil || v.name != "an object")
					}
					ask(body{f.Name + " as " + v.name, "application/json", with(route, f.Name, v.json), strict})
				}
				twins := strings.TrimSuffix(with(route, "x", `"y"`), "}") + fmt.Sprintf(`,%q:[]}`, f.Name)
				ask(body{"a second " + f.Name + " that is a list", "application/json", twins, !f.ReadOnly})
			}
		})
		s.faultless(t)
	})
}

// chunked hides the length of a body.
type chunked struct{ io.Reader }

func TestABodyOfUnknownLengthIsBounded(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	everyRoute(t, s, func(m *web.Mount, route *web.Route, path, authorization string) {
		if reads(route) {
			r := s.Do(t, route.Method, path, chunked{strings.NewReader(strings.Repeat(" ", 200<<10))}, "Content-Type", "application/json", "Authorization", authorization)
			if r.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s %s with 200 KiB in chunks: got %d %s, want 413", route.Method, path, r.Status, r.Body)
			}
			wellSaid(t, path, m, r)
		}
	})
	s.faultless(t)
}
