package password

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clockwork is an Argon2id that takes tick of a bubble's time and notes whom it served.
type clockwork struct {
	tick time.Duration

	mu     sync.Mutex
	served []string
	most   int // at a time
	now    int
}

func (c *clockwork) derive(password, _ []byte, _ Params, size uint32) []byte {
	c.mu.Lock()
	c.served = append(c.served, string(password))
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	time.Sleep(c.tick)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return make([]byte, size)
}

// start makes a pool whose hashes take tick, inside a bubble.
func start(t *testing.T, slots int, maxWait, tick time.Duration) (*Pool, *clockwork) {
	c := &clockwork{tick: tick}
	p := newPool(Options{Slots: slots, MaxWait: maxWait, Params: cheap}, func() argon2idFunc { return c.derive })
	p.estimate = tick
	t.Cleanup(p.Close)
	return p, c
}

func TestPoolServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c := start(t, 1, time.Minute, 10*time.Millisecond)
		var want []string
		for i := range 20 {
			name := fmt.Sprintf("caller %02d", i)
			want = append(want, name)
			go p.Hash(t.Context(), name)
			synctest.Wait()
		}
		if got, want := p.Stats(), (Stats{Waiting: 19, Running: 1, Estimate: 10 * time.Millisecond}); got != want {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !slices.Equal(c.served, want) {
			t.Errorf("served %v, want %v", c.served, want)
		}
		if got, want := p.Stats(), (Stats{Total: 20, Estimate: 10 * time.Millisecond}); got != want {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}
	})
}

func TestPoolShedsBeforeHashing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two slots and hashes of a second: six queued ones are three seconds, seven are too many.
		p, c := start(t, 2, 3*time.Second, time.Second)
		for range 9 {
			go p.Dummy(t.Context(), "early")
			synctest.Wait()
		}
		before := time.Now()
		_, err := p.Verify(t.Context(), someArgon2, "late")
		if busy, ok := errors.AsType[Busy](err); !ok || busy.RetryAfter != 4*time.Second {
			t.Errorf("Verify = %v, want Busy for 4s", err)
		}
		if took := time.Since(before); took != 0 || slices.Contains(c.served, "late") {
			t.Errorf("shed after %v, served %v, want at once and not served", took, c.served)
		}
		if got := p.Stats(); got.Shed != 1 || got.Waiting != 7 || got.Running != 2 {
			t.Errorf("Stats = %+v, want 1 shed, 7 waiting, 2 running", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if err := p.Dummy(t.Context(), "later"); err != nil {
			t.Errorf("Dummy a second later = %v, want nil", err)
		}
	})
}

func TestBusyAsksForWholeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := start(t, 1, time.Millisecond, 10*time.Millisecond)
		for range 3 {
			go p.Dummy(t.Context(), "early")
			synctest.Wait()
		}
		err := p.Dummy(t.Context(), "late")
		if busy, ok := errors.AsType[Busy](err); !ok || busy.RetryAfter != time.Second {
			t.Errorf("Dummy = %#v, want Busy for 1s", err)
		}
	})
}

func TestPoolForgetsCallersWhoLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c := start(t, 1, time.Minute, time.Second)
		go p.Dummy(t.Context(), "first")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		before := time.Now()
		_, err := p.Hash(ctx, "leaver")
		if took := time.Since(before); !errors.Is(err, context.DeadlineExceeded) || took != 300*time.Millisecond {
			t.Errorf("Hash = %v after %v, want its deadline at 300ms", err, took)
		}
		if got := p.Stats(); got.Waiting != 0 {
			t.Errorf("Stats = %+v, want nobody waiting", got)
		}
		if _, err := p.Hash(ctx, "ghost"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Hash with a dead context = %v", err)
		}
		time.Sleep(10 * time.Second)
		if want := []string{"first"}; !slices.Equal(c.served, want) {
			t.Errorf("served %v, want %v", c.served, want)
		}
	})
}

func TestPoolSkipsCallersWhoLeftInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c := start(t, 1, time.Minute, time.Second)
		gone := &job{gone: func() error { return context.Canceled }, done: make(chan struct{}),
			work: func(id argon2idFunc) { id([]byte("gone"), nil, cheap, 32) }}
		if _, err := p.enqueue(gone); err != nil {
			t.Fatal(err)
		}
		<-gone.done
		if !errors.Is(gone.err, context.Canceled) || len(c.served) != 0 {
			t.Errorf("job ended with %v, served %v, want %v and nobody", gone.err, c.served, context.Canceled)
		}
	})
}

func TestPoolReturnsAtOnceWhenACallerLeavesARunningHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c := start(t, 1, time.Minute, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		before := time.Now()
		_, err := p.Hash(ctx, "leaver")
		if took := time.Since(before); !errors.Is(err, context.DeadlineExceeded) || took != 300*time.Millisecond {
			t.Errorf("Hash = %v after %v, want its deadline at 300ms", err, took)
		}
		p.Close() // waits for the hash that nobody listens to
		if took := time.Since(before); took != time.Second || len(c.served) != 1 {
			t.Errorf("Close returned after %v, served %v, want 1s", took, c.served)
		}
	})
}

func TestPoolCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c := start(t, 1, time.Minute, time.Second)
		errs := make(chan error, 3)
		for _, name := range []string{"running", "queued", "queued too"} {
			go func() { errs <- p.Dummy(t.Context(), name) }()
			synctest.Wait()
		}
		p.Close()
		p.Close()
		for _, want := range []error{ErrClosed, ErrClosed, nil} {
			if err := <-errs; !errors.Is(err, want) {
				t.Errorf("Dummy over a Close = %v, want %v", err, want)
			}
		}
		if _, err := p.Verify(t.Context(), someArgon2, "late"); !errors.Is(err, ErrClosed) {
			t.Errorf("Verify after Close = %v, want %v", err, ErrClosed)
		}
		if want := []string{"running"}; !slices.Equal(c.served, want) {
			t.Errorf("served %v, want %v", c.served, want)
		}
	})
}

func TestPoolMeasuresWhatAHashTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := start(t, 1, time.Minute, 80*time.Millisecond)
		p.estimate = 0
		p.Dummy(t.Context(), "x")
		if got := p.Stats().Estimate; got != 10*time.Millisecond {
			t.Errorf("estimate after one hash = %v, want an eighth, 10ms", got)
		}
		for range 60 {
			p.Dummy(t.Context(), "x")
		}
		if got := p.Stats().Estimate; got < 79*time.Millisecond || got > 80*time.Millisecond {
			t.Errorf("estimate after many hashes = %v, want some 80ms", got)
		}
	})
}

// TestPoolUnderLoad has 64 callers on real hashes, some of whom leave.
func TestPoolUnderLoad(t *testing.T) {
	c := &clockwork{}
	p := newPool(Options{Slots: 2, Params: cheap}, func() argon2idFunc {
		return func(password, salt []byte, params Params, size uint32) []byte {
			c.derive(password, salt, params, size)
			return argon2id(password, salt, params, size)
		}
	})
	var callers sync.WaitGroup
	for i := range 64 {
		callers.Go(func() {
			password := fmt.Sprint("correct-horse-", i)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%8 == 0 {
				go cancel()
			}
			encoded, err := p.Hash(ctx, password)
			if errors.Is(err, context.Canceled) {
				return
			}
			if err != nil {
				t.Errorf("Hash = %v", err)
			}
			for _, tt := range []struct {
				password string
				want     Match
			}{{password, Match{OK: true}}, {password + "x", Match{}}} {
				if got, err := p.Verify(t.Context(), encoded, tt.password); got != tt.want || err != nil {
					t.Errorf("Verify(%q, %q) = %+v, %v, want %+v", encoded, tt.password, got, err, tt.want)
				}
			}
		})
	}
	callers.Wait()
	p.Close()
	if s := p.Stats(); c.most > 2 || s.Running != 0 || s.Waiting != 0 || s.Total < 56*3 {
		t.Errorf("at most %d at a time, Stats %+v, want 2 and all done", c.most, s)
	}
}

// TestPoolVerify looks at the answers and at the work: every one of these takes one tick.
func TestPoolVerify(t *testing.T) {
	ours := stored{kind: KindArgon2, variant: variantID, cost: Cost{Argon2: cheap}, salt: make([]byte, 16), tag: make([]byte, 32)}
	for _, tt := range []struct {
		name, encoded string
		want          Match
		err           error
	}{
		{"one of ours", ours.String(), Match{OK: true}, nil},
		{"one of ours at another cost", strings.Replace(ours.String(), "t=1", "t=2", 1), Match{OK: true, Outdated: true}, nil},
		{"a wrong password for an outdated hash", someArgon2, Match{}, nil},
		{"unusable", Unusable(), Match{}, nil},
		{"empty", "", Match{}, nil},
		{"an unknown kind", "md5$salt$d864fab06aaf0a2a06522fe17480761a", Match{}, ErrFormat},
		{"too costly", strings.Replace(somePBKDF2, "$7$", "$5000001$", 1), Match{}, ErrCost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, c := start(t, 1, time.Minute, 40*time.Millisecond)
				before := time.Now()
				got, err := p.Verify(t.Context(), tt.encoded, "x")
				if got != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("Verify(%q) = %+v, %v, want %+v, %v", tt.encoded, got, err, tt.want, tt.err)
				}
				if took := time.Since(before); took != 40*time.Millisecond || len(c.served) != 1 {
					t.Errorf("Verify(%q) took %v and %d hashes, want 40ms and one", tt.encoded, took, len(c.served))
				}
			})
		})
	}
}

// TestPoolDefaults does real work at the real cost, once each.
func TestPoolDefaults(t *testing.T) {
	p := NewPool(Options{})
	defer p.Close()
	if p.Params() != Default || p.slots < 1 || p.maxWait != 5*time.Second || p.Stats().Estimate != 40*time.Millisecond {
		t.Errorf("pool %+v, estimate %v, want the defaults", p.Params(), p.Stats().Estimate)
	}
	encoded, err := p.Hash(t.Context(), "correct-horse")
	if err != nil || Outdated(encoded, Default) {
		t.Fatalf("Hash = %q, %v, want one that is not outdated", encoded, err)
	}
	if got, err := p.Verify(t.Context(), encoded, "correct-horse"); got != (Match{OK: true}) || err != nil {
		t.Errorf("Verify(%q) = %+v, %v, want a match", encoded, got, err)
	}
	if got, err := p.Verify(t.Context(), somePBKDF2, "wrong"); got != (Match{}) || err != nil {
		t.Errorf("Verify(%q) = %+v, %v, want no match", somePBKDF2, got, err)
	}
}
