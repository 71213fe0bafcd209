package accounttest

import (
	"slices"
	"testing"

	"doorward/internal/account"
)

// TestWhatAProfileCostsASignUp holds that a user and his profile are one transaction, and the profile two
// writes at most.
func TestWhatAProfileCostsASignUp(t *testing.T) {
	t.Parallel()
	m := ownModel()
	m.Profiles = []account.ProfileKind{{
		Name: "profile", Table: "profile_profile",
		Fields: []account.FieldSpec{{Name: "city", Kind: account.ShortText, Required: true, Write: account.Self, SignUp: true}},
	}}
	w := fieldsWorld(t, m)
	var calls []string
	w.hook = func(call string) error {
		calls = append(calls, call)
		return nil
	}
	count := func(email string, profiles ...account.Profile) (transactions, writes int) {
		calls = nil
		u, err := w.SignUp(ctx, native(), account.NewUser{Email: email, Password: secret, Profiles: profiles})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := u.Profiles.Of("profile"); ok != (len(profiles) > 0) {
			t.Errorf("%s has a profile: %v, want %v", email, ok, len(profiles) > 0)
		}
		for _, call := range calls {
			if slices.Contains([]string{"Update", "View"}, call) {
				transactions++
			} else if call != "commit" {
				writes++
			}
		}
		return transactions, writes
	}
	plain, writes := count("ann@example.com")
	with, more := count("ben@example.com", account.Profile{Kind: "profile", Values: account.Values{}.With("city", text("Bath"))})
	t.Logf("%d transactions with %d calls, and %d with %d: %q", plain, writes, with, more, calls)
	if with != 1 || plain != 1 || writes == 0 || more <= writes || more > writes+2 {
		t.Errorf("with a profile\ngot:  %d transactions and %d writes\nwant: 1, and from %d to %d", with, more, writes+1, writes+2)
	}
}
