package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// once runs one statement in a transaction of its own, and counts the rows that it changed. It is Update with
// less around it: no savepoint on SQLite, no round trips for begin and commit on PostgreSQL. Where the answer is
// lost the statement runs again, so it is one that changes nothing the second time. It is for tables of ours
// alone: references of Django's that are deferred to the commit are not looked at.
func (d *DB) once(ctx context.Context, text string, args ...any) (changed int64, err error) {
	d.note(text)
	var unknown *UnknownError // the outcome of an attempt
	err = d.write(ctx, func(ctx context.Context, until time.Time) (again bool, err error) {
		bounded, cancel := bound(ctx, until)
		defer cancel()
		if d.writer != nil {
			changed, err = d.writer.once(bounded, text, args)
		} else {
			changed, err = postgresOnce(bounded, d.read, text, args)
		}
		if err == nil {
			return false, nil
		}
		again = d.repeatable(err)
		if errors.As(err, &unknown); unknown != nil {
			err = unknown
		}
		if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		return again, err
	})
	return changed, err
}

// postgresOnce tells a statement that was refused, or never sent, from one whose answer was lost.
func postgresOnce(ctx context.Context, pool *sql.DB, text string, args []any) (int64, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin a transaction: %w", err)
	}
	defer conn.Close()
	res, err := conn.ExecContext(ctx, text, args...)
	switch {
	case err == nil:
		return res.RowsAffected()
	case postgresCode(err) != "" || errors.Is(err, driver.ErrBadConn): // which pgx answers where nothing was sent
		return 0, err
	}
	return 0, &UnknownError{Err: err}
}
