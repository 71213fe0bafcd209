package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"doorward/internal/account"
)

//go:embed migrations
var migrations embed.FS

// versionTable is where goose notes what it applied.
const versionTable = "doorward_migrations"

// Migration is one step of the schema. Version 0 is a table of Django's shape, or where Change is not 0 a
// change that follows from declared fields, by its number.
type Migration struct {
	Version int64
	Change  int64
	Name    string
}

// String is "0001 users", or "field 1 add users.nickname text".
func (m Migration) String() string {
	switch {
	case m.Change != 0:
		return fmt.Sprintf("field %d %s", m.Change, m.Name)
	case m.Version == 0:
		return "table " + m.Name
	}
	return fmt.Sprintf("%04d %s", m.Version, m.Name)
}

// Applied is a step that was made, or the backup before all steps.
type Applied struct {
	Migration
	Took   time.Duration // 0 for a table of Django's shape: not measured
	Backup string        // its path; "" for a step
}

// String is that of the step, or "backup PATH".
func (a Applied) String() string {
	if a.Backup != "" {
		return "backup " + a.Backup
	}
	return a.Migration.String()
}

// NewerError says that a newer Doorward migrated the database.
type NewerError struct{ Database, Known int64 }

func (e *NewerError) Error() string {
	return fmt.Sprintf("the database has version %d, and this doorward knows versions up to %d: use the newer doorward, or restore a backup",
		e.Database, e.Known)
}

// Pending lists what Migrate would do. It changes nothing. A *NewerError says that the database is ahead.
func (d *DB) Pending(ctx context.Context) ([]Migration, error) {
	version, err := d.version(ctx)
	if err != nil {
		return nil, err
	}
	if known := newest(d.engine.name); version > known {
		return nil, &NewerError{Database: version, Known: known}
	}
	var pending []Migration
	for _, m := range steps(d.engine.name) {
		if m.Version > version {
			pending = append(pending, m)
		}
	}
	for _, name := range adopted(d.Model()) {
		exists, err := d.tableExists(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("look for table %s: %w", name, err)
		}
		if !exists {
			pending = append(pending, Migration{Name: name})
		}
	}
	changes, err := d.fieldChanges(ctx)
	for _, c := range changes {
		pending = append(pending, c.migration())
	}
	return pending, err
}

// Migrate brings the schema up to date and reports each step that it made; several processes may
// do so at once. An SQLite file that holds anything is backed up first, beside itself. A user table of Django's shape that is missing is made as Django would make it.
// Then the model is held against the tables: *MissingColumnError.
func (d *DB) Migrate(ctx context.Context, report func(Applied)) (err error) {
	if report == nil {
		report = func(Applied) {}
	}
	pending, err := d.Pending(ctx)
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	if len(pending) > 0 {
		if err := d.compile(ctx, d.Model()); err != nil { // a table that does not fit the model is left as it is
			return err
		}
		if err := d.migrateAlone(ctx, report); err != nil {
			return err
		}
	}
	if err := d.compile(ctx, d.Model()); err != nil {
		return err
	}
	_, err = d.Instance(ctx)
	return err
}

// adopted names the tables of Django's shape, the users' first.
func adopted(m *account.Model) (names []string) {
	if m.Django {
		names = append(names, m.Table)
	}
	for _, k := range m.Profiles {
		if k.Adopted {
			names = append(names, k.Table)
		}
	}
	return names
}

// migrateAlone migrates while nobody else does.
func (d *DB) migrateAlone(ctx context.Context, report func(Applied)) error {
	return d.aloneWithSchema(ctx, func(pool *sql.DB) error {
		if err := d.migrate(ctx, pool, report); err != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
		return nil
	})
}

func (d *DB) migrate(ctx context.Context, pool *sql.DB, report func(Applied)) error {
	pending, err := d.Pending(ctx) // again: the one before may have done it
	if err != nil || len(pending) == 0 {
		return err
	}
	if err := d.saveFirst(ctx, report); err != nil {
		return err
	}
	if err := gooseTo(ctx, d.engine.name, pool, newest(d.engine.name), report); err != nil {
		return err
	}
	for _, p := range pending {
		if p.Version != 0 || p.Change != 0 {
			continue
		}
		if err := createTable(ctx, pool, &d.engine, d.Model(), p.Name); err != nil {
			return fmt.Errorf("make table %s: %w", p.Name, err)
		}
		report(Applied{Migration: p})
	}
	return d.applyFields(ctx, pool, report)
}

// gooseTo runs the migrations of an engine up to a version.
func gooseTo(ctx context.Context, e Engine, pool *sql.DB, version int64, report func(Applied)) error {
	dialect := map[Engine]goose.Dialect{SQLite: goose.DialectSQLite3, PostgreSQL: goose.DialectPostgres}[e]
	files, err := fs.Sub(migrations, path.Join("migrations", string(e)))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, pool, files, goose.WithTableName(versionTable),
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	results, err := provider.UpTo(ctx, version)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
	}
	for _, r := range results {
		report(Applied{Migration: step(r.Source.Path), Took: r.Duration})
	}
	return err
}

// lockSchema waits until nobody else migrates, and gives the pool to migrate on. On PostgreSQL it
// is goose's session lock, held around everything. On SQLite a lock on a file beside the database.
func (d *DB) lockSchema(ctx context.Context) (*sql.DB, func() error, error) {
	if d.engine.name == SQLite {
		return d.lockSchemaSQLite(ctx)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(crc32.ChecksumIEEE([]byte("doorward")))),
		lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 10))
	if err != nil {
		return nil, nil, err
	}
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := locker.SessionLock(ctx, conn); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	unlock := func() error {
		return errors.Join(locker.SessionUnlock(context.WithoutCancel(ctx), conn), conn.Close())
	}
	return d.read, unlock, nil
}

func (d *DB) lockSchemaSQLite(ctx context.Context) (*sql.DB, func() error, error) {
	for {
		release, err := lockFile(d.path + ".migrate")
		if err == nil {
			pool := openSQLitePool(d.path, 1, busyMillis)
			return pool, func() error { err := pool.Close(); release(); return err }, nil
		}
		if !errors.Is(err, ErrLocked) {
			return nil, nil, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, nil, err
		}
	}
}

// version is the highest migration that the database has had; 0 for none.
func (d *DB) version(ctx context.Context) (version int64, err error) {
	exists, err := d.tableExists(ctx, versionTable)
	if err == nil && exists {
		err = d.engine.each(ctx, d.read, `select coalesce(max(version_id), 0) from doorward_migrations`, nil,
			func(rows *sql.Rows) error { return rows.Scan(&version) })
	}
	if err != nil {
		return 0, fmt.Errorf("read the database's version: %w", err)
	}
	return version, nil
}

// steps lists the migrations of an engine in their order.
func steps(e Engine) []Migration {
	files, err := migrations.ReadDir(path.Join("migrations", string(e)))
	if err != nil {
		panic(err) // they are embedded
	}
	var all []Migration
	for _, f := range files {
		all = append(all, step(f.Name()))
	}
	return all
}

func newest(e Engine) int64 {
	all := steps(e)
	return all[len(all)-1].Version
}

// step reads "0001_users.sql".
func step(file string) Migration {
	number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		panic(err)
	}
	return Migration{Version: version, Name: strings.ReplaceAll(name, "_", " ")}
}

var _ account.Store = (*DB)(nil)
