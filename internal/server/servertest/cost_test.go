package servertest

import (
	"net/http"
	"testing"
)

// sink takes an answer without keeping it.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// TestWhatMeCosts bounds what a read allocates: time differs between machines, allocations do not.
func TestWhatMeCosts(t *testing.T) {
	s := Start(t, "sqlite", Production)
	p := s.signUp(t, "ann@example.com")
	s.create(t, "bob@example.com", goodPassword)
	for _, tt := range []struct {
		path, authorization string
		most                float64
	}{
		{"/v1/me", "Bearer " + p.Access, 40},
		{"/api/user/view/", "JWT " + s.login(t, "bob@example.com", goodPassword), 40},
		{"/v1/me", "Bearer junk", 40},
	} {
		r, err := http.NewRequest("GET", s.URL+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "127.0.0.1:4711"
		r.Header.Set("Authorization", tt.authorization)
		got := testing.AllocsPerRun(200, func() { s.ServeHTTP(&sink{header: http.Header{}}, r) })
		t.Logf("%s allocates %.0f times", tt.path, got)
		if got > tt.most && !raceEnabled {
			t.Errorf("%s with %.10s…: got %.0f allocations, want %.0f at most", tt.path, tt.authorization, got, tt.most)
		}
	}
}

// TestWhatATypedTokenCosts bounds what a warm access token of SimpleJWT's allocates; that it costs no SQL
// is held in accounttest.
func TestWhatATypedTokenCosts(t *testing.T) {
	s := Start(t, "sqlite", nil)
	s.simple(t, nil)
	var p simplePair
	s.post(t, 200, "/api/token/", map[string]any{"username": "ann", "password": goodPassword}, &p)
	r, err := http.NewRequest("GET", s.URL+"/api/protected-endpoint/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Authorization", "Bearer "+p.Access)
	const most = 40
	w := &sink{header: http.Header{}}
	got := testing.AllocsPerRun(200, func() { w.header = http.Header{}; s.ServeHTTP(w, r) })
	t.Logf("a warm access token allocates %.0f times", got)
	if w.status != 200 || got > most && !raceEnabled {
		t.Errorf("got %d with %.0f allocations, want 200 with %d at most", w.status, got, most)
	}
}
