package store_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modernc.org/sqlite"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

var (
	errWanted = errors.New("wanted by the test")
	moment    = time.Unix(1790000000, 0)
)

// sqliteDB is a migrated database on SQLite, with batches that a slow machine does not cut short.
func sqliteDB(t testing.TB) *store.DB {
	d := migrated(t, engines[store.SQLite](t), own())
	d.BatchTime(time.Minute)
	return d
}

// member is one who updates.
type member struct {
	ctx  context.Context // nil: one that never ends
	f    func(ctx context.Context, w account.Writer) error
	once string // a statement, in the place of f
}

// raise is a member who raises the epoch of a user.
func raise(id int64) member {
	return member{f: func(ctx context.Context, w account.Writer) error {
		_, err := w.RaiseEpoch(ctx, id, moment)
		return err
	}}
}

// then lets a member do something more.
func (m member) then(f func(ctx context.Context, w account.Writer) error) member {
	return member{ctx: m.ctx, f: func(ctx context.Context, w account.Writer) error {
		if err := m.f(ctx, w); err != nil {
			return err
		}
		return f(ctx, w)
	}}
}

// waiting is members in the queue, who will be one batch.
type waiting struct {
	release  func()
	all      sync.WaitGroup
	ended    atomic.Int64 // how many have their outcome
	outcomes []string
}

// wait gives what each member ended with: his error, or the value of a panic.
func (w *waiting) wait() []string {
	w.all.Wait()
	return w.outcomes
}

// start queues members in their order behind one who holds them up until he is released.
func start(t *testing.T, d *store.DB, members ...member) *waiting {
	t.Helper()
	ctx := context.Background()
	holding, free := make(chan struct{}), make(chan struct{})
	w := &waiting{release: sync.OnceFunc(func() { close(free) }), outcomes: make([]string, len(members))}
	w.all.Go(func() {
		err := d.Update(ctx, func(account.Writer) error {
			close(holding)
			<-free
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-holding
	for i, m := range members {
		if m.ctx == nil {
			m.ctx = ctx
		}
		w.all.Go(func() {
			w.outcomes[i] = "goexit"
			defer func() {
				if v := recover(); v != nil {
					w.outcomes[i] = fmt.Sprint("panic: ", v)
				}
				w.ended.Add(1)
			}()
			if m.once != "" {
				w.outcomes[i] = fmt.Sprint(d.Once(m.ctx, m.once))
				return
			}
			w.outcomes[i] = fmt.Sprint(d.Update(m.ctx, func(w account.Writer) error { return m.f(m.ctx, w) }))
		})
		for d.Queued() <= i {
			runtime.Gosched()
		}
	}
	return w
}

// together runs members in one batch.
func together(t *testing.T, d *store.DB, members ...member) []string {
	t.Helper()
	w := start(t, d, members...)
	w.release()
	return w.wait()
}

func epoch(t *testing.T, d *store.DB, id int64) (n uint32) {
	t.Helper()
	err := d.Pool().QueryRow(`select coalesce(max(epoch), 0) from user_states where user_id = $1`, id).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func wantEpochs(t *testing.T, d *store.DB, want ...uint32) {
	t.Helper()
	var got []uint32
	for i := range want {
		got = append(got, epoch(t, d, int64(i+1)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("epochs of users 1…: got %v, want %v", got, want)
	}
}

func wantCommits(t *testing.T, d *store.DB, before store.Stats, commits, updates int64) {
	t.Helper()
	after := d.Stats()
	if got := after.Commits - before.Commits; got != commits {
		t.Errorf("commits: got %d, want %d", got, commits)
	}
	if got := after.Updates - before.Updates; got != updates {
		t.Errorf("updates that ended well: got %d, want %d", got, updates)
	}
}

func TestNeighboursSurviveAFailure(t *testing.T) {
	fail := func(context.Context, account.Writer) error { return errWanted }
	for name, tt := range map[string]struct {
		bad  member
		want string
	}{
		"an error":  {raise(2).then(fail), errWanted.Error()},
		"a panic":   {raise(2).then(func(context.Context, account.Writer) error { panic("help") }), "panic: help"},
		"an exit":   {raise(2).then(func(context.Context, account.Writer) error { runtime.Goexit(); return nil }), "goexit"},
		"no change": {member{f: fail}, errWanted.Error()},
		"a statement": {raise(2).then(func(ctx context.Context, w account.Writer) error {
			return store.Raw(ctx, w, `insert into sessions (id) values (1)`)
		}), "NOT NULL constraint failed"},
		"a statement, and nothing said": {raise(2).then(func(ctx context.Context, w account.Writer) error {
			_ = store.Raw(ctx, w, `insert into sessions (id) values (1)`)
			return nil
		}), "NOT NULL constraint failed"},
		"a transaction ended by itself": {raise(2).then(func(ctx context.Context, w account.Writer) error {
			return errors.Join(store.Raw(ctx, w, `insert into sessions (id) values (1)`), w.KeepSession(ctx, 1, 2))
		}), "NOT NULL constraint failed"},
	} {
		for place := range 3 { // first, in the middle, last
			t.Run(fmt.Sprintf("%s, place %d", name, place+1), func(t *testing.T) {
				t.Parallel()
				d := sqliteDB(t)
				members := slices.Insert([]member{raise(1), raise(3)}, place, tt.bad)
				before := d.Stats()
				for i, got := range together(t, d, members...) {
					want := "<nil>"
					if i == place {
						want = tt.want
					}
					if !strings.Contains(got, want) {
						t.Errorf("member %d: got %q, want %q", i+1, got, want)
					}
				}
				wantEpochs(t, d, 1, 0, 1)
				wantCommits(t, d, before, 2, 3) // one is that of who held them up
			})
		}
	}
}

// TestOneStatementInABatch has a member who runs a statement without a savepoint.
func TestOneStatementInABatch(t *testing.T) {
	const good = `insert into user_states (user_id, epoch, signed_out_at) values (2, 1, 1)`
	for name, tt := range map[string]struct {
		one     member
		full    bool // the file may not grow
		want    string
		epoch   uint32
		commits int64 // with that of who holds them up; 0: as they come
	}{
		"that goes well":        {one: member{once: good}, want: "<nil>", epoch: 1, commits: 2},
		"that fails":            {one: member{once: `insert into sessions (id) values (1)`}, want: "NOT NULL constraint failed"},
		"that fails half-way":   {one: member{once: `insert into user_states (user_id, epoch, signed_out_at) values (2, 1, 1), (2, 1, 1)`}, want: "constraint failed"},
		"that undoes the batch": {one: member{once: `insert into meta (key, value) values ('big', hex(zeroblob(200000)))`}, full: true, want: "full"},
	} {
		for place := range 3 {
			t.Run(fmt.Sprintf("%s, place %d", name, place+1), func(t *testing.T) {
				t.Parallel()
				d := sqliteDB(t)
				if tt.full {
					together(t, d, raise(1), raise(3)) // their rows are there
					pages(t, d, 1)
				}
				before := d.Stats()
				got := together(t, d, slices.Insert([]member{raise(1), raise(3)}, place, tt.one)...)
				for i, want := range slices.Insert([]string{"<nil>", "<nil>"}, place, tt.want) {
					if !strings.Contains(got[i], want) {
						t.Errorf("member %d: got %q, want %q", i+1, got[i], want)
					}
				}
				raised := uint32(1)
				if tt.full {
					raised = 2
				}
				wantEpochs(t, d, raised, tt.epoch, raised)
				if got := d.Stats().Commits - before.Commits; tt.commits != 0 && got != tt.commits {
					t.Errorf("commits: got %d, want %d", got, tt.commits)
				}
			})
		}
	}
}

func TestAFailedCommitFailsAll(t *testing.T) {
	d := sqliteDB(t)
	ann := account.User{Email: "ann@example.com", DateJoined: moment}
	insert := member{f: func(ctx context.Context, w account.Writer) error {
		u := ann
		_, err := w.InsertUser(ctx, &u)
		return err
	}}
	own := member{f: func(context.Context, account.Writer) error { return errWanted }}
	refuse := atomic.Bool{}
	hook := func(answer func() int32) {
		t.Helper()
		err := d.OnWriter(func(conn any) error {
			conn.(sqlite.HookRegisterer).RegisterCommitHook(answer)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	hook(func() int32 {
		if refuse.Load() {
			return 1
		}
		return 0
	})
	crowd := start(t, d, member{f: func(context.Context, account.Writer) error {
		refuse.Store(true)
		return nil
	}}, insert, insert, own, raise(7))
	crowd.release()
	for i, got := range crowd.wait() {
		if !strings.HasPrefix(got, "commit: ") || strings.Contains(got, "taken") || strings.Contains(got, "wanted") {
			t.Errorf("member %d: got %q, want the failure of the commit and nothing else", i+1, got)
		}
	}
	if n := epoch(t, d, 7); n != 0 {
		t.Errorf("epoch: got %d, want 0", n)
	}
	refuse.Store(false)
	got := together(t, d, insert, insert, own, raise(7))
	if got[0] != "<nil>" || !strings.Contains(got[1], "taken") || got[2] != errWanted.Error() || got[3] != "<nil>" {
		t.Errorf("afterwards: got %q", got)
	}
	hook(nil)
}

// TestATransactionLostToAFullDisk has one member who makes SQLite undo everything.
func TestATransactionLostToAFullDisk(t *testing.T) {
	for place := range 3 {
		t.Run(fmt.Sprint("place ", place+1), func(t *testing.T) {
			t.Parallel()
			d := sqliteDB(t)
			for _, got := range together(t, d, raise(1), raise(3)) {
				if got != "<nil>" {
					t.Fatal(got)
				}
			}
			ctx := t.Context()
			var runs atomic.Int64
			full := raise(2).then(func(ctx context.Context, w account.Writer) error {
				return store.Raw(ctx, w, `insert into meta (key, value) values ('big', hex(zeroblob(200000)))`)
			})
			counted := func(m member) member {
				return m.then(func(context.Context, account.Writer) error { runs.Add(1); return nil })
			}
			err := d.Update(ctx, func(w account.Writer) error { return store.Raw(ctx, w, `pragma max_page_count = 1`) })
			if err != nil {
				t.Fatal(err)
			}
			before := d.Stats()
			members := slices.Insert([]member{counted(raise(1)), counted(raise(3))}, place, full)
			for i, got := range together(t, d, members...) {
				if ok := got == "<nil>"; ok == (i == place) || i == place && !strings.Contains(got, "full") {
					t.Errorf("member %d: got %q", i+1, got)
				}
			}
			wantEpochs(t, d, 2, 0, 2)
			if got, want := runs.Load(), int64(2+place); got != want {
				t.Errorf("the neighbours ran %d times, want %d", got, want)
			}
			t.Logf("%d commits", d.Stats().Commits-before.Commits)
		})
	}
}

// TestADeferredReferenceFailsItsOwner has one member whose change SQLite refuses only at the commit.
func TestADeferredReferenceFailsItsOwner(t *testing.T) {
	for place := range 3 {
		path := filepath.Join(t.TempDir(), "x.db")
		raw(t, "sqlite:"+path, djangoSpaUser[store.SQLite]...)
		d := migrated(t, "sqlite:"+path, storetest.SpaUser())
		bad := raise(2).then(func(ctx context.Context, w account.Writer) error {
			_, err := w.DeleteUser(ctx, 7)
			return err
		})
		for i, got := range together(t, d, slices.Insert([]member{raise(1), raise(3)}, place, bad)...) {
			if ok := got == "<nil>"; ok == (i == place) || i == place && !strings.Contains(got, "FOREIGN KEY") {
				t.Errorf("place %d, member %d: got %q", place+1, i+1, got)
			}
		}
		wantEpochs(t, d, 1, 0, 1)
	}
}

func TestContextsOfABatch(t *testing.T) {
	d := sqliteDB(t)
	queued, leave := context.WithCancel(t.Context())
	ran, ranCancel := context.WithCancel(t.Context())
	late, lateCancel := context.WithCancel(t.Context())
	gone := raise(2)
	gone.ctx = queued
	cancelled := member{ctx: ran, f: func(ctx context.Context, w account.Writer) error {
		_, err := w.RaiseEpoch(ctx, 3, moment)
		ranCancel()
		return err
	}}
	after := raise(4)
	after.ctx = late
	last := raise(5).then(func(context.Context, account.Writer) error { lateCancel(); return nil })
	members := []member{raise(1), gone, cancelled, after, last}
	before := d.Stats()
	crowd := start(t, d, members...)
	leave()
	for d.Queued() == len(members) {
		runtime.Gosched() // he leaves while the writer is still held up
	}
	crowd.release()
	want := []string{"<nil>", "begin a transaction: context canceled", "context canceled", "<nil>", "<nil>"}
	if got := crowd.wait(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	wantEpochs(t, d, 1, 0, 0, 1, 1)
	wantCommits(t, d, before, 2, 4)
}

// TestWhoIsGoneNeverRuns ends a context just before its turn comes.
func TestWhoIsGoneNeverRuns(t *testing.T) {
	d := sqliteDB(t)
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		ran := false
		gone := member{ctx: ctx, f: func(context.Context, account.Writer) error { ran = true; return nil }}
		one := member{ctx: ctx, once: `insert into user_states (user_id, epoch, signed_out_at) values (2, 1, 1)`}
		got := together(t, d, raise(1).then(func(context.Context, account.Writer) error { cancel(); return nil }), gone, one)
		if ran || got[0] != "<nil>" || !strings.Contains(got[1], context.Canceled.Error()) || !strings.Contains(got[2], context.Canceled.Error()) {
			t.Fatalf("ran %v, got %q, want them left alone and cancelled", ran, got)
		}
	}
	wantEpochs(t, d, 100, 0)
}

func TestFirstComeFirstServed(t *testing.T) {
	d := sqliteDB(t)
	var order []int
	var members []member
	for n := range 100 {
		members = append(members, raise(1).then(func(context.Context, account.Writer) error {
			order = append(order, n) // nobody else runs
			return nil
		}))
	}
	before := d.Stats()
	crowd := start(t, d, members...)
	crowd.release()
	for _, got := range crowd.wait() {
		if got != "<nil>" {
			t.Error(got)
		}
	}
	if len(order) != 100 || !slices.IsSorted(order) {
		t.Errorf("got order %v", order)
	}
	wantEpochs(t, d, 100)
	if got := d.Stats().Commits - before.Commits; got < 3 { // his who held them up, 64 and 36
		t.Errorf("got %d commits, want 3: a batch has at most 64 members", got)
	}
}

func TestABatchIsBoundedInTime(t *testing.T) {
	d := sqliteDB(t)
	d.BatchTime(5 * time.Millisecond)
	slow := raise(1).then(func(context.Context, account.Writer) error { time.Sleep(6 * time.Millisecond); return nil })
	before := d.Stats()
	together(t, d, slow, slow, slow)
	wantCommits(t, d, before, 4, 4)
}

// TestNobodyHearsBeforeTheCommit holds up the last of a batch.
func TestNobodyHearsBeforeTheCommit(t *testing.T) {
	d := sqliteDB(t)
	holding, free := make(chan struct{}), make(chan struct{})
	crowd := start(t, d, raise(1), raise(1).then(func(context.Context, account.Writer) error { return errWanted }),
		raise(1).then(func(ctx context.Context, w account.Writer) error {
			close(holding)
			<-free
			return nil
		}))
	crowd.release()
	<-holding
	time.Sleep(20 * time.Millisecond) // what is wrong has time to show
	if n := epoch(t, d, 1); n != 0 {
		t.Errorf("a reader sees epoch %d before the commit", n)
	}
	if n := crowd.ended.Load(); n != 0 {
		t.Errorf("%d of the batch have their outcome before the commit", n)
	}
	close(free)
	if got := crowd.wait(); got[0] != "<nil>" || got[1] != errWanted.Error() || got[2] != "<nil>" {
		t.Errorf("got %q", got)
	}
	wantEpochs(t, d, 2)
}

func TestManyShareFewCommits(t *testing.T) {
	d := sqliteDB(t)
	before := d.Stats()
	var all sync.WaitGroup
	for n := range 256 {
		all.Go(func() {
			m := raise(int64(n))
			if err := d.Update(t.Context(), func(w account.Writer) error { return m.f(t.Context(), w) }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := d.Stats()
	if commits, updates := s.Commits-before.Commits, s.Updates-before.Updates; updates != 256 || commits > 64 {
		t.Errorf("got %d commits for %d updates, want at most 64 for 256", commits, updates)
	} else {
		t.Logf("%d commits for %d updates", commits, updates)
	}
	if s.WALBytes == 0 || s.Open == 0 || s.InUse != 0 {
		t.Errorf("got %+v, want a -wal file and connections that are idle", s)
	}
	before = d.Stats()
	for range 10 {
		if err := d.Update(t.Context(), func(w account.Writer) error { return raise(1).f(t.Context(), w) }); err != nil {
			t.Fatal(err)
		}
	}
	wantCommits(t, d, before, 10, 10)
}

func TestACloseWaitsAndEndsWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path, Model: own()})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	crowd := start(t, d, raise(1), raise(2))
	closed := make(chan error)
	go func() { closed <- d.Close() }()
	for d.Queued() < 3 {
		runtime.Gosched()
	}
	crowd.release()
	if got := crowd.wait(); got[0] != "<nil>" || got[1] != "<nil>" {
		t.Errorf("who came before: got %q", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := d.Update(t.Context(), func(account.Writer) error { return nil }); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("who comes after: got %v, want an error", err)
	}
	again := open(t, "sqlite:"+path, own())
	wantEpochs(t, again, 1, 1)
}

// exec1 runs a statement on a connection of the driver.
func exec1(conn any, text string) error {
	_, err := conn.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return err
}
