package drf

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"doorward/internal/web"
)

func TestNegotiationIsDRFs(t *testing.T) {
	for _, tt := range recorded[struct {
		Query, Media, Want string
		Accept             *string
		Status             int
	}](t, "negotiation.json") {
		r := httptest.NewRequest("GET", "/api/me/?"+tt.Query, nil)
		accept := "no header"
		if tt.Accept != nil {
			accept = *tt.Accept
			r.Header.Set("Accept", accept)
		}
		w := newRecorder()
		a := &answer{ResponseWriter: w}
		if err := New(Options{}).negotiate(a, r); err != nil {
			New(Options{}).fail(a, r, err)
		}
		if got := w.Body.String(); w.Code != tt.Status || got != tt.Want {
			t.Errorf("Accept %q, query %q\n got %d %s\nwant %d %s", accept, tt.Query, w.Code, got, tt.Status, tt.Want)
		}
		if html := tt.Media == htmlMedia; a.html != html {
			t.Errorf("Accept %q, query %q: a page: %v, want %v", accept, tt.Query, a.html, html)
		}
	}
}

func TestAcceptInSeveralLines(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Accept"] = []string{"application/xml", "application/json"}
	if err := New(Options{}).negotiate(&answer{}, r); err != nil {
		t.Errorf("negotiate(%q): %v", r.Header["Accept"], err)
	}
}

func TestFormatSuffixes(t *testing.T) {
	routes := []web.Route{
		{Op: "root", Method: "GET", Path: "", Access: web.Anyone},
		{Op: "users", Method: "GET", Path: "users/", Access: web.Anyone, Handler: hello},
	}
	routes[0].Handler = func(w http.ResponseWriter, r *web.Request) error {
		return Index([]string{"users", "token-create"})(w, r)
	}
	const found, missing = `200 {"hello":false}`, `404 {"detail":"Not found."}`
	tests := []struct {
		name, target, accept string
		suffixes             bool
		want                 string // "": the page of Django
	}{
		{"JSON by its suffix", "/api/users.json", "-", true, found},
		{"a slash behind it", "/api/users.json/", "-", true, found},
		{"the suffix outranks the query", "/api/users.json?format=xml", "-", true, found},
		{"but not the header", "/api/users.json", "text/html", true, `406 {"detail":"Could not satisfy the request Accept header."}`},
		{"a suffix that nobody renders", "/api/users.xml", "-", true, missing},
		{"a suffix of a path that is none", "/api/people.json", "-", true, ""},
		{"a suffix in capitals is none", "/api/users.JSON", "-", true, ""},
		{"a dot alone is none", "/api/users.", "-", true, ""},
		{"a site without suffixes", "/api/users.json", "-", false, ""},
		{"the index lists addresses in the format", "/api/.json", "-", true, `200 {"users":"http://example.com/api/users.json","token-create":""}`},
		{"the index repeats the query", "/api/?format=json", "-", false, `200 {"users":"http://example.com/api/users/?format=json","token-create":""}`},
		{"the index does both", "/api/.json?format=json", "-", true, `200 {"users":"http://example.com/api/users.json?format=json","token-create":""}`},
		{"the index as it is", "/api/", "-", false, `200 {"users":"http://example.com/api/users/","token-create":""}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := recorder{ask(New(Options{Suffixes: tt.suffixes}), routes, "GET", tt.target, "", "Accept", tt.accept)}
			want := tt.want
			if want == "" {
				want = "404 " + notFoundPage[:len(notFoundPage)-1]
			}
			if got := w.answer(); got != want {
				t.Errorf("GET %s\n got %s\nwant %s", tt.target, got, want)
			}
		})
	}
}

func FuzzAccept(f *testing.F) {
	for _, tt := range recorded[struct{ Accept string }](f, "negotiation.json") {
		f.Add(tt.Accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		best, media, ok := choose(renderers, accept)
		if ok != (best.media != "") || ok && !media.matches(best.media) {
			t.Errorf("choose(%q) = %v, %v, %v", accept, best, media, ok)
		}
		if n := indent(media); n < 0 || n > 8 {
			t.Errorf("indent of %q is %d", accept, n)
		}
	})
}
