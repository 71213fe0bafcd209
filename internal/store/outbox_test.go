package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// onBothEngines runs a test over an empty database of each kind.
func onBothEngines(t *testing.T, test func(t *testing.T, d *store.DB)) {
	for name, url := range engines {
		t.Run(string(name), func(t *testing.T) { test(t, migrated(t, url(t), own())) })
	}
}

func putMail(t *testing.T, d *store.DB, at time.Time) int64 {
	t.Helper()
	m := account.Mail{UserID: 7, Occasion: account.ActivationMail, Sealed: []byte{0, 1, 2}, Created: at}
	if err := d.Update(t.Context(), func(w account.Writer) error { return w.InsertMail(t.Context(), &m) }); err != nil {
		t.Fatalf("insert a mail: %v", err)
	}
	return m.ID
}

func claim(t *testing.T, d *store.DB, now time.Time) account.Mail {
	t.Helper()
	m, err := d.ClaimMail(t.Context(), now, now.Add(time.Minute))
	if err != nil && !errors.Is(err, account.ErrNotFound) {
		t.Fatalf("claim a mail: %v", err)
	}
	return m
}

func settle(t *testing.T, d *store.DB, m account.Mail, state account.MailState, claimed time.Time) bool {
	t.Helper()
	m.State, m.Answer, m.Settled = state, "said so", noon.Add(time.Hour)
	ok, err := d.SettleMail(t.Context(), &m, claimed)
	if err != nil {
		t.Fatalf("settle a mail: %v", err)
	}
	return ok
}

func TestTheLifeOfAMail(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d *store.DB) {
		second, first := putMail(t, d, noon.Add(time.Second)), putMail(t, d, noon)
		if m := claim(t, d, noon.Add(-time.Second)); m.ID != 0 {
			t.Errorf("a mail of the future is claimed: %+v", m)
		}
		a := claim(t, d, noon.Add(2*time.Second))
		b := claim(t, d, noon.Add(2*time.Second))
		if a.ID != first || b.ID != second || a.Tries != 1 || string(a.Sealed) != "\x00\x01\x02" || !a.Created.Equal(noon) {
			t.Fatalf("claimed %+v and %+v, want %d and %d", a, b, first, second)
		}
		if m := claim(t, d, noon.Add(3*time.Second)); m.ID != 0 {
			t.Errorf("a claimed mail is claimed again: %+v", m)
		}
		if !settle(t, d, a, account.MailSent, a.Due) || settle(t, d, a, account.MailSent, a.Due) {
			t.Error("a mail should be sent once")
		}
		if settle(t, d, b, account.MailFailed, b.Due.Add(time.Second)) {
			t.Error("who has no claim gives a mail up")
		}
		late := claim(t, d, noon.Add(time.Hour)) // b's claim is over
		if late.ID != second || late.Tries != 2 {
			t.Fatalf("after its claim: got %+v", late)
		}
		if settle(t, d, b, account.MailWaiting, b.Due) {
			t.Error("a claim that is over moves the mail")
		}
		if !settle(t, d, late, account.MailFailed, late.Due) {
			t.Error("the mail is not given up")
		}
		list, err := d.Mails(t.Context(), 0, 10)
		if err != nil || len(list) != 2 || list[0].ID != first || list[0].Sealed != nil || list[0].State != account.MailSent ||
			list[1].State != account.MailFailed || list[1].Sealed == nil || list[1].Answer != "said so" || !list[1].Settled.Equal(noon.Add(time.Hour)) {
			t.Fatalf("the list: %+v, %v", list, err)
		}
		if ok, err := d.RetryMail(t.Context(), second, noon.Add(2*time.Hour)); !ok || err != nil {
			t.Errorf("retry: %v, %v", ok, err)
		}
		if m := claim(t, d, noon.Add(2*time.Hour)); m.ID != second || !settle(t, d, m, account.MailSent, m.Due) {
			t.Errorf("after a retry: %+v", m)
		}
		for _, want := range []int64{1, 1, 0} {
			if n, err := d.SweepMails(t.Context(), noon.Add(2*time.Hour), 1); n != want || err != nil {
				t.Errorf("swept %d, %v; want %d", n, err, want)
			}
		}
	})
}

func TestAMailIsClaimedByOne(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d *store.DB) {
		const mails = 30
		for range mails {
			putMail(t, d, noon)
		}
		var mu sync.Mutex
		var claimed []int64
		var running sync.WaitGroup
		for range 8 {
			running.Go(func() {
				for {
					m, err := d.ClaimMail(context.Background(), noon, noon.Add(time.Minute))
					mu.Lock()
					all := len(claimed)
					if err == nil {
						claimed = append(claimed, m.ID)
					}
					mu.Unlock()
					if err != nil && !errors.Is(err, account.ErrNotFound) || all >= mails {
						return
					}
				}
			})
		}
		running.Wait()
		slices.Sort(claimed)
		if n := len(slices.Compact(claimed)); n != mails {
			t.Errorf("%d of %d mails are claimed once: %v", n, mails, claimed)
		}
	})
}

func TestADeadSendersClaimsAreFreed(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d *store.DB) {
		id := putMail(t, d, noon)
		claim(t, d, noon)
		if err := d.FreeMails(t.Context(), noon.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if m := claim(t, d, noon.Add(time.Second)); m.ID != id || m.Tries != 2 {
			t.Errorf("got %+v", m)
		}
	})
}

func TestAnOutboxIsFullAndEmptiesAgain(t *testing.T) {
	defer store.MaxWaiting(store.MaxWaiting(20))
	onBothEngines(t, func(t *testing.T, d *store.DB) {
		var refused atomic.Int64
		put := func(times int) {
			for range times {
				m := account.Mail{UserID: 7, Occasion: account.ActivationMail, Sealed: []byte{1}, Created: noon}
				err := d.Update(t.Context(), func(w account.Writer) error { return w.InsertMail(t.Context(), &m) })
				if errors.Is(err, account.ErrOutboxFull) {
					refused.Add(1)
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
		put(25)
		if n, err := d.WaitingMails(t.Context()); n != 20 || err != nil || refused.Load() != 5 {
			t.Fatalf("%d mails wait (%v), %d were refused; want 20 and 5", n, err, refused.Load())
		}
		m := claim(t, d, noon)
		settle(t, d, m, account.MailSent, m.Due)
		put(2)
		if n := refused.Load(); n != 6 {
			t.Errorf("%d were refused, want 6: one place was free", n)
		}
	})
}
