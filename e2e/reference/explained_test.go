package reference

import (
	"strings"
	"unicode/utf8"

	"doorward/internal/web"
)

// explanation is a difference that is meant. Its page says why.
type explanation struct {
	name string // a heading of page
	page string // in docs/divergences
	// parts: afterwards the two servers are in different conditions, and the round ends.
	parts bool
	is    func(q *request, ours, django *answer) bool
}

var explanations = []explanation{
	{
		name: "Where Django answers 500", page: "django.md", parts: true, // one of the two wrote
		is: func(q *request, ours, django *answer) bool {
			return django.status == 500 && ours.status < 300 && q.method != "HEAD" && q.method != "OPTIONS"
		},
	},
	{
		name: "Where Django answers 500", page: "django.md",
		is: func(_ *request, ours, django *answer) bool { return django.status == 500 && ours.status < 500 },
	},
	{
		name: "A page for browsers", page: "django.md",
		is: func(q *request, ours, django *answer) bool {
			same := ours.status == django.status && ours.header.Get("Content-Type") == "application/json"
			nothing := ours.status == 204 && django.status == 200 // a page about it
			return strings.Contains(q.headers["Accept"], "text/html") && (same || nothing) &&
				strings.HasPrefix(django.header.Get("Content-Type"), "text/html")
		},
	},
	{
		name: "Frames of redirects", page: "django.md",
		is: func(_ *request, ours, django *answer) bool {
			return ours.status == 301 && django.status == 301 && ours.header.Get("Location") == django.header.Get("Location") &&
				ours.header.Get("X-Frame-Options") == "DENY"
		},
	},
	{
		name: "A link works once", page: "django.md", parts: true,
		is: func(_ *request, ours, django *answer) bool {
			return ours.again && ours.status == 400 && django.status == 204
		},
	},
	{
		name: "Nobody is behind the token", page: "django.md",
		is: func(q *request, ours, django *answer) bool {
			return strings.Contains(q.path, "/jwt/") && django.status == 200 && ours.status == 401 &&
				strings.Contains(string(ours.body), "No active account found for the given token.")
		},
	},
	{
		name: "Django REST framework on the wire", page: "drf.md",
		is: func(q *request, ours, _ *answer) bool {
			return ours.status == 400 && (!utf8.ValidString(q.raw) || strings.Count(q.raw, "[") > web.MaxDepth)
		},
	},
}

// explain finds what explains a difference; nil: nothing does.
func explain(q *request, ours, django *answer) *explanation {
	for i := range explanations {
		if e := &explanations[i]; e.is(q, ours, django) {
			return e
		}
	}
	return nil
}
