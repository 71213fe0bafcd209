package servertest

import (
	"fmt"
	"testing"

	"doorward/internal/account"
)

// TestStaffChangesNoSuperuser: who may change somebody's address may have his password reset, so staff would become
// whoever it likes.
func TestStaffChangesNoSuperuser(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, nil)
		for _, mount := range []struct{ name, path string }{{"djoser", "/auth/users/%d/"}, {"userapi", "/userapi/users/%d/"}} {
			word := ""
			for _, m := range s.Mounts() {
				if m.Name == mount.name {
					word = scheme(&m)
				}
			}
			user, _ := s.member(t, mount.name, "user")
			boss, bossToken := s.member(t, mount.name, "superuser")
			other, _ := s.member(t, mount.name, "superuser")
			staff, staffToken := s.member(t, mount.name, "staff")
			another, _ := s.member(t, mount.name, "staff")
			for i, step := range []struct {
				who, token, method string
				of                 account.User
				want               int
			}{
				{"staff", staffToken, "PATCH", user, 200},
				{"staff", staffToken, "PATCH", another, 200},
				{"staff", staffToken, "PATCH", boss, 403},
				{"staff", staffToken, "GET", boss, 200},
				{"staff", staffToken, "DELETE", boss, 403},
				{"a superuser", bossToken, "PATCH", other, 200},
				{"a superuser", bossToken, "DELETE", other, 204},
				{"staff", staffToken, "DELETE", user, 204},
				{"staff", staffToken, "PATCH", staff, 200}, // his tokens name him by his address
			} {
				var body any
				switch step.method {
				case "PATCH":
					body = map[string]string{"email": fmt.Sprintf("taken-over-%s-%d@example.com", mount.name, i)}
				case "DELETE":
					body = map[string]string{"current_password": goodPassword}
				}
				path := fmt.Sprintf(mount.path, step.of.ID)
				r := s.Send(t, step.method, path, body, "Authorization", word+" "+step.token)
				if r.Status != step.want {
					t.Errorf("%s %s %s: got %d %s, want %d", step.who, step.method, path, r.Status, r.Body, step.want)
				}
			}
		}
		s.faultless(t)
	})
}
