package servertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"doorward/internal/web"
)

// badTokens are credentials of nobody. own is a good token of user 1, key a key of ours that signed nothing.
func badTokens(own string, userID int64) map[string]string {
	segment := func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }
	now := time.Now().Unix()
	claims := jwt.MapClaims{"user_id": userID, "username": "tokens@example.com", "email": "tokens@example.com", "exp": now + 600, "iat": now, "orig_iat": now, "sid": "0000000000000001", "ep": 0}
	none, _ := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	empty, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(""))
	foreign, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("somebody else's key"))
	parts := strings.Split(own, ".")
	list := map[string]string{
		"nothing": "", "dots": "...", "two dots": "..", "a word": "x", "two parts": parts[0] + "." + parts[1], "four parts": own + ".x",
		"no signature": parts[0] + "." + parts[1] + ".", "alg none": none, "a key of no bytes": empty, "a foreign key": foreign,
		"another signature":      parts[0] + "." + parts[1] + "." + segment("x"),
		"a payload with no body": parts[0] + "." + segment("") + "." + parts[2],
		"a header that is none":  segment("[]") + "." + parts[1] + "." + parts[2],
		"padding":                own + "==", "a line end": own + "%0a", "a blank within": parts[0] + " " + parts[1], "5 KB": strings.Repeat("a", 5000),
		"5 KB of dots": strings.Repeat(".", 5000), "a null as text": "null", "bytes beyond ASCII": "\xff\xfe\xfd", "quotes": `"` + own + `"`, "base64": "dXNlcjpwYXNz",
		"a refresh token": "dwr_AAAA",
	}
	for _, alg := range []string{"None", "NONE", "nOnE", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", "", "HS256\u0000"} {
		list["alg "+alg] = segment(`{"alg":"`+alg+`","typ":"JWT"}`) + "." + parts[1] + "." + parts[2]
	}
	for _, id := range []string{`0`, `-1`, `1.5`, `1e0`, `true`, `null`, `[1]`, `{}`, `""`, `"1 "`, `9223372036854775807`, `9223372036854775808`, strings.Repeat("9", 400)} {
		list["user "+id[:min(len(id), 20)]] = segment(`{"alg":"HS256","typ":"JWT"}`) + "." + segment(`{"user_id":`+id+`,"exp":99999999999}`) + "." + segment("signature")
	}
	return list
}

func TestABadTokenIsRefusedClearly(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	own := map[string]string{}
	var id int64
	for _, m := range s.Mounts() {
		own[m.Name] = s.user(t, m.Name, "tokens-"+m.Name+"@example.com")
		if n, ok := unverified(t, own[m.Name])["user_id"].(float64); ok {
			id = int64(n)
		}
	}
	everyRoute(t, s, func(m *web.Mount, route *web.Route, path, _ string) {
		ask := func(name, authorization string) {
			what := fmt.Sprintf("%s %s with %s", route.Method, path, name)
			r := s.Do(t, route.Method, path, nil, "Authorization", authorization)
			if isPage(route) { // it looks at no token
				return
			}
			wellSaid(t, what, m, r)
			if route.Access != web.Anyone && (r.Status != 401 || !strings.HasPrefix(r.Header.Get("WWW-Authenticate")+" ", challenge(m)+" ")) {
				t.Errorf("%s: got %d %s with challenge %q, want 401 with one", what, r.Status, r.Body, r.Header.Get("WWW-Authenticate"))
			}
		}
		ask("nobody", "")
		for name, token := range badTokens(own[m.Name], id) {
			for _, scheme := range []string{"JWT ", "Bearer ", "bearer ", "Token ", "Basic ", ""} {
				ask(scheme+name, scheme+token)
			}
		}
		for other, token := range own {
			if other != m.Name && !family(other, m.Name) {
				ask("the token of mount "+other, scheme(m)+" "+token)
			}
		}
		for _, authorization := range []string{"JWT", "Bearer", "JWT  ", "JWT a b c", "Bearer a b c", "JWT\tx", "\xa0JWT x", ",", "JWT x, JWT y", strings.Repeat("JWT ", 500)} {
			ask(fmt.Sprintf("Authorization %.30q", authorization), authorization)
		}
	})
	everyRoute(t, s, func(m *web.Mount, route *web.Route, path, _ string) { // in the body
		for _, f := range route.Input {
			if f.ReadOnly || f.Name != "token" && f.Name != "refresh" && f.Name != "refresh_token" {
				continue
			}
			for name, token := range badTokens(own[m.Name], id) {
				value, _ := json.Marshal(token)
				r := s.Do(t, route.Method, path, strings.NewReader(with(route, f.Name, string(value))), "Content-Type", "application/json")
				refused(t, fmt.Sprintf("%s with %s", path, name), m, r)
			}
		}
	})
	for _, m := range s.Mounts() {
		path := m.Path("me") + m.Path("user") + m.Path("user-view")
		if path == "" { // a mount of tokens alone
			continue
		}
		if r := s.Do(t, "GET", path, nil, "Authorization", scheme(&m)+" "+own[m.Name]); r.Status != 200 {
			t.Errorf("the good token of %s at %s: got %d %s", m.Name, path, r.Status, r.Body)
		}
	}
	s.faultless(t)
}

func TestAnOddPathOrMethodIsRefusedClearly(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	everyRoute(t, s, func(m *web.Mount, route *web.Route, path, authorization string) {
		head := " HTTP/1.1\r\nHost: " + s.Addr + "\r\nConnection: close\r\nAuthorization: " + authorization + "\r\n"
		ask := func(method, target string, want ...int) {
			r := s.raw(t, method+" "+target+head+"\r\n")
			what := fmt.Sprintf("%s %.60s", method, target)
			answered(t, what, r)
			if r == nil || r.Status >= 500 {
				t.Errorf("%s: got %v", what, r)
				return
			}
			for _, w := range want {
				if r.Status == w {
					return
				}
			}
			if want != nil {
				t.Errorf("%s: got %d %s, want %v", what, r.Status, r.Body, want)
			}
		}
		for _, target := range []string{
			"/" + path, path + "/", path + "//", "//evil.example" + path, path + "..", path + "/..", "/.." + path, "/%2e%2e" + path, path + "%00", path + "%2F",
			path + "%2e%2e/", path + ";x=y", path + ".json", path + strings.Repeat("x", 8000), path + "%ff%fe", path + "%0d%0aX:%201", path + "\\", "/\\" + path,
		} {
			if route.Path == "" && target == path+".json" { // a router's root has its suffix there
				ask(route.Method, target, 200, 404)
				continue
			}
			ask(route.Method, target, 404, 301, 401, 403, 405) // a wildcard takes nearly everything
		}
		for _, query := range []string{"?", "?%", "?%zz=%zz", "?format=", "?format=xml", "?format=json", "?format=%00", "?a=b;c=d", "?" + strings.Repeat("a=b&", 1500), "?\xff", "?format=json&format=html"} {
			ask(route.Method, path+query)
		}
		allowed := map[string]bool{"OPTIONS": true, "HEAD": true}
		for _, other := range m.Routes {
			if other.Path == route.Path {
				allowed[other.Method] = true
			}
		}
		for _, method := range []string{"TRACE", "CONNECT", "get", "post", "Patch", "PROPFIND", "MADE-UP", "X", "GET", "PUT", "DELETE", "PATCH", "POST"} {
			switch {
			case allowed[method]:
			case isPage(route): // its form is asked for first
				ask(method, path, 405, 403)
			default:
				ask(method, path, 405, 401)
			}
		}
		ask("OPTIONS", path)
		ask("HEAD", path)
		ask("GET", "http://"+s.Addr+path) // in absolute form
		ask("GET", "https://"+s.Addr+path)
	})
	s.faultless(t)
}

func TestARequestThatIsNoneEndsThere(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", everyPreset)
	const path = "/v1/sign-in"
	host := "Host: " + s.Addr + "\r\n"
	tests := []struct{ name, text string }{
		{"two lengths", "POST " + path + " HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"},
		{"a length and chunks", "POST " + path + " HTTP/1.1\r\n" + host + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"},
		{"two codings", "POST " + path + " HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n"},
		{"a coding that is none", "POST " + path + " HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n{}"},
		{"a negative length", "POST " + path + " HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n"},
		{"a length of letters", "POST " + path + " HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\n"},
		{"a length beyond all", "POST " + path + " HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n"},
		{"a chunk of a size that is none", "POST " + path + " HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"},
		{"two hosts", "GET /v1/me HTTP/1.1\r\n" + host + host + "\r\n"},
		{"no host", "GET /v1/me HTTP/1.1\r\n\r\n"},
		{"an old version", "GET /v1/me HTTP/1.0\r\n\r\n"},
		{"a version of the future", "GET /v1/me HTTP/3.0\r\n" + host + "\r\n"},
		{"a foreign host", "GET /v1/me HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"},
		{"a foreign host in the request line", "GET http://evil.example/v1/me HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"},
		{"a host with a user", "GET /v1/me HTTP/1.1\r\nHost: a@" + s.Addr + "\r\nConnection: close\r\n\r\n"},
		{"a host whose port is a user", "GET /api/ HTTP/1.1\r\nHost: localhost:@evil.example\r\nConnection: close\r\n\r\n"},
		{"a null in a header", "GET /v1/me HTTP/1.1\r\n" + host + "Authorization: Bearer \x00\r\n\r\n"},
		{"a line end in a header", "GET /v1/me HTTP/1.1\r\n" + host + "Authorization: Bearer a\rb\r\n\r\n"},
		{"a folded header", "GET /v1/me HTTP/1.1\r\n" + host + "Authorization: Bearer a\r\n b\r\nConnection: close\r\n\r\n"},
		{"a blank before the colon", "GET /v1/me HTTP/1.1\r\n" + host + "Authorization : Bearer a\r\n\r\n"},
		{"a header of 1 MB", "GET /v1/me HTTP/1.1\r\n" + host + "Authorization: Bearer " + strings.Repeat("a", 1<<20) + "\r\n\r\n"},
		{"1 MB of headers", "GET /v1/me HTTP/1.1\r\n" + host + strings.Repeat("X-A: b\r\n", 1<<17) + "\r\n"},
		{"a path of 1 MB", "GET /v1/" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\n" + host + "\r\n"},
		{"a broken escape in the path", "GET /v1/%zz HTTP/1.1\r\n" + host + "\r\n"},
		{"no path", "GET HTTP/1.1\r\n" + host + "\r\n"},
		{"a path without slash", "GET v1/me HTTP/1.1\r\n" + host + "\r\n"},
		{"an expectation that nobody meets", "POST " + path + " HTTP/1.1\r\n" + host + "Expect: the-spanish-inquisition\r\nContent-Length: 2\r\n\r\n{}"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"},
		{"nothing that is HTTP", "\x00\x01\x02\r\n\r\n"},
	}
	statuses := map[string]int{"a header of 1 MB": 431, "1 MB of headers": 431, "a path of 1 MB": 431}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := s.raw(t, tt.text)
			if r == nil {
				return // the connection is gone, which is an answer too
			}
			if want := statuses[tt.name]; r.Status < 400 || r.Status > 499 && r.Status != 501 && r.Status != 505 || want != 0 && r.Status != want {
				t.Errorf("got %d %.200s, want a refusal (%d)", r.Status, r.Body, want)
			}
		})
	}
	s.faultless(t)
}
