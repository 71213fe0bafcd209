package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
	"doorward/internal/token"
)

// heard is what a follower was told.
type heard struct {
	mu      sync.Mutex
	changes []account.Change
	looks   int
	err     error // what the follower answers
}

func (h *heard) heed(_ context.Context, _ time.Time, changes []account.Change) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looks++
	h.changes = append(h.changes, changes...)
	return h.err
}

// take gives what was told since the last time.
func (h *heard) take() []account.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := h.changes
	h.changes = nil
	return told
}

// look waits until two looks more are over: the first of them may have begun before.
func (h *heard) look(t *testing.T) {
	t.Helper()
	count := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.looks
	}
	for first, begin := count(), time.Now(); count() < first+2; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*soon {
			t.Fatal("nobody looks at the feed")
		}
	}
}

// want waits for changes, of which there may be more than one of a kind.
func (h *heard) want(t *testing.T, what string, want ...account.Change) {
	t.Helper()
	var got []account.Change
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		got = append(got, h.take()...)
		if contains(got, want) {
			return
		}
		if time.Since(begin) > 10*soon {
			t.Fatalf("%s\ngot:  %v\nwant: %v", what, got, want)
		}
	}
}

func contains(all, some []account.Change) bool {
	for _, c := range some {
		if !slices.Contains(all, c) {
			return false
		}
	}
	return true
}

// following follows the feed of d until the test ends, and gives the error that Follow ends with.
func following(t *testing.T, d *store.DB, node string, every time.Duration) (*heard, <-chan error) {
	t.Helper()
	h := &heard{}
	ctx, cancel := context.WithCancel(context.Background())
	ended, over := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(over)
		ended <- d.Follow(ctx, store.Follower{Node: node, Every: every, Now: time.Now, Heed: h.heed})
	}()
	t.Cleanup(func() { cancel(); <-over })
	h.want(t, "at first", account.Change{})
	return h, ended
}

func feedDB(t *testing.T) (*store.DB, string) {
	t.Helper()
	url := storetest.Postgres(t)
	return migrated(t, url, own()), url
}

// inhabited has user 1 with the session 11 and user 2 with the session 12, and a signing key.
func inhabited(t *testing.T, d *store.DB) {
	t.Helper()
	ctx := t.Context()
	err := d.Update(ctx, func(w account.Writer) error {
		for n := int64(1); n <= 2; n++ {
			u := account.User{Email: fmt.Sprintf("u%d@example.com", n), Password: "!", IsActive: true, JWTSecret: [16]byte{1}, DateJoined: moment}
			ses := account.Session{ID: 10 + n, UserID: n, Mount: "m", Created: moment, Rotated: moment, Expires: time.Now().Add(time.Hour)}
			if _, err := w.InsertUser(ctx, &u); err != nil {
				return err
			}
			if _, err := w.InsertSession(ctx, &ses); err != nil {
				return err
			}
		}
		key := account.StoredKey{ID: "k", Sealed: []byte{1}, State: token.Active, Created: moment}
		return w.InsertSigningKey(ctx, &key)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatTheFeedTells makes every change that memory may hold otherwise, through the store and past it.
func TestWhatTheFeedTells(t *testing.T) {
	ctx := t.Context()
	user, session, anything := []account.Change{{User: 1}}, []account.Change{{Session: 11}}, []account.Change{{}}
	statement := func(text string) func(account.Writer) error {
		return func(w account.Writer) error { return store.Raw(ctx, w, text) }
	}
	for _, tt := range []struct {
		name string
		f    func(w account.Writer) error
		want []account.Change
	}{
		{"everything of a user is ended", func(w account.Writer) error { _, err := w.RaiseEpoch(ctx, 1, moment); return err }, user},
		{"an address and a flag", func(w account.Writer) error {
			return w.UpdateUser(ctx, &account.User{ID: 1, Email: "x@example.com"}, account.Email, account.IsActive)
		}, user},
		{"a sign-in stamps", func(w account.Writer) error {
			return w.UpdateUser(ctx, &account.User{ID: 1, LastLogin: moment}, account.LastLogin)
		}, user},
		{"a session ends, whose row goes soon", func(w account.Writer) error { _, err := w.EndSessionUntil(ctx, 11, moment, moment); return err }, session},
		{"a session ends", func(w account.Writer) error { _, err := w.EndSession(ctx, 11, moment); return err }, session},
		{"a user is deleted", func(w account.Writer) error { _, err := w.DeleteUser(ctx, 1); return err }, []account.Change{{User: 1}, {Session: 11}}},
		{"a key is moved", func(w account.Writer) error {
			_, err := w.MoveSigningKey(ctx, "k", token.Active, token.Retired, moment)
			return err
		}, anything},
		{"psql disables", statement(`update users set is_active = false where id = 1`), user},
		{"psql deletes a session", statement(`delete from sessions where id = 11`), session},
		{"psql deletes a state", statement(`insert into user_states values (1, 1, 0); delete from user_states where user_id = 1`), user},
		{"psql revokes a key", statement(`update signing_keys set state = 4`), anything},
		{"psql tells of anything", statement(`insert into feed default values`), anything},

		{"a sign-up", func(w account.Writer) error {
			id, err := w.InsertUser(ctx, &account.User{Email: "new@example.com", DateJoined: moment})
			if err != nil {
				return err
			}
			_, err = w.InsertSession(ctx, &account.Session{ID: 13, UserID: id, Created: moment, Rotated: moment, Expires: moment})
			return err
		}, nil},
		{"a refresh", func(w account.Writer) error { return store.Raw(ctx, w, store.RotateSession, 1, 11, 0) }, nil},
		{"a session is kept", func(w account.Writer) error { return w.KeepSession(ctx, 11, 1) }, nil},
		{"a session ends again", func(w account.Writer) error {
			if err := store.Raw(ctx, w, `update sessions set ended_at = 1 where id = 11; delete from feed`); err != nil {
				return err
			}
			_, err := w.EndSession(ctx, 11, moment)
			return err
		}, nil},
		{"what expired is swept", func(w account.Writer) error {
			if err := store.Raw(ctx, w, `update sessions set expires_at = 1`); err != nil {
				return err
			}
			_, err := w.Sweep(ctx, moment, 9)
			return err
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, url := feedDB(t)
			inhabited(t, d)
			h, _ := following(t, d, "here", 200*time.Millisecond)
			h.look(t)
			h.take()
			if err := simply(url, tt.f); err != nil {
				t.Fatal(err)
			}
			h.look(t)
			got := h.take()
			if len(got) != len(tt.want) || !contains(got, tt.want) {
				t.Errorf("got:  %v\nwant: %v", got, tt.want)
			}
		})
	}
}

// simply runs f in one transaction; its raw statements may be several in one text.
func simply(url string, f func(account.Writer) error) error {
	d, err := store.Open(context.Background(), store.Options{URL: url + "&default_query_exec_mode=exec", Model: own()})
	if err != nil {
		return err
	}
	return errors.Join(d.Update(context.Background(), f), d.Close())
}

// TestALateCommitIsNotLost holds a transaction open, which has written its row, while later ones
// are committed and seen: the order of numbers is not the order of commits.
func TestALateCommitIsNotLost(t *testing.T) {
	d, address := feedDB(t)
	inhabited(t, d)
	ctx := t.Context()
	h, _ := following(t, d, "here", 50*time.Millisecond)
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for round := range 3 {
		run := func(text string) {
			t.Helper()
			if _, err := conn.Exec(ctx, text); err != nil {
				t.Fatal(err)
			}
		}
		run(`begin`)
		run(`update users set is_active = not is_active where id = 1`)
		for range 3 {
			update(t, d, 2)
			h.want(t, "a later one", account.Change{User: 2})
		}
		h.look(t)
		if got := h.take(); slices.Contains(got, account.Change{User: 1}) {
			t.Fatalf("round %d: told of what is not committed: %v", round, got)
		}
		run(`commit`)
		h.want(t, "the one that was late", account.Change{User: 1})
		h.look(t)
		h.look(t)
		if got := h.take(); len(got) != 0 {
			t.Errorf("round %d: told again\ngot:  %v\nwant: nothing", round, got)
		}
	}
}

// TestARevocationWakes never looks by itself.
func TestARevocationWakes(t *testing.T) {
	d, _ := feedDB(t)
	inhabited(t, d)
	h, _ := following(t, d, "here", time.Hour)
	for range 5 {
		update(t, d, 1)
		h.want(t, "a revocation", account.Change{User: 1})
	}
	err := d.Update(t.Context(), func(w account.Writer) error { _, err := w.EndSession(t.Context(), 11, moment); return err })
	if err != nil {
		t.Fatal(err)
	}
	h.want(t, "the end of a session", account.Change{Session: 11})
}

// TestAFloodIsForgettingEverything has more changes than are told one by one.
func TestAFloodIsForgettingEverything(t *testing.T) {
	d, url := feedDB(t)
	h, _ := following(t, d, "here", time.Hour)
	raw(t, url, `insert into user_states select n, 1, 0 from generate_series(1, 1500) n`)
	h.want(t, "1500 at once", account.Change{})
	if got := h.take(); len(got) > 0 {
		t.Errorf("got %d changes more, want none", len(got))
	}
	update(t, d, 7)
	h.want(t, "one after them", account.Change{User: 7})
}

func TestFollowingEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, url string, h *heard)
	}{
		{"with its connection", func(t *testing.T, url string, _ *heard) {
			raw(t, url, `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()`)
		}},
		{"when it is struck off", func(t *testing.T, url string, _ *heard) { raw(t, url, `delete from nodes`) }},
		{"when nobody heeds it", func(_ *testing.T, _ string, h *heard) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.err = errors.New("no")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, url := feedDB(t)
			h, ended := following(t, d, "here", 150*time.Millisecond)
			h.look(t)
			tt.end(t, url, h)
			select {
			case err := <-ended:
				if err == nil {
					t.Error("it ends well")
				}
			case <-time.After(10 * soon):
				t.Fatal("it goes on")
			}
			h.mu.Lock()
			h.err = nil
			h.mu.Unlock()
			h, _ = following(t, d, "here", time.Hour)
			raw(t, url, `insert into user_states values (1, 1, 0)`)
			h.want(t, "after it began anew", account.Change{User: 1})
		})
	}
	t.Run("with its context, and leaves nothing", func(t *testing.T) {
		d, url := feedDB(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		h := &heard{}
		go func() {
			ended <- d.Follow(ctx, store.Follower{Node: "here", Every: time.Hour, Now: time.Now, Heed: h.heed})
		}()
		h.want(t, "at first", account.Change{})
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("got %v, want nil", err)
		}
		if n := number(t, url, `select count(*) from nodes`); n != 0 {
			t.Errorf("got %d nodes, want none", n)
		}
	})
	t.Run("on SQLite, at once", func(t *testing.T) {
		d := migrated(t, engines[store.SQLite](t), own())
		_, unheard := d.Unheard(t.Context(), 1)
		_, sweep := d.SweepFeed(t.Context(), 1)
		for _, err := range []error{d.Follow(t.Context(), store.Follower{}), unheard, sweep} {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("got %v, want %v", err, errors.ErrUnsupported)
			}
		}
	})
}

func number(t *testing.T, url, text string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), text).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWhoHasHeard has a node that is deaf, one that follows and one that is dead.
func TestWhoHasHeard(t *testing.T) {
	d, url := feedDB(t)
	unheard := func(want int) {
		t.Helper()
		var got int
		var err error
		for begin := time.Now(); time.Since(begin) < 10*soon; time.Sleep(time.Millisecond) {
			if got, err = d.Unheard(t.Context(), 1); err != nil || got == want {
				break
			}
		}
		if err != nil || got != want {
			t.Errorf("got:  %d %v\nwant: %d", got, err, want)
		}
	}
	unheard(0)
	following(t, d, "here", time.Hour)
	raw(t, url, `insert into nodes (instance, seen) values ('deaf', pg_current_snapshot())`,
		`insert into nodes (instance, seen, at) values ('dead', pg_current_snapshot(), 1)`)
	update(t, d, 2)
	unheard(0)
	update(t, d, 1)
	unheard(1)
	raw(t, url, `update nodes set seen = pg_current_snapshot() where instance = 'deaf'`)
	unheard(0)
}

func TestSweepingTheFeed(t *testing.T) {
	d, url := feedDB(t)
	sweep := func(limit int, want int64) {
		t.Helper()
		if got, err := d.SweepFeed(t.Context(), limit); err != nil || got != want {
			t.Errorf("got:  %d %v\nwant: %d", got, err, want)
		}
	}
	const ago = `extract(epoch from clock_timestamp()) * 1000000 - `
	raw(t, url, `delete from feed`,
		`insert into feed (user_id, at) select n, `+ago+`3700e6 from generate_series(1, 3) n`,
		`insert into feed (user_id, at) values (4, `+ago+`3500e6)`)
	raw(t, url, `insert into nodes (instance, seen) values ('here', pg_current_snapshot())`,
		`insert into nodes (instance, seen, at) values ('late', pg_current_snapshot(), `+ago+`500e6), ('gone', pg_current_snapshot(), `+ago+`700e6)`)
	sweep(2, 2)
	sweep(2, 1)
	sweep(2, 0)
	if n := number(t, url, `select count(*) from nodes`); n != 2 {
		t.Errorf("got %d nodes, want those that are not gone: 2", n)
	}
	raw(t, url, `delete from nodes`, `insert into feed (user_id, at) values (5, `+ago+`3700e6), (6, `+ago+`0)`)
	sweep(2, 1)
	if n := number(t, url, `select count(*) from feed`); n != 2 {
		t.Errorf("got %d rows, want those that are young: 2", n)
	}
}

// TestTriggersFindTheirTables writes from a session that looks for tables elsewhere.
func TestTriggersFindTheirTables(t *testing.T) {
	base := storetest.Postgres(t)
	raw(t, base, `create schema ours`)
	d := migrated(t, base+"&search_path="+url.QueryEscape("ours"), own())
	inhabited(t, d)
	h, _ := following(t, d, "here", time.Hour)
	raw(t, base, `update ours.users set is_active = false where id = 1`)
	h.want(t, "a change by its full name", account.Change{User: 1})
}
