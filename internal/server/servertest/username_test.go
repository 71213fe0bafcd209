package servertest

import (
	"fmt"
	"testing"
)

// TestAUsernameIsNobodyElsesAddress: where people sign in by a user name, who has none goes by his address. Somebody
// else with that address for a name would stand in his way, and be shown under it.
func TestAUsernameIsNobodyElsesAddress(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		s.signUp(t, "ann@example.com") // without a name
		eve := s.signUp(t, "eve@example.com")
		signsIn := func(when string) {
			t.Helper()
			for _, path := range []string{"/auth/jwt/create/", "/api/token/", "/auth/token/login/"} {
				if r := s.Send(t, "POST", path, map[string]any{"username": "ann@example.com", "password": goodPassword}); r.Status != 200 {
					t.Errorf("%s, %s: ann gets %d %s, want 200", when, path, r.Status, r.Body)
				}
			}
		}
		signsIn("at first")
		for i, tt := range []struct {
			name string
			want int // of a change, and of a registration with an address of one's own and with none
		}{
			{"ann@example.com", 400},
			{"ANN@example.com", 400},
			{"ａnn@example.com", 400},
			{"ann@EXAMPLE.com", 400},
			{"a\nb", 400},
			{"\u202eeve", 400},
			{"e v", 400},
			{" ", 400},
			{"<b>", 400},
			{"eve", 200},
			{"eve@home", 200},
			{"ﬁne", 200},
			{"eve@example.com", 200},
			{"Eve@Example.com", 200},
		} {
			r := s.Send(t, "PATCH", "/v1/me", map[string]any{"username": tt.name}, bearer(eve.Access)...)
			if r.Status != tt.want {
				t.Errorf("PATCH /v1/me to %q: got %d %s, want %d", tt.name, r.Status, r.Body, tt.want)
			}
			if tt.want != 400 {
				continue
			}
			for _, email := range []string{"", fmt.Sprintf("own%d@example.com", i)} {
				if r := s.Send(t, "POST", "/auth/users/", map[string]any{"username": tt.name, "email": email, "password": goodPassword}); r.Status != 400 {
					t.Errorf("a registration as %q with the address %q: got %d %s, want 400", tt.name, email, r.Status, r.Body)
				}
			}
			r = s.Send(t, "POST", "/v1/sign-up", map[string]any{"username": tt.name, "email": fmt.Sprintf("new%d@example.com", i), "password": goodPassword})
			if r.Status != 400 && r.Status != 409 {
				t.Errorf("a registration at /v1/ as %q: got %d %s, want 400", tt.name, r.Status, r.Body)
			}
			signsIn(fmt.Sprintf("once somebody wants to be %q", tt.name))
		}
		s.post(t, 204, "/auth/users/set_username/", map[string]any{"new_username": "ann", "current_password": goodPassword}, nil,
			"Authorization", "Bearer "+s.access(t, "ann@example.com"))
		for name, want := range map[string]int{"eve@example.com": 400, "ann@example.com": 204} {
			r := s.Send(t, "POST", "/auth/users/set_username/", map[string]any{"new_username": name, "current_password": goodPassword}, "Authorization", "Bearer "+s.access(t, "ann"))
			if r.Status != want {
				t.Errorf("ann becomes %s: got %d %s, want %d", name, r.Status, r.Body, want)
			}
		}
		if r := s.Send(t, "POST", "/auth/users/", map[string]any{"username": "bob@example.com", "password": goodPassword}); r.Status != 201 {
			t.Errorf("an address of nobody for a name: got %d %s, want 201", r.Status, r.Body)
		}
		s.faultless(t)
	})
}

// access signs in under djoser's paths.
func (s *Server) access(t testing.TB, username string) string {
	t.Helper()
	var pair struct{ Access string }
	s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": username, "password": goodPassword}, &pair)
	return pair.Access
}
