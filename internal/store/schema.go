package store

import (
	"context"
	"database/sql"
)

// table is what the database says about a table.
type table struct {
	exists bool
	null   map[string]bool     // by column: it may be null
	types  map[string]string   // by column
	unique map[string][]string // by unique index: its columns
}

func (d *DB) table(ctx context.Context, name string) (table, error) {
	t := table{null: map[string]bool{}, types: map[string]string{}, unique: map[string][]string{}}
	err := d.catalogue(ctx, d.engine.columns, name, func(rows *sql.Rows) error {
		var column, kind string
		var null bool
		if err := rows.Scan(&column, &null, &kind); err != nil {
			return err
		}
		t.exists, t.null[column], t.types[column] = true, null, kind
		return nil
	})
	if err != nil {
		return t, err
	}
	err = d.catalogue(ctx, d.engine.indexes, name, func(rows *sql.Rows) error {
		var index string
		var column sql.NullString // null: an expression
		if err := rows.Scan(&index, &column); err != nil {
			return err
		}
		t.unique[index] = append(t.unique[index], column.String)
		return nil
	})
	return t, err
}

func (d *DB) tableExists(ctx context.Context, name string) (exists bool, err error) {
	err = d.catalogue(ctx, d.engine.exists, name, func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		exists = n > 0
		return err
	})
	return exists, err
}

// catalogue asks for the schema. Its statements are not among the hot ones.
func (d *DB) catalogue(ctx context.Context, text, name string, scan func(*sql.Rows) error) error {
	return d.engine.each(ctx, d.read, text, []any{d.engine.regclass(name)}, scan)
}
