package web

import (
	"net/http/httptest"
	"testing"
)

func TestPagesOfOtherOrigins(t *testing.T) {
	const ours, theirs = "https://app.example.com", "https://evil.example"
	list := []string{ours, "https://two.example.com"}
	tests := []struct {
		name, method, origin, asks string // asks: Access-Control-Request-Method
		origins                    []string
		allowed, vary              string
		answered                   bool
	}{
		{"off says nothing", "GET", ours, "", nil, "", "", false},
		{"off leaves a preflight to the routes", "OPTIONS", ours, "POST", nil, "", "", false},
		{"a page on the list", "GET", ours, "", list, ours, "Origin", false},
		{"a page that is not", "GET", theirs, "", list, "", "Origin", false},
		{"no page", "GET", "", "", list, "", "Origin", false},
		{"the origin of a sandbox", "GET", "null", "", list, "", "Origin", false},
		{"an origin that only begins like one of ours", "GET", ours + ".evil.example", "", list, "", "Origin", false},
		{"another port", "GET", ours + ":8443", "", list, "", "Origin", false},
		{"any page", "GET", theirs, "", []string{"*"}, "*", "", false},
		{"a preflight of a page on the list", "OPTIONS", ours, "POST", list, ours, "Origin", true},
		{"a preflight of a page that is not", "OPTIONS", theirs, "POST", list, "", "Origin", false},
		{"a preflight of any page", "OPTIONS", theirs, "DELETE", []string{"*"}, "*", "", true},
		{"OPTIONS that is no preflight", "OPTIONS", ours, "", list, ours, "Origin", false},
		{"OPTIONS of no page", "OPTIONS", "", "POST", []string{"*"}, "*", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/api/", nil)
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if tt.asks != "" {
				r.Header.Set("Access-Control-Request-Method", tt.asks)
			}
			w := httptest.NewRecorder()
			answered := (&CORS{Origins: tt.origins}).apply(w, r)
			h := w.Header()
			if answered != tt.answered || h.Get("Access-Control-Allow-Origin") != tt.allowed || h.Get("Vary") != tt.vary {
				t.Errorf("%s from %q: got %v and %v, want %v, %q and Vary %q", tt.method, tt.origin, answered, h, tt.answered, tt.allowed, tt.vary)
			}
			if answered && (w.Code != 204 || h.Get("Access-Control-Allow-Headers") == "" || h.Get("Access-Control-Allow-Methods") == "") {
				t.Errorf("preflight: got %d %v", w.Code, h)
			}
			if h.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
		})
	}
}
