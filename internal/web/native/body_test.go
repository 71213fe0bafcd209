package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"doorward/internal/web"
)

var fields = []web.Field{{Name: "email", Kind: web.Email, Required: true}, {Name: "password", Kind: web.Secret, Required: true}, {Name: "name"}}

// read decodes a body by fields, and says what came of it in one line.
func read(kind, body string) string {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if kind == "-" {
		r.Header.Del("Content-Type")
	}
	in, err := decode(&web.Request{Request: r, Route: &web.Route{Input: fields}})
	var p *problem
	switch {
	case errors.As(err, &p):
		words := []string{fmt.Sprint(p.Status), p.Code}
		for _, e := range p.Errors {
			words = append(words, e.Field+":"+e.Code)
		}
		return strings.Join(words, " ")
	case err != nil:
		return "fault: " + err.Error()
	}
	return fmt.Sprint(in)
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestABodyIsReadStrictly(t *testing.T) {
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"m%d":1,`, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	const good = `map[email:a@b.c password:x]`
	tests := []struct{ name, kind, body, want string }{
		{"two texts", "application/json", `{"email":"a@b.c","password":"x"}`, good},
		{"of any JSON type", "application/problem+json; charset=utf-8", `{"email":"a@b.c","password":"x"}`, good},
		{"of no type", "-", `{"email":"a@b.c","password":"x"}`, good},
		{"white space is kept", "application/json", `{"email":"a@b.c","password":"  x\t"}`, "map[email:a@b.c password:  x\t]"},
		{"an escaped name is that name", "application/json", `{"em\u0061il":"a@b.c","password":"x"}`, good},
		{"of twin names the last counts", "application/json", `{"email":"z","password":"x","email":"a@b.c"}`, good},
		{"names are compared letter for letter", "application/json", `{"email":"a@b.c","password":"x","Password":"y"}`, "400 invalid_request Password:unknown"},
		{"an optional member", "application/json", `{"email":"a","password":"x","name":""}`, "map[email:a name: password:x]"},
		{"no body lacks the members", "application/json", "", "400 invalid_request email:required password:required"},
		{"so does white space", "application/json", " \n", "400 invalid_request email:required password:required"},
		{"null is no text", "application/json", `{"email":null,"password":"x"}`, "400 invalid_request email:not_text"},
		{"a number is no text", "application/json", `{"email":1,"password":"x"}`, "400 invalid_request email:not_text"},
		{"a list is no text", "application/json", `{"email":["a"],"password":"x"}`, "400 invalid_request email:not_text"},
		{"an object is no text", "application/json", `{"email":{},"password":true}`, "400 invalid_request email:not_text password:not_text"},
		{"a null character", "application/json", `{"email":"a","password":"x\u0000"}`, "400 invalid_request password:not_text"},
		{"half a pair", "application/json", `{"email":"a","password":"\ud800"}`, "400 invalid_request password:not_text"},
		{"the other half", "application/json", `{"email":"a","password":"x\uDFFFx"}`, "400 invalid_request password:not_text"},
		{"the halves in the wrong order", "application/json", `{"email":"a","password":"\udc00\ud800"}`, "400 invalid_request password:not_text"},
		{"a half and a backslash", "application/json", `{"email":"a","password":"\ud800\\udc00"}`, "400 invalid_request password:not_text"},
		{"half a pair beside a whole one", "application/json", `{"email":"a","password":"\ud83d\ude00\ud83d"}`, "400 invalid_request password:not_text"},
		{"a whole pair", "application/json", `{"email":"a","password":"\ud83d\ude00"}`, "map[email:a password:😀]"},
		{"a backslash before a u", "application/json", `{"email":"a","password":"\\ud800"}`, `map[email:a password:\ud800]`},
		{"a replacement character that was sent", "application/json", `{"email":"a","password":"` + "\uFFFD" + `\ufffd"}`, "map[email:a password:\uFFFD\uFFFD]"},
		{"members that nobody knows, by name", "application/json", `{"email":"a","password":"x","is_staff":true,"id":1}`, "400 invalid_request id:unknown is_staff:unknown"},
		{"a long name is cut", "application/json", `{"email":"a","password":"x","` + strings.Repeat("é", 99) + `":1}`, "400 invalid_request " + strings.Repeat("é", 32) + "…:unknown"},
		{"text", "application/json", `"x"`, "400 malformed_body"},
		{"a list", "application/json", `[]`, "400 malformed_body"},
		{"null", "application/json", `null`, "400 malformed_body"},
		{"a number", "application/json", `7`, "400 malformed_body"},
		{"two objects", "application/json", `{}{}`, "400 malformed_body"},
		{"half an object", "application/json", `{"email":`, "400 malformed_body"},
		{"a comma too many", "application/json", `{"email":"a",}`, "400 malformed_body"},
		{"no JSON number", "application/json", `{"email":NaN}`, "400 malformed_body"},
		{"a mark of the byte order", "application/json", "\ufeff{}", "400 malformed_body"},
		{"bytes that are no UTF-8", "application/json", "{\"email\":\"\xff\"}", "400 malformed_body"},
		{"UTF-16", "application/json", "\xff\xfe{\x00}\x00", "400 malformed_body"},
		{"a surrogate in bytes", "application/json", "{\"email\":\"\xed\xa0\x80\"}", "400 malformed_body"},
		{"twenty levels, at a member that is unknown", "application/json", `{"email":"a","password":"x","name":` + nested(19) + `}`, "400 invalid_request name:not_text"},
		{"one more", "application/json", `{"name":` + nested(20) + `}`, "400 malformed_body"},
		{"thirty thousand", "application/json", strings.Repeat("[", 30000), "400 malformed_body"},
		{"brackets in a text are no levels", "application/json", `{"email":"` + strings.Repeat("[", 99) + `\"[","password":"x"}`, `map[email:` + strings.Repeat("[", 99) + `"[ password:x]`},
		{"too many members", "application/json", members(201), "400 malformed_body"},
		{"64 KiB", "application/json", `{"email":"a","password":"x"` + strings.Repeat(" ", web.MaxBody-28) + `}`, "map[email:a password:x]"},
		{"and a byte", "application/json", `{"email":"a","password":"x"` + strings.Repeat(" ", web.MaxBody-27) + `}`, "413 body_too_large"},
		{"a form", "application/x-www-form-urlencoded", "email=a&password=x", "415 unsupported_media_type"},
		{"text that says it is JSON", "text/json", `{}`, "415 unsupported_media_type"},
		{"a type that is none", "application/json; =", `{}`, "415 unsupported_media_type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(tt.kind, tt.body); got != tt.want {
				t.Errorf("%.80q as %s\n got %s\nwant %s", tt.body, tt.kind, got, tt.want)
			}
		})
	}
}

// FuzzBody holds that what is read is what encoding/json would have written: no text changes on
// its way in, none with a null character comes in, and nothing is a fault.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"email":"a@b.c","password":"x"}`, `{"email":"\ud83d\ude00","password":"\ud800"}`, `{"email":"a","email":"b","password":"\\u"}`,
		`{"password":"\u0000","name":[[[{}]]]}`, "{\"email\":\"\xff\"}", `[`, `{"a":1e999}`, "\ufeff{}", `{"email":"\\\ud800\"","password":""}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		members, err := parse(body)
		var p *problem
		if err != nil {
			if !errors.As(err, &p) || p.Status != 400 {
				t.Fatalf("parse %q: %v", body, err)
			}
			return
		}
		in, err := judge(fields, members)
		if err != nil {
			if !errors.As(err, &p) || p.Status != 400 || len(p.Errors) == 0 {
				t.Fatalf("judge %q: %v", body, err)
			}
			return
		}
		for name, text := range in {
			again, err := json.Marshal(text)
			got, ok := textOf(again)
			if err != nil || !ok || got != text || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
				t.Errorf("%q: %s is %q, and again %q", body, name, text, got)
			}
			if strings.Contains(text, "\uFFFD") && !strings.Contains(string(body), "\uFFFD") && !strings.Contains(strings.ToLower(string(body)), `\ufffd`) {
				t.Errorf("%q: %s has a replacement character that nobody sent", body, name)
			}
		}
	})
}
