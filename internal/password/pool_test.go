package password

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/argon2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clockwork is an Argon2id that takes tick of a bubble's time and notes whom it served.
type clockwork struct {
	tick time.Duration

	mu       sync.Mutex
	served   []string
	most     int // at a time
	now      int
	released int
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

func (c *clockwork) hasher(Params) hasher {
	return hasher{c.derive, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.released++
	}}
}

// seen is for reading beside running workers.
func (c *clockwork) seen() (served []string, released int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.served), c.released
}

// start makes a pool whose hashes take tick, inside a bubble.
func start(t *testing.T, slots int, maxWait, tick time.Duration) (*Pool, *clockwork) {
	c := &clockwork{tick: tick}
	p := newPool(Options{Slots: slots, MaxWait: maxWait, Params: cheap}, c.hasher)
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
		gone := &job{
			nominal: time.Millisecond, gone: func() error { return context.Canceled }, done: make(chan struct{}),
			work: func(id argon2idFunc) { id([]byte("gone"), nil, cheap, 32) },
		}
		if err := p.enqueue(gone); err != nil {
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
	p := newPool(Options{Slots: 2, Params: cheap}, func(usual Params) hasher {
		h := newHasher(usual)
		return hasher{func(password, salt []byte, params Params, size uint32) []byte {
			c.derive(password, salt, params, size)
			return h.argon2id(password, salt, params, size)
		}, h.release}
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

// TestPoolWeighsTheQueue holds that a queue of cheap hashes is not shed as one of dear ones, nor the
// other way round.
func TestPoolWeighsTheQueue(t *testing.T) {
	for _, tt := range []struct {
		name    string
		nominal time.Duration // of each
		taken   int           // of a hundred, beside the one that is worked on
	}{
		{"a queue of its own kind", Default.nominal(), 4},
		{"a queue of cheap ones", Default.nominal() / 10, 31},
		{"a queue of dear ones", Default.nominal() * 10, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := start(t, 1, 3*time.Second, time.Second)
				p.params, p.nominal = Default, Default.nominal()
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				go p.Dummy(t.Context(), "first")
				synctest.Wait()
				for range 100 {
					go p.do(ctx, tt.nominal, func(argon2idFunc) {})
					synctest.Wait()
				}
				if got := p.Stats(); got.Waiting != tt.taken || got.Shed != uint64(100-tt.taken) {
					t.Errorf("Stats = %+v, want %d waiting and the others of 100 shed", got, tt.taken)
				}
				leave()
				synctest.Wait()
				if got := p.Stats(); got.Waiting != 0 || p.queued != 0 {
					t.Errorf("after all left: %+v and %v queued, want none", got, p.queued)
				}
			})
		})
	}
}

func TestPoolMeasuresByWeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c := start(t, 1, time.Hour, 80*time.Millisecond)
		for _, tt := range []struct {
			name string
			size time.Duration // nominal, of the pool's own
			took time.Duration
			want time.Duration
		}{
			{"one ten times as dear, that took ten times as long", 10, 800 * time.Millisecond, 80 * time.Millisecond},
			{"one ten times as dear, that took as long as one", 10, 80 * time.Millisecond, 71 * time.Millisecond},
		} {
			c.tick = tt.took
			err := p.do(t.Context(), tt.size*p.nominal, func(id argon2idFunc) { id(nil, nil, cheap, 32) })
			if got := p.Stats().Estimate; got != tt.want || err != nil {
				t.Errorf("%s: estimate = %v, %v, want %v", tt.name, got, err, tt.want)
			}
		}
		p.nominal *= 10 // now what is left of it is small
		c.tick = 80 * time.Millisecond
		p.do(t.Context(), p.nominal/10, func(id argon2idFunc) { id(nil, nil, cheap, 32) })
		if got, want := p.Stats().Estimate, 80112500*time.Nanosecond; got != want { // 71 + (800-71)/10/8
			t.Errorf("a small one that took long: estimate = %v, want %v", got, want)
		}
	})
}

func TestNominal(t *testing.T) {
	for _, tt := range []struct {
		kind     Kind
		cost     Cost
		min, max time.Duration
	}{
		{KindArgon2, Cost{Argon2: Default}, 14 * time.Millisecond, 16 * time.Millisecond},
		{KindArgon2, Cost{Argon2: cheap}, time.Millisecond, time.Millisecond},
		{KindPBKDF2SHA256, Cost{Rounds: 600_000}, 60 * time.Millisecond, 170 * time.Millisecond},
		{KindPBKDF2SHA1, Cost{Rounds: 1}, time.Millisecond, time.Millisecond},
		{KindBcrypt, Cost{Rounds: 10}, 67 * time.Millisecond, 73 * time.Millisecond},
		{KindBcryptSHA256, Cost{Rounds: 12}, 270 * time.Millisecond, 290 * time.Millisecond},
		{KindScrypt, Cost{N: 1 << 17, R: 8, P: 1}, 550 * time.Millisecond, 580 * time.Millisecond},
	} {
		if got := (stored{kind: tt.kind, cost: tt.cost}).nominal(); got < tt.min || got > tt.max {
			t.Errorf("%s with %+v is %v nominally, want %v to %v", tt.kind, tt.cost, got, tt.min, tt.max)
		}
	}
}

// TestPoolGivesMemoryBack turns 30 seconds of idleness into a release, once.
func TestPoolGivesMemoryBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c := start(t, 1, time.Minute, 40*time.Millisecond)
		for _, tt := range []struct {
			name  string
			after time.Duration // the last step
			hash  bool          // and then it is used
			want  int
		}{
			{"never used", time.Minute, true, 0},
			{"used 29 s ago", 29 * time.Second, true, 0},
			{"used again 29 s ago", 29 * time.Second, false, 0},
			{"used 31 s ago", 2 * time.Second, false, 1},
			{"used an hour ago", time.Hour, true, 1},
			{"used once more, a minute ago", time.Minute, false, 2},
		} {
			time.Sleep(tt.after)
			synctest.Wait()
			if _, got := c.seen(); got != tt.want {
				t.Errorf("%s: memory given back %d times, want %d", tt.name, got, tt.want)
			}
			if tt.hash {
				p.Dummy(t.Context(), "x")
			}
		}
		p.Close()
		if _, got := c.seen(); got != 3 {
			t.Errorf("closed: memory given back %d times, want 3", got)
		}
	})
}

// TestRescuer has one slot, of different paces, and a rescuer beside it.
func TestRescuer(t *testing.T) {
	for _, tt := range []struct {
		name string
		slot time.Duration // a hash takes, where 15 ms is nominal
		want []string      // whom the rescuer served within 1.9 seconds
	}{
		{"slots at their pace: a long queue alone is nothing to it", 40 * time.Millisecond, nil},
		{"slots at a tenth of their pace", 200 * time.Millisecond, nil},
		{"a slot that gets nothing", time.Hour, []string{"caller 001", "caller 002", "caller 003"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, slot := start(t, 1, time.Hour, tt.slot)
				p.mu.Lock()
				p.params, p.nominal, p.estimate = Default, Default.nominal(), time.Millisecond // sheds nobody
				p.mu.Unlock()
				rescuer := &clockwork{tick: 300 * time.Millisecond}
				p.addRescuer(rescuer.hasher(Default))
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				for i := range 100 {
					go p.Dummy(ctx, fmt.Sprintf("caller %03d", i))
					synctest.Wait()
				}
				time.Sleep(990 * time.Millisecond)
				if got, _ := rescuer.seen(); len(got) != 0 {
					t.Errorf("the rescuer served %v before a second was over", got)
				}
				time.Sleep(900 * time.Millisecond)
				synctest.Wait()
				rescued, _ := rescuer.seen()
				if !slices.Equal(rescued, tt.want) {
					t.Errorf("the rescuer served %v, want %v", rescued, tt.want)
				}
				others, _ := slot.seen()
				for _, name := range rescued {
					if slices.Contains(others, name) {
						t.Errorf("%s was served twice", name)
					}
				}
				leave()
			})
		})
	}
}

// TestRescuerKeepsLooking has a slot that stops getting anything while the rescuer stands by.
func TestRescuerKeepsLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := start(t, 1, time.Hour, 200*time.Millisecond)
		p.nominal, p.estimate = Default.nominal(), time.Millisecond
		rescuer := &clockwork{tick: time.Millisecond}
		p.addRescuer(rescuer.hasher(Default))
		for i := range 12 {
			took := 200 * time.Millisecond
			if i == 6 { // it begins at 1.2 s, and its time is up 0.3 s later
				took = time.Hour
			}
			go p.do(t.Context(), p.nominal, func(argon2idFunc) { time.Sleep(took) })
			synctest.Wait()
		}
		for _, tt := range []struct {
			after   time.Duration // the last step
			waiting int
		}{{1490 * time.Millisecond, 5}, {120 * time.Millisecond, 4}, {time.Second, 0}} {
			time.Sleep(tt.after)
			synctest.Wait()
			if got := p.Stats(); got.Waiting != tt.waiting {
				t.Errorf("%v later: %+v, want %d waiting", tt.after, got, tt.waiting)
			}
		}
	})
}

// TestRescuerOfSlotsThatNeverBegin is the flood in which a slot does not even come to take a job.
func TestRescuerOfSlotsThatNeverBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(Options{Slots: 1, Params: cheap}, (&clockwork{}).hasher)
		defer p.Close()
		synctest.Wait()
		p.mu.Lock()
		deaf := p.ready // the slot waits for a signal that nobody sends
		p.ready = sync.NewCond(&p.mu)
		p.mu.Unlock()
		rescuer := &clockwork{}
		p.addRescuer(rescuer.hasher(cheap))
		before := time.Now()
		if err := p.Dummy(t.Context(), "x"); err != nil {
			t.Errorf("Dummy = %v", err)
		}
		served, _ := rescuer.seen()
		if took := time.Since(before); took != time.Second || len(served) != 1 {
			t.Errorf("took %v, rescuer served %v, want 1s and x", took, served)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, got := rescuer.seen(); got != 1 {
			t.Errorf("the rescuer gave its memory back %d times, want once", got)
		}
		p.mu.Lock()
		p.ready = deaf // for Close
		p.mu.Unlock()
	})
}

// TestMemory is kept for the usual hash, and not for a dearer one.
func TestMemory(t *testing.T) {
	m := &memory{usual: cheap}
	defer m.buffer.Release()
	for _, tt := range []struct {
		p    Params
		kept bool
	}{
		{cheap, true},
		{Params{MemoryKiB: 256, Time: 2, Threads: 4}, false},
		{Params{MemoryKiB: 64, Time: 1, Threads: 8}, true},
		{Params{MemoryKiB: 65, Time: 2, Threads: 1}, false},
	} {
		got := m.argon2id([]byte("correct-horse"), []byte("somesalt"), tt.p, 32)
		want := argon2.IDKey([]byte("correct-horse"), []byte("somesalt"), tt.p.Time, tt.p.MemoryKiB, tt.p.Threads, 32)
		if !slices.Equal(got, want) {
			t.Errorf("Argon2id with %+v = %x, want %x", tt.p, got, want)
		}
		if kept := m.buffer.Held() > 0; kept != tt.kept {
			t.Errorf("after %+v: memory kept = %v, want %v", tt.p, kept, tt.kept)
		}
	}
}

// TestPoolOnThreads is the pool of a server, for as long as it takes: tests beside it share its
// GOMAXPROCS.
func TestPoolOnThreads(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	p := NewPool(Options{Slots: 2, Params: cheap, Threads: true})
	if got := runtime.GOMAXPROCS(0); got != procs {
		t.Errorf("GOMAXPROCS without work = %d, want %d", got, procs)
	}
	encoded, err := p.Hash(t.Context(), "correct-horse")
	if err != nil {
		t.Fatal(err)
	}
	var at int
	if err := p.do(t.Context(), p.nominal, func(argon2idFunc) { at = runtime.GOMAXPROCS(0) }); err != nil || at != procs+2 {
		t.Errorf("GOMAXPROCS during a hash = %d, %v, want %d and 2, one for each slot", at, err, procs)
	}
	if got, err := p.Verify(t.Context(), encoded, "correct-horse"); got != (Match{OK: true}) || err != nil {
		t.Errorf("Verify = %+v, %v, want a match", got, err)
	}
	checkThreads(t, p)
	for deadline := time.Now().Add(30 * time.Second); runtime.GOMAXPROCS(0) != procs; time.Sleep(calmAfter / 10) {
		if time.Now().After(deadline) {
			t.Fatalf("GOMAXPROCS long after a hash = %d, want %d", runtime.GOMAXPROCS(0), procs)
		}
	}
	if err := p.Dummy(t.Context(), "correct-horse"); err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	if got := runtime.GOMAXPROCS(0); got != procs {
		t.Errorf("GOMAXPROCS after Close = %d, want %d", got, procs)
	}
}
