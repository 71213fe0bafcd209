package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/account"
)

// crowd is how many try at once.
const crowd = 64

// race lets a crowd do f at once, and counts the winners.
func race(t *testing.T, s *subject, f func(n int, w account.Writer) (bool, error)) (winners int64) {
	t.Helper()
	return compete(t, func(n int) (ok bool, err error) {
		err = s.Update(ctx, func(w account.Writer) (err error) {
			ok, err = f(n, w)
			return err
		})
		return ok, err
	})
}

// compete is race without a transaction around f.
func compete(t *testing.T, f func(n int) (bool, error)) (winners int64) {
	t.Helper()
	var won atomic.Int64
	var all sync.WaitGroup
	start := make(chan struct{})
	for n := range crowd {
		all.Go(func() {
			<-start
			ok, err := f(n)
			var taken *account.TakenError
			if err != nil && !errors.As(err, &taken) {
				t.Errorf("number %d: %v", n, err)
			}
			if err == nil && ok {
				won.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	return won.Load()
}

func testRaces(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	s.insertSession(t, session(1, ann.ID, 0))
	mixed := func(n int) string {
		if s.Model().EmailUnique != account.Folded {
			return "somebody@example.com"
		}
		letters := []byte("somebody@example.com")
		for i := range 6 {
			if n>>i&1 == 1 {
				letters[i] = strings.ToUpper(string(letters[i]))[0]
			}
		}
		return string(letters)
	}
	for generation, until := range []time.Time{{}, instant} {
		won := compete(t, func(int) (bool, error) { return s.Rotate(ctx, 1, uint32(3+generation), instant, until) })
		want(t, "who rotates one generation", won, 1)
	}
	want(t, "generation", s.session(t, 1).Generation, 5)
	for _, tt := range []struct {
		name string
		f    func(n int, w account.Writer) (bool, error)
	}{
		{"sign up with one address", func(n int, w account.Writer) (bool, error) {
			u := s.person(fmt.Sprint("racer", n))
			u.Email = mixed(n)
			_, err := w.InsertUser(ctx, &u)
			return true, err
		}},
		{"swap one password", func(n int, w account.Writer) (bool, error) {
			return w.SwapPassword(ctx, ann.ID, ann.Password, fmt.Sprint("fresh", n))
		}},
		{"insert one mark", func(n int, w account.Writer) (bool, error) {
			ses := session(int64(100+n), ann.ID, 77)
			return w.InsertSession(ctx, &ses)
		}},
		{"end one session", func(_ int, w account.Writer) (bool, error) { return w.EndSession(ctx, 1, instant) }},
	} {
		if won := race(t, s, tt.f); won != 1 {
			t.Errorf("%s: got %d winners of %d, want 1", tt.name, won, crowd)
		}
	}

	var mu sync.Mutex
	epochs := map[uint32]bool{}
	race(t, s, func(_ int, w account.Writer) (bool, error) {
		epoch, err := w.RaiseEpoch(ctx, ann.ID, instant)
		mu.Lock()
		defer mu.Unlock()
		epochs[epoch] = true
		return true, err
	})
	want(t, "the epoch of so many at once", s.user(t, ann.ID).Epoch, crowd)
	want(t, "different epochs", len(epochs), crowd)
}

// testCrowd lets a crowd sign up at once. Some fail in one way or another, and take nobody along.
func testCrowd(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	join := func(n int) (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		until, cancel := context.WithCancel(ctx)
		defer cancel()
		return s.Update(until, func(w account.Writer) error {
			u := s.person(fmt.Sprint("member", n))
			if _, err := w.InsertUser(until, &u); err != nil {
				return err
			}
			switch n % 8 {
			case 1:
				return errWanted
			case 2:
				panic(errWanted)
			case 3:
				u.ID = ann.ID
				_, err := w.InsertUser(until, &u)
				return err
			case 4:
				cancel()
			}
			return nil
		})
	}
	outcomes := make([]error, crowd)
	var all sync.WaitGroup
	for n := range crowd {
		all.Go(func() { outcomes[n] = join(n) })
	}
	all.Wait()
	for n, err := range outcomes {
		var taken *account.TakenError
		ok := map[int]bool{
			1: errors.Is(err, errWanted), 2: err != nil && err.Error() == "panic: wanted by the test",
			3: errors.As(err, &taken), 4: errors.Is(err, context.Canceled),
		}
		if right, bad := ok[n%8]; bad && !right || !bad && err != nil {
			t.Errorf("number %d, which is %d of 8: got error %v", n, n%8, err)
		}
		there := s.byLogin(t, account.Email, fmt.Sprintf("member%d@Example.com", n), false) != 0
		want(t, fmt.Sprint("number ", n, " is there"), there, err == nil)
	}
}

// promptly is how long a cancelled call may take on a loaded machine.
const promptly = 2 * time.Second

func testCancel(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	over, cancel := context.WithCancel(ctx)
	cancel()
	err := s.View(over, func(r account.Reader) error { _, err := r.User(over, ann.ID); return err })
	wantError(t, "a read", err, context.Canceled)
	err = s.Update(over, func(w account.Writer) error { _, err := w.RaiseEpoch(over, ann.ID, instant); return err })
	wantError(t, "a write", err, context.Canceled)

	half, cancel := context.WithCancel(ctx)
	err = s.Update(half, func(w account.Writer) error {
		if _, err := w.RaiseEpoch(half, ann.ID, instant); err != nil {
			return err
		}
		cancel()
		_, err := w.RaiseEpoch(half, ann.ID, instant)
		return err
	})
	wantError(t, "a write cancelled on its way", err, context.Canceled)
	half, cancel = context.WithCancel(ctx)
	err = s.Update(half, func(w account.Writer) error {
		_, err := w.RaiseEpoch(half, ann.ID, instant)
		cancel()
		return err
	})
	wantError(t, "a write cancelled before its commit", err, context.Canceled)
	want(t, "epoch", s.user(t, ann.ID).Epoch, 0)

	// One transaction holds the row; another waits for it, until it is cancelled.
	holding, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- s.Update(ctx, func(w account.Writer) error {
			_, err := w.RaiseEpoch(ctx, ann.ID, instant)
			close(holding)
			<-release
			return err
		})
	}()
	<-holding
	waiting, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err = s.Update(waiting, func(w account.Writer) error { _, err := w.RaiseEpoch(waiting, ann.ID, instant); return err })
	wantError(t, "a write that waits", err, context.DeadlineExceeded)
	if took := time.Since(begin); took > promptly {
		t.Errorf("a write cancelled after 20 ms took %v", took)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	want(t, "epoch after all", s.user(t, ann.ID).Epoch, 1)
}

// testCancelledQueries cancels a thousand queries at any moment. Those that answer all the same
// answer with their own user.
func testCancelledQueries(t *testing.T, s *subject) {
	var people []account.User
	s.update(t, func(w account.Writer) (err error) {
		people = people[:0]
		for n := range 16 {
			u := s.person(fmt.Sprint("user", n))
			u.Password = strings.Repeat(fmt.Sprint(n%10), 200)[:120]
			if u.ID, err = w.InsertUser(ctx, &u); err != nil {
				return err
			}
			people = append(people, u)
		}
		return nil
	})
	const workers, each = 8, 125
	var answered atomic.Int64
	var all sync.WaitGroup
	for worker := range workers {
		random := rand.New(rand.NewPCG(1, uint64(worker)))
		all.Go(func() {
			for range each {
				wanted := people[random.IntN(len(people))]
				until, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(1000))*time.Microsecond)
				var got account.User
				err := s.View(until, func(r account.Reader) (err error) {
					if random.IntN(2) == 0 {
						got, err = r.User(until, wanted.ID)
					} else {
						got, err = r.UserByLogin(until, account.Email, wanted.Email, false)
					}
					return err
				})
				cancel()
				switch {
				case err == nil:
					answered.Add(1)
					want(t, "the user asked for", got, wanted)
				case !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("a cancelled query: got error %v, want %v", err, context.DeadlineExceeded)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d of %d queries answered", answered.Load(), workers*each)
	want(t, "a user afterwards", s.user(t, people[3].ID), people[3])
}
