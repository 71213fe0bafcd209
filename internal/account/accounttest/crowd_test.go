package accounttest

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
	"doorward/internal/token"
)

// TestTheUnknownCostOneHash holds that logins of nobody, and of people without a password that can
// be checked, cost one hash whichever users there are.
func TestTheUnknownCostOneHash(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	for n := range 200 {
		w.add(t, fmt.Sprintf("user%d@example.com", n), func(u *account.User) {
			if n%2 == 0 {
				u.Password = imported(t, 1+n%3)
			}
		})
	}
	w.add(t, "unusable@example.com", func(u *account.User) { u.Password = password.Unusable() })
	if err := w.LearnCrowd(ctx); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		login := fmt.Sprintf("stranger%d@example.com", n)
		if n == 0 {
			login = "unusable@example.com"
		}
		jobs := w.jobs(func() {
			_, err := w.SignIn(ctx, native(), account.Credentials{Login: login, Password: secret})
			if !errors.Is(err, account.InvalidCredentials) {
				t.Errorf("sign in as %s\ngot:  %v\nwant: a refusal", login, err)
			}
		})
		if jobs != 1 {
			t.Errorf("sign in as %s\ngot:  %d hashes\nwant: 1", login, jobs)
		}
	}
}

// TestACrowdOfNobody holds that an empty table teaches nothing, and that one read in the middle of
// the hour may fail.
func TestACrowdOfNobody(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	if err := w.LearnCrowd(ctx); err != nil {
		t.Fatal(err)
	}
	w.hook = func(string) error { return errors.New("no database") }
	if err := w.LearnCrowd(ctx); err == nil {
		t.Error("LearnCrowd without a database\ngot:  no error\nwant: one")
	}
	w.hook = nil
	if jobs := w.jobs(func() {
		_, _ = w.SignIn(ctx, native(), account.Credentials{Login: "nobody@example.com", Password: secret})
	}); jobs != 1 {
		t.Errorf("sign in as nobody\ngot:  %d hashes\nwant: 1", jobs)
	}
}

// TestARefusalWaitsForTheBeat holds that refused sign-ins take whole beats, and good ones do not wait.
func TestARefusalWaitsForTheBeat(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	w.add(t, "ann@example.com", nil)
	const beat = 300 * time.Millisecond
	s := account.New(account.Options{Store: w.db, Pool: w.pool, Root: token.NewRoot(rootSecret, "x"), Now: w.clock.now, Beat: beat, Log: slog.New(slog.DiscardHandler)})
	defer s.Close()
	for _, login := range []string{"ann@example.com", "nobody@example.com"} {
		start := time.Now()
		_, err := s.SignIn(ctx, native(), account.Credentials{Login: login, Password: secret + "!"})
		if took := time.Since(start); !errors.Is(err, account.InvalidCredentials) || took < beat {
			t.Errorf("sign in as %s with a wrong password\ngot:  %v after %v\nwant: a refusal after %v", login, err, took, beat)
		}
	}
}
