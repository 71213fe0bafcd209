package accounttest

import (
	"testing"

	"doorward/internal/account"
)

// TestNoLinkLetsInWhomAnOperatorDisabled: who is inactive may ask for the link that activates, and an operator's word is not
// to be undone by that.
func TestNoLinkLetsInWhomAnOperatorDisabled(t *testing.T) {
	t.Parallel()
	for _, oneKind := range []bool{false, true} {
		w, n, p := open(t, ownModel()), &notices{}, flows()
		s := w.mailing(t, n)
		defer s.Close()
		p.Links.OneKind = oneKind
		u := w.add(t, "ann@example.com", nil)
		if err := s.RequestPasswordReset(ctx, p, u.Email); err != nil {
			t.Fatal(err)
		}
		before := n.last(t, account.PasswordResetMail, u.Email)
		if err := s.SetActive(ctx, u.ID, false); err != nil {
			t.Fatal(err)
		}
		sent := len(n.sent)
		wantCode(t, "another link", s.ResendActivation(ctx, p, u.Email), account.EmailUnknown)
		if got := n.sent[sent:]; len(got) != 1 || got[0].User.ID != account.ToNobody {
			t.Errorf("sent %+v, want a mail to nobody", got)
		}
		wantCode(t, "a link from before", s.Activate(ctx, p, before), account.LinkToken)
		if w.user(t, u.ID).IsActive {
			t.Fatal("he is active again")
		}
		if err := s.SetActive(ctx, u.ID, true); err != nil {
			t.Fatal(err)
		}
		w.sql(t, "update users set is_active = 0") // he waits for a link
		if err := s.ResendActivation(ctx, p, u.Email); err != nil {
			t.Errorf("once he was let in again: %v", err)
		}
		if err := s.Activate(ctx, p, n.last(t, account.ActivationMail, u.Email)); err != nil {
			t.Errorf("activate: %v", err)
		}
		if err := s.SetActive(ctx, u.ID, false); err != nil {
			t.Fatal(err)
		}
		if err := s.Remove(ctx, u.ID); err != nil {
			t.Fatal(err)
		}
		if left := w.count(t, "select count(*) from meta where key like 'barred%'"); left != 0 {
			t.Errorf("%d notes of somebody who is deleted", left)
		}
	}
}
