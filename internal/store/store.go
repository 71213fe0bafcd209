// Package store keeps users, sessions and keys in SQLite or PostgreSQL. It owns all SQL, one text
// for both engines, and the schema; it holds no rules: what may be done is account's to say.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doorward/internal/account"
)

// Engine is the kind of database.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// Options say which database to open, and how.
type Options struct {
	// URL is sqlite:PATH or postgres://….
	URL string
	// Model is the user model that the statements are compiled from. It must not change afterwards.
	Model *account.Model
	// SwitchToWAL lets an existing SQLite file of Django's change its journal mode, as its owner agreed to.
	SwitchToWAL bool
	// Name is how PostgreSQL lists the connections; "": as the URL says, or "doorward".
	Name string
	// Migrates says that the caller calls Migrate before anything else: that looks at the tables, and Open does not.
	Migrates bool
	// NoBackup lets Migrate make no backup of an SQLite file.
	NoBackup bool
	// Patience is for tests that load a slow machine; 0: Patience.
	Patience time.Duration
	// Log hears when the database goes away and when it is back; nil: nobody.
	Log *slog.Logger
}

// DB is an open database. Its methods may be called from several goroutines.
type DB struct {
	engine   engine
	path     string      // of the SQLite file, absolute
	file     os.FileInfo // the file that was opened
	noBackup bool        // before a migration
	read     *sql.DB     // PostgreSQL: read and write
	reads    runner
	writer   *writer // SQLite only
	follow   *sql.DB // PostgreSQL only: a new connection each time, for one who follows
	compiled atomic.Pointer[compiled]
	updates  atomic.Int64 // that ended well

	opened           time.Time
	patience         time.Duration // 0: a statement may take as long as its context lets it
	turns, callers   chan struct{} // of Updates, and of ViewInTurn, on PostgreSQL
	reading, writing outage
	generation       atomic.Uint64 // of connections: those of an older one are thrown away
	suspected        atomic.Int64  // the age at which the generation was raised last
	answered         atomic.Int64  // the age at which a statement went well last, on PostgreSQL

	backlog backlog
	texts   sync.Map // every statement text that ran; tests look at their plans
}

// Open opens a database; an SQLite file that is missing is made, empty, with mode 0600. It
// migrates nothing. A column that the model names and an existing table lacks is a *MissingColumnError.
func Open(ctx context.Context, o Options) (*DB, error) {
	if err := checkModel(o.Model); err != nil {
		return nil, err
	}
	d := &DB{noBackup: o.NoBackup, opened: time.Now(), reading: outage{log: o.Log, what: "read"}, writing: outage{log: o.Log, what: "written"}}
	var err error
	switch scheme, rest, _ := strings.Cut(o.URL, ":"); scheme {
	case "sqlite":
		err = d.openSQLite(ctx, rest, &o)
	case "postgres", "postgresql":
		err = d.openPostgres(ctx, &o)
	default:
		return nil, errors.New("the database URL is neither sqlite:PATH nor postgres://…")
	}
	if err != nil {
		return nil, err
	}
	if o.Migrates {
		d.compiled.Store(&compiled{model: o.Model})
		return d, nil
	}
	if err := d.compile(ctx, o.Model); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close waits for a running Update and closes every connection.
func (d *DB) Close() error {
	var err error
	if d.writer != nil {
		err = d.writer.close()
	}
	if d.follow != nil {
		err = d.follow.Close()
	}
	return errors.Join(err, d.read.Close())
}

// Engine is the kind of the database.
func (d *DB) Engine() Engine { return d.engine.name }

// Model is the user model that the statements were compiled from.
func (d *DB) Model() *account.Model { return d.compiled.Load().model }

// View reads, each statement by itself: it sees what is committed when it runs.
func (d *DB) View(_ context.Context, f func(account.Reader) error) error {
	return f(d.queries(d.reads))
}

// ViewInTurn is View, on PostgreSQL on few of the connections.
func (d *DB) ViewInTurn(ctx context.Context, f func(account.Reader) error) error {
	if d.callers != nil {
		if err := d.turn(ctx, d.callers); err != nil {
			return err
		}
		defer func() { <-d.callers }()
	}
	return d.View(ctx, f)
}

// tries is how often Update runs f when the database asks for it again.
const tries = 6

// Update runs f in one transaction, durable once Update returns nil. It is the only door to
// writing. Any error undoes everything, also one that f did not pass on. f may run again after a
// serialisation failure, a deadlock, or the loss of its connection before the commit. While the
// database is away the error is an *account.UnavailableError, which says so where the answer to a
// commit was lost.
//
// On SQLite one f runs at a time, in the order of the calls, and Updates that come at once share
// one commit: f may see what a neighbour has changed and not yet committed. Each is undone alone,
// and nobody gets an answer, or his own error, before that commit. Where it fails, all get its fault.
func (d *DB) Update(ctx context.Context, f func(account.Writer) error) error {
	return d.write(ctx, func(ctx context.Context, until time.Time) (bool, error) { return d.update(ctx, until, f) })
}

// write runs f, which begins and ends a transaction, until it ends well or there is no sense in trying again.
func (d *DB) write(ctx context.Context, f func(ctx context.Context, until time.Time) (again bool, err error)) error {
	until := d.until()
	if d.turns != nil {
		if err := d.turn(ctx, d.turns); err != nil {
			return err
		}
		defer func() { <-d.turns }()
	}
	for attempt := 1; ; attempt++ {
		again, err := f(ctx, until)
		if err == nil {
			d.updates.Add(1)
			d.worked(&d.writing)
			return nil
		}
		if !again || attempt == tries || !until.IsZero() && !time.Now().Before(until) {
			return d.judge(ctx, err, true)
		}
		if d.engine.lost(err) {
			d.suspect()
		}
		if pause(ctx, time.Duration(attempt)*5*time.Millisecond) != nil {
			return err
		}
	}
}

// update runs f once, and reports whether the failure is one to try again after.
func (d *DB) update(ctx context.Context, until time.Time, f func(account.Writer) error) (again bool, err error) {
	bounded, cancel := bound(ctx, until)
	defer cancel()
	tx, err := d.begin(bounded)
	if err != nil {
		return d.repeatable(err), fmt.Errorf("begin a transaction: %w", err)
	}
	q := d.queries(tx)
	q.writing, q.until = true, until
	open := true
	defer func() {
		if !open {
			return
		}
		q.failed = errOver
		if fault := tx.Rollback(); fault != nil {
			again, err = d.fault(q, fault)
		}
	}()
	err = f(q)
	if q.failed != nil { // the same on both engines: after a failure there is nothing to commit
		again = d.repeatable(q.failed)
		if err == nil {
			err = q.failed
		}
		return again, err
	}
	if err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	open, q.failed = false, errOver // before the connection is another's
	if err := tx.Commit(); err != nil {
		return d.fault(q, err)
	}
	return false, nil
}

// fault is the failure to commit.
func (d *DB) fault(q *queries, err error) (again bool, _ error) {
	return d.engine.again(err), d.engine.commitError(q.clash(err))
}

// repeatable reports whether a failure before the commit is one to try again after. Where the
// connection was lost, or bad before anything ran, nothing was done.
func (d *DB) repeatable(err error) bool { return d.engine.again(err) || d.engine.lost(err) }

// until is when what begins now must be over; the zero time: never.
func (d *DB) until() time.Time {
	if d.patience == 0 {
		return time.Time{}
	}
	return time.Now().Add(d.patience)
}

// bound is ctx with an end.
func bound(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	if until.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, until)
}

// errOver is what a Writer answers that was kept beyond its Update.
var errOver = errors.New("this transaction is over")

// transaction is a begun transaction. Rollback reports only what takes the place of its caller's error.
type transaction interface {
	runner
	Commit() error
	Rollback() error
}

func (d *DB) begin(ctx context.Context) (transaction, error) {
	if d.writer != nil {
		return d.writer.begin(ctx)
	}
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, err
	}
	return postgresTx{tx}, nil
}

// postgresTx is a transaction whose connection goes away with a failed rollback, so nobody has to
// hear of it.
type postgresTx struct{ *sql.Tx }

func (t postgresTx) Rollback() error {
	_ = t.Tx.Rollback()
	return nil
}

// UnknownError says that the answer to a commit was lost: the change may be there or not.
type UnknownError struct{ Err error }

func (e *UnknownError) Error() string { return "commit, outcome unknown: " + e.Err.Error() }

// Unwrap gives the reason.
func (e *UnknownError) Unwrap() error { return e.Err }

// Instance is a random text made once for this database. It enters the derivation of keys, so
// that tokens of another database, or of a lost timeline after a restore, do not open.
func (d *DB) Instance(ctx context.Context) (string, error) {
	const get = `select value from meta where key = $1`
	const key = "instance"
	var id string
	err := d.queries(d.reads).row(ctx, get, []any{key}, &id)
	if errors.Is(err, account.ErrNotFound) {
		err = d.Update(ctx, func(w account.Writer) error {
			q := w.(*queries)
			if _, err := q.exec(ctx, `insert into meta (key, value) values ($1, $2)
				on conflict (key) do nothing`, key, rand.Text()); err != nil {
				return err
			}
			return q.row(ctx, get, []any{key}, &id)
		})
	}
	if err != nil {
		return "", fmt.Errorf("read the database's id: %w", err)
	}
	return id, nil
}

// pause waits for t, or for the end of ctx.
func pause(ctx context.Context, t time.Duration) error {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
