package accounttest

import (
	"testing"
	"time"

	"doorward/internal/account"
)

// TestALinkIsJudgedWhereItIsUsed lets something kill a link after it was found good, and before what it is for is
// written: hashing a password takes a while, and in a storm seconds.
func TestALinkIsJudgedWhereItIsUsed(t *testing.T) {
	t.Parallel()
	type with struct {
		s    *account.Service
		p    *account.Policy
		u    account.User
		link account.Link
	}
	newAddress := func(x *with) error {
		_, err := x.s.EditPerson(ctx, x.p, nil, account.Self, x.u.ID, account.Changes{Texts: map[account.Field]string{account.Email: "anna@example.com"}})
		return err
	}
	password := func(x *with) error { return x.s.ResetPassword(ctx, x.p, nil, x.link, fresh) }
	login := func(x *with) error { return x.s.ResetLogin(ctx, x.p, x.link, account.Username, "anna") }
	activate := func(x *with) error { return x.s.Activate(ctx, x.p, x.link) }
	disable := func(x *with) error { return x.s.SetActive(ctx, x.u.ID, false) }
	for _, tt := range []struct {
		name   string
		why    account.Occasion
		use    func(*with) error
		beside func(*with) error
	}{
		{"a password, beside another address", account.PasswordResetMail, password, newAddress},
		{"a password, beside another login name by the same link", account.PasswordResetMail, password, login},
		{"a login name, beside another password by the same link", account.PasswordResetMail, login, password},
		{"a login name, beside another address", account.PasswordResetMail, login, newAddress},
		{"an activation, beside another address", account.ActivationMail, activate, newAddress},
		{"an activation, beside staff that disables him", account.ActivationMail, activate, disable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, n, p := open(t, ownModel()), &notices{}, flows()
			s := w.mailing(t, n)
			defer s.Close()
			p.Links.Stamp = false
			u := w.add(t, "ann@example.com", func(u *account.User) {
				u.Username, u.IsActive, u.LastLogin = "ann", tt.why != account.ActivationMail, w.clock.now().Add(-time.Hour)
			})
			ask := s.RequestPasswordReset
			if tt.why == account.ActivationMail {
				ask = s.ResendActivation
			}
			if err := ask(ctx, p, u.Email); err != nil {
				t.Fatal(err)
			}
			x := &with{s, p, u, n.last(t, tt.why, u.Email)}
			w.hook = func(call string) error {
				if call != "Update" {
					return nil
				}
				w.hook = nil
				return tt.beside(x)
			}
			wantCode(t, "the link", tt.use(x), account.LinkToken)
			if now := w.user(t, u.ID); tt.why == account.ActivationMail && now.IsActive {
				t.Error("it activated him all the same")
			}
		})
	}
}
