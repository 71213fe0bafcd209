package accounttest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"doorward/internal/account"
)

// A column that is filled from another one is so at every way in, and tells long texts apart.
func TestAColumnIsFilledFromAnother(t *testing.T) {
	t.Parallel()
	m := account.OwnModel(account.Email, account.Folded)
	for i := range m.Columns {
		if m.Columns[i].Field == account.Username {
			m.Columns[i].From, m.Columns[i].Max = account.Email, 40
		}
	}
	w := fieldsWorld(t, m)
	long := strings.Repeat("x", 40)
	names := map[string]bool{}
	for _, tt := range []struct{ name, email, username, want string }{
		{"as it was sent", "Ann@EXAMPLE.com", "", "Ann@EXAMPLE.com"},
		{"what was given stays", "bob@example.com", "bob", "bob"},
		{"of forty characters", strings.Repeat("a", 28) + "@example.com", "", strings.Repeat("a", 28) + "@example.com"},
		{"of more, one", long + "1@example.com", "", long[:23] + "~"},
		{"of more, another", long + "2@example.com", "", long[:23] + "~"},
	} {
		u, err := w.SignUp(ctx, native(), account.NewUser{Email: tt.email, Username: tt.username, Password: secret})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := w.user(t, u.ID).Username; !strings.HasPrefix(got, tt.want) || utf8.RuneCountInString(got) > 40 || names[got] || got != u.Username {
			t.Errorf("%s:\n got: %q, kept as %q\nwant: %q, nobody else's", tt.name, u.Username, got, tt.want)
		} else {
			names[got] = true
		}
	}
}

func TestAPasswordIsComparedWithItsOwner(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, account.OwnModel(account.Email, account.Folded))
	n := account.NewUser{Email: "ann.archer@example.com", Password: "ann.archer@example.com"}
	_, err := w.SignUp(ctx, native(), n)
	wantCode(t, "as it comes", err, account.PasswordSimilar)
	p := *native()
	p.StrangersRules = true
	if _, err := w.SignUp(ctx, &p, n); err != nil {
		t.Errorf("where the rules do not know whose it is: %v", err)
	}
	n.Email, n.Password = "bob@example.com", "12345678"
	_, err = w.SignUp(ctx, &p, n)
	wantCode(t, "the other rules", err, account.PasswordCommon)
}
