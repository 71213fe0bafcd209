package accounttest

import (
	"testing"

	"doorward/internal/account"
)

// TestAKeyThatIsUsedMeanwhile has one use of a key read everything, and another one done before the first one writes.
func TestAKeyThatIsUsedMeanwhile(t *testing.T) {
	t.Parallel()
	m := ownModel()
	m.Profiles = append(m.Profiles, account.VerifiedEmails())
	w, n, p := fieldsWorld(t, m), &notices{}, native()
	p.Emails.Verify = account.VerifyFirst
	s := w.mailing(t, n)
	defer s.Close()
	if _, err := s.Enroll(ctx, p, account.NewUser{Email: "ann@example.com", Username: "ann", Password: secret}, account.Browser{}); err != nil {
		t.Fatal(err)
	}
	key := n.last(t, account.VerifyEmailMail, "ann@example.com").Token
	inner := account.Code("it did not run")
	w.hook = func(call string) error {
		if call == "Update" {
			w.hook = nil
			inner = code(s.VerifyEmail(ctx, p, key))
		}
		return nil
	}
	if outer := code(s.VerifyEmail(ctx, p, key)); inner != "" || outer != account.LinkToken {
		t.Errorf("got %q for the one who was first and %q for the other, want \"\" and %q", inner, outer, account.LinkToken)
	}
}
