package accounttest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/account"
)

// remember gives w a service that answers from memory, and tells how many statements f costs.
func remember(t *testing.T, w *world) (*account.Service, func(f func()) []string) {
	t.Helper()
	s := w.remembering(instance, true)
	t.Cleanup(s.Close)
	if err := s.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	return s, func(f func()) []string {
		var mu sync.Mutex
		var calls []string
		w.hook = func(call string) error {
			mu.Lock()
			defer mu.Unlock()
			if call != "View" && call != "Update" && call != "commit" {
				calls = append(calls, call)
			}
			return nil
		}
		defer func() { w.hook = nil }()
		f()
		return calls
	}
}

// TestATokenCostsNoSQL holds that the token of a sign-in is known when it is shown for the first time, and
// the one that it is exchanged for; and that one of another node costs its rows once.
func TestATokenCostsNoSQL(t *testing.T) {
	for name, p := range map[string]*account.Policy{"per user": perUser(), "shared": shared(), "published": native(), "typed": typed(rotating)} {
		t.Run(name, func(t *testing.T) {
			w := open(t, ownModel())
			s, cost := remember(t, w)
			u := w.add(t, "ann@example.com", nil)
			g, err := s.SignIn(ctx, p, account.Credentials{Login: "ann@example.com", Password: secret})
			if err != nil {
				t.Fatal(err)
			}
			free := func(what, access string) {
				t.Helper()
				if calls := cost(func() {
					who := recognize(t, s, p, access)
					if who.User.ID != u.ID || who.User.Email != u.Email || who.Session.ID != g.Session.ID {
						t.Errorf("%s is of user %d %s, session %d; want %d %s, %d",
							what, who.User.ID, who.User.Email, who.Session.ID, u.ID, u.Email, g.Session.ID)
					}
				}); len(calls) > 0 {
					t.Errorf("%s costs %v, want nothing", what, calls)
				}
			}
			free("the token of a sign-in", g.Access)
			s.Forget()
			next, err := exchanged(s, p, g)
			if err != nil {
				t.Fatal(err)
			}
			free("the token that it was exchanged for", next.Access)
			s.Forget()
			for range 2 { // the session and the user, then the user
				recognize(t, s, p, next.Access)
			}
			free("a token that was shown before", next.Access)
		})
	}
}

// exchanged renews the token of g in the way of its mount, where there is one.
func exchanged(s *account.Service, p *account.Policy, g account.Grant) (account.Grant, error) {
	switch {
	case p.Tokens.Typed != nil:
		return s.RefreshToken(ctx, p, g.Refresh)
	case p.Tokens.Rotating:
		return s.Refresh(ctx, p, g.Refresh)
	case p.Tokens.Renewable:
		return s.Renew(ctx, p, g.Access)
	}
	return s.SignIn(ctx, p, account.Credentials{Login: "ann@example.com", Password: secret})
}

// TestAChangeBesideARefreshIsNotUndone lets a change of the user come between what a refresh reads and what
// it keeps.
func TestAChangeBesideARefreshIsNotUndone(t *testing.T) {
	for name, tt := range map[string]struct {
		p      *account.Policy
		change func(s *account.Service, u *account.User) error
		want   []account.Code
	}{
		"signed out": {native(), func(s *account.Service, u *account.User) error { return s.SignOutEverywhere(ctx, u.ID) }, []account.Code{account.TokenEnded}},
		"disabled": {
			typed(rotating), func(s *account.Service, u *account.User) error { return s.SetActive(ctx, u.ID, false) },
			[]account.Code{account.UserDisabled, account.TokenEnded},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, ownModel())
			s, _ := remember(t, w)
			u := w.add(t, "ann@example.com", nil)
			g, err := s.SignIn(ctx, tt.p, account.Credentials{Login: "ann@example.com", Password: secret})
			if err != nil {
				t.Fatal(err)
			}
			s.Forget()
			w.hook = func(call string) error {
				if call != "Rotate" {
					return nil
				}
				w.hook = nil
				return tt.change(s, &u)
			}
			if g, err = exchanged(s, tt.p, g); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Recognize(ctx, tt.p, g.Access); !slices.Contains(tt.want, code(err)) {
				t.Errorf("a user who was %s beside the refresh: %v, want %v", name, err, tt.want)
			}
		})
	}
}

func recognize(t testing.TB, s *account.Service, p *account.Policy, raw string) *account.Principal {
	t.Helper()
	who, err := s.Recognize(ctx, p, raw)
	if err != nil {
		t.Fatalf("recognize a good token: %v", err)
	}
	return who
}

func TestWhatEndsATokenEndsARememberedOne(t *testing.T) {
	native := native()
	tests := []struct {
		name string
		end  func(w *world, s *account.Service, who *account.Principal, g account.Grant) error
		want []account.Code
	}{
		{"signing out", func(_ *world, s *account.Service, who *account.Principal, _ account.Grant) error {
			return s.SignOut(ctx, native, who)
		}, []account.Code{account.TokenEnded}},
		{"signing out everywhere", func(_ *world, s *account.Service, who *account.Principal, _ account.Grant) error {
			return s.SignOutEverywhere(ctx, who.User.ID)
		}, []account.Code{account.TokenEnded}},
		{"another password", func(_ *world, s *account.Service, who *account.Principal, _ account.Grant) error {
			return s.ChangePassword(ctx, native, who, secret, "another horse 10")
		}, []account.Code{account.TokenEnded}},
		{"a password that an operator set", func(_ *world, s *account.Service, who *account.Principal, _ account.Grant) error {
			return s.SetPassword(ctx, native, &who.User, "another horse 10")
		}, []account.Code{account.TokenEnded}},
		{"disabling", func(_ *world, s *account.Service, who *account.Principal, _ account.Grant) error {
			return s.SetActive(ctx, who.User.ID, false)
		}, []account.Code{account.UserDisabled, account.TokenEnded}},
		{"deleting", func(_ *world, s *account.Service, who *account.Principal, _ account.Grant) error {
			return s.Delete(ctx, who, secret)
		}, []account.Code{account.TokenNamed, account.TokenEnded}},
		{"time", func(w *world, _ *account.Service, _ *account.Principal, _ account.Grant) error {
			w.clock.advance(native.Tokens.Access)
			return nil
		}, []account.Code{account.TokenExpired}},
		{"the reuse of a refresh token", func(w *world, s *account.Service, _ *account.Principal, g account.Grant) error {
			if _, err := s.Refresh(ctx, native, g.Refresh); err != nil {
				return err
			}
			w.clock.advance(native.Tokens.Grace)
			if _, err := s.Refresh(ctx, native, g.Refresh); account.Refusal(err) == nil {
				t.Errorf("a spent refresh token: %v, want a refusal", err)
			}
			return nil
		}, []account.Code{account.TokenEnded}},
		{"another program, once that is noticed", func(w *world, s *account.Service, who *account.Principal, _ account.Grant) error {
			err := w.db.Update(ctx, func(tx account.Writer) error {
				_, err := tx.RaiseEpoch(ctx, who.User.ID, w.clock.now())
				return err
			})
			s.Forget()
			return err
		}, []account.Code{account.TokenEnded}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t, ownModel())
			s, _ := remember(t, w)
			w.add(t, "ann@example.com", nil)
			g, err := s.SignIn(ctx, native, account.Credentials{Login: "ann@example.com", Password: secret})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				recognize(t, s, native, g.Access)
			}
			who, err := s.Authenticate(ctx, native, g.Access)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.end(w, s, who, g); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Recognize(ctx, native, g.Access); !slices.Contains(tt.want, code(err)) {
				t.Errorf("after %s: %v, want %v", tt.name, err, tt.want)
			}
		})
	}
}

func TestWhatIsDistrustedIsReadFromRows(t *testing.T) {
	w := open(t, ownModel())
	s, cost := remember(t, w)
	w.add(t, "ann@example.com", nil)
	p := native()
	g, err := s.SignIn(ctx, p, account.Credentials{Login: "ann@example.com", Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		recognize(t, s, p, g.Access)
	}
	s.Distrust()
	if calls := cost(func() { recognize(t, s, p, g.Access) }); len(calls) == 0 {
		t.Error("a token is judged from memory that nobody keeps true")
	}
}

func TestAChangedNameIsSeenAtTheNextRead(t *testing.T) {
	w := open(t, ownModel())
	s, _ := remember(t, w)
	w.add(t, "ann@example.com", nil)
	p := native()
	g, err := s.SignIn(ctx, p, account.Credentials{Login: "ann@example.com", Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"Ann", "Anna", "Annabel"} {
		who, err := s.Authenticate(ctx, p, g.Access)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(ctx, who, map[account.Field]string{account.Name: name}); err != nil {
			t.Fatal(err)
		}
		if got := recognize(t, s, p, g.Access).User.Name; got != name {
			t.Errorf("change %d: the name is %q, want %q", i, got, name)
		}
	}
}

// TestNobodyReadsThePast signs a user out while many read, again and again: once the sign-out has
// answered, no read may succeed with a token from before it.
func TestNobodyReadsThePast(t *testing.T) {
	w := open(t, ownModel())
	s, _ := remember(t, w)
	u := w.add(t, "ann@example.com", nil)
	p := native()
	for round := range 10 {
		g, err := s.SignIn(ctx, p, account.Credentials{Login: "ann@example.com", Password: secret})
		if err != nil {
			t.Fatal(err)
		}
		var over atomic.Bool
		running, stop := context.WithCancel(ctx)
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				for running.Err() == nil {
					dead := over.Load()
					if _, err := s.Recognize(ctx, p, g.Access); err == nil && dead {
						t.Errorf("round %d: a token was good after its user was signed out", round)
						return
					}
				}
			})
		}
		time.Sleep(time.Millisecond)
		if err := s.SignOutEverywhere(ctx, u.ID); err != nil {
			t.Fatal(err)
		}
		over.Store(true)
		time.Sleep(2 * time.Millisecond)
		stop()
		readers.Wait()
	}
}

// late is a store that shows a row some time after it was read.
type late struct {
	account.Store
	read func()
}

func (l late) View(ctx context.Context, f func(account.Reader) error) error {
	return l.Store.View(ctx, func(r account.Reader) error { return f(lateReader{r, l.read}) })
}

type lateReader struct {
	account.Reader
	read func()
}

func (r lateReader) User(ctx context.Context, id int64) (account.User, error) {
	u, err := r.Reader.User(ctx, id)
	r.read()
	return u, err
}

// TestARowReadBeforeAChangeIsNotKept lets a sign-out come between the reading of a row and the
// keeping of it.
func TestARowReadBeforeAChangeIsNotKept(t *testing.T) {
	w := open(t, ownModel())
	var reading atomic.Pointer[chan struct{}]
	reached := make(chan struct{}, 1)
	s := w.over(late{w.db, func() {
		if wait := reading.Load(); wait != nil {
			reached <- struct{}{}
			<-*wait
		}
	}})
	t.Cleanup(s.Close)
	if err := s.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	u, p := w.add(t, "ann@example.com", nil), native()
	g, err := s.SignIn(ctx, p, account.Credentials{Login: "ann@example.com", Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Heed(ctx, []account.Change{{User: u.ID}}); err != nil { // the token is known, its user is not
		t.Fatal(err)
	}
	release := make(chan struct{})
	reading.Store(&release)
	early := make(chan error)
	go func() {
		_, err := s.Recognize(ctx, p, g.Access)
		early <- err
	}()
	<-reached
	reading.Store(nil)
	if err := s.SignOutEverywhere(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	close(release)
	<-early // asked before the sign-out answered: either is right
	if _, err := s.Recognize(ctx, p, g.Access); code(err) != account.TokenEnded {
		t.Errorf("after a sign-out that a reading overlapped: %v, want %v", err, account.TokenEnded)
	}
}
