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
	// again for maxBusy.
	busyMillis = 100
	maxBusy    = 5 * time.Second
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
	again:       func(err error) bool { return errors.Is(err, errLost) },
	lost:        func(error) bool { return false },
	away:        sqliteAway,
	commitError: func(err error) error { return fmt.Errorf("commit: %w", err) },

	columns: `select name, "notnull" = 0, lower(type) from pragma_table_info($1)`,
	indexes: `select l.name, i.name from pragma_index_list($1) l, pragma_index_info(l.name) i where l."unique" = 1`,
	exists:  `select count(*) from sqlite_master where type in ('table', 'view') and name = $1`,

	regclass: func(table string) string { return table },
	types:    sqliteType,

	profileID: "id integer primary key autoincrement",
}

// openSQLite makes one connection that writes and a pool of connections that read.
func (d *DB) openSQLite(ctx context.Context, path string, o *Options) error {
	path, fresh, err := sqliteFile(path)
	if err != nil {
		return err
	}
	d.engine, d.path = sqliteEngine, path
	if d.file, err = os.Stat(path); err != nil {
		return fmt.Errorf("the database cannot be opened: %w", err)
	}
	d.writer = newWriter(path)
	err = d.journal(ctx, fresh || !o.Model.Django || o.SwitchToWAL)
	if err == nil {
		err = d.writer.prepare(ctx)
	}
	if err != nil {
		return errors.Join(err, d.writer.close())
	}
	// Not by mmap: after each commit of the writer a reader would unmap the file, and map it anew, which takes
	// longer than to read the few pages that a row takes.
	d.read = openSQLitePool(path, max(4, 2*runtime.GOMAXPROCS(0)), busyMillis, "query_only(1)")
	d.reads = newPrepared(d.read)
	if backup, err := d.tableExists(ctx, aboutTable); err != nil || backup {
		return errors.Join(err, d.Close(), errBackup)
	}
	return nil
}

// errBackup keeps a backup from being served as it is: what was revoked after it would be good again.
var errBackup = errors.New("the database is a backup\n  tokens that were revoked after it was made would be good again\n  try: doorward restore FILE, into another database")

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
		return fmt.Errorf("%s is not an SQLite database\n  try: move it away, or doorward serve --database-url sqlite:other.db", d.path)
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
		return "", false, fmt.Errorf("the database cannot be opened: there is no folder %s\n  try: mkdir -p %[1]s", folder)
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
		return "", false, fmt.Errorf("the database %s cannot be made: the folder %s is not writable for this user\n"+
			"  try: start in a folder that can be written, or --database-url sqlite:PATH", path, folder)
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

// openSQLitePool opens up to n connections, which wait for a lock for so many milliseconds. PRAGMAs
// that each needs are in the name.
func openSQLitePool(path string, n, busy int, pragmas ...string) *sql.DB {
	values := url.Values{"_pragma": append([]string{
		"busy_timeout(" + strconv.Itoa(busy) + ")", "synchronous(full)", "foreign_keys(1)", "secure_delete(1)",
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

// sqliteLocked reports whether somebody else holds a lock on the file.
func sqliteLocked(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

// sqliteAway tells a disk that is full, broken or not ours to write, a lack of file handles, and a
// lock that somebody does not give up.
func sqliteAway(err error) bool {
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return isAway(err)
}

func patientSQLite(ctx context.Context, f func() error) error {
	err := f()
	if !sqliteLocked(err) {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, maxBusy)
	defer cancel()
	for sqliteLocked(err) && pause(waiting, time.Millisecond) == nil {
		err = f()
	}
	return err
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
