package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"doorward/internal/account"
)

// emptied are the tables that a restore empties: what was revoked, spent or sent after the backup
// must not be good, unspent or waiting again. A test holds that every other table is one to keep.
var emptied = []string{"sessions", "signing_keys", "outbox", "opaque_tokens"}

// ErrNodes says that another doorward is connected to the PostgreSQL database.
var ErrNodes = errors.New("the database is in use by another doorward")

// ErrOthers says that an SQLite file holds tables that are not Doorward's.
var ErrOthers = errors.New("the database holds tables of others")

// NotBackupError says why a file cannot be restored.
type NotBackupError struct{ Path, Reason string }

func (e *NotBackupError) Error() string { return e.Path + " " + e.Reason }

// RestoreOptions say what becomes what.
type RestoreOptions struct {
	From  string         // the backup
	URL   string         // the database that it becomes
	Model *account.Model // as of Options
	Now   time.Time      // of the end of all sessions
	// Replace takes a database that holds something. Its content is kept aside.
	Replace bool
}

// Restored is what a restore did.
type Restored struct {
	Backup
	Migrated []Migration
	Users    int64
	Aside    string   // where the content from before is; "" for none
	Left     []string // tables of others in the backup, which are not restored into PostgreSQL
}

// Restore makes a database what it was when the backup began, all sign-ins aside. Nobody's token of before
// is good afterwards, whatever became of it since: the database gets another instance, so other
// keys, every session ends, every user's epoch is raised, and in a table of Django's every secret is a new one.
//
// An SQLite file is exchanged in one moment, ErrLocked while it is served. PostgreSQL changes in one
// transaction, ErrNodes while another doorward is connected. A database that holds something is an
// ErrExists; an SQLite file with tables of others an ErrOthers, even with Replace.
func Restore(ctx context.Context, o *RestoreOptions) (*Restored, error) {
	if err := checkModel(o.Model); err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.From); err != nil {
		return nil, err
	}
	own, err := ownTables(ctx)
	if err != nil {
		return nil, fmt.Errorf("find out which tables there are: %w", err)
	}
	r := &restore{RestoreOptions: o, own: own, done: &Restored{}}
	if name, ok := strings.CutPrefix(o.URL, "sqlite:"); ok {
		err = r.intoSQLite(ctx, name)
	} else {
		err = r.intoPostgres(ctx)
	}
	return r.done, err
}

// restore is one that is under way.
type restore struct {
	*RestoreOptions
	own  []string
	name string // of other doorwards' connections
	done *Restored
}

func (r *restore) aside(path string) string {
	return path + ".before-restore-" + r.Now.UTC().Format("20060102T150405.000Z")
}

// intoSQLite makes the file beside its place.
func (r *restore) intoSQLite(ctx context.Context, name string) error {
	path, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	if there, err := filepath.EvalSymlinks(path); err == nil {
		path = there
	}
	p, err := newPart(path)
	if err != nil {
		return err
	}
	defer p.close()
	unlock, err := lockFile(path + ".migrate")
	if err != nil {
		return err
	}
	defer unlock()
	last, err := r.judgeFile(ctx, path)
	if err != nil {
		return err
	}
	if err := r.make(ctx, p.file, r.Model); err != nil {
		return err
	}
	if err := r.raise(ctx, p.file, last); err != nil {
		return fmt.Errorf("raise the numbers of users: %w", err)
	}
	if err := r.moveAside(path); err != nil {
		return err
	}
	return p.publish()
}

// judgeFile holds that a file may be replaced, and finds the last numbers that it gave out.
func (r *restore) judgeFile(ctx context.Context, path string) (map[string]int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pool := openSQLitePool(path, 1, busyMillis)
	defer pool.Close()
	names, err := tablesOf(ctx, pool)
	if err != nil { // damaged, perhaps: why a backup is restored
		return nil, r.replaces(path, true)
	}
	made, err := madeTables(ctx, pool, names)
	if err != nil {
		return nil, r.replaces(path, true)
	}
	var others []string
	for _, name := range names {
		if !slices.Contains(r.own, name) && !slices.Contains(made, name) {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrOthers, strings.Join(others, ", "))
	}
	full := false
	for _, name := range names {
		if keepsRows(name) && !full {
			err = pool.QueryRowContext(ctx, `select exists (select 1 from `+quote(name)+`)`).Scan(&full)
			full = full || err != nil
		}
	}
	if err := r.replaces(path, full); err != nil {
		return nil, err
	}
	last, err := serials(ctx, pool)
	if err != nil { // damaged: nobody can tell
		return nil, nil
	}
	return last, nil
}

// madeTables lists the tables of profiles that were made in an SQLite file, be they hidden or gone.
func madeTables(ctx context.Context, pool *sql.DB, names []string) (made []string, err error) {
	if !slices.Contains(names, changesTable) {
		return nil, nil
	}
	err = sqliteEngine.each(ctx, pool, `select distinct table_name from field_changes where action = $1`, []any{makeTable}, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		made = append(made, name)
		return err
	})
	return made, err
}

// keepsRows reports whether a table holds what would be lost.
func keepsRows(table string) bool {
	return !slices.Contains(emptied, table) && table != "meta" && table != versionTable && table != changesTable
}

// replaces holds that nothing is lost that was not meant to be.
func (r *restore) replaces(name string, full bool) error {
	if !full {
		return nil
	}
	if !r.Replace {
		return fmt.Errorf("the content of %s is %w", name, ErrExists)
	}
	r.done.Aside = r.aside(name)
	return nil
}

// moveAside gives the file another name, where it is worth one. A second name keeps the first in place
// until the new file takes it.
func (r *restore) moveAside(path string) error {
	if err := settleLog(path); sqliteLocked(err) {
		return fmt.Errorf("another program has %s open: %w", path, err)
	}
	for _, side := range sides {
		if r.done.Aside != "" {
			_ = os.Rename(path+side, r.done.Aside+side) // of a damaged file
		} else {
			_ = os.Remove(path + side)
		}
	}
	if r.done.Aside == "" {
		return nil
	}
	if err := os.Link(path, r.done.Aside); err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Rename(path, r.done.Aside) // no second names on this file system
}

// settleLog takes the log of a file into it: a log that stays would be played into the next file of that name.
func settleLog(path string) error {
	if _, err := os.Stat(path); err != nil {
		return nil // opening it would make it
	}
	pool := openSQLitePool(path, 1, busyMillis)
	_, err := pool.Exec(`pragma journal_mode = delete`)
	return errors.Join(err, pool.Close())
}

// raise keeps the numbers of a lost timeline from being given out again: other services may know them.
func (r *restore) raise(ctx context.Context, file string, last map[string]int64) error {
	pool := openSQLitePool(file, 1, busyMillis)
	var err error
	for table, n := range last {
		err = errors.Join(err, raiseSerial(ctx, pool, table, n))
	}
	return errors.Join(err, pool.Close())
}

// make writes the database that a backup becomes into a file: judged, brought up to this doorward's schema, and
// with nobody signed in.
func (r *restore) make(ctx context.Context, file string, m *account.Model) error {
	if err := copyFile(r.From, file); err != nil {
		return fmt.Errorf("copy the backup: %w", err)
	}
	if err := r.judgeBackup(ctx, file, m); err != nil {
		return err
	}
	address := "sqlite:" + file
	d, err := Open(ctx, Options{URL: address, Model: m, NoBackup: true, SwitchToWAL: r.done.WAL})
	if err != nil {
		return err
	}
	err = d.Migrate(ctx, func(a Applied) { r.done.Migrated = append(r.done.Migrated, a.Migration) })
	if err == nil {
		err = r.endTimeline(ctx, d)
	}
	if err = errors.Join(err, d.Close()); err != nil {
		return fmt.Errorf("prepare the backup: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// judgeBackup holds that the file is a whole backup which this doorward understands, and takes from it
// what makes it one.
func (r *restore) judgeBackup(ctx context.Context, file string, m *account.Model) error {
	pool := openSQLitePool(file, 1, busyMillis)
	defer pool.Close()
	var text string
	err := pool.QueryRowContext(ctx, `select about from `+aboutTable).Scan(&text)
	if code := sqliteCode(err) & 0xff; code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_IOERR {
		return r.refuse("is damaged: " + err.Error())
	}
	if err != nil || json.Unmarshal([]byte(text), &r.done.Backup) != nil {
		return r.refuse("was not made by doorward backup")
	}
	if known := newest(SQLite); r.done.Schema > known {
		return r.refuse(fmt.Sprintf("is of a newer doorward: its version is %d, and this one knows versions up to %d", r.done.Schema, known))
	}
	var verdict string
	if err := pool.QueryRowContext(ctx, `pragma integrity_check(1)`).Scan(&verdict); err != nil {
		verdict = err.Error()
	}
	if verdict != "ok" {
		return r.refuse("is damaged: " + verdict)
	}
	if err := r.judgeRows(ctx, pool); err != nil {
		return err
	}
	if m.Django && !slices.Contains(r.done.Left, m.Table) {
		return r.refuse("has no table " + m.Table)
	}
	if strings.HasPrefix(r.URL, "sqlite:") {
		r.done.Left = nil // the whole file is restored
	}
	_, err = pool.ExecContext(ctx, `drop table `+aboutTable)
	return err
}

func (r *restore) refuse(reason string) error { return &NotBackupError{r.From, reason} }

// judgeRows holds that the file has what it says of itself, and lists the tables of others in it.
func (r *restore) judgeRows(ctx context.Context, pool *sql.DB) error {
	schema, err := schemaOf(ctx, pool)
	if err != nil {
		return err
	}
	counts, err := countRows(ctx, pool)
	if err != nil {
		return err
	}
	if schema != r.done.Schema || len(counts) != len(r.done.Rows) {
		return r.refuse("was changed after it was made")
	}
	made, err := madeTables(ctx, pool, slices.Collect(maps.Keys(counts)))
	if err != nil {
		return err
	}
	for name, n := range counts {
		if r.done.Rows[name] != n {
			return r.refuse(fmt.Sprintf("was changed after it was made: table %s had %d rows and has %d", name, r.done.Rows[name], n))
		}
		if !slices.Contains(r.own, name) && !slices.Contains(made, name) {
			r.done.Left = append(r.done.Left, name)
		}
	}
	slices.Sort(r.done.Left)
	return nil
}
