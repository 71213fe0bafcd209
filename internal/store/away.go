package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"doorward/internal/account"
)

// The times that bound how long anybody waits for a database.
const (
	// Patience is how long a View or an Update may take on PostgreSQL, waiting for a connection and
	// trying again included. It does not run while a password is hashed: that is outside of both.
	Patience = 1700 * time.Millisecond
	// crowded is the part of its patience that an Update waits for others to end at most. What it would
	// begin later it would not finish.
	crowded = 0.4
	// connectTimeout bounds a connection attempt where the URL does not.
	connectTimeout = 2 * time.Second
	// graceAfterCancel is how long a cancelled statement may go on before its connection is given
	// up. Without it a wave of cancelled requests becomes a wave of new connections.
	graceAfterCancel = 100 * time.Millisecond
	// vanished is how long after the patience of a client is over the server ends a transaction that
	// he says nothing more in.
	vanished = 500 * time.Millisecond
	// settled is how long nothing must fail before an outage counts as over.
	settled = time.Second
	// silence is how long no connection may answer before all are under suspicion. In a database that
	// is only slow some do, and to connect anew would make it slower.
	silence = time.Second
	// suspectEvery is how often all connections may come under suspicion because of one: those that
	// notice together that theirs are dead do it once.
	suspectEvery = 25 * time.Millisecond
)

// isAway tells the errors of an operating system that cannot reach or write something from others.
func isAway(err error) bool {
	for _, reason := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.EMFILE, syscall.ENFILE,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// worked notes that a statement was answered.
func (d *DB) worked(o *outage) {
	if d.patience > 0 {
		d.answered.Store(d.age())
	}
	o.worked()
}

// outage notes when something begins to fail and when it works again, and logs both once: while a
// database is away every request fails, and one line tells it all.
type outage struct {
	log  *slog.Logger // nil: nobody
	what string       // is done: "read"
	away atomic.Bool

	mu          sync.Mutex
	since, last time.Time // the first and the last failure
	failures    int
}

func (o *outage) failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = time.Now()
	o.failures++
	if o.away.Load() {
		return
	}
	o.away.Store(true)
	o.since, o.failures = o.last, 1
	if o.log != nil {
		o.log.Error("the database cannot be "+o.what, "error", err)
	}
}

// worked costs one load while nothing is wrong.
func (o *outage) worked() {
	if !o.away.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.away.Load() || time.Since(o.last) < settled {
		return
	}
	o.away.Store(false)
	if o.log != nil {
		o.log.Info("the database can be "+o.what+" again", "after", time.Since(o.since).Round(time.Millisecond), "failures", o.failures)
	}
}

// judge tells what failed because the database is away, notes it, and leaves the rest as it is.
// Where ctx has ended the caller gave up, which says nothing about the database.
func (d *DB) judge(ctx context.Context, err error, writing bool) error {
	var known *account.UnavailableError
	if err == nil || errors.As(err, &known) || ctx.Err() != nil || !d.engine.away(err) {
		return err
	}
	if d.engine.lost(err) || d.age()-d.answered.Load() > int64(silence) {
		d.suspect()
	}
	if writing {
		d.writing.failed(err)
	} else {
		d.reading.failed(err)
	}
	var unknown *UnknownError
	if errors.As(err, &unknown) {
		return &account.UnavailableError{Err: unknown.Err, Unknown: true}
	}
	return &account.UnavailableError{Err: err}
}

// errCrowded is the failure of an Update that had no turn in time.
var errCrowded = errors.New("too many others wait for the database")

// turn waits for a place in a line on PostgreSQL, whose places are fewer than connections: some of these
// are for reading alone.
func (d *DB) turn(ctx context.Context, line chan struct{}) error {
	timer := time.NewTimer(time.Duration(float64(d.patience) * crowded))
	defer timer.Stop()
	select {
	case line <- struct{}{}:
		return nil
	case <-timer.C:
		return &account.UnavailableError{Err: errCrowded}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// suspect has all connections that the pool keeps thrown away before they are used again: where
// one was lost the others hardly live.
func (d *DB) suspect() {
	now := d.age()
	if last := d.suspected.Load(); now-last > int64(suspectEvery) && d.suspected.CompareAndSwap(last, now) {
		d.generation.Add(1)
	}
}

// age is how long d has been open, in nanoseconds, whatever the machine's clock is set to meanwhile.
func (d *DB) age() int64 { return int64(time.Since(d.opened)) }

// probeBytes are written to see whether writing works: as much as the writes of a request, or more.
const probeBytes = 16 << 10

// Ping reports whether the database answers and, when it could not be written lately, whether it
// can be written again.
func (d *DB) Ping(ctx context.Context) error {
	q := d.queries(d.reads)
	var one int
	if err := q.row(ctx, `select 1`, nil, &one); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	if !d.writing.away.Load() {
		return nil
	}
	err := d.Update(ctx, func(w account.Writer) error {
		q := w.(*queries)
		const key = "probe"
		_, err := q.exec(ctx, `insert into meta (key, value) values ($1, $2)`, key, strings.Repeat("x", probeBytes))
		if err == nil {
			_, err = q.exec(ctx, `delete from meta where key = $1`, key)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	return nil
}
