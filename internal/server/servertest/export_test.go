package servertest

import (
	"strings"
	"testing"
)

// TestOnesOwnExport asks for all that is kept of somebody, as he and as nobody.
func TestOnesOwnExport(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, everyKind)
		p := s.signUp(t, "ann@example.com")
		s.signIn(t, "ann@example.com")
		s.signUp(t, "bob@example.com")
		r := s.Do(t, "GET", "/v1/me/export", nil, bearer(p.Access)...)
		var got struct {
			User     map[string]any   `json:"user"`
			Sessions []map[string]any `json:"sessions"`
		}
		r.JSON(t, &got)
		profile, _ := got.User["profile"].(map[string]any)
		if r.Status != 200 || got.User["email"] != "ann@example.com" || got.User["is_active"] != true || len(got.Sessions) != 2 {
			t.Errorf("got %d %s", r.Status, r.Body)
		}
		if _, ok := profile["my_json"]; !ok || len(profile) != 12 {
			t.Errorf("the profile has %v", profile)
		}
		for _, secret := range []string{"argon2", "password", "jwt_secret", "email_key", "bob@"} {
			if strings.Contains(string(r.Body), secret) {
				t.Errorf("the export says %q: %s", secret, r.Body)
			}
		}
		if s := got.Sessions[0]; s["mount"] != "v1" || s["ended_at"] != nil || s["signed_in_at"] == nil {
			t.Errorf("a session: got %v", s)
		}
		if r := s.Do(t, "GET", "/v1/me/export", nil); r.Status != 401 {
			t.Errorf("nobody: got %d %s, want 401", r.Status, r.Body)
		}
	})
}
