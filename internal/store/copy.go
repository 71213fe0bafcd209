package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// copyCache is how much of a file being filled stays in memory, in KiB: its indexes are written in no order.
const copyCache = 64 << 10

// twin is a table that both engines have, with its columns.
type twin struct {
	name    string
	columns []string
	serial  string   // the column whose numbers are never given out twice; "" for none
	texts   []string // the columns that PostgreSQL has another type for, and SQLite has as text
}

// twins lists the tables that an SQLite file has of Doorward's schema; goose keeps its own there.
func twins(ctx context.Context, pool *sql.DB, names []string) (all []twin, err error) {
	for _, name := range names {
		if name == versionTable {
			continue
		}
		t := twin{name: name}
		err := sqliteEngine.each(ctx, pool, `select i.name, i.pk > 0 and instr(lower(m.sql), 'autoincrement') > 0
			from pragma_table_info($1) i, sqlite_master m where m.type = 'table' and m.name = $1 order by i.cid`, []any{name},
			func(rows *sql.Rows) error {
				var column string
				var serial bool
				err := rows.Scan(&column, &serial)
				if t.columns = append(t.columns, column); serial {
					t.serial = column
				}
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("read the columns of %s: %w", name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func (t *twin) list() string {
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		quoted[i] = quote(c)
	}
	return strings.Join(quoted, ", ")
}

// ownTables lists the tables that the migrations make.
func ownTables(ctx context.Context) (names []string, err error) {
	folder, err := os.MkdirTemp("", "doorward-schema-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	pool := openSQLitePool(filepath.Join(folder, "schema.db"), 1, busyMillis)
	err = gooseTo(ctx, SQLite, pool, newest(SQLite), func(Applied) {})
	if err == nil {
		names, err = tablesOf(ctx, pool)
	}
	return names, errors.Join(err, pool.Close())
}

// selected is the list of columns as PostgreSQL is asked for them.
func (t *twin) selected() string {
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		if quoted[i] = quote(c); slices.Contains(t.texts, c) {
			quoted[i] += "::text"
		}
	}
	return strings.Join(quoted, ", ")
}

// withPostgres runs f in one transaction that can copy.
func (d *DB) withPostgres(ctx context.Context, o pgx.TxOptions, f func(pgx.Tx) error) error {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(raw any) error {
		return pgx.BeginTxFunc(ctx, raw.(*stdlib.Conn).Conn(), o, f)
	})
}

// copyOut copies Doorward's tables from PostgreSQL, as they were at one moment, into a new SQLite file
// of the same schema.
func (d *DB) copyOut(ctx context.Context, file string) (err error) {
	to := openSQLitePool(file, 1, busyMillis, "journal_mode(off)", "synchronous(off)", fmt.Sprintf("cache_size(-%d)", copyCache))
	defer func() { err = errors.Join(err, to.Close()) }()
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return d.withPostgres(ctx, snapshot, func(from pgx.Tx) error {
		var version int64
		err := from.QueryRow(ctx, `select coalesce(max(version_id), 0) from `+versionTable).Scan(&version)
		if err != nil {
			return fmt.Errorf("read the database's version: %w", err)
		}
		if known := newest(PostgreSQL); version > known {
			return &NewerError{Database: version, Known: known}
		}
		if err := gooseTo(ctx, SQLite, to, version, func(Applied) {}); err != nil {
			return err
		}
		made, texts, err := d.mirror(ctx, to)
		if err != nil {
			return err
		}
		names, err := tablesOf(ctx, to)
		if err != nil {
			return err
		}
		slices.SortStableFunc(names, func(a, b string) int { // what refers to users comes after them
			return cmp.Compare(slices.Index(made, a), slices.Index(made, b))
		})
		all, err := twins(ctx, to, names)
		if err != nil {
			return err
		}
		tx, err := to.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for i := range all {
			all[i].texts = texts[all[i].name]
			if err := all[i].copyOut(ctx, from, tx); err != nil {
				return errors.Join(fmt.Errorf("copy table %s: %w", all[i].name, err), tx.Rollback())
			}
		}
		return tx.Commit()
	})
}

// copyOut copies one table, row by row as they arrive.
func (t *twin) copyOut(ctx context.Context, from pgx.Tx, to *sql.Tx) (err error) {
	params := make([]string, len(t.columns))
	for i := range params {
		params[i] = param(i + 1)
	}
	insert, err := to.PrepareContext(ctx, "insert into "+quote(t.name)+" ("+t.list()+") values ("+strings.Join(params, ", ")+")")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	rows, err := from.Query(ctx, "select "+t.selected()+" from "+quote(t.name))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil || t.serial == "" {
		return err
	}
	var last int64
	err = from.QueryRow(ctx, `select coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass), 0)`,
		quote(t.name), t.serial).Scan(&last)
	if err != nil {
		return err
	}
	return raiseSerial(ctx, to, t.name, last)
}

// raiseSerial keeps an SQLite table from giving out numbers up to last again.
func raiseSerial(ctx context.Context, on runner, table string, last int64) error {
	res, err := on.ExecContext(ctx, `update sqlite_sequence set seq = max(seq, $1) where name = $2`, last, table)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = on.ExecContext(ctx, `insert into sqlite_sequence (name, seq) values ($1, $2)`, table, last)
	return err
}

// serials are the last numbers that the tables of an SQLite file gave out.
func serials(ctx context.Context, pool *sql.DB) (map[string]int64, error) {
	last := map[string]int64{}
	exists := false
	err := sqliteEngine.each(ctx, pool, `select 1 from sqlite_master where name = 'sqlite_sequence'`, nil,
		func(*sql.Rows) error { exists = true; return nil })
	if err != nil || !exists {
		return last, err
	}
	err = sqliteEngine.each(ctx, pool, `select name, seq from sqlite_sequence`, nil, func(rows *sql.Rows) error {
		var name string
		var seq int64
		err := rows.Scan(&name, &seq)
		last[name] = seq
		return err
	})
	return last, err
}

// copyIn puts the rows of an SQLite file of this schema in the place of PostgreSQL's, in a transaction.
func (d *DB) copyIn(ctx context.Context, from *sql.DB, own []string, to pgx.Tx) error {
	all, err := twins(ctx, from, own)
	if err != nil {
		return err
	}
	last, err := serials(ctx, from)
	if err != nil {
		return err
	}
	var names []string
	for i := range all {
		names = append(names, quote(all[i].name))
	}
	if _, err := to.Exec(ctx, "truncate "+strings.Join(names, ", ")); err != nil {
		return fmt.Errorf("empty the tables: %w", err)
	}
	for i := range all {
		if err := all[i].copyIn(ctx, from, to, last[all[i].name]); err != nil {
			return fmt.Errorf("copy table %s: %w", all[i].name, err)
		}
	}
	return nil
}

// copyIn copies one table; last is the last number it gave out.
func (t *twin) copyIn(ctx context.Context, from *sql.DB, to pgx.Tx, last int64) error {
	flags, err := t.flags(ctx, to)
	if err != nil {
		return err
	}
	drop, again, err := t.indexes(ctx, to)
	if err != nil {
		return err
	}
	if err := execAll(ctx, to, drop); err != nil {
		return err
	}
	rows, err := from.QueryContext(ctx, "select "+t.list()+" from "+quote(t.name))
	if err != nil {
		return err
	}
	defer rows.Close()
	source := &rowSource{rows: rows, flags: flags, values: make([]any, len(t.columns))}
	if _, err := to.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, source); err != nil {
		return err
	}
	if err := execAll(ctx, to, again); err != nil {
		return err
	}
	if t.serial == "" || last == 0 {
		return nil
	}
	_, err = to.Exec(ctx, `select setval(s.name::regclass, greatest($1, coalesce(pg_sequence_last_value(s.name::regclass), 0)))
		from (select pg_get_serial_sequence($2, $3) as name) s`, last, quote(t.name), t.serial)
	return err
}

// indexes gives what drops the indexes of a table, its primary key aside, and what makes them again: they are
// built of all rows in half the time that they grow in.
func (t *twin) indexes(ctx context.Context, on pgx.Tx) (drop, again []string, err error) {
	rows, err := on.Query(ctx, `select format('alter table %s drop constraint %I', $1::text, conname),
			format('alter table %s add constraint %I %s', $1::text, conname, pg_get_constraintdef(oid))
		from pg_constraint where conrelid = to_regclass($1) and contype = 'u'
		union all select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
		from pg_index where indrelid = to_regclass($1) and not exists (select 1 from pg_constraint where conindid = indexrelid)`, quote(t.name))
	if err != nil {
		return nil, nil, err
	}
	var one, other string
	_, err = pgx.ForEachRow(rows, []any{&one, &other}, func() error {
		drop, again = append(drop, one), append(again, other)
		return nil
	})
	return drop, again, err
}

func execAll(ctx context.Context, on pgx.Tx, texts []string) error {
	for _, text := range texts {
		if _, err := on.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// flags says which columns are booleans in PostgreSQL; SQLite has numbers there.
func (t *twin) flags(ctx context.Context, on pgx.Tx) ([]bool, error) {
	rows, err := on.Query(ctx, `select attname::text from pg_attribute
		where attrelid = to_regclass($1) and attnum > 0 and atttypid = 'boolean'::regtype`, quote(t.name))
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	flags := make([]bool, len(t.columns))
	for i, c := range t.columns {
		flags[i] = slices.Contains(names, c)
	}
	return flags, err
}

// rowSource hands rows of SQLite to a copy, one at a time.
type rowSource struct {
	rows   *sql.Rows
	flags  []bool
	values []any
	err    error
}

// Next implements pgx.CopyFromSource.
func (s *rowSource) Next() bool { return s.err == nil && s.rows.Next() }

// Err implements pgx.CopyFromSource.
func (s *rowSource) Err() error { return errors.Join(s.err, s.rows.Err()) }

// Values implements pgx.CopyFromSource.
func (s *rowSource) Values() ([]any, error) {
	into := make([]any, len(s.values))
	for i := range into {
		into[i] = &s.values[i]
	}
	if s.err = s.rows.Scan(into...); s.err != nil {
		return nil, s.err
	}
	for i, flag := range s.flags {
		if n, ok := s.values[i].(int64); ok && flag {
			s.values[i] = n != 0
		}
	}
	return s.values, nil
}

// quoteAny quotes a name that others may have chosen.
func quoteAny(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
