package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// busyMillis is how long SQLite itself waits for a lock, deaf to contexts; patientSQLite tries
	// again until maxBusy tries are over.
	busyMillis = 100
	maxBusy    = 50
	// mmapBytes of the file are read through the page cache by readers.
	mmapBytes = 256 << 20
)

// djangoSQLite is how Django writes a datetime with, and without, a fraction.
const djangoSQLite, djangoSQLiteWhole = "2006-01-02 15:04:05.000000", "2006-01-02 15:04:05"

var sqliteEngine = engine{
	name: SQLite,
	stamp: func(t time.Time) any {
		t = t.UTC().Truncate(time.Microsecond)
		if t.Nanosecond() == 0 {
			return t.Format(djangoSQLiteWhole)
		}
		return t.Format(djangoSQLite)
	},
	patient:     patientSQLite,
	clash:       sqliteClash,
	again:       func(error) bool { return false },
	commitError: func(err error) error { return fmt.Errorf("commit: %w", err) },

	columns: `select name, "notnull" = 0 from pragma_table_info($1)`,
	indexes: `select l.name, i.name from pragma_index_list($1) l, pragma_index_info(l.name) i where l."unique" = 1`,
	exists:  `select count(*) from sqlite_master where type in ('table', 'view') and name = $1`,

	regclass: func(table string) string { return table },
	types:    sqliteType,
}

// openSQLite makes one connection that writes and a pool of connections that read.
func (d *DB) openSQLite(ctx context.Context, path string, o *Options) error {
	path, fresh, err := sqliteFile(path)
	if err != nil {
		return err
	}
	d.engine, d.path = sqliteEngine, path
	d.writer = newWriter(path)
	if err := d.journal(ctx, fresh || !o.Model.Django || o.SwitchToWAL); err != nil {
		return errors.Join(err, d.writer.close())
	}
	d.read = openSQLitePool(path, max(4, 2*runtime.GOMAXPROCS(0)),
		"query_only(1)", "mmap_size("+strconv.Itoa(mmapBytes)+")")
	d.reads = newPrepared(d.read)
	return nil
}

// journal reads the file's journal mode, which shows whether it is a database, and turns it to
// WAL where that is allowed.
func (d *DB) journal(ctx context.Context, change bool) error {
	err := patientSQLite(ctx, func() error {
		var mode string
		if err := d.writer.pool.QueryRowContext(ctx, `pragma journal_mode`).Scan(&mode); err != nil {
			return err
		}
		if mode == "wal" || !change {
			return nil
		}
		return d.writer.pool.QueryRowContext(ctx, `pragma journal_mode = wal`).Scan(&mode)
	})
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s is not an SQLite database", d.path)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("open the database %s: SQLite may not write it or make files beside it: %w", d.path, err)
	}
	if err != nil {
		return fmt.Errorf("open the database %s: %w", d.path, err)
	}
	return nil
}

// sqliteFile makes the file if it is missing, and returns its absolute path without symbolic links.
// It never opens a file that is there: closing it would drop the locks that another connection
// of this process holds (https://www.sqlite.org/howtocorrupt.html §2.2).
func sqliteFile(path string) (_ string, fresh bool, err error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return "", false, errors.New("the database URL names no file: sqlite:PATH")
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return "", false, fmt.Errorf("find the database: %w", err)
	}
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		return "", false, fmt.Errorf("the database cannot be opened: there is no folder %s", folder)
	} else if err == nil && !info.IsDir() {
		return "", false, fmt.Errorf("the database cannot be opened: %s is not a folder", folder)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case err == nil:
		fresh = true
		err = f.Close()
	case errors.Is(err, os.ErrExist):
		fresh, err = checkFile(path)
	case errors.Is(err, os.ErrPermission):
		return "", false, fmt.Errorf("the database %s cannot be made: the folder %s is not writable for this user", path, folder)
	}
	if err != nil {
		return "", false, fmt.Errorf("the database cannot be opened: %w", err)
	}
	path, err = filepath.EvalSymlinks(path)
	return path, fresh, err
}

// checkFile looks at a file that is there, and reports whether it is still empty.
func checkFile(path string) (empty bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is not a file", path)
	}
	if !writable(path) {
		return false, fmt.Errorf("the file %s is not writable for this user", path)
	}
	if !writable(filepath.Dir(path)) {
		return false, fmt.Errorf("the folder %s is not writable for this user, and SQLite keeps its journal there", filepath.Dir(path))
	}
	return info.Size() == 0, nil
}

// openSQLitePool opens up to n connections. PRAGMAs that each needs are in the name.
func openSQLitePool(path string, n int, pragmas ...string) *sql.DB {
	values := url.Values{"_pragma": append([]string{
		"busy_timeout(" + strconv.Itoa(busyMillis) + ")", "synchronous(full)", "foreign_keys(1)", "secure_delete(1)",
	}, pragmas...), "_error_rc": {"1"}}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + values.Encode()
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		panic(err) // the driver is linked in, and a name is not looked at before a connection is made
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	return pool
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code()
}

func patientSQLite(ctx context.Context, f func() error) error {
	for n := 0; ; n++ {
		err := f()
		if code := sqliteCode(err) & 0xff; code != sqlite3.SQLITE_BUSY && code != sqlite3.SQLITE_LOCKED || n == maxBusy {
			return err
		}
		if pause(ctx, time.Millisecond) != nil {
			return err
		}
	}
}

// sqliteClash reads "UNIQUE constraint failed: users.email_key (2067)", or "…: index 'name' (…)".
func sqliteClash(err error) (table, name string, ok bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return "", "", false
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
	default:
		return "", "", false
	}
	_, text, found := strings.Cut(e.Error(), "UNIQUE constraint failed: ")
	if !found {
		return "", "", false
	}
	if i := strings.LastIndex(text, " ("); i >= 0 {
		text = text[:i]
	}
	if index, ok := strings.CutPrefix(text, "index "); ok {
		return "", strings.Trim(index, "'"), true
	}
	first, _, _ := strings.Cut(text, ", ")
	table, name, ok = strings.Cut(first, ".")
	return table, name, ok
}

// writer is the one connection that writes. Its transactions are begun and ended by statements of
// its own, so that a commit that finds the file locked can be tried again.
type writer struct {
	pool *sql.DB // of one connection
	turn chan struct{}
	conn *sql.Conn // nil until needed; belongs to whoever has the turn
	*prepared
}

func newWriter(path string) *writer {
	return &writer{pool: openSQLitePool(path, 1), turn: make(chan struct{}, 1)}
}

func (w *writer) close() error {
	w.turn <- struct{}{} // and nobody gets it again
	w.drop()
	return w.pool.Close()
}

// drop gives up the connection after a failure that may have left it in an unknown state.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	w.prepared.close()
	_ = w.conn.Close()
	w.conn, w.prepared = nil, nil
}

// begin waits for its turn and takes the write lock. Cancelling ctx ends the waiting.
func (w *writer) begin(ctx context.Context) (transaction, error) {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	err := w.connect(ctx)
	if err == nil {
		err = patientSQLite(ctx, func() error {
			_, err := w.ExecContext(ctx, `begin immediate`)
			return err
		})
	}
	if err != nil {
		// A cancelled begin may have begun all the same.
		w.rollback()
		<-w.turn
		return nil, err
	}
	return &sqliteTx{w}, nil
}

func (w *writer) connect(ctx context.Context) (err error) {
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

// rollback undoes what is open, if anything is.
func (w *writer) rollback() {
	if w.conn == nil {
		return
	}
	_, err := w.ExecContext(context.Background(), `rollback`)
	if err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		w.drop()
	}
}

// sqliteTx has the writer's turn until it ends.
type sqliteTx struct{ *writer }

// Commit is not cut short by a context: its outcome is always known.
func (t *sqliteTx) Commit() error {
	defer func() { <-t.turn }()
	err := patientSQLite(context.Background(), func() error {
		_, err := t.ExecContext(context.Background(), `commit`)
		return err
	})
	if err != nil {
		t.rollback()
	}
	return err
}

func (t *sqliteTx) Rollback() error {
	t.rollback()
	<-t.turn
	return nil
}
