package accounttest

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// node is one more service over w's database: it remembers, and hears of others' changes by Heed.
func (w *world) node(t *testing.T, fresh func() bool) *account.Service {
	t.Helper()
	s := account.New(account.Options{
		Store: hooked{w}, Pool: w.pool, Root: token.NewRoot(rootSecret, instance), SecretKey: token.SecretFrom(sharedKey),
		Remember: true, Fresh: fresh, Now: w.clock.now, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	t.Cleanup(s.Close)
	if err := s.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// warm gives somebody whose token node remembers, and who it is of.
func warm(t *testing.T, w *world, node *account.Service, p *account.Policy) (account.Grant, *account.Principal) {
	t.Helper()
	w.add(t, "ann@example.com", nil)
	g := w.signIn(t, p, "ann@example.com")
	for range 3 {
		recognize(t, node, p, g.Access)
	}
	return g, w.who(t, p, g.Access)
}

func TestWhatOtherNodesChangeIsHeeded(t *testing.T) {
	p := native()
	for _, tt := range []struct {
		name    string
		end     func(w *world, who *account.Principal) error
		changes func(who *account.Principal) []account.Change
		want    []account.Code
	}{
		{
			"a user", func(w *world, who *account.Principal) error { return w.SignOutEverywhere(ctx, who.User.ID) },
			func(who *account.Principal) []account.Change { return []account.Change{{User: who.User.ID}} },
			[]account.Code{account.TokenEnded},
		},
		{
			"a session", func(w *world, who *account.Principal) error { return w.SignOut(ctx, p, who) },
			func(who *account.Principal) []account.Change { return []account.Change{{Session: who.Session.ID}} },
			[]account.Code{account.TokenEnded},
		},
		{
			"a user among others", func(w *world, who *account.Principal) error { return w.SetActive(ctx, who.User.ID, false) },
			func(who *account.Principal) []account.Change {
				return []account.Change{{User: 99}, {Session: 98}, {User: who.User.ID}}
			},
			[]account.Code{account.UserDisabled, account.TokenEnded},
		},
		{
			"anything", func(w *world, who *account.Principal) error { return w.Remove(ctx, who.User.ID) },
			func(*account.Principal) []account.Change { return []account.Change{{}} },
			[]account.Code{account.TokenNamed},
		},
		{
			"a key", func(w *world, _ *account.Principal) error {
				_, err := w.rows.Exec(`update signing_keys set state = 4 where state = 2`)
				return errors.Join(err, w.LoadKeys(ctx)) // which makes the next one sign
			},
			func(*account.Principal) []account.Change { return []account.Change{{}} },
			[]account.Code{account.TokenForged},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t, ownModel())
			node := w.node(t, nil)
			g, who := warm(t, w, node, p)
			if err := tt.end(w, who); err != nil {
				t.Fatal(err)
			}
			if _, err := node.Recognize(ctx, p, g.Access); err != nil {
				t.Fatalf("a node that was told nothing reads rows: %v", err)
			}
			if err := node.Heed(ctx, tt.changes(who)); err != nil {
				t.Fatal(err)
			}
			if _, err := node.Recognize(ctx, p, g.Access); !slices.Contains(tt.want, code(err)) {
				t.Errorf("got:  %v\nwant: %v", err, tt.want)
			}
		})
	}
}

// TestKeysThatCannotBeReadAreNotHeeded: who follows must not go on as if they had been.
func TestKeysThatCannotBeReadAreNotHeeded(t *testing.T) {
	w := open(t, ownModel())
	node := w.node(t, nil)
	w.hook = func(call string) error {
		if call == "SigningKeys" {
			return errors.New("away")
		}
		return nil
	}
	if err := node.Heed(ctx, []account.Change{{}}); err == nil {
		t.Error("got no error")
	}
}

// TestTheClockIsLookedAtAfterMemory ends a session behind the node's back, and lets the time of
// trust run out between any two questions whether memory is fresh, as when the process is stopped there.
func TestTheClockIsLookedAtAfterMemory(t *testing.T) {
	p := native()
	for stopped := range int64(4) {
		w := open(t, ownModel())
		var asked atomic.Int64
		last := int64(1 << 62)
		node := w.node(t, func() bool { return asked.Add(1) <= last })
		g, who := warm(t, w, node, p)
		if err := w.SignOut(ctx, p, who); err != nil {
			t.Fatal(err)
		}
		asked.Store(0)
		last = stopped
		_, err := node.Recognize(ctx, p, g.Access)
		if stopped < 2 && code(err) != account.TokenEnded {
			t.Errorf("stale after %d questions\ngot:  %v\nwant: %v", stopped, err, account.TokenEnded)
		}
		if stopped >= 2 && err != nil {
			t.Errorf("fresh for %d questions\ngot:  %v\nwant: an answer from memory", stopped, err)
		}
	}
}

// TestWhatIsNotFreshIsNotKept reads rows until memory is fresh again.
func TestWhatIsNotFreshIsNotKept(t *testing.T) {
	w := open(t, ownModel())
	var stale atomic.Bool
	node := w.node(t, func() bool { return !stale.Load() })
	p := native()
	g, who := warm(t, w, node, p)
	stale.Store(true)
	if err := w.SignOut(ctx, p, who); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Recognize(ctx, p, g.Access); code(err) != account.TokenEnded {
		t.Errorf("while it is stale\ngot:  %v\nwant: %v", err, account.TokenEnded)
	}
	if err := node.Heed(ctx, []account.Change{{Session: who.Session.ID}}); err != nil {
		t.Fatal(err)
	}
	stale.Store(false)
	if _, err := node.Recognize(ctx, p, g.Access); code(err) != account.TokenEnded {
		t.Errorf("when it is fresh again\ngot:  %v\nwant: %v", err, account.TokenEnded)
	}
}

// TestAReadingFromBeforeIsNotJoined forgets everything while a row is read: who asks afterwards
// must not wait for that reading.
func TestAReadingFromBeforeIsNotJoined(t *testing.T) {
	w := open(t, ownModel())
	var reading atomic.Pointer[chan struct{}]
	reached := make(chan struct{}, 1)
	s := w.over(late{w.db, func() {
		if wait := reading.Swap(nil); wait != nil {
			reached <- struct{}{}
			<-*wait
		}
	}})
	t.Cleanup(s.Close)
	if err := s.LoadKeys(ctx); err != nil {
		t.Fatal(err)
	}
	w.add(t, "ann@example.com", nil)
	p := native()
	g := w.signIn(t, p, "ann@example.com")
	recognize(t, s, p, g.Access) // the token is known, its user is not
	release := make(chan struct{})
	reading.Store(&release)
	early := make(chan error)
	go func() {
		_, err := s.Recognize(ctx, p, g.Access)
		early <- err
	}()
	<-reached
	if _, err := w.Update(ctx, w.who(t, p, g.Access), map[account.Field]string{account.Name: "Ann"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Heed(ctx, []account.Change{{}}); err != nil {
		t.Fatal(err)
	}
	recognize(t, s, p, g.Access) // the token is known again
	after := make(chan string)
	go func() { after <- recognize(t, s, p, g.Access).User.Name }()
	select {
	case got := <-after:
		if got != "Ann" {
			t.Errorf("got:  %q\nwant: \"Ann\"", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for a reading that began before")
	}
	close(release)
	if err := <-early; err != nil {
		t.Error(err)
	}
	if got := recognize(t, s, p, g.Access).User.Name; got != "Ann" {
		t.Errorf("once the early reading is over\ngot:  %q\nwant: \"Ann\"", got)
	}
}
