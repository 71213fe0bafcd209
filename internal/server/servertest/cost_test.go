package servertest

import (
	"bytes"
	"encoding/base64"
	"maps"
	"math"
	"net/http"
	"strings"
	"testing"

	"doorward/internal/config"
)

// sink takes an answer without keeping it.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// TestWhatMeCosts holds what a read allocates, and a token that is refused: time differs between
// machines, allocations do not. Two are the test's own. Lower the figures where you can.
func TestWhatMeCosts(t *testing.T) {
	s := Start(t, "sqlite", Production)
	p := s.signUp(t, "ann@example.com")
	s.create(t, "bob@example.com", goodPassword)
	classic := s.login(t, "bob@example.com", goodPassword)
	for _, tt := range []struct {
		name, path, authorization string
		status                    int
		most                      float64
	}{
		{"a token of /v1/", "/v1/me", "Bearer " + p.Access, 200, 7},
		{"a token of drf-jwt", "/api/user/view/", "JWT " + classic, 200, 15},
		{"no token", "/v1/me", "", 401, 10},
		{"no token, drf-jwt", "/api/user/view/", "", 401, 13},
		{"a word", "/v1/me", "Bearer junk", 401, 16},
		{"another signature", "/v1/me", "Bearer " + p.Access[:len(p.Access)-4] + "AAAA", 401, 26},
		{"another signature, drf-jwt", "/api/user/view/", "JWT " + classic[:len(classic)-4] + "AAAA", 401, 26},
		{"an id that somebody made up", "/v1/me", "Bearer " + withoutID(t, p.Access), 401, 36},
	} {
		got := s.allocations(t, tt.path, tt.authorization, tt.status)
		if got > tt.most && !raceEnabled {
			t.Errorf("%s: got %.0f allocations, want %.0f at most", tt.name, got, tt.most)
		}
	}
}

// allocations is what a GET allocates at least, of many.
func (s *Server) allocations(t *testing.T, path, authorization string, status int) float64 {
	t.Helper()
	r, err := http.NewRequest("GET", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:4711"
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	var w sink
	got := math.Inf(1)
	for range 10 { // what the server does beside it counts too
		got = min(got, testing.AllocsPerRun(50, func() {
			w = sink{header: http.Header{}}
			s.ServeHTTP(&w, r)
		}))
	}
	if w.status != status {
		t.Errorf("%s: got status %d, want %d", path, w.status, status)
	}
	return got
}

// TestWhatMeCostsWithFields holds that eleven declared fields and a profile of as many are read in place.
func TestWhatMeCostsWithFields(t *testing.T) {
	s := Start(t, "sqlite", func(cfg *config.Config) {
		Production(cfg)
		everyKind(cfg)
	})
	p := s.signUp(t, "ann@example.com")
	values := map[string]any{
		"my_text": "Ann", "my_long_text": "a\nb", "my_integer": 7, "my_decimal": "1.50", "my_boolean": true, "my_date": "1990-02-08",
		"my_timestamp": "2026-11-22T01:02:03Z", "my_choice": "b", "my_url": "https://example.com/", "my_phone": "+44 20", "my_json": []any{1},
	}
	body := maps.Clone(values)
	body["profile"] = values
	if r := s.Send(t, "PATCH", "/v1/me", body, bearer(p.Access)...); r.Status != 200 {
		t.Fatalf("got %d %s", r.Status, r.Body)
	}
	const most = 13
	if got := s.allocations(t, "/v1/me", "Bearer "+p.Access, 200); got > most && !raceEnabled {
		t.Errorf("got %.0f allocations, want %d at most", got, most)
	}
}

// withoutID is a token of /v1/ with another jti of the same length; its signature is wrong then.
func withoutID(t *testing.T, raw string) string {
	t.Helper()
	parts := strings.Split(raw, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(payload, []byte(`"jti":"`)) + len(`"jti":"`)
	copy(payload[at:], "0123456789abcdef")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + parts[2]
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
	const most = 15
	w := &sink{header: http.Header{}}
	got := testing.AllocsPerRun(200, func() { w.header = http.Header{}; s.ServeHTTP(w, r) })
	t.Logf("a warm access token allocates %.0f times", got)
	if w.status != 200 || got > most && !raceEnabled {
		t.Errorf("got %d with %.0f allocations, want 200 with %d at most", w.status, got, most)
	}
}
