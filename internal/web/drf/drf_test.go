package drf

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/web"
)

// recorded reads a file of testdata.
func recorded[T any](t testing.TB, name string) (rows []T) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// body is the body of a recorded row.
func body(t testing.TB, text, encoded string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return text + string(b)
}

// keys is an Authenticator: "Key ann" is ann, another key is refused, another scheme is not its own.
type keys struct{ challenge string }

func (k keys) Challenge() string { return k.challenge }

func (k keys) Authenticate(r *http.Request, fresh bool) (*account.Principal, error) {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Key ")
	switch {
	case !ok:
		return nil, nil
	case key == "ann":
		return &account.Principal{}, nil
	case key == "fresh" && fresh:
		return &account.Principal{}, nil
	}
	return nil, Detail(http.StatusUnauthorized, "Invalid token.")
}

// ask sends one request to the view of a path.
func ask(s *Site, routes []web.Route, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "-" {
			r.Header.Add(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	serve(s, routes, w, r)
	return w
}

// serve answers as web does: the view of the path, or else of the rewritten one.
func serve(s *Site, routes []web.Route, w http.ResponseWriter, r *http.Request) {
	m := &web.Mount{Name: "test", Prefix: "/api/", Dialect: s, Routes: routes}
	for range 2 {
		var path []*web.Route
		for i := range m.Routes {
			if m.Prefix+m.Routes[i].Path == r.URL.Path {
				path = append(path, &m.Routes[i])
			}
		}
		if path != nil {
			s.View(m, path).ServeHTTP(w, r)
			return
		}
		other := s.Rewrite(r)
		if other == nil {
			break
		}
		r = other
	}
	s.NotFound(w, r)
}

func hello(w http.ResponseWriter, r *web.Request) error {
	return JSON(w, http.StatusOK, Object{{"hello", r.Who != nil}})
}

type recorder struct{ *httptest.ResponseRecorder }

func newRecorder() recorder { return recorder{httptest.NewRecorder()} }

// answer is the status and the body.
func (r recorder) answer() string {
	return strings.TrimSpace(strconv.Itoa(r.Code) + " " + r.Body.String())
}
