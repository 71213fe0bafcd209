package django

import (
	"slices"
	"testing"

	"doorward/internal/account"
)

func TestTheFixtureOfAuthUser(t *testing.T) {
	c, err := Read([]byte(`{"dialect": "tag1", "variant": "x", "user_model": "auth.User", "settings": {}, "setup": {"users": [
		{"id": 3, "username": "alice", "email": "a@example.com", "first_name": "Al", "last_name": "Ice", "is_staff": true, "is_superuser": true}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := c.Users[0].User
	got.JWTSecret = [16]byte{}
	want := account.User{ID: 3, Username: "alice", Email: "a@example.com", FirstName: "Al", LastName: "Ice", IsStaff: true, IsSuperuser: true, IsActive: true}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTablesAreFoundByName(t *testing.T) {
	if got, want := Tables(), []string{"accounts_user", "auth_user", "roles_user", "spauser_spauser", "userapi_user"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, name := range append(Tables(), "users") {
		if m := ModelOf(name); (m == nil) != (name == "users") || m != nil && m.Table != name {
			t.Errorf("ModelOf(%q): got %+v", name, m)
		}
	}
}
