package reference

import (
	"net/http"
	"testing"
)

// A difference of each kind is seen; what is random or a server's own words is none.
func TestTheComparisonSees(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxLCJqdGkiOiIwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZiJ9.x"
	const later = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoyLCJqdGkiOiJmMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZiJ9.y"
	const other = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCIsImV4cCI6MX0.z"
	base := func() *answer {
		return &answer{
			status: 200, body: []byte(`{"a": [1, {"b": "` + token + `"}], "at": "2026-01-01T00:00:00.000001Z", "name": "dig1vx-b5bb35ef93937cf5ecdd483c8cd43917"}`),
			header: http.Header{"Content-Type": {"application/json"}, "Allow": {"GET, POST"}},
			mails:  []letter{{to: "a@example.com", from: "b@example.com", link: "/UID/TOKEN"}},
		}
	}
	for _, c := range []struct {
		name   string
		change func(a *answer)
		want   int
	}{
		{"nothing", func(*answer) {}, 0},
		{"a status", func(a *answer) { a.status = 201 }, 1},
		{"a header", func(a *answer) { a.header.Set("Vary", "Accept") }, 1},
		{"the order of Allow", func(a *answer) { a.header.Set("Allow", "POST, GET") }, 0},
		{"a method", func(a *answer) { a.header.Set("Allow", "GET") }, 1},
		{"a body", func(a *answer) { a.body = []byte("{}") }, 1},
		{"another token, time and link", func(a *answer) {
			a.body = []byte(`{"at": "2026-01-02T00:00:00Z", "a": [1, {"b": "` + later + `"}], "name": "dig1vy-b8f20b726e5c687151b0e12ac1efac6e"}`)
		}, 0},
		{"a token of another type", func(a *answer) {
			a.body = []byte(`{"a": [1, {"b": "` + other + `"}], "at": "2026-01-01T00:00:00.000001Z", "name": "dig1vx-b5bb35ef93937cf5ecdd483c8cd43917"}`)
		}, 1},
		{"no mail", func(a *answer) { a.mails = nil }, 1},
		{"another link", func(a *answer) { a.mails[0].link = "/x/UID/TOKEN" }, 1},
	} {
		changed := base()
		c.change(changed)
		if got := differences(changed, base()); len(got) != c.want {
			t.Errorf("%s changed\ngot:  %q\nwant: %d differences", c.name, got, c.want)
		}
	}
}
