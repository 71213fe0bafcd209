package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
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
	lost:        postgresLost,
	away:        postgresAway,
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
	newSecret: "gen_random_uuid()", // of pg_strong_random
}

// applicationName is how PostgreSQL lists our connections, unless the URL says otherwise.
const applicationName = "doorward"

// idleTime closes connections that a burst has left behind.
const idleTime = 5 * time.Minute

func (d *DB) openPostgres(ctx context.Context, o *Options) error {
	config, err := pgx.ParseConfig(o.URL)
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
	if name := config.RuntimeParams["application_name"]; o.Name != "" || name == "" {
		config.RuntimeParams["application_name"] = cmp.Or(o.Name, applicationName)
	}
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn(), DeadlineDelay: graceAfterCancel}
	}
	d.engine, d.patience = postgresEngine, cmp.Or(o.Patience, Patience)
	n := max(8, 4*runtime.GOMAXPROCS(0))
	d.turns, d.callers = make(chan struct{}, n-n/4), make(chan struct{}, n/8)
	d.read = sql.OpenDB(newConnector(stdlib.GetConnector(*config, d.connections(config.RuntimeParams)...), config.ConnectTimeout, n))
	d.reads = d.read
	d.read.SetMaxOpenConns(n)
	d.read.SetMaxIdleConns(n)
	d.read.SetConnMaxIdleTime(idleTime)
	d.follow = sql.OpenDB(stdlib.GetConnector(*config))
	d.follow.SetMaxIdleConns(-1)
	if err := d.read.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrNoServer, err), d.Close())
	}
	return nil
}

// ErrNoServer says that PostgreSQL could not be reached when the database was opened; the driver's reason follows.
var ErrNoServer = errors.New("connect to PostgreSQL")

// bornKey is where a connection has its generation.
const bornKey = "doorward.generation"

// idleInTransaction is the setting that ends sessions whose client has vanished in mid-transaction, with
// its locks. Without it they last until the server's TCP gives up, which is hours.
const idleInTransaction = "idle_in_transaction_session_timeout"

// connections sets new connections up, and throws those of an older generation away before they are
// used again, without asking them: they may be cut off, and would not answer. params are the URL's own.
func (d *DB) connections(params map[string]string) []stdlib.OptionOpenDB {
	// Not one of the parameters that a connection begins with: poolers refuse those that they do not know.
	limit := fmt.Sprintf("set %s = %d", idleInTransaction, (d.patience + vanished).Milliseconds())
	if params[idleInTransaction] != "" {
		limit = ""
	}
	ready := func(ctx context.Context, c *pgx.Conn) error {
		if all := d.compiled.Load(); all != nil && c.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
			return prepareAll(ctx, c, all.signIn())
		}
		return nil
	}
	old := func(c *pgx.Conn) bool { return c.PgConn().CustomData()[bornKey] != d.generation.Load() }
	return []stdlib.OptionOpenDB{
		stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) error {
			born := d.generation.Load()
			c.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
				conn.CustomData()[bornKey] = born
				return conn.Exec(ctx, limit).Close()
			}
			return nil
		}),
		stdlib.OptionAfterConnect(ready),
		stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool {
			return p.IdleDuration > time.Second && !old(p.Conn)
		}),
		stdlib.OptionResetSession(func(_ context.Context, c *pgx.Conn) error {
			if !old(c) {
				return nil
			}
			_ = c.PgConn().Conn().Close() // or a farewell would wait for somebody who is gone
			return driver.ErrBadConn
		}),
	}
}

// prepareAll prepares statements before a connection is used, so that in a transaction, whose locks others
// wait for, each takes one round trip and not two. What cannot be prepared, in a database that is
// not migrated yet, is left to its first use.
func prepareAll(ctx context.Context, c *pgx.Conn, texts []string) error {
	for _, text := range texts {
		if _, err := c.Prepare(ctx, text, text); err != nil && c.IsClosed() {
			return err
		}
	}
	return nil
}

// The SQLSTATEs that matter (PostgreSQL 15, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// awayCodes are how the SQLSTATEs of a server begin that cannot serve for now.
var awayCodes = []string{
	"08",    // connection exceptions
	"25006", // a transaction that only reads: a standby
	"53",    // disk full, out of memory, too many connections
	"57",    // comes, goes, or ends statements by a time-out of its own
	"58",    // input and output
}

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

// postgresLost tells a connection that died from one that could not be made, and from a time-out.
func postgresLost(err error) bool {
	var connecting *pgconn.ConnectError
	if err == nil || errors.As(err, &connecting) || pgconn.Timeout(err) {
		return false
	}
	switch code := postgresCode(err); {
	case code == "57P01", code == "57P02", code == "57P03":
		return true
	case code != "":
		return false
	}
	for _, reason := range []error{
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}

// postgresAway tells a server that cannot be reached, that does not answer in time, or that says it
// cannot serve: a standby, one that is full, one that comes or goes.
func postgresAway(err error) bool {
	var connecting *pgconn.ConnectError
	var unknown *UnknownError
	if errors.As(err, &connecting) || errors.As(err, &unknown) || postgresLost(err) {
		return true
	}
	if code := postgresCode(err); code != "" {
		return slices.ContainsFunc(awayCodes, func(begin string) bool { return strings.HasPrefix(code, begin) })
	}
	return pgconn.Timeout(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone) || isAway(err)
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
