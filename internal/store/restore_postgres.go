package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

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
	m := restored(r.Model)
	if err := r.make(ctx, file, m); err != nil {
		return err
	}
	if err := withoutHiddenIn(ctx, file, m); err != nil {
		return err
	}
	d, err := Open(ctx, Options{URL: r.URL, Model: r.Model, Name: applicationName + " restore"})
	if err != nil {
		return err
	}
	if err := d.withoutHidden(ctx); err != nil {
		return errors.Join(err, d.Close())
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
	// What was changed of the fields of this database is its own to know.
	names := append(slices.DeleteFunc(slices.Clone(r.own), func(name string) bool { return name == changesTable }), d.profileTables()...)
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
		return untold(ctx, tx, names, func() error {
			if err := d.copyIn(ctx, from, names, tx); err != nil {
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
	})
}

// untold runs f without the triggers that tell nodes of each row: nobody is there to be told. What
// they were told of before goes too.
func untold(ctx context.Context, tx pgx.Tx, names []string, f func() error) error {
	if err := triggers(ctx, tx, "disable", names); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `truncate feed, nodes`); err != nil {
		return fmt.Errorf("empty the feed: %w", err)
	}
	return triggers(ctx, tx, "enable", names)
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
