package accounttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
)

func imported(t testing.TB, rounds int) string {
	t.Helper()
	hash, err := password.Encode(password.KindPBKDF2SHA256, secret, "salt", password.Cost{Rounds: rounds})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// TestSignInRefusals holds that all ways to fail answer the same after the same work (G1).
func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	add := func(email, hash string, active bool) {
		w.add(t, email, func(u *account.User) { u.Password, u.IsActive = hash, active })
	}
	add("ann@example.com", secretHash(), true)
	add("imported@example.com", imported(t, 1), true)
	add("disabled@example.com", secretHash(), false)
	add("unusable@example.com", password.Unusable(), true)
	add("empty@example.com", "", true)
	add("unknown-kind@example.com", "md5$salt$0123456789abcdef", true)
	add("malformed@example.com", "argon2$argon2id$v=19$m=8", true)
	add("costly@example.com", "pbkdf2_sha256$5000001$salt$"+strings.Repeat("A", 43)+"=", true)
	for _, tt := range []struct{ name, login, password string }{
		{"a wrong password", "ann@example.com", secret + "!"},
		{"no password", "ann@example.com", ""},
		{"an imported user and a wrong password", "imported@example.com", secret + "!"},
		{"nobody", "bob@example.com", secret},
		{"no login", "", secret},
		{"a login with NUL", "ann@example.com\x00", secret},
		{"a login that is no UTF-8", "ann\xff@example.com", secret},
		{"a login of 64 KiB", strings.Repeat("a", 1<<16), secret},
		{"a disabled user", "disabled@example.com", secret},
		{"a disabled user and a wrong password", "disabled@example.com", secret + "!"},
		{"a user without a usable password", "unusable@example.com", secret},
		{"a user without a usable password, which is shown", "unusable@example.com", "!"},
		{"a user without any password", "empty@example.com", ""},
		{"a hash of an unknown kind", "unknown-kind@example.com", secret},
		{"a hash that is malformed", "malformed@example.com", secret},
		{"a hash that costs too much", "costly@example.com", secret},
	} {
		calls := ""
		w.hook = func(call string) error { calls += " " + call; return nil }
		jobs := w.jobs(func() {
			_, err := w.SignIn(ctx, native(), account.Credentials{Login: tt.login, Password: tt.password})
			if got := told(err); got != " invalid_credentials" {
				t.Errorf("%s: %s, want invalid_credentials alone", tt.name, got)
			}
		})
		if jobs != 1 || calls != " View UserByLogin" {
			t.Errorf("%s: %d hashes, and the store's%s, want 1, and View UserByLogin", tt.name, jobs, calls)
		}
	}
	w.hook = nil
	for _, email := range []string{"ann@example.com", "bob@example.com"} {
		jobs := w.jobs(func() {
			_, err := w.SignIn(ctx, native(), account.Credentials{Login: email, Password: strings.Repeat("x", password.MaxBytes+1)})
			wantCode(t, "a password that is too long", err, account.InvalidCredentials)
		})
		if jobs != 0 {
			t.Errorf("a password of %s that is too long: %d hashes, want none", email, jobs)
		}
	}
	if n := w.count(t, "select count(*) from sessions"); n != 0 {
		t.Errorf("%d sessions, want none", n)
	}
	if !w.log.has("cannot be checked") {
		t.Error("nothing is logged of the hashes that cannot be checked")
	}
}

func TestSignInByLogin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		model *account.Model
		p     func(*account.Policy)
		login string
		want  account.Code
	}{
		{"the address", ownModel(), nil, "Ann@example.com", ""},
		{"the address in another case", ownModel(), nil, "aNN@EXAMPLE.com", ""},
		{"the address in another case, exactly", ownModel(), func(p *account.Policy) { p.FoldLogin = false }, "ann@example.com", account.InvalidCredentials},
		{"the address, exactly", ownModel(), func(p *account.Policy) { p.FoldLogin = false }, "Ann@example.com", ""},
		{"the address in another case, of a table that is exact", account.OwnModel(account.Email, account.Exact), nil, "ann@example.com", account.InvalidCredentials},
		{"the address in another case, of Django's table", spaModel(), nil, "ann@example.com", account.InvalidCredentials},
		{"the user name", ownModel(), func(p *account.Policy) { p.Login = account.Username }, "ann", ""},
		{"the user name in another case", ownModel(), func(p *account.Policy) { p.Login = account.Username }, "Ann", account.InvalidCredentials},
		{"the address for a user name", ownModel(), func(p *account.Policy) { p.Login = account.Username }, "Ann@example.com", account.InvalidCredentials},
		{"the user name for an address", ownModel(), nil, "ann", account.InvalidCredentials},
		{"the address of somebody else's user name", ownModel(), nil, "eve@example.com", ""}, // (c) 80
	} {
		w := open(t, tt.model)
		w.add(t, "Ann@example.com", func(u *account.User) { u.Username = "ann" })
		w.add(t, "eve@example.com", func(u *account.User) { u.Username = "eve" })
		if tt.model.Has(account.Username) {
			w.add(t, "mallory@example.com", func(u *account.User) { u.Username, u.Password = "eve@example.com", password.Unusable() })
		}
		p := perUser()
		if tt.p != nil {
			tt.p(p)
		}
		g, err := w.SignIn(ctx, p, account.Credentials{Login: tt.login, Password: secret})
		wantCode(t, tt.name, err, tt.want)
		if err == nil {
			w.who(t, p, g.Access)
		}
	}
}

func TestSignInStamps(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	u := w.add(t, "ann@example.com", nil)
	w.signIn(t, perUser(), u.Email)
	if got := w.user(t, u.ID).LastLogin; !got.IsZero() {
		t.Errorf("last login at a mount that does not stamp: %v, want none", got)
	}
	w.clock.advance(time.Minute)
	g := w.signIn(t, native(), u.Email)
	if got := w.user(t, u.ID).LastLogin; !got.Equal(w.clock.now()) || !g.User.LastLogin.Equal(got) {
		t.Errorf("last login %v, told %v, want %v", got, g.User.LastLogin, w.clock.now())
	}
}

// TestSignInSheds keeps the pool full: one hash runs, one waits, and whoever comes then is refused.
func TestSignInSheds(t *testing.T) {
	t.Parallel()
	w := openWith(t, ownModel(), password.Options{Slots: 1, MaxWait: 1, Params: cheap})
	w.add(t, "ann@example.com", nil)
	slow, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	hash := strings.Replace(imported(t, 1), "$1$", "$1000000$", 1)
	for range 4 {
		others.Go(func() {
			for ; slow.Err() == nil; time.Sleep(time.Millisecond) {
				w.pool.Verify(slow, hash, secret) // most of them are refused too
			}
		})
	}
	shed := func(what string, f func() error) {
		var err error
		await(t, what+" to be refused", func() bool { err = f(); return code(err) == account.Busy })
		if refusal := account.Refusal(err); refusal.RetryAfter < time.Second {
			t.Errorf("%s: %+v, want a time to retry after", what, refusal)
		}
	}
	calls := 0
	w.hook = func(string) error { calls++; return nil }
	for _, login := range []string{"ann@example.com", "nobody@example.com"} {
		shed("a sign-in as "+login+", before anything is read", func() error {
			calls = 0
			_, err := w.SignIn(ctx, native(), account.Credentials{Login: login, Password: secret})
			if calls > 0 {
				return fmt.Errorf("%d calls of the store, and %v", calls, err)
			}
			return err
		})
	}
	w.hook = nil
	shed("a sign-up", func() error {
		_, err := w.SignUp(ctx, native(), ann(func(n *account.NewUser) { n.Email = "bob@example.com" }))
		return err
	})
	gone, end := context.WithCancel(ctx)
	end()
	_, err := w.SignIn(gone, native(), account.Credentials{Login: "ann@example.com", Password: secret})
	if wantCode(t, "sign in of somebody who left", err, fault); !errors.Is(err, context.Canceled) {
		t.Errorf("sign in of somebody who left: %v", err)
	}
}

func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 10 seconds for %s", what)
		}
	}
}

func TestRehashAtSignIn(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", func(u *account.User) { u.Password = imported(t, 1) })
	g := w.signIn(t, native(), u.Email)
	await(t, "a rehash", func() bool { return password.Identify(w.user(t, u.ID).Password) == password.KindArgon2 })
	w.who(t, native(), g.Access) // and it signs nobody out
	if got := w.user(t, u.ID); password.Outdated(got.Password, cheap) || got.Epoch != 0 {
		t.Errorf("after the rehash: %q, epoch %d, want a hash of the pool's, 0", got.Password, got.Epoch)
	}
	hash := w.user(t, u.ID).Password
	jobs := w.jobs(func() { w.signIn(t, native(), u.Email) })
	if jobs != 1 || w.user(t, u.ID).Password != hash {
		t.Errorf("the next sign-in: %d hashes, and another hash is kept: %v, want 1, false", jobs, w.user(t, u.ID).Password != hash)
	}
}

// TestRehashLosesAgainstAChange changes the password between the answer and the rehash's write.
func TestRehashLosesAgainstAChange(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", func(u *account.User) { u.Password = imported(t, 1) })
	const changed = "!changed"
	updates, done := 0, make(chan struct{})
	w.hook = func(call string) error {
		if call != "Update" {
			return nil
		}
		if updates++; updates == 2 { // the first one opened the session
			defer close(done)
			return w.db.Update(ctx, func(tx account.Writer) error {
				return tx.UpdateUser(ctx, &account.User{ID: u.ID, Password: changed}, account.Password)
			})
		}
		return nil
	}
	w.signIn(t, native(), u.Email)
	<-done
	w.Close()
	if got := w.user(t, u.ID).Password; got != changed {
		t.Errorf("the password is %q, want the changed one", got)
	}
}

// TestSignInRaces changes the user between the check of his password and the session.
func TestSignInRaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(w *world, tx account.Writer, u *account.User) error
		want   account.Code
	}{
		{"he is deleted", func(w *world, tx account.Writer, u *account.User) error {
			_, err := tx.DeleteUser(ctx, u.ID)
			return err
		}, account.InvalidCredentials},
		{"he is disabled", func(w *world, tx account.Writer, u *account.User) error {
			return tx.UpdateUser(ctx, &account.User{ID: u.ID}, account.IsActive)
		}, account.InvalidCredentials},
		{"his password is changed", func(w *world, tx account.Writer, u *account.User) error {
			if _, err := tx.RaiseEpoch(ctx, u.ID, w.clock.now()); err != nil {
				return err
			}
			return tx.UpdateUser(ctx, &account.User{ID: u.ID, Password: "!"}, account.Password)
		}, account.InvalidCredentials},
		{"his password is hashed anew", func(w *world, tx account.Writer, u *account.User) error {
			return tx.UpdateUser(ctx, &account.User{ID: u.ID, Password: password.Hash(secret, cheap)}, account.Password)
		}, ""},
		{"he signs out everywhere", func(w *world, tx account.Writer, u *account.User) error {
			if _, err := tx.RaiseEpoch(ctx, u.ID, w.clock.now()); err != nil {
				return err
			}
			return tx.UpdateUser(ctx, &account.User{ID: u.ID, JWTSecret: account.NewJWTSecret()}, account.JWTSecret)
		}, ""},
	} {
		for _, p := range []*account.Policy{native(), perUser()} {
			w := open(t, ownModel())
			u := w.add(t, "ann@example.com", nil)
			w.hook = func(call string) error {
				if call != "Update" {
					return nil
				}
				w.hook = nil
				return w.db.Update(ctx, func(tx account.Writer) error { return tt.change(w, tx, &u) })
			}
			g, err := w.SignIn(ctx, p, account.Credentials{Login: u.Email, Password: secret})
			wantCode(t, p.Mount+", "+tt.name, err, tt.want)
			if err == nil {
				w.who(t, p, g.Access) // what was told is good
			} else if n := w.count(t, "select count(*) from sessions"); n != 0 {
				t.Errorf("%s, %s: %d sessions, want none", p.Mount, tt.name, n)
			}
		}
	}
}
