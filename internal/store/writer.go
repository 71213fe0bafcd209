package store

import (
	"container/list"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBatch and batchTime bound the callers that share one transaction, so that the first of
	// them does not wait long for his answer.
	maxBatch  = 64
	batchTime = 5 * time.Millisecond
	// writerBusyMillis is how long SQLite itself waits for the write lock. It is short, since only
	// between two attempts the writer looks for what other programs committed.
	writerBusyMillis = 8
)

var (
	// errLost says that a neighbour's failure undid the whole transaction; Update runs f again.
	errLost       = errors.New("the transaction was lost to a failure of another in it")
	errForeignKey = errors.New("FOREIGN KEY constraint failed: rows of another table refer to a row that is gone")
	errClosed     = errors.New("the database is closed")
)

// writer is the one connection that writes, and the queue before it. A caller runs in his own
// goroutine while he has the turn, then gives it to the next. Callers who wait when a transaction
// begins run in that same transaction, each in a savepoint of his own, and the last commits for
// all: a batch. Nobody hears of his outcome, good or bad, before that commit, for what he saw may
// be a neighbour's. Those who come later are the next batch; a caller who is alone waits for nobody.
type writer struct {
	pool *sql.DB // of one connection

	mu     sync.Mutex
	queue  list.List // of *ticket; first come, first served
	issued uint64    // number of the last ticket
	taken  bool      // somebody has the turn

	// What follows belongs to whoever has the turn.
	conn *sql.Conn // nil until needed
	*prepared
	batch   *batch // whose transaction is open
	timer   *time.Timer
	within  time.Duration // batchTime
	lonely  int           // how many batches to come are of one caller
	version int64
	closed  bool

	watching sync.Mutex
	changed  func() // what Watch was given

	commits atomic.Int64
}

// ticket is a place in the queue.
type ticket struct {
	number uint64
	alone  bool // he joins no batch
	called bool
	turn   chan struct{} // closed when the turn is his
}

// batch is one transaction of SQLite and the callers in it.
type batch struct {
	last uint64        // number of the last ticket that may join
	left int           // how many more may
	done chan struct{} // closed when err is final; nil while nobody but the one who has the turn is in it
	err  error
}

func newWriter(path string) *writer {
	timer := time.NewTimer(0)
	timer.Stop()
	return &writer{pool: openSQLitePool(path, 1, writerBusyMillis), timer: timer, within: batchTime, version: unknownVersion}
}

func (w *writer) close() error {
	_ = w.await(context.Background(), true)
	w.closed = true
	w.drop()
	err := w.pool.Close()
	w.hand(nil)
	return err
}

// drop gives up the connection after a failure that may have left it in an unknown state.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	w.prepared.close()
	_ = w.conn.Close()
	w.conn, w.prepared, w.version = nil, nil, unknownVersion
}

func (w *writer) connect(ctx context.Context) (err error) {
	if w.closed {
		return errClosed
	}
	if w.conn != nil {
		return nil
	}
	if w.conn, err = w.pool.Conn(ctx); err != nil {
		w.conn = nil
		return err
	}
	w.prepared = newPrepared(w.conn)
	return nil
}

// prepare makes the connection of a writer that nobody uses yet, and notes which state of the file
// it knows: Watch tells of later ones.
func (w *writer) prepare(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	return patientSQLite(ctx, func() (err error) {
		w.version, err = w.dataVersion()
		return err
	})
}

// do runs a statement without parameters. No context cuts it short: SQLite undoes the whole
// transaction when a change is interrupted, with all neighbours in it.
func (w *writer) do(text string) error {
	_, err := w.prepared.ExecContext(context.Background(), text)
	return err
}

// await returns when the caller has the turn, or with the end of ctx, without it. One who wants it
// alone gets it while no transaction is open.
func (w *writer) await(ctx context.Context, alone bool) error {
	w.mu.Lock()
	if !w.taken {
		w.taken = true
		w.mu.Unlock()
		return nil
	}
	w.issued++
	t := &ticket{number: w.issued, alone: alone, turn: make(chan struct{})}
	place := w.queue.PushBack(t)
	w.mu.Unlock()
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.called { // in the same moment
		return nil
	}
	w.queue.Remove(place)
	return ctx.Err()
}

// hand gives the turn to the first in the queue and reports whether there was one. While b is open
// that is only who may join it; without one the turn stays where it is.
func (w *writer) hand(b *batch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	place := w.queue.Front()
	switch {
	case b != nil && (place == nil || !w.admits(b, place.Value.(*ticket))):
		return false
	case place == nil:
		w.taken = false
		return false
	}
	if b != nil {
		b.left--
		if b.done == nil {
			b.done = make(chan struct{})
		}
	}
	t := w.queue.Remove(place).(*ticket)
	t.called = true
	close(t.turn)
	return true
}

func (w *writer) admits(b *batch, t *ticket) bool {
	if t.alone || t.number > b.last || b.left == 0 {
		return false
	}
	select {
	case <-w.timer.C:
		b.left = 0
		return false
	default:
		return true
	}
}

// enter waits for the turn and opens a transaction for who is the first in it. Cancelling ctx ends the waiting.
func (w *writer) enter(ctx context.Context) (first bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := w.await(ctx, false); err != nil {
		return false, err
	}
	first = w.batch == nil
	if err = ctx.Err(); err == nil && first {
		err = w.open(ctx)
	}
	if err != nil {
		w.pass()
	}
	return first, err
}

// begin enters and opens what undoes the caller alone.
func (w *writer) begin(ctx context.Context) (transaction, error) {
	first, err := w.enter(ctx)
	if err != nil {
		return nil, err
	}
	if !first && w.do(`savepoint caller`) != nil {
		w.lose()
		w.pass()
		return nil, errLost
	}
	return &sqliteTx{writer: w, first: first}, nil
}

// once is the part of a caller who runs one statement. He has no savepoint: a statement that fails has changed
// nothing, unless it undid the whole batch.
func (w *writer) once(ctx context.Context, text string, args []any) (changed int64, err error) {
	first, err := w.enter(ctx)
	if err != nil {
		return 0, err
	}
	err = patientSQLite(ctx, func() error {
		res, err := w.prepared.ExecContext(context.Background(), text, args...)
		if err == nil {
			changed, err = res.RowsAffected()
		}
		return err
	})
	switch {
	case err == nil:
		if err = w.pass().outcome(); err != nil {
			err = fmt.Errorf("commit: %w", err)
		}
	case first:
		w.batch = nil
		w.rollback()
		w.pass()
	default:
		w.lose()
		w.pass()
		err = errLost
	}
	return changed, err
}

// open begins a transaction and admits to it who waits at this moment. Other programs that write
// are waited for.
func (w *writer) open(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	err := patientSQLite(ctx, func() error {
		err := w.do(`begin immediate`)
		if sqliteLocked(err) {
			_ = w.look() // no matter: it is done again as soon as the lock is had
		}
		return err
	})
	if err == nil {
		err = w.look()
	}
	if err != nil {
		w.rollback()
		if cause := ctx.Err(); cause != nil {
			return cause
		}
		return err
	}
	b := &batch{left: maxBatch - 1}
	if w.lonely > 0 {
		w.lonely--
		b.left = 0
	}
	w.mu.Lock()
	b.last = w.issued
	if w.queue.Len() > 0 {
		w.timer.Reset(w.within)
	}
	w.mu.Unlock()
	w.batch = b
	return nil
}

// pass gives the turn to the next of the open batch or, when there is none, commits the batch and
// gives the turn to whoever comes next. It returns the batch, whose outcome may be still to come.
func (w *writer) pass() *batch {
	b := w.batch
	if b != nil {
		if w.hand(b) {
			return b
		}
		w.batch = nil
		w.commit(b)
	}
	w.hand(nil)
	return b
}

// commit ends a batch. It is not cut short by a context: its outcome is always known.
func (w *writer) commit(b *batch) {
	b.err = patientSQLite(context.Background(), func() error { return w.do(`commit`) })
	if b.err != nil {
		w.rollback()
	} else {
		w.commits.Add(1)
	}
	b.finish()
}

func (b *batch) finish() {
	if b.done != nil {
		close(b.done)
	}
}

// outcome waits for the commit.
func (b *batch) outcome() error {
	if b == nil {
		return nil
	}
	if b.done != nil {
		<-b.done
	}
	return b.err
}

// lose ends a batch that nobody's part can be taken out of any more. All in it run again, and for
// a while each in a transaction of his own, so that who fails in this way fails alone.
func (w *writer) lose() {
	b := w.batch
	w.batch, w.lonely, b.err = nil, maxBatch, errLost
	w.rollback()
	b.finish()
}

// rollback undoes what is open, if anything is.
func (w *writer) rollback() {
	if w.conn == nil {
		return
	}
	if err := w.do(`rollback`); err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		w.drop()
	}
}
