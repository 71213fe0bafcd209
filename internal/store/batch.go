package store

import (
	"context"
	"database/sql"

	"modernc.org/sqlite"
)

// sqliteTx is one caller's part of a batch. He has the turn until it ends.
type sqliteTx struct {
	*writer
	first bool // he opened the transaction, and needs no savepoint: to undo him is to undo it
}

// ExecContext runs a statement, unless ctx has ended.
func (t *sqliteTx) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return t.prepared.ExecContext(context.Background(), text, args...)
}

// QueryContext runs a statement, unless ctx has ended.
func (t *sqliteTx) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return t.prepared.QueryContext(context.Background(), text, args...)
}

// Commit keeps the caller's part, and returns when the batch is durable.
func (t *sqliteTx) Commit() error {
	if err := t.references(); err != nil {
		if fault := t.Rollback(); fault != nil {
			return fault
		}
		return err
	}
	if !t.first && t.do(`release caller`) != nil {
		t.lose()
		t.pass()
		return errLost
	}
	return t.pass().outcome()
}

// references checks the references that Django's tables defer to the commit, where they would fail
// everybody.
func (t *sqliteTx) references() error {
	broken := 0
	err := t.conn.Raw(func(conn any) (err error) {
		broken, _, err = conn.(sqlite.DBStatus).Status(sqlite.DBStatusDeferredFKs, false)
		return err
	})
	if err == nil && broken != 0 {
		err = errForeignKey
	}
	return err
}

// Rollback undoes the caller's part, and returns when the rest of the batch is durable. The fault
// that it reports takes the place of the caller's own error, which may rest on rows that are gone.
func (t *sqliteTx) Rollback() error {
	if t.first {
		t.batch = nil
		t.rollback()
		t.pass()
		return nil
	}
	if t.do(`rollback to caller`) != nil || t.do(`release caller`) != nil {
		t.lose()
		t.pass()
		return errLost
	}
	return t.pass().outcome()
}
