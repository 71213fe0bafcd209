package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

func TestWhatIsAnOutage(t *testing.T) {
	code := func(c string) error { return fmt.Errorf("insert a user: %w", &pgconn.PgError{Code: c}) }
	dial := func(e error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", e)}
	}
	for _, tt := range []struct {
		name       string
		err        error
		away, lost bool
	}{
		{"an administrator ends the session", code("57P01"), true, true},
		{"a crash of another session ends it", code("57P02"), true, true},
		{"the server is starting", code("57P03"), true, true},
		{"a time-out of the server's", code("57014"), true, false},
		{"too many connections", code("53300"), true, false},
		{"its disk is full", code("53100"), true, false},
		{"a standby", code("25006"), true, false},
		{"an error of its disk", code("58030"), true, false},
		{"a value is taken", code("23505"), false, false},
		{"a statement that is wrong", code("42601"), false, false},
		{"a column that is not there", code("42703"), false, false},
		{"a code that is none", code("5"), false, false},
		{"nobody listens", dial(syscall.ECONNREFUSED), true, false},
		{"no way there", dial(syscall.EHOSTUNREACH), true, false},
		{"no file handles", dial(syscall.EMFILE), true, false},
		{"a reset", dial(syscall.ECONNRESET), true, true},
		{"an end in the middle", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true, true},
		{"closed by us", net.ErrClosed, true, true},
		{"it takes too long", context.DeadlineExceeded, true, false},
		{"an error of ours", errWanted, false, false},
		{"no row", account.ErrNotFound, false, false},
	} {
		if away, lost := store.Judged(store.PostgreSQL, tt.err); away != tt.away || lost != tt.lost {
			t.Errorf("%s (%v)\ngot:  away %t, lost %t\nwant: away %t, lost %t", tt.name, tt.err, away, lost, tt.away, tt.lost)
		}
	}
}

// logged opens a migrated database that logs.
func logged(t *testing.T, url string) (*store.DB, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	d, err := store.Open(t.Context(), store.Options{
		URL: url, Model: own(), Patience: time.Minute, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return d, log
}

// pages lets the file of a database grow to so many pages, and no further than it is with 1.
func pages(t *testing.T, d *store.DB, most int) {
	t.Helper()
	err := d.OnWriter(func(conn any) error {
		return exec1(conn, fmt.Sprintf("pragma max_page_count = %d", most))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAFullDatabase fills an SQLite file under several writers at once, and gives it room again.
func TestAFullDatabase(t *testing.T) {
	ctx := t.Context()
	d, log := logged(t, engines[store.SQLite](t))
	add := func(n int) error {
		return d.Update(ctx, func(w account.Writer) error {
			_, err := w.InsertUser(ctx, &account.User{
				Email: fmt.Sprintf("u%d@example.com", n), Password: strings.Repeat("x", 120), JWTSecret: account.NewJWTSecret(),
			})
			return err
		})
	}
	pages(t, d, 1)
	var mu sync.Mutex
	kept := map[int]bool{}
	var all sync.WaitGroup
	for writer := range 8 {
		all.Go(func() {
			for i := range 40 {
				n := writer*1000 + i
				err := add(n)
				var away *account.UnavailableError
				if err != nil && (!errors.As(err, &away) || away.Unknown || !errors.Is(err, account.Unavailable)) {
					t.Errorf("insert into a full database: got %v, want that it is not available, and known", err)
				}
				mu.Lock()
				kept[n] = err == nil
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := d.Ping(ctx); err == nil {
		t.Error("ping of a database that cannot be written: got nil, want an error")
	}
	pages(t, d, 1<<30)
	if err := errors.Join(d.Ping(ctx), add(-1)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	full := 0
	for n, was := range kept {
		err := d.View(ctx, func(r account.Reader) error {
			_, err := r.UserByLogin(ctx, account.Email, fmt.Sprintf("u%d@example.com", n), false)
			return err
		})
		if was && err != nil || !was && !errors.Is(err, account.ErrNotFound) {
			t.Errorf("user %d, kept %t: got %v", n, was, err)
		}
		if !was {
			full++
		}
	}
	if full == 0 {
		t.Error("the database was never full")
	}
	if n := strings.Count(log.String(), "the database cannot be written"); n != 1 {
		t.Errorf("the log tells of the outage\ngot:  %d times\nwant: once\n%s", n, log)
	}
}

// TestDeadConnections ends all sessions of a pool: nobody who asks next hears of it.
func TestDeadConnections(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	url := storetest.Postgres(t)
	d, log := logged(t, url)
	var id int64
	err := d.Update(ctx, func(w account.Writer) (err error) {
		id, err = w.InsertUser(ctx, &account.User{Email: "ann@example.com", JWTSecret: account.NewJWTSecret()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		return d.View(ctx, func(r account.Reader) error { _, err := r.User(ctx, id); return err })
	}
	write := raise(id)
	asking := func(n int, what string, f func() error) {
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				if err := f(); err != nil {
					t.Errorf("%s right after all connections died: %v", what, err)
				}
			})
		}
		all.Wait()
	}
	for _, tt := range []struct {
		what string
		f    func() error
	}{
		{"a read", read},
		{"a single statement", func() error { _, err := d.Rotate(ctx, 1, 0, moment, moment); return err }},
		{"a write", func() error { return d.Update(ctx, func(w account.Writer) error { return write.f(ctx, w) }) }},
	} {
		fill(t, d, 8)
		fill(t, d, 8) // connections that were used a moment ago are not asked whether they live
		endSessions(t, url)
		asking(4, tt.what, tt.f)
	}
	if log.Len() > 0 {
		t.Errorf("what nobody noticed was logged: %s", log)
	}
}

// fill makes a pool open n connections.
func fill(t *testing.T, d *store.DB, n int) {
	t.Helper()
	for range n {
		conn, err := d.Pool().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
}

// endSessions ends every other session of a database, as an administrator does.
func endSessions(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for first, left := true, 1; left > 0; first = false {
		err := conn.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`).Scan(&left)
		if err != nil || first && left < 4 {
			t.Fatalf("end all sessions: %d there, %v", left, err)
		}
	}
}
