package store_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

const (
	poll = 10 * time.Millisecond
	// soon is what the tests insist on. A quiet machine takes a hundredth of it.
	soon = 2 * time.Second
)

// watched counts the calls of changed, until the test ends.
func watched(t *testing.T, d *store.DB, every time.Duration) *atomic.Int64 {
	t.Helper()
	var calls atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- d.Watch(ctx, every, func() { calls.Add(1) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for !d.Watched() {
		time.Sleep(time.Millisecond)
	}
	return &calls
}

// wantMore waits for a call after the first n, and reports how long it took.
func wantMore(t *testing.T, calls *atomic.Int64, n int64) time.Duration {
	t.Helper()
	begin := time.Now()
	for calls.Load() <= n {
		if time.Since(begin) > soon {
			t.Fatalf("a change of another program is not noticed within %v", soon)
		}
		time.Sleep(100 * time.Microsecond)
	}
	return time.Since(begin)
}

func update(t *testing.T, d *store.DB, id int64) {
	t.Helper()
	err := d.Update(t.Context(), func(w account.Writer) error { return raise(id).f(t.Context(), w) })
	if err != nil {
		t.Error(err)
	}
}

// otherPrograms are ways to commit to the file of a database behind its back.
var otherPrograms = map[string]func(t *testing.T, path string) (commit func()){
	"sqlite3": func(t *testing.T, path string) func() {
		return func() {
			out, err := exec.Command("sqlite3", "-cmd", ".timeout 5000", path, `update user_states set epoch = epoch + 1 where user_id = 1`).CombinedOutput()
			if err != nil {
				t.Errorf("sqlite3: %v: %s", err, out)
			}
		}
	},
	"another DB": func(t *testing.T, path string) func() {
		other := open(t, "sqlite:"+path, storetest.SpaUser())
		return func() { update(t, other, 1) }
	},
}

func TestChangesOfOthersAreNoticed(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		for name, program := range otherPrograms {
			t.Run(mode+", "+name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "x.db")
				raw(t, "sqlite:"+path, append(djangoSpaUser[store.SQLite], "pragma journal_mode = "+mode)...)
				migrated(t, "sqlite:"+path, storetest.SpaUser())
				d := open(t, "sqlite:"+path, storetest.SpaUser())
				commit := program(t, path)
				calls := watched(t, d, poll)
				update(t, d, 1)
				var slowest, sum time.Duration
				const times = 10
				for range times {
					n := calls.Load()
					commit()
					took := wantMore(t, calls, n)
					slowest, sum = max(slowest, took), sum+took
					update(t, d, 1)
				}
				n := calls.Load()
				for range 20 {
					update(t, d, 1)
				}
				time.Sleep(5 * poll)
				if got := calls.Load(); got != n {
					t.Errorf("own commits: %d calls, want none", got-n)
				}
				if n != times {
					t.Errorf("got %d calls for %d changes", n, times)
				}
				t.Logf("noticed after %v, the slowest after %v", sum/times, slowest)
			})
		}
	}
}

// TestAnUpdateNoticesWhatItSees looks only when it writes.
func TestAnUpdateNoticesWhatItSees(t *testing.T) {
	d := sqliteDB(t)
	other := another(t, d)
	calls := watched(t, d, time.Hour)
	n := calls.Load()
	update(t, other, 1)
	err := d.Update(t.Context(), func(account.Writer) error {
		if got := calls.Load(); got != n+1 {
			t.Errorf("before an update runs: got %d calls, want 1", got-n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// another is a second DB on the file of d.
func another(t *testing.T, d *store.DB) *store.DB {
	t.Helper()
	var path string
	if err := d.Pool().QueryRow(`select file from pragma_database_list where name = 'main'`).Scan(&path); err != nil {
		t.Fatal(err)
	}
	return open(t, "sqlite:"+path, d.Model())
}

// TestAWriterThatWaitsNotices has another program that commits and takes the lock again at once.
func TestAWriterThatWaitsNotices(t *testing.T) {
	d := sqliteDB(t)
	other := another(t, d)
	calls := watched(t, d, time.Hour)
	n := calls.Load()
	err := other.OnWriter(func(conn any) error {
		run := func(text string) {
			t.Helper()
			if err := exec1(conn, text); err != nil {
				t.Error(err)
			}
		}
		run(`begin immediate`)
		done := make(chan struct{})
		go func() { defer close(done); update(t, d, 1) }()
		time.Sleep(50 * time.Millisecond)
		run(`insert into meta (key, value) values ('a', 'b')`)
		run(`commit`)
		for end := time.Now().Add(10 * time.Second); exec1(conn, `begin immediate`) != nil; time.Sleep(time.Millisecond) { // the other may have been first
			if time.Now().After(end) {
				t.Fatal("the writer that waited keeps its lock")
			}
		}
		t.Logf("noticed after %v", wantMore(t, calls, n))
		run(`rollback`)
		<-done
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestNoChangeIsMissedUnderLoad commits a thousand times, and now and then behind its own back.
func TestNoChangeIsMissedUnderLoad(t *testing.T) {
	d := migrated(t, engines[store.SQLite](t), own())
	other := another(t, d)
	calls := watched(t, d, poll)
	before := d.Stats()
	var all sync.WaitGroup
	for worker := range int64(8) {
		all.Go(func() {
			for range 125 {
				update(t, d, worker)
			}
		})
	}
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	first := calls.Load()
	var changes int64
	var slowest, longest time.Duration
	for loaded := true; loaded; {
		n := calls.Load()
		begin := time.Now()
		update(t, other, 100)
		longest = max(longest, time.Since(begin))
		slowest = max(slowest, wantMore(t, calls, n))
		changes++
		select {
		case <-over:
			loaded = false
		default:
		}
	}
	if got := calls.Load() - first; got != changes {
		t.Errorf("got %d calls for %d changes", got, changes)
	}
	s := d.Stats()
	t.Logf("%d changes among %d commits of %d updates, the slowest noticed after %v; another program waits up to %v",
		changes, s.Commits-before.Commits, s.Updates-before.Updates, slowest, longest)
}

func TestWatchBegins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	migrated(t, "sqlite:"+path, own())
	d := open(t, "sqlite:"+path, own())
	other := open(t, "sqlite:"+path, own())
	update(t, d, 1)
	if calls := watched(t, d, poll); calls.Load() != 0 {
		t.Errorf("got %d calls, and nobody changed anything", calls.Load())
	}
	if err := d.Watch(t.Context(), poll, func() {}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second watch: got %v, want an error", err)
	}
	update(t, d, 1) // which other has not seen
	wantMore(t, watched(t, other, poll), 0)
	err := open(t, storetest.Postgres(t), own()).Watch(t.Context(), poll, func() {})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("on PostgreSQL: got %v, want %v", err, errors.ErrUnsupported)
	}
}

// TestALostConnectionCountsAsAChange: what was committed meanwhile, nobody knows.
func TestALostConnectionCountsAsAChange(t *testing.T) {
	d := sqliteDB(t)
	calls := watched(t, d, poll)
	n := calls.Load()
	if err := d.DropWriter(); err != nil {
		t.Fatal(err)
	}
	wantMore(t, calls, n)
	update(t, d, 1)
}

func TestAWatchedDatabaseCloses(t *testing.T) {
	d, err := store.Open(t.Context(), store.Options{URL: engines[store.SQLite](t), Model: own()})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- d.Watch(t.Context(), time.Millisecond, func() {}) }()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-done:
		if err == nil {
			t.Error("the watch of a closed database ends well")
		}
	case <-time.After(soon):
		t.Error("the watch of a closed database goes on")
	}
}

func BenchmarkLook(b *testing.B) {
	for _, mode := range []string{"wal", "delete"} {
		b.Run(mode, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "x.db")
			raw(b, "sqlite:"+path, append(djangoSpaUser[store.SQLite], "pragma journal_mode = "+mode)...)
			d := migrated(b, "sqlite:"+path, storetest.SpaUser())
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error)
			go func() { done <- d.Watch(ctx, time.Hour, func() {}) }()
			for !d.Watched() {
				time.Sleep(time.Millisecond)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Peek(ctx); err != nil {
					b.Fatal(err)
				}
			}
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
	}
}

// BenchmarkUpdate has one caller or many, who rotate sessions of their own.
func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			d := migrated(b, engines[store.SQLite](b), own())
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			insertSessions(b, d, callers)
			before := d.Stats()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			for id := range int64(callers) {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						if err := rotate(ctx, d, id+1); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.StopTimer()
			b.ReportMetric(float64(d.Stats().Commits-before.Commits)/float64(b.N), "commits/op")
		})
	}
}

func insertSessions(b *testing.B, d *store.DB, n int) {
	b.Helper()
	err := d.Update(b.Context(), func(w account.Writer) error {
		for id := range n {
			ses := account.Session{ID: int64(id) + 1, UserID: 1, Mount: "v1"}
			if _, err := w.InsertSession(b.Context(), &ses); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func rotate(ctx context.Context, d *store.DB, id int64) error {
	return d.View(ctx, func(r account.Reader) error {
		s, err := r.Session(ctx, id)
		if err != nil {
			return err
		}
		_, err = d.Rotate(ctx, id, s.Generation, moment, time.Time{})
		return err
	})
}
