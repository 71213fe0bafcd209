package accounttest

import (
	"testing"

	"doorward/internal/account"
)

// TestWhoIsGoneIsNoFault deletes a user after he was found, and before what he asked for is written.
func TestWhoIsGoneIsNoFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(w *world, p *account.Policy, who *account.Principal) error
		want account.Code
	}{
		{"a change of his", func(w *world, _ *account.Policy, who *account.Principal) error {
			_, err := w.Update(ctx, who, map[account.Field]string{account.FirstName: "Ann"})
			return err
		}, account.NoSuchUser},
		{"a profile of his", func(w *world, _ *account.Policy, who *account.Principal) error {
			_, err := w.MakeProfile(ctx, account.Self, who.User, account.Profile{Kind: "public"})
			return err
		}, account.NoSuchUser},
		{"a sign-out everywhere", func(w *world, _ *account.Policy, who *account.Principal) error {
			return w.SignOutEverywhere(ctx, who.User.ID)
		}, account.NoSuchUser},
		{"a sign-out", func(w *world, p *account.Policy, who *account.Principal) error { return w.SignOut(ctx, p, who) }, ""},
		{"another login name", func(w *world, p *account.Policy, who *account.Principal) error {
			return w.ChangeLogin(ctx, p, who, account.Email, secret, "anna@example.com")
		}, account.Changed},
		{"another password", func(w *world, p *account.Policy, who *account.Principal) error {
			return w.ChangePassword(ctx, p, who, secret, fresh)
		}, account.WrongPassword},
		{"his end", func(w *world, _ *account.Policy, who *account.Principal) error { return w.Delete(ctx, who, secret) }, account.WrongPassword},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, p := fieldsWorld(t, shown()), native()
			w.add(t, "ann@example.com", nil) // without a profile
			who := w.who(t, p, w.signIn(t, p, "ann@example.com").Access)
			w.hook = func(call string) error {
				if call != "Update" {
					return nil
				}
				w.hook = nil
				return w.Remove(ctx, who.User.ID)
			}
			wantCode(t, tt.name, tt.do(w, p, who), tt.want)
			if n := w.count(t, "select count(*) from user_states"); n != 0 {
				t.Errorf("%d states of nobody are left, want none", n)
			}
		})
	}
}

// TestAnEndBesideAChangeHolds ends everything of a user, or disables him, after his password was found right and before his
// login name is changed: whoever asked is signed out.
func TestAnEndBesideAChangeHolds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id int64) error{
		"signed out everywhere": func(w *world, id int64) error { return w.SignOutEverywhere(ctx, id) },
		"disabled":              func(w *world, id int64) error { return w.SetActive(ctx, id, false) },
		"another password": func(w *world, id int64) error {
			u := w.user(t, id)
			return w.SetPassword(ctx, native(), &u, fresh)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := open(t, ownModel()), native()
			u := w.add(t, "ann@example.com", nil)
			who := w.who(t, p, w.signIn(t, p, "ann@example.com").Access)
			w.hook = func(call string) error {
				if call != "Update" {
					return nil
				}
				w.hook = nil
				return end(w, u.ID)
			}
			wantCode(t, "another address", w.ChangeLogin(ctx, p, who, account.Email, secret, "eve@example.com"), account.WrongPassword)
			if got := w.user(t, u.ID).Email; got != "ann@example.com" {
				t.Errorf("the address: got %s, want the old one", got)
			}
		})
	}
}
