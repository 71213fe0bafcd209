package store

import (
	"context"
	"crypto/md5" //nolint:gosec // Django names indexes by it
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"doorward/internal/account"
)

// columnShape is a column as Django declares it.
type columnShape struct {
	kind account.Type
	max  int
}

// djangoPasswordMax is the length of AbstractBaseUser.password.
const djangoPasswordMax = 128

// createTable makes a table of Django's shape, of users or of profiles, as the migrations of Django 3.2 make one.
func createTable(ctx context.Context, pool *sql.DB, e *engine, m *account.Model, name string) error {
	texts := djangoTable(e, m)
	for i := range m.Profiles {
		if k := &m.Profiles[i]; k.Adopted && k.Table == name {
			texts = djangoProfile(e, m, k)
		}
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func djangoTable(e *engine, m *account.Model) []string {
	var columns, indexes []string
	for _, c := range m.Columns {
		shape := columnShape{c.Type, c.Max}
		if c.Field == account.Password && c.Max == 0 {
			shape.max = djangoPasswordMax
		}
		text := quote(c.Name) + " " + e.types(shape)
		switch {
		case c.Type == account.Serial: // says it itself
		case c.Null:
			text += " NULL"
		default:
			text += " NOT NULL"
		}
		if c.Unique {
			text += " UNIQUE"
			if e.name == PostgreSQL && c.Type == account.Text {
				indexes = append(indexes, likeIndex(m.Table, c.Name, shape))
			}
		}
		columns = append(columns, text)
	}
	more, others := djangoFields(e, m.Table, m.Extras)
	columns, indexes = append(columns, more...), append(indexes, others...)
	return append([]string{"CREATE TABLE " + quote(m.Table) + " (" + strings.Join(columns, ", ") + ")"}, indexes...)
}

// djangoProfile is a model with a OneToOneField to the user.
func djangoProfile(e *engine, m *account.Model, k *account.ProfileKind) []string {
	id, _ := m.Column(account.ID)
	columns, indexes := djangoFields(e, k.Table, k.Fields)
	return append([]string{
		"CREATE TABLE " + quote(k.Table) + " (" + strings.Join(append([]string{`"id" ` + e.types(columnShape{account.Serial, 0})}, columns...), ", ") +
			`, "user_id" integer NOT NULL UNIQUE REFERENCES ` + quote(m.Table) + " (" + quote(id.Name) + ") DEFERRABLE INITIALLY DEFERRED)",
	}, indexes...)
}

// djangoFields are the columns of declared fields, and the indexes beside them.
func djangoFields(e *engine, table string, specs []account.FieldSpec) (columns, indexes []string) {
	for i := range specs {
		f := &specs[i]
		shape, max := "", f.MaxLength()
		switch f.Kind {
		case account.Integer:
			shape = "integer"
		case account.Decimal:
			shape = fmt.Sprintf("numeric(%d, %d)", f.Digits, f.Places)
		case account.Boolean:
			shape = e.types(columnShape{account.Bool, 0})
		case account.Date:
			shape = "date"
		case account.Timestamp:
			shape = e.types(columnShape{account.Stamp, 0})
		case account.JSON, account.LongText:
			shape, max = "text", 0
			if f.Kind == account.JSON && e.name == PostgreSQL {
				shape = "jsonb"
			}
		default:
			shape = e.types(columnShape{account.Text, max})
		}
		text := quote(f.ColumnName()) + " " + shape
		if f.Null || f.Unique && f.Blank {
			text += " NULL"
		} else {
			text += " NOT NULL"
		}
		if f.Unique {
			text += " UNIQUE"
			if e.name == PostgreSQL && f.Kind.IsText() {
				indexes = append(indexes, likeIndex(table, f.ColumnName(), columnShape{account.Text, max}))
			}
		}
		columns = append(columns, text)
	}
	return columns, indexes
}

func sqliteType(c columnShape) string {
	switch c.kind {
	case account.Serial:
		return "integer NOT NULL PRIMARY KEY AUTOINCREMENT"
	case account.Bool:
		return "bool"
	case account.Stamp:
		return "datetime"
	case account.UUID:
		return "char(32)"
	case account.Moment:
		return "bigint"
	}
	return textType(c)
}

func postgresType(c columnShape) string {
	switch c.kind {
	case account.Serial:
		return "serial NOT NULL PRIMARY KEY"
	case account.Bool:
		return "boolean"
	case account.Stamp:
		return "timestamp with time zone"
	case account.UUID:
		return "uuid"
	case account.Moment:
		return "bigint"
	}
	return textType(c)
}

func textType(c columnShape) string {
	if c.max == 0 {
		return "text"
	}
	return fmt.Sprintf("varchar(%d)", c.max)
}

// likeIndex is the second index that Django gives a unique text on PostgreSQL, under the name that
// Django gives it (_create_index_name of django/db/backends/base/schema.py).
func likeIndex(table, column string, c columnShape) string {
	sum := md5.Sum([]byte(table + column)) //nolint:gosec
	class := "varchar_pattern_ops"
	if c.max == 0 {
		class = "text_pattern_ops"
	}
	suffix := "_" + hex.EncodeToString(sum[:])[:8] + "_like"
	const longest = 63 // of a name in PostgreSQL
	if len(table)+len(column)+1+len(suffix) > longest {
		each := longest/2 - len(suffix)
		table, column = table[:min(len(table), each)], column[:min(len(column), each)]
	}
	return "CREATE INDEX " + quote(table+"_"+column+suffix) + " ON " + quote(table) + " (" + quote(column) + " " + class + ")"
}
