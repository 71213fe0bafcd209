package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// aboutTable holds the one row that makes an SQLite file a backup. It is written last.
const aboutTable = "doorward_backup"

// Backup is what a backup says of itself.
type Backup struct {
	Engine Engine           `json:"engine"` // of the database it was made of
	Schema int64            `json:"schema"` // its highest migration
	Began  time.Time        `json:"began"`  // whatever was committed by then is in it
	WAL    bool             `json:"wal"`    // the journal mode of an SQLite database
	Rows   map[string]int64 `json:"rows"`   // of every table in it
	// Missing is the users' table where it is the owner's on PostgreSQL, which is not in the backup.
	Missing string `json:"missing,omitempty"`

	Took time.Duration `json:"-"` // to make it; 0 when it is read
}

// ErrExists says that a file, or rows, are in the way.
var ErrExists = errors.New("already there")

// Backup writes everything that is committed into an SQLite file, whichever engine it comes from,
// while others read and write. The file appears whole, for its owner alone, or not at all. One that is
// there is an ErrExists, unless replace. Of PostgreSQL it holds Doorward's own tables; an SQLite file
// is there with all tables.
func (d *DB) Backup(ctx context.Context, path string, replace bool) (about Backup, err error) {
	if err := d.mayBackup(ctx, path, replace); err != nil {
		return about, err
	}
	p, err := newPart(path)
	if errors.Is(err, ErrLocked) {
		return about, fmt.Errorf("another backup is writing %s", path)
	}
	if err != nil {
		return about, fmt.Errorf("make a backup: %w", err)
	}
	defer p.close()
	about = Backup{Engine: d.engine.name, Began: time.Now().UTC().Truncate(time.Microsecond)}
	if m := d.Model(); d.path != "" {
		about.WAL, err = d.usesWAL(ctx)
		err = errors.Join(err, d.vacuumInto(ctx, p.file))
	} else {
		if m.Django {
			about.Missing = m.Table
		}
		err = d.copyOut(ctx, p.file)
	}
	if err != nil {
		return about, fmt.Errorf("make a backup: %w", err)
	}
	if err := describe(ctx, p.file, &about); err != nil {
		return about, fmt.Errorf("describe a backup: %w", err)
	}
	if err := p.publish(); err != nil {
		return about, fmt.Errorf("finish a backup: %w", err)
	}
	about.Took = time.Since(about.Began)
	return about, nil
}

// mayBackup holds that there is something to back up, and nothing in its way.
func (d *DB) mayBackup(ctx context.Context, path string, replace bool) error {
	if _, err := os.Lstat(path); err == nil && !replace {
		return fmt.Errorf("%s is %w", path, ErrExists)
	}
	if d.path != "" && sameFile(path, d.path) {
		return fmt.Errorf("%s is the database itself", path)
	}
	if d.path != "" {
		return nil
	}
	exists, err := d.tableExists(ctx, versionTable)
	if err == nil && !exists {
		err = errors.New("the database is empty: there is nothing to back up")
	}
	return err
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// vacuumInto copies an SQLite file. It reads one snapshot; in WAL mode nobody waits for it.
func (d *DB) vacuumInto(ctx context.Context, file string) error {
	pool := openSQLitePool(d.path, 1, busyMillis)
	err := patientSQLite(ctx, func() error {
		_, err := pool.ExecContext(ctx, `vacuum into $1`, file)
		return err
	})
	return errors.Join(err, pool.Close())
}

func (d *DB) usesWAL(ctx context.Context) (bool, error) {
	var mode string
	err := patientSQLite(ctx, func() error { return d.read.QueryRowContext(ctx, `pragma journal_mode`).Scan(&mode) })
	return mode == "wal", err
}

// describe counts the rows of a backup, and writes what it says of itself.
func describe(ctx context.Context, file string, about *Backup) (err error) {
	pool := openSQLitePool(file, 1, busyMillis)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if about.Schema, err = schemaOf(ctx, pool); err != nil {
		return err
	}
	if about.Rows, err = countRows(ctx, pool); err != nil {
		return err
	}
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, `create table `+aboutTable+` as select $1 as about`, string(text))
	return err
}

// schemaOf is the highest migration of an SQLite file; 0 for none.
func schemaOf(ctx context.Context, pool *sql.DB) (version int64, err error) {
	names, err := tablesOf(ctx, pool)
	if err == nil && slices.Contains(names, versionTable) {
		err = pool.QueryRowContext(ctx, `select coalesce(max(version_id), 0) from `+versionTable).Scan(&version)
	}
	return version, err
}

// tablesOf lists the tables of an SQLite file, those aside that a module makes up.
func tablesOf(ctx context.Context, pool *sql.DB) (names []string, err error) {
	err = sqliteEngine.each(ctx, pool, `select name from sqlite_master where type = 'table'
		and substr(name, 1, 7) <> 'sqlite_' and name <> $1 and sql not like 'create virtual%' order by name`, []any{aboutTable}, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

func countRows(ctx context.Context, pool *sql.DB) (map[string]int64, error) {
	names, err := tablesOf(ctx, pool)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, name := range names {
		var n int64
		if err := pool.QueryRowContext(ctx, `select count(*) from `+quoteAny(name)).Scan(&n); err != nil {
			return nil, fmt.Errorf("count the rows of %s: %w", name, err)
		}
		counts[name] = n
	}
	return counts, nil
}

// ErrNoBackup says why nothing was migrated.
var ErrNoBackup = errors.New("no backup could be made before the migration")

// saveFirst backs an SQLite file up before it is migrated, if anything could be lost. The copy is named
// after the version that it has, so that migrations tried again do not fill the disk.
func (d *DB) saveFirst(ctx context.Context, report func(Applied)) error {
	if d.path == "" || d.noBackup {
		return nil
	}
	names, err := tablesOf(ctx, d.read)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !keepsRows(name) })
	full, err := d.holds(ctx, names)
	if err != nil || !full {
		return err
	}
	version, err := d.version(ctx)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("%s.before-migration-from-%04d", d.path, version)
	about, err := d.Backup(ctx, path, true)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoBackup, err)
	}
	report(Applied{Backup: path, Took: about.Took})
	return nil
}
