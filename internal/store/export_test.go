package store

import (
	"context"
	"database/sql"
	"time"

	"doorward/internal/account"
)

// Texts are the statements that ran.
func (d *DB) Texts() []string {
	var texts []string
	d.texts.Range(func(text, _ any) bool {
		texts = append(texts, text.(string))
		return true
	})
	return texts
}

// Pool is the pool of readers.
func (d *DB) Pool() *sql.DB { return d.read }

// Queued is how many wait for their turn to write.
func (d *DB) Queued() int {
	d.writer.mu.Lock()
	defer d.writer.mu.Unlock()
	return d.writer.queue.Len()
}

// OnWriter gives f the connection that writes, as the driver has it.
func (d *DB) OnWriter(f func(conn any) error) error {
	if err := d.writer.await(context.Background(), true); err != nil {
		return err
	}
	defer d.writer.hand(nil)
	return d.writer.conn.Raw(f)
}

// Once runs one statement in a transaction of its own.
func (d *DB) Once(ctx context.Context, text string, args ...any) error {
	_, err := d.once(ctx, text, args...)
	return err
}

// RotateSession is a statement of Rotate.
const RotateSession = rotateSession

// Raw runs a statement inside an Update.
func Raw(ctx context.Context, w account.Writer, text string, args ...any) error {
	_, err := w.(*queries).exec(ctx, text, args...)
	return err
}

// Peek looks once for what other programs committed.
func (d *DB) Peek(ctx context.Context) error { return d.writer.peek(ctx) }

// DropWriter gives up the connection that writes, as after an error of the disk.
func (d *DB) DropWriter() error {
	if err := d.writer.await(context.Background(), true); err != nil {
		return err
	}
	d.writer.drop()
	d.writer.hand(nil)
	return nil
}

// Watched reports whether a Watch runs.
func (d *DB) Watched() bool {
	d.writer.watching.Lock()
	defer d.writer.watching.Unlock()
	return d.writer.changed != nil
}

// BatchTime changes how long a batch may run; before anything runs.
func (d *DB) BatchTime(t time.Duration) { d.writer.within = t }

// Emptied are the tables that a restore empties.
var Emptied = emptied

// OwnTables lists the tables that the migrations make.
var OwnTables = ownTables

// MigrateTo makes the schema that an older doorward had.
func (d *DB) MigrateTo(ctx context.Context, version int64) error {
	pool := d.read
	if d.path != "" {
		pool = openSQLitePool(d.path, 1, busyMillis)
		defer pool.Close()
	}
	return gooseTo(ctx, d.engine.name, pool, version, func(Applied) {})
}

// Judged is what the engines make of an error.
func Judged(e Engine, err error) (away, lost bool) {
	if e == SQLite {
		return sqliteEngine.away(err), sqliteEngine.lost(err)
	}
	return postgresEngine.away(err), postgresEngine.lost(err)
}

// MaxWaiting changes how many mails may wait at once, until the test puts it back.
func MaxWaiting(n int64) (was int64) {
	was, maxWaiting = maxWaiting, n
	return was
}
