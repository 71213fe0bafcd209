package mail_test

import (
	"context"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/mail/mailtest"
)

// TestAMailToNobodyIsForgotten: it is never sent, not even tried where the server is down, and does not take the
// turn of one that tries it.
func TestAMailToNobodyIsForgotten(t *testing.T) {
	onEachEngine(t, func(t *testing.T, b *box) {
		smtp := (&mailtest.Server{}).Start(t)
		smtp.Set(mailtest.Refusing)
		s := b.sender(t, open(t, smtp.URL("smtp")))
		b.put(t, "ann@example.com")
		s.Flush(t.Context())
		for range 50 {
			m := account.Mail{UserID: account.ToNobody, Occasion: account.PasswordResetMail, Sealed: []byte("{}"), Created: b.now().Add(-time.Hour)}
			if err := b.Update(t.Context(), func(w account.Writer) error { return w.InsertMail(t.Context(), &m) }); err != nil {
				t.Fatal(err)
			}
		}
		smtp.Set(mailtest.Well)
		await(t, "every mail is gone", 30*time.Second, func() bool {
			n, err := b.WaitingMails(context.Background())
			return err == nil && n == 0
		})
		if mails := smtp.Mails(); len(mails) != 1 || mails[0].To != "ann@example.com" {
			t.Errorf("the server took: got %d mails, want Ann's alone", len(mails))
		}
		if list, err := b.Mails(t.Context(), 0, 100); err != nil || len(list) != 1 {
			t.Errorf("the list: got %d, %v, want Ann's alone", len(list), err)
		}
	})
}
