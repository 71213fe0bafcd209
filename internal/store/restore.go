package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	sqlite3 "modernc.org/sqlite/lib"

	"doorward/internal/account"
)

// emptied are the tables that a restore empties: what was revoked, spent or sent after the backup
// must not be good, unspent or waiting again. A test holds that every other table is one to keep.
var emptied = []string{"sessions", "signing_keys", "outbox"}

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
	var others []string
	for _, name := range names {
		if !slices.Contains(r.own, name) {
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

// keepsRows reports whether a table holds what would be lost.
func keepsRows(table string) bool {
	return !slices.Contains(emptied, table) && table != "meta" && table != versionTable
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

// intoPostgres makes an SQLite file elsewhere, and copies it.
func (r *restore) intoPostgres(ctx context.Context) error {
	if err := r.alone(ctx); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "doorward-restore-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "restore.db")
	if err := r.make(ctx, file, account.OwnModel(account.Email, account.Folded)); err != nil {
		return err
	}
	d, err := Open(ctx, Options{URL: r.URL, Model: r.Model, Name: applicationName + " restore"})
	if err != nil {
		return err
	}
	return errors.Join(r.fill(ctx, d, file), d.Close())
}

func (r *restore) fill(ctx context.Context, d *DB, file string) error {
	if m := d.Model(); m.Django {
		exists, err := d.tableExists(ctx, m.Table)
		if err != nil {
			return err
		}
		if !exists {
			return fmt.Errorf("table %s is not in the database\n  it is its owner's, and a restore does not make it\n  try: restore it with pg_restore, then this backup", m.Table)
		}
	}
	if err := d.Migrate(ctx, nil); err != nil {
		return err
	}
	full, err := d.holds(ctx, r.own)
	if err != nil {
		return err
	}
	if full && r.Replace {
		r.done.Aside = r.aside(r.From)
		if _, err := d.Backup(ctx, r.done.Aside, false); err != nil {
			return err
		}
	} else if full {
		return fmt.Errorf("the content of the database is %w", ErrExists)
	}
	from := openSQLitePool(file, 1, busyMillis, "query_only(1)")
	defer from.Close()
	return d.withPostgres(ctx, pgx.TxOptions{}, func(tx pgx.Tx) error {
		// Who connects from now on waits for the instance, and reads the new one.
		if _, err := tx.Exec(ctx, `lock table meta in access exclusive mode`); err != nil {
			return fmt.Errorf("lock the database: %w", err)
		}
		if err := nobodyElse(ctx, tx.Conn(), r.name); err != nil {
			return err
		}
		if err := d.copyIn(ctx, from, r.own, tx); err != nil {
			return err
		}
		c := d.compiled.Load()
		if !c.model.Django { // then the rows that came in are signed out
			return nil
		}
		for _, s := range c.signOutAll(r.Now, d.engine.newSecret) {
			if _, err := tx.Exec(ctx, s.text, s.args...); err != nil {
				return fmt.Errorf("sign everybody out: %w", err)
			}
		}
		return nil
	})
}

// holds reports whether any table holds what would be lost.
func (d *DB) holds(ctx context.Context, own []string) (full bool, err error) {
	for _, name := range own {
		if !keepsRows(name) || full || err != nil {
			continue
		}
		err = d.read.QueryRowContext(ctx, `select exists (select 1 from `+quote(name)+`)`).Scan(&full)
	}
	return full, err
}

// alone holds that no other doorward is connected: it would go on with the keys of before. One that
// was killed may take a moment to be gone.
func (r *restore) alone(ctx context.Context) error {
	config, err := pgx.ParseConfig(r.URL)
	if err != nil {
		return fmt.Errorf("read the database URL: %w", err)
	}
	r.name = cmp.Or(config.RuntimeParams["application_name"], applicationName)
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	waiting, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	for {
		err := nobodyElse(ctx, conn, r.name)
		if !errors.Is(err, ErrNodes) || pause(waiting, 100*time.Millisecond) != nil {
			return err
		}
	}
}

// nobodyElse holds that nobody but conn is connected under a name.
func nobodyElse(ctx context.Context, conn *pgx.Conn, name string) error {
	var others int
	err := conn.QueryRow(ctx, `select count(*) from pg_stat_activity
		where datname = current_database() and application_name = $1 and pid <> pg_backend_pid()`, name).Scan(&others)
	if err == nil && others > 0 {
		return ErrNodes
	}
	return err
}

// leaveTime is how long PostgreSQL may take to notice that a process is gone.
const leaveTime = 3 * time.Second

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
	fail := func(reason string) error { return &NotBackupError{r.From, reason} }
	var text string
	err := pool.QueryRowContext(ctx, `select about from `+aboutTable).Scan(&text)
	if code := sqliteCode(err) & 0xff; code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_IOERR {
		return fail("is damaged: " + err.Error())
	}
	if err != nil || json.Unmarshal([]byte(text), &r.done.Backup) != nil {
		return fail("was not made by doorward backup")
	}
	if known := newest(SQLite); r.done.Schema > known {
		return fail(fmt.Sprintf("is of a newer doorward: its version is %d, and this one knows versions up to %d", r.done.Schema, known))
	}
	var verdict string
	if err := pool.QueryRowContext(ctx, `pragma integrity_check(1)`).Scan(&verdict); err != nil || verdict != "ok" {
		return fail("is damaged: " + errorText(err, verdict))
	}
	schema, err := schemaOf(ctx, pool)
	if err != nil {
		return err
	}
	counts, err := countRows(ctx, pool)
	if err != nil {
		return err
	}
	if schema != r.done.Schema || len(counts) != len(r.done.Rows) {
		return fail("was changed after it was made")
	}
	for name, n := range counts {
		if r.done.Rows[name] != n {
			return fail(fmt.Sprintf("was changed after it was made: table %s had %d rows and has %d", name, r.done.Rows[name], n))
		}
		if !slices.Contains(r.own, name) {
			r.done.Left = append(r.done.Left, name)
		}
	}
	slices.Sort(r.done.Left)
	if m.Django && !slices.Contains(r.done.Left, m.Table) {
		return fail("has no table " + m.Table)
	}
	if strings.HasPrefix(r.URL, "sqlite:") {
		r.done.Left = nil // the whole file is restored
	}
	_, err = pool.ExecContext(ctx, `drop table `+aboutTable)
	return err
}

func errorText(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// statement is a text with what goes in.
type statement struct {
	text string
	args []any
}

// endTimeline makes of a copy another database than the one it was copied from.
func (r *restore) endTimeline(ctx context.Context, d *DB) (err error) {
	pool := openSQLitePool(d.path, 1, busyMillis)
	defer func() { err = errors.Join(err, pool.Close()) }()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var all []statement
	for _, name := range r.own {
		if slices.Contains(emptied, name) {
			all = append(all, statement{text: `delete from ` + quote(name)})
		}
	}
	all = append(all, statement{`update meta set value = $1 where key = 'instance'`, []any{rand.Text()}})
	c := d.compiled.Load()
	all = append(all, c.signOutAll(r.Now, d.engine.newSecret)...)
	for _, s := range all {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	if c.model.Django {
		if err := c.renewSecrets(ctx, tx); err != nil {
			return err
		}
	}
	if err := tx.QueryRowContext(ctx, `select count(*) from `+quote(c.model.Table)).Scan(&r.done.Users); err != nil {
		return err
	}
	return tx.Commit()
}

// signOutAll are the statements that sign every user out, as RaiseEpoch does one. In a table of Django's
// they draw the secrets that sign tokens anew, where the engine can.
func (c *compiled) signOutAll(now time.Time, newSecret string) []statement {
	table, id := quote(c.model.Table), quote(c.id)
	all := []statement{{`insert into user_states (user_id, epoch, signed_out_at) select ` + id + `, 1, cast($1 as bigint) from ` + table + ` where true
		on conflict (user_id) do update set epoch = user_states.epoch + 1, signed_out_at = excluded.signed_out_at`, []any{micros(now)}}}
	if col, ok := c.model.Column(account.JWTSecret); ok && c.model.Django && newSecret != "" {
		all = append(all, statement{text: `update ` + table + ` set ` + quote(col.Name) + ` = ` + newSecret})
	}
	return all
}

// renewSecrets draws the secret of every user anew, a page at a time.
func (c *compiled) renewSecrets(ctx context.Context, tx *sql.Tx) (err error) {
	col, ok := c.model.Column(account.JWTSecret)
	if !ok {
		return nil
	}
	table, id := quote(c.model.Table), quote(c.id)
	update, err := tx.PrepareContext(ctx, `update `+table+` set `+quote(col.Name)+` = $1 where `+id+` = $2`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, update.Close()) }()
	const page = 1000
	after, more := int64(-1<<63), true
	for more {
		var ids []int64
		err := sqliteEngine.each(ctx, tx, `select `+id+` from `+table+` where `+id+` > $1 order by `+id+` limit $2`, []any{after, page},
			func(rows *sql.Rows) error {
				var one int64
				err := rows.Scan(&one)
				ids = append(ids, one)
				return err
			})
		if err != nil {
			return err
		}
		for _, after = range ids {
			secret := account.NewJWTSecret()
			if _, err := update.ExecContext(ctx, hex.EncodeToString(secret[:]), after); err != nil {
				return err
			}
		}
		more = len(ids) == page
	}
	return nil
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
