package accounttest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
)

const fresh = "another horse 9"

// TestChangePassword keeps the session that asked, and ends all others.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	asking, other, own, common := w.signIn(t, p, u.Email), w.signIn(t, p, u.Email), w.signIn(t, perUser(), u.Email), w.signIn(t, foreign(shared()), u.Email)
	w.clock.advance(time.Second)
	if err := w.ChangePassword(ctx, p, w.who(t, p, asking.Access), secret, fresh); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		got  account.Code
		want account.Code
	}{
		{"another session's access token", w.judge(p, other.Access), account.TokenEnded},
		{"another session's refresh token", w.refreshCode(p, other.Refresh), account.TokenEnded}, // (c) 77
		{"a token of the user's key", w.judge(perUser(), own.Access), account.TokenForged},
		{"a shared token", w.judge(foreign(shared()), common.Access), account.TokenEnded},
		{"the asking session's old access token", w.judge(p, asking.Access), account.TokenEnded},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	w.who(t, p, w.refresh(t, p, asking.Refresh).Access)
	_, err := w.SignIn(ctx, p, account.Credentials{Login: u.Email, Password: secret})
	wantCode(t, "sign in by the old password", err, account.InvalidCredentials)
	if _, err := w.SignIn(ctx, p, account.Credentials{Login: u.Email, Password: fresh}); err != nil {
		t.Errorf("sign in by the new password: %v", err)
	}
}

func TestChangePasswordRefusals(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "marguerite@example.com", nil)
	p := native()
	g := w.signIn(t, p, u.Email)
	asking := w.who(t, p, g.Access)
	long := strings.Repeat("x", password.MaxBytes+1)
	for _, tt := range []struct {
		name, current, fresh, want string
		jobs                       uint64
	}{
		{"a wrong password", secret + "!", fresh, "password wrong_password", 1},
		{"no password", "", fresh, "password wrong_password", 1},
		{"a password that is too long", long, fresh, "password wrong_password", 0},
		{"no new password", secret, "", "password required", 1},
		{"a weak new password", secret, "1234567", "password password_too_short 8, password password_too_common, password password_entirely_numeric", 1},
		{"a new password like the address", secret, "marguerite9", "password password_too_similar email address", 1},
		{"a new password that is too long", secret, long, "password password_too_long 4096", 1},
		{"a new password with NUL", secret, fresh + "\x00", "password invalid", 1},
	} {
		who := *asking // of one request
		jobs := w.jobs(func() {
			if got := told(w.ChangePassword(ctx, p, &who, tt.current, tt.fresh)); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		})
		if jobs != tt.jobs {
			t.Errorf("%s: %d hashes, want %d", tt.name, jobs, tt.jobs)
		}
	}
	if got := w.user(t, u.ID); got.Epoch != 0 || got.Password != u.Password || got.JWTSecret != u.JWTSecret {
		t.Errorf("epoch %d after nothing but refusals, password changed %v", got.Epoch, got.Password != u.Password)
	}
	w.who(t, p, g.Access)
}

// races are what can happen to a user between the check of his password and what he asked for.
var races = []struct {
	name   string
	change func(w *world, u *account.User) error
	want   account.Code
}{
	{"nothing", func(*world, *account.User) error { return nil }, ""},
	{"a rehash", func(w *world, u *account.User) error { return w.rehash(u, secret) }, ""},
	{"another password without a sign-out, by another program", func(w *world, u *account.User) error {
		return w.rehash(u, "the other program's")
	}, account.WrongPassword},
	{"another password", func(w *world, u *account.User) error { return w.SetPassword(ctx, native(), u, "a third horse 9") }, account.WrongPassword},
	{"a sign-out everywhere", func(w *world, u *account.User) error { return w.SignOutEverywhere(ctx, u.ID) }, account.WrongPassword},
	{"a disabling", func(w *world, u *account.User) error { return w.SetActive(ctx, u.ID, false) }, account.WrongPassword},
	{"a deletion", func(w *world, u *account.User) error { return w.Remove(ctx, u.ID) }, account.WrongPassword},
}

func (w *world) rehash(u *account.User, text string) error {
	return w.db.Update(ctx, func(tx account.Writer) error {
		return tx.UpdateUser(ctx, &account.User{ID: u.ID, Password: password.Hash(text, cheap)}, account.Password)
	})
}

// raced runs f while change comes between its checks and its transaction.
func (w *world) raced(t testing.TB, u *account.User, change func(*world, *account.User) error, f func() error) error {
	t.Helper()
	done := false
	w.hook = func(call string) error {
		if call != "Update" || done {
			return nil
		}
		done = true
		return change(w, u)
	}
	err := f()
	if w.hook = nil; !done {
		t.Fatal("nothing was written")
	}
	return err
}

func TestChangePasswordRaces(t *testing.T) {
	t.Parallel()
	p := native()
	for _, tt := range races {
		w := open(t, ownModel())
		u := w.add(t, "ann@example.com", nil)
		g := w.signIn(t, p, u.Email)
		who := w.who(t, p, g.Access)
		err := w.raced(t, &u, tt.change, func() error { return w.ChangePassword(ctx, p, who, secret, fresh) })
		wantCode(t, tt.name, err, tt.want)
		want := account.TokenEnded
		if tt.want == "" {
			want = ""
		} else if strings.Contains(tt.name, "program") {
			want = "" // it signed nobody out
		}
		if got := w.refreshCode(p, g.Refresh); got != want { // what was ended stays so
			t.Errorf("%s: refresh of the asking session: %q, want %q", tt.name, got, want)
		}
	}
}

func TestDeleteRaces(t *testing.T) {
	t.Parallel()
	p := native()
	for _, tt := range races {
		w := open(t, ownModel())
		u := w.add(t, "ann@example.com", nil)
		who := w.who(t, p, w.signIn(t, p, u.Email).Access)
		err := w.raced(t, &u, tt.change, func() error { return w.Delete(ctx, who, secret) })
		wantCode(t, tt.name, err, tt.want)
		there := tt.want != "" && tt.name != "a deletion"
		if n := w.count(t, "select count(*) from users"); (n == 1) != there {
			t.Errorf("%s: %d users, want him there: %v", tt.name, n, there)
		}
		if n := w.count(t, "select count(*) from user_states where user_id not in (select id from users)"); n != 0 {
			t.Errorf("%s: %d states of nobody, want none", tt.name, n)
		}
	}
}

// TestEndedWhileTheHashChanged has a rehash, and then a sign-out everywhere, come between: the
// session that asked was ended, and is not to come back by the second check.
func TestEndedWhileTheHashChanged(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	g := w.signIn(t, p, u.Email)
	who := w.who(t, p, g.Access)
	views := 0
	w.hook = func(call string) error {
		switch call {
		case "Update":
			if views == 0 {
				return w.rehash(&u, secret)
			}
		case "View": // of the check again
			if views++; views == 1 {
				return w.db.Update(ctx, func(tx account.Writer) error { _, err := tx.RaiseEpoch(ctx, u.ID, w.clock.now()); return err })
			}
		}
		return nil
	}
	err := w.ChangePassword(ctx, p, who, secret, fresh)
	w.hook = nil
	wantCode(t, "change the password", err, account.WrongPassword)
	if got := w.refreshCode(p, g.Refresh); got != account.TokenEnded {
		t.Errorf("refresh: %q, want %q", got, account.TokenEnded)
	}
}

// TestHashThatKeepsChanging ends after a few checks.
func TestHashThatKeepsChanging(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	who := w.who(t, native(), w.signIn(t, native(), u.Email).Access)
	w.hook = func(call string) error {
		if call == "Update" {
			return w.rehash(&u, secret)
		}
		return nil
	}
	jobs := w.jobs(func() { wantCode(t, "a hash that keeps changing", w.Delete(ctx, who, secret), account.WrongPassword) })
	if jobs > 5 {
		t.Errorf("%d hashes, want a few", jobs)
	}
}

// TestChangePasswordTwice at once from one session: one of them is refused.
func TestChangePasswordTwice(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	who := w.who(t, p, w.signIn(t, p, u.Email).Access)
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() { errs <- w.ChangePassword(ctx, p, who, secret, fresh) }()
	}
	done := 0
	for range cap(errs) {
		switch err := <-errs; code(err) {
		case "":
			done++
		case account.WrongPassword:
		default:
			t.Error(err)
		}
	}
	if got := w.user(t, u.ID).Epoch; done != 1 || got != 1 {
		t.Errorf("%d changes, epoch %d, want 1 and 1", done, got)
	}
}

// TestChangePasswordOfAnEndedSession: a session that was signed out meanwhile stays so.
func TestChangePasswordOfAnEndedSession(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	g := w.signIn(t, p, u.Email)
	who := w.who(t, p, g.Access)
	if err := w.SignOut(ctx, p, who); err != nil {
		t.Fatal(err)
	}
	if err := w.ChangePassword(ctx, p, who, secret, fresh); err != nil {
		t.Fatal(err)
	}
	if got := w.refreshCode(p, g.Refresh); got != account.TokenEnded {
		t.Errorf("refresh: %q, want %q", got, account.TokenEnded)
	}
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	p := native()
	g := w.signIn(t, p, u.Email)
	for _, tt := range []struct{ text, want string }{
		{"", "password required"},
		{"1", "password password_too_short 8, password password_too_common, password password_entirely_numeric"},
		{"ann@example.com", "password password_too_similar email address"},
		{"\xff" + fresh, "password invalid"},
	} {
		if got := told(w.SetPassword(ctx, p, &u, tt.text)); got != tt.want {
			t.Errorf("SetPassword(%q): %s, want %s", tt.text, got, tt.want)
		}
	}
	w.who(t, p, g.Access)
	if err := w.SetPassword(ctx, p, &u, fresh); err != nil {
		t.Fatal(err)
	}
	if got := w.refreshCode(p, g.Refresh); got != account.TokenEnded {
		t.Errorf("refresh: %q, want %q", got, account.TokenEnded)
	}
	if got := w.user(t, u.ID); got.Epoch != 1 || got.JWTSecret == u.JWTSecret {
		t.Errorf("epoch %d, key kept %v, want 1, false", got.Epoch, got.JWTSecret == u.JWTSecret)
	}
	if _, err := w.SignIn(ctx, p, account.Credentials{Login: u.Email, Password: fresh}); err != nil {
		t.Error(err)
	}
	gone := account.User{ID: 4242}
	if err := w.SetPassword(ctx, p, &gone, fresh); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("the password of nobody: %v, want ErrNotFound", err)
	}
	if n := w.count(t, "select count(*) from user_states"); n != 1 {
		t.Errorf("%d states, want that of the one user", n)
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	for _, tt := range []struct {
		name, hash, text string
		want             account.Code
	}{
		{"the right one", secretHash(), secret, ""},
		{"a wrong one", secretHash(), secret + " ", account.WrongPassword},
		{"an imported one", imported(t, 1), secret, ""},
		{"of somebody who has none", password.Unusable(), secret, account.WrongPassword},
		{"of an unknown kind", "md5$a$b", secret, account.WrongPassword},
	} {
		u := account.User{ID: 1, Password: tt.hash}
		wantCode(t, tt.name, w.CheckPassword(ctx, &account.Principal{User: u}, tt.text), tt.want)
	}
}
