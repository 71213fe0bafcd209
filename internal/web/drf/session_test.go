package drf

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestAWriteBySessionComesFromAPageOfOurs(t *testing.T) {
	good, other := strings.Repeat("aZ09", 16), strings.Repeat("bZ09", 16)
	const (
		notSet  = "CSRF cookie not set."
		wrong   = "CSRF token missing or incorrect."
		missing = "CSRF token missing."
		length  = "CSRF token from the 'X-Csrftoken' HTTP header has incorrect length."
		chars   = "CSRF token from the 'X-Csrftoken' HTTP header has invalid characters."
		unequal = "CSRF token from the 'X-Csrftoken' HTTP header incorrect."
	)
	origin := func(text string) string {
		return "Origin checking failed - " + text + " does not match any trusted origins."
	}
	for _, tt := range []struct {
		name, method, cookie, header string // "-": none
		more                         string // another header
		classic, modern              string
	}{
		{"both are equal", "POST", good, good, "", "", ""},
		{"GET", "GET", "-", "-", "", "", ""},
		{"HEAD", "HEAD", "-", "-", "", "", ""},
		{"OPTIONS", "OPTIONS", "-", "-", "", "", ""},
		{"TRACE", "TRACE", "-", "-", "", "", ""},
		{"a method that nobody knows", "FROB", "-", "-", "", notSet, notSet},
		{"no cookie", "PATCH", "-", good, "", notSet, notSet},
		{"neither", "DELETE", "-", "-", "", notSet, notSet},
		{"no header", "PUT", good, "-", "", wrong, missing},
		{"an empty header", "PUT", good, "", "", wrong, length},
		{"both empty", "PUT", "", "", "", wrong, "CSRF cookie has incorrect length."},
		{"both empty, no header", "PUT", "", "-", "", wrong, "CSRF cookie has incorrect length."},
		{"both too short", "PUT", "a", "a", "", wrong, "CSRF cookie has incorrect length."},
		{"both with a sign", "PUT", good[1:] + "-", good[1:] + "-", "", wrong, "CSRF cookie has invalid characters."},
		{"another's", "PUT", good, other, "", wrong, unequal},
		{"one letter off", "PUT", good, good[1:] + "a", "", wrong, unequal},
		{"another case", "PUT", good, strings.ToUpper(good), "", wrong, unequal},
		{"too short a header", "PUT", good, good[1:], "", wrong, length},
		{"a header with a sign", "PUT", good, good[1:] + "-", "", wrong, chars},
		{"our own page", "POST", good, good, "Origin: http://here:8000", "", ""},
		{"a trusted page", "POST", good, good, "Origin: https://app.example.com", "", ""},
		{"another port", "POST", good, good, "Origin: http://here:8001", origin("http://here:8001"), origin("http://here:8001")},
		{"another scheme", "POST", good, good, "Origin: https://here:8000", origin("https://here:8000"), origin("https://here:8000")},
		{"a longer name", "POST", good, good, "Origin: https://app.example.com.evil.example", origin("https://app.example.com.evil.example"), origin("https://app.example.com.evil.example")},
		{"a page without an origin", "POST", good, good, "Origin: null", origin("null"), origin("null")},
		{"a page of another origin that only reads", "GET", good, good, "Origin: null", "", ""},
	} {
		r := httptest.NewRequest(tt.method, "http://here:8000/", nil)
		r.URL.Scheme = ""
		if tt.cookie != "-" {
			r.Header.Add("Cookie", "a=b; csrftoken="+tt.cookie)
		}
		if tt.header != "-" {
			r.Header.Set("X-CSRFToken", tt.header)
		}
		if name, value, ok := strings.Cut(tt.more, ": "); ok {
			r.Header.Set(name, value)
		}
		for modern, want := range map[bool]string{false: tt.classic, true: tt.modern} {
			s := NewSessions(nil, nil, SessionOptions{Modern: modern, Trusted: []string{"https://app.example.com"}})
			if got := s.Forgery(r); got != want {
				t.Errorf("%s (modern %t): got %q, want %q", tt.name, modern, got, want)
			}
		}
	}
}

func TestByTLSARefererIsOurs(t *testing.T) {
	good := strings.Repeat("aZ09", 16)
	const failed = "Referer checking failed - "
	for _, tt := range []struct{ name, referer, origin, want string }{
		{"ours", "https://here/page?x", "", ""},
		{"ours in capitals", "https://HERE/page", "", ""},
		{"a trusted page", "https://app.example.com/", "", ""},
		{"none", "", "", failed + "no Referer."},
		{"no address", "page", "", failed + "Referer is malformed."},
		{"no address at all", "https://%zz", "", failed + "Referer is malformed."},
		{"without TLS", "http://here/", "", failed + "Referer is insecure while host is secure."},
		{"another's", "https://there/", "", failed + "https://there/ does not match any trusted origins."},
		{"another port", "https://here:1/", "", failed + "https://here:1/ does not match any trusted origins."},
		{"ours by name of somebody else", "https://here@there/", "", failed + "https://here@there/ does not match any trusted origins."},
		{"none, but an origin", "", "https://here", ""},
		{"ours, but another origin", "https://here/", "https://there", "Origin checking failed - https://there does not match any trusted origins."},
	} {
		r := httptest.NewRequest("POST", "https://here/", nil)
		r.Header.Set("Cookie", "csrftoken="+good)
		r.Header.Set("X-CSRFToken", good)
		for name, value := range map[string]string{"Referer": tt.referer, "Origin": tt.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		s := NewSessions(nil, nil, SessionOptions{Trusted: []string{"https://app.example.com"}})
		if got := s.Forgery(r); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCookies(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		secure       bool
		suffix       string
	}{
		{"without TLS", "http://here/", false, "; SameSite=Lax"},
		{"by TLS", "https://here/", false, "; Secure; SameSite=Lax"},
		{"where the public address is by TLS", "http://here/", true, "; Secure; SameSite=Lax"},
	} {
		s := NewSessions(nil, nil, SessionOptions{Secure: tt.secure})
		r := httptest.NewRequest("POST", tt.target, nil)
		h := http.Header{"Set-Cookie": {"other=1"}}
		s.Drop(h, r)
		gone := "sessionid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly" + tt.suffix
		if got, want := h["Set-Cookie"], []string{"other=1", gone}; !slices.Equal(got, want) {
			t.Errorf("%s, deleted: got %q, want %q", tt.name, got, want)
		}
		s.Give(h, r, "text") // in the place of the one that was deleted
		got := h["Set-Cookie"]
		if want := "sessionid=text; Path=/; Max-Age=1209600; HttpOnly" + tt.suffix; len(got) != 3 || got[1] != want {
			t.Fatalf("%s: got %q, want %q", tt.name, got, want)
		}
		c, err := http.ParseSetCookie(got[2])
		if err != nil || c.Name != "csrftoken" || malformed(c.Value) != "" || !strings.HasSuffix(got[2], "; Path=/; Max-Age=31449600"+strings.Replace(tt.suffix, "; HttpOnly", "", 1)) {
			t.Errorf("%s: got %q", tt.name, got[2])
		}
		before := c.Value
		s.Give(h, r, "text")
		if c, err = http.ParseSetCookie(h["Set-Cookie"][2]); err != nil || c.Value == before || len(h["Set-Cookie"]) != 3 {
			t.Errorf("%s: a second sign-in has %q", tt.name, h["Set-Cookie"])
		}
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Cookie", "sessionid=first; sessionid=last")
	if got := NewSessions(nil, nil, SessionOptions{}).Shown(r); got != "last" {
		t.Errorf("of two cookies: got %q, want the last", got)
	}
}
