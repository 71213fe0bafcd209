package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"doorward/internal/account"
)

// runner runs statements: a pool, one connection or a transaction.
type runner interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// queries is a Reader and, inside a transaction, a Writer.
type queries struct {
	*compiled
	d       *DB
	on      runner
	writing bool
	until   time.Time // when all must be over
	failed  error     // the first failure of a transaction: nothing runs after it
}

func (d *DB) queries(on runner) *queries {
	return &queries{compiled: d.compiled.Load(), d: d, on: on, until: d.until()}
}

// exec runs a statement and counts the rows that it changed.
func (q *queries) exec(ctx context.Context, text string, args ...any) (changed int64, err error) {
	err = q.run(ctx, text, func(ctx context.Context) error {
		return q.d.engine.patient(ctx, func() error {
			res, err := q.on.ExecContext(ctx, text, args...)
			if err != nil {
				return err
			}
			changed, err = res.RowsAffected()
			return err
		})
	})
	return changed, err
}

// row reads the one row of a statement into dest; ErrNotFound when there is none.
func (q *queries) row(ctx context.Context, text string, args []any, dest ...any) error {
	found := false
	err := q.each(ctx, text, args, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(dest...)
	})
	if err == nil && !found {
		return account.ErrNotFound
	}
	return err
}

// each hands every row of a statement to scan. The statement bounds their number.
func (q *queries) each(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	return q.run(ctx, text, func(ctx context.Context) error {
		seen := false
		see := func(rows *sql.Rows) error {
			seen = true
			return scan(rows)
		}
		err := q.d.engine.each(ctx, q.on, text, args, see)
		if !q.writing && !seen && q.d.engine.lost(err) { // a read harms nobody twice, and the next connection may live
			q.d.suspect()
			err = q.d.engine.each(ctx, q.on, text, args, see)
		}
		return err
	})
}

// each is patient with the first row only: what scan has seen stays seen.
func (e *engine) each(ctx context.Context, on runner, text string, args []any, scan func(*sql.Rows) error) error {
	var rows *sql.Rows
	more := false
	err := e.patient(ctx, func() (err error) {
		if rows, err = on.QueryContext(ctx, text, args...); err != nil {
			return err
		}
		if more = rows.Next(); more {
			return nil
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	if err != nil || !more {
		return err
	}
	defer rows.Close()
	for ; more; more = rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (q *queries) run(ctx context.Context, text string, f func(context.Context) error) error {
	if q.failed != nil {
		return q.failed
	}
	q.d.note(text)
	bounded, cancel := bound(ctx, q.until)
	defer cancel()
	err := f(bounded)
	if err == nil {
		q.d.worked(&q.d.reading)
		return nil
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	err = q.clash(err)
	if q.writing { // Update may try again, and judges in the end
		q.failed = err
		return err
	}
	return q.d.judge(ctx, err, false)
}

// note keeps the texts that ran.
func (d *DB) note(text string) {
	if _, seen := d.texts.Load(text); !seen {
		d.texts.Store(text, true)
	}
}

// clash turns the violation of a unique index of users, of signing keys or of groups into a *TakenError.
func (q *queries) clash(err error) error {
	table, name, ok := q.d.engine.clash(err)
	switch {
	case ok && table == q.model.Table:
		return &account.TakenError{Field: q.unique[name]}
	case ok && q.profileClash(table, name) != nil:
		return q.profileClash(table, name)
	case ok && (table == "signing_keys" || table == q.rights.table):
		return &account.TakenError{}
	case ok && table == "": // by the name of an index alone
		if f, ok := q.unique[name]; ok {
			return &account.TakenError{Field: f}
		}
	}
	return err
}

// profileClash is the clash of a profile; nil for that of another table.
func (q *queries) profileClash(table, name string) error {
	for _, p := range q.profiles {
		if f, ok := p.unique[name]; ok && table == p.kind.Table {
			return &account.TakenError{Field: f, Profile: p.kind.Name}
		}
	}
	return nil
}
