package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
)

var postgresEngine = engine{
	name:        PostgreSQL,
	stamp:       func(t time.Time) any { return t.UTC().Truncate(time.Microsecond) },
	patient:     func(_ context.Context, f func() error) error { return f() },
	clash:       postgresClash,
	again:       postgresAgain,
	commitError: postgresCommitError,

	columns: `select attname::text, not attnotnull, format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
	indexes: `select c.relname::text, a.attname::text from pg_index i
		join pg_class c on c.oid = i.indexrelid
		join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
		where i.indrelid = to_regclass($1) and i.indisunique`,
	exists: `select count(*) from pg_class where oid = to_regclass($1)`,

	regclass: quote,
	types:    postgresType,
	advance:  postgresAdvance,

	profileID: "id bigserial primary key",
	hurry:     "set local lock_timeout = '10s'",
	// The feed of changes tells of a user by this function, in a database that has it.
	followed: "do $$ begin if to_regproc('feed_state') is not null then create trigger feed_profile " +
		"after insert or update or delete on %s for each row execute function feed_state(); end if; end $$",
}

const (
	// connectTimeout bounds a connection attempt where the URL does not.
	connectTimeout = 2 * time.Second
	// graceAfterCancel is how long a cancelled statement may go on before its connection is given
	// up. Without it a wave of cancelled requests becomes a wave of new connections.
	graceAfterCancel = 100 * time.Millisecond
	// idleTime closes connections that a burst has left behind.
	idleTime = 5 * time.Minute
)

func (d *DB) openPostgres(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("read the database URL: %w", err) // pgx keeps the password out of it
	}
	if config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return errors.New("the database URL asks for the simple protocol, which Doorward does not use: " +
			"behind a transaction pool choose default_query_exec_mode=cache_describe")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "doorward"
	}
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn(), DeadlineDelay: graceAfterCancel}
	}
	d.engine = postgresEngine
	n := max(8, 4*runtime.GOMAXPROCS(0))
	d.read = sql.OpenDB(newConnector(stdlib.GetConnector(*config), config.ConnectTimeout, n))
	d.reads = d.read
	d.read.SetMaxOpenConns(n)
	d.read.SetMaxIdleConns(n)
	d.read.SetConnMaxIdleTime(idleTime)
	if err := d.read.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), d.read.Close())
	}
	return nil
}

// The SQLSTATEs that matter (PostgreSQL 15, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

func postgresCode(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}

func postgresClash(err error) (table, name string, ok bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != uniqueViolation {
		return "", "", false
	}
	return e.TableName, e.ConstraintName, true
}

func postgresAgain(err error) bool {
	code := postgresCode(err)
	return code == serializationFailure || code == deadlockDetected
}

// postgresCommitError tells a commit that was refused from one whose answer was lost.
func postgresCommitError(err error) error {
	if postgresCode(err) != "" || errors.Is(err, pgx.ErrTxCommitRollback) {
		return fmt.Errorf("commit: %w", err)
	}
	return &UnknownError{Err: err}
}

// postgresAdvance keeps the sequence of ids above id. The lock holds off inserts, which would
// draw from the sequence between the look at it and its change.
func postgresAdvance(ctx context.Context, q *queries, id int64) error {
	if _, err := q.exec(ctx, q.lockUsers); err != nil {
		return err
	}
	_, err := q.exec(ctx, `select setval(s.name::regclass, $1)
		from (select pg_get_serial_sequence($2, $3) as name) s
		where $1 > coalesce(pg_sequence_last_value(s.name::regclass), 0)`, id, quote(q.model.Table), q.id)
	return err
}
