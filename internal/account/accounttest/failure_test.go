package accounttest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// failable is a method of the service, called on a user who is there and signed in.
type failable struct {
	name string
	run  func(w *world, g *account.Grant, who *account.Principal) error
	// keeps says that a failed run may have changed something, which done checks.
	keeps bool
	done  func(t *testing.T, w *world, g *account.Grant) // after the run that was left alone
	open  func(t *testing.T, w *world) (account.Grant, *account.Policy)
}

func signedIn(p *account.Policy) func(*testing.T, *world) (account.Grant, *account.Policy) {
	return func(t *testing.T, w *world) (account.Grant, *account.Policy) {
		u := w.add(t, fmt.Sprintf("u%d@example.com", w.count(t, "select count(*) from users")), nil)
		return w.signIn(t, p, u.Email), p
	}
}

// signedInAbroad is signed in by a token of another program.
func signedInAbroad(t *testing.T, w *world) (account.Grant, *account.Policy) {
	p := foreign(perUser())
	g, _ := signedIn(p)(t, w)
	g.Access = sign(t, w.key(t, p, &g.User), with(t, g.Access, "orig_iat", fmt.Sprint(g.Session.Mark-9))...)
	return g, p
}

// noGrant fails where tokens came with an error.
func noGrant(g account.Grant, err error) error {
	if err != nil && (g.Access != "" || g.Refresh != "" || g.User.ID != 0) {
		return fmt.Errorf("told of success: user %d (and %v)", g.User.ID, err) // without the wrapped error: it does not pass for injected
	}
	return err
}

func ended(t *testing.T, w *world, g *account.Grant) {
	if got := w.refreshCode(native(), g.Refresh); got != account.TokenEnded {
		t.Errorf("refresh: %q, want %q", got, account.TokenEnded)
	}
}

var failables = append([]failable{
	{name: "SignUp", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		u, err := w.SignUp(ctx, native(), account.NewUser{Email: "new" + g.User.Email, Password: secret})
		return noGrant(account.Grant{User: u}, err)
	}},
	{name: "Register", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.Register(ctx, native(), account.NewUser{Email: "new" + g.User.Email, Password: secret}))
	}},
	{name: "Register, marked", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.Register(ctx, perUser(), account.NewUser{Email: "new" + g.User.Email, Password: secret}))
	}},
	{name: "Taken", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		taken, err := w.Taken(ctx, account.Email, g.User.Email)
		if err == nil && !taken {
			return errors.New("his address is free")
		}
		return err
	}},
	{name: "SignIn", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.SignIn(ctx, native(), account.Credentials{Login: g.User.Email, Password: secret}))
	}},
	{name: "SignIn, marked, twice in a second", open: signedIn(perUser()), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.SignIn(ctx, perUser(), account.Credentials{Login: g.User.Email, Password: secret}))
	}},
	{name: "SignIn of nobody", run: func(w *world, _ *account.Grant, _ *account.Principal) error {
		err := noGrant(w.SignIn(ctx, native(), account.Credentials{Login: "nobody@example.com", Password: secret}))
		if code(err) == account.InvalidCredentials {
			return nil
		}
		return err
	}},
	{name: "Authenticate", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		who, err := w.Authenticate(ctx, native(), g.Access)
		if (err == nil) != (who != nil) {
			return fmt.Errorf("who %v, and %v", who, err)
		}
		return err
	}},
	{name: "Authenticate, marked", open: signedIn(perUser()), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		_, err := w.Authenticate(ctx, perUser(), g.Access)
		return err
	}},
	{name: "Renew", open: signedIn(perUser()), run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.Renew(ctx, perUser(), g.Access))
	}},
	{name: "Renew of a foreign token", open: signedInAbroad, run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.Renew(ctx, foreign(perUser()), g.Access))
	}},
	{name: "Refresh", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return noGrant(w.Refresh(ctx, native(), g.Refresh))
	}},
	{name: "Refresh again, long after", open: func(t *testing.T, w *world) (account.Grant, *account.Policy) {
		g, p := signedIn(native())(t, w)
		w.refresh(t, p, g.Refresh)
		w.clock.advance(time.Minute)
		return g, p
	}, run: func(w *world, g *account.Grant, _ *account.Principal) error {
		err := noGrant(w.Refresh(ctx, native(), g.Refresh))
		if code(err) == account.TokenEnded {
			return nil
		}
		return err
	}, done: ended},
	{name: "SignOut", run: func(w *world, _ *account.Grant, who *account.Principal) error { return w.SignOut(ctx, native(), who) }, done: ended},
	{
		name: "SignOut of a foreign token", open: signedInAbroad,
		run: func(w *world, _ *account.Grant, who *account.Principal) error {
			return w.SignOut(ctx, foreign(perUser()), who)
		},
		done: func(t *testing.T, w *world, g *account.Grant) {
			if got := w.judge(foreign(perUser()), g.Access); got != account.TokenEnded {
				t.Errorf("after the sign-out: %q, want %q", got, account.TokenEnded)
			}
		},
	},
	{name: "SignOutEverywhere", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.SignOutEverywhere(ctx, g.User.ID)
	}, done: ended},
	{name: "CheckPassword", run: func(w *world, _ *account.Grant, who *account.Principal) error {
		return w.CheckPassword(ctx, who, secret)
	}},
	{name: "Delete", run: func(w *world, _ *account.Grant, who *account.Principal) error { return w.Delete(ctx, who, secret) }, done: ended},
	{name: "Remove", run: func(w *world, g *account.Grant, _ *account.Principal) error { return w.Remove(ctx, g.User.ID) }, done: ended},
	{name: "ChangePassword", run: func(w *world, _ *account.Grant, who *account.Principal) error {
		return w.ChangePassword(ctx, native(), who, secret, fresh)
	}, done: func(t *testing.T, w *world, g *account.Grant) { w.refresh(t, native(), g.Refresh) }},
	{name: "ChangePassword across a rehash", run: func(w *world, g *account.Grant, who *account.Principal) error {
		hook, done := w.hook, false
		defer func() { w.hook = hook }()
		w.hook = func(call string) error {
			if call == "Update" && !done {
				done = true
				if err := w.rehash(&g.User, secret); err != nil {
					return err
				}
			}
			return hook(call)
		}
		return w.ChangePassword(ctx, native(), who, secret, fresh)
	}, keeps: true}, // the other one's hash
	{name: "SetPassword", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.SetPassword(ctx, native(), &g.User, fresh)
	}, done: ended},
	{name: "SetActive, off", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.SetActive(ctx, g.User.ID, false)
	}, done: ended},
	{name: "SetActive, on", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		return w.SetActive(ctx, g.User.ID, true)
	}},
	{name: "Update", run: func(w *world, _ *account.Grant, who *account.Principal) error {
		u, err := w.Update(ctx, who, map[account.Field]string{account.Name: "Ann"})
		return noGrant(account.Grant{User: u}, err)
	}},
	{name: "Find by id", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		u, err := w.Find(ctx, fmt.Sprint(g.User.ID))
		return noGrant(account.Grant{User: u}, err)
	}},
	{name: "Find by address", run: func(w *world, g *account.Grant, _ *account.Principal) error {
		u, err := w.Find(ctx, g.User.Email)
		return noGrant(account.Grant{User: u}, err)
	}},
	{name: "List", run: func(w *world, _ *account.Grant, _ *account.Principal) error {
		users, err := w.List(ctx, 0, 10)
		if err != nil && users != nil {
			return errors.New("users beside an error")
		}
		return err
	}},
	{name: "Sweep", run: func(w *world, _ *account.Grant, _ *account.Principal) error { return w.Sweep(ctx) }},
	{name: "LoadKeys", run: func(w *world, _ *account.Grant, _ *account.Principal) error { return w.LoadKeys(ctx) }},
	{name: "LoadKeys, the first", open: func(t *testing.T, w *world) (account.Grant, *account.Policy) {
		g, p := signedIn(perUser())(t, w)
		w.noKeys(t)
		return g, p
	}, run: func(w *world, _ *account.Grant, _ *account.Principal) error { return w.LoadKeys(ctx) }, keeps: true},
	{name: "RotateKeys", run: func(w *world, _ *account.Grant, _ *account.Principal) error { return w.RotateKeys(ctx, time.Hour) }, keeps: true},
	{name: "KeyAge", run: func(w *world, _ *account.Grant, _ *account.Principal) error { _, err := w.KeyAge(ctx); return err }},
}, typedFailables...)

// TestEveryFailure fails the n-th call into the store of each method, for n = 1, 2, … until none
// fails, once by a fault and once because the database is away: no failure passes for a success or
// another refusal, and none leaves anything half done.
func TestEveryFailure(t *testing.T) {
	t.Parallel()
	for _, f := range append(failables, flowFailables...) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, ownModel())
			if f.open == nil {
				f.open = signedIn(native())
			}
			for n := 1; ; n++ {
				if n == 60 {
					t.Fatal("it does not end")
				}
				f.failAt(t, w, n, &account.UnavailableError{Err: errBroken}, account.Unavailable)
				if !f.failAt(t, w, n, errBroken, fault) {
					if n < 2 && f.name != "CheckPassword" {
						t.Error("no call was made")
					}
					return
				}
			}
		})
	}
}

// failAt fails call n of a run, and reports false when the run made fewer.
func (f *failable) failAt(t *testing.T, w *world, n int, broken error, wanted account.Code) bool {
	g, p := f.open(t, w)
	who := w.who(t, p, g.Access)
	before, calls, failed := w.dump(t), 0, ""
	w.hook = func(call string) error {
		if calls++; calls == n {
			failed = call
			return fmt.Errorf("call %d: %w", n, broken)
		}
		return nil
	}
	err := f.run(w, &g, who)
	w.hook = nil
	w.invariants(t, fmt.Sprintf("%s %d failed", failed, n), &g.User)
	switch {
	case failed == "":
		if err != nil {
			t.Errorf("left alone: %v", err)
		} else if f.done != nil {
			f.done(t, w, &g)
		}
		return false
	case code(err) != wanted || !errors.Is(err, errBroken):
		t.Errorf("%s, call %d, failed with %v: got %v, want that", failed, n, broken, err)
	case !f.keeps && w.dump(t) != before:
		t.Errorf("%s, call %d, failed, and something was changed:\n%s\nbefore:\n%s", failed, n, w.dump(t), before)
	}
	return true
}

// invariants hold whatever failed.
func (w *world) invariants(t *testing.T, what string, before *account.User) {
	t.Helper()
	for _, statement := range []string{
		"select count(*) from sessions where user_id not in (select id from users)",
		"select count(*) from user_states where user_id not in (select id from users)",
		"select count(*) from users where password = '' or email is null or email_key is null",
		"select count(*) from sessions s left join user_states e on e.user_id = s.user_id where s.epoch > coalesce(e.epoch, 0)",
		"select count(*) from (select 1 from signing_keys where state in (1, 2) group by state having count(*) > 1)",
		"select (select count(*) from signing_keys where state = 2) <> (select count(*) from signing_keys where state = 1)",
	} {
		if n := w.count(t, statement); n != 0 {
			t.Errorf("%s: %d rows of %s", what, n, statement)
		}
	}
	u, err := w.Find(ctx, fmt.Sprint(before.ID))
	if err == nil && (u.Epoch != before.Epoch) != (u.JWTSecret != before.JWTSecret) {
		t.Errorf("%s: the epoch is %d after %d, and the key changed %v", what, u.Epoch, before.Epoch, u.JWTSecret != before.JWTSecret)
	}
}

// dump is all that the database holds.
func (w *world) dump(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"users", "user_states", "sessions", "signing_keys"} {
		if err := w.dumpTable(&all, table); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func (w *world) dumpTable(to io.Writer, table string) error {
	rows, err := w.rows.Query("select * from " + table + " order by 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, dest := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		fmt.Fprintln(to, table, values)
	}
	return rows.Err()
}

// TestFirstKeysSurvive: keys that were made before a failure are the ones that sign after it.
func TestFirstKeysSurvive(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	w.noKeys(t)
	s := w.service(instance)
	defer s.Close()
	reads := 0
	w.hook = func(call string) error {
		if call == "View" {
			if reads++; reads == 2 {
				return errBroken
			}
		}
		return nil
	}
	wantCode(t, "load keys", s.LoadKeys(ctx), fault)
	w.hook = nil
	keys := states(w.signingKeys(t))
	if err := s.LoadKeys(ctx); err != nil || states(w.signingKeys(t)) != keys || keys == "" {
		t.Errorf("load keys again: %v, %s after %s", err, states(w.signingKeys(t)), keys)
	}
	if w.activeKey(t).Alg() != token.EdDSA {
		t.Errorf("the key is for %v", w.activeKey(t).Alg())
	}
}
