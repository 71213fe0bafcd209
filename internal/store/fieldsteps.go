package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
)

// changesTable notes what declared fields changed of the schema.
const changesTable = "field_changes"

// What a change does to a table, or to one of its columns.
const (
	makeTable = "make" // with its columns
	addColumn = "add"
	hide      = "hide" // nobody reads or writes it any more, and the data stays
	show      = "show" // again
	unique    = "unique"
	notUnique = "not unique"
	drop      = "drop"
)

// backOf is what takes a change back. What was dropped is gone.
var backOf = map[string]string{
	makeTable: hide, addColumn: hide, show: hide, hide: show, unique: notUnique, notUnique: unique,
}

// change is one step of the schema that follows from the declaration.
type change struct {
	number        int64
	table, column string
	action        string
	kind          string // the column's type, for people
	statement     string // "": there is nothing to do but to note it
	undoes        int64
}

// String is "add users.nickname text".
func (c change) String() string {
	what := c.table
	if c.column != "" {
		what += "." + c.column
	}
	return strings.TrimSpace(c.action + " " + what + " " + c.kind)
}

func (c change) migration() Migration { return Migration{Change: c.number, Name: c.String()} }

// FieldError says why a declaration does not fit the data that is there. Its text has three lines.
type FieldError struct{ What, Why, Try string }

func (e *FieldError) Error() string { return e.What + "\n  " + e.Why + "\n  try: " + e.Try }

// fieldType is the type of the column of a declared field. Where the engines differ, SQLite has text for
// what it has no type for.
func (e *engine) fieldType(k account.FieldKind) string {
	switch k {
	case account.Integer, account.Timestamp:
		return "bigint"
	case account.Boolean:
		return "boolean"
	case account.Decimal:
		if e.name == PostgreSQL {
			return "numeric"
		}
	case account.Date:
		if e.name == PostgreSQL {
			return "date"
		}
	}
	return "text"
}

// fieldColumn declares a column. The rows that are there get the default.
func (e *engine) fieldColumn(f *account.FieldSpec) string {
	text := quote(f.ColumnName()) + " " + e.fieldType(f.Kind)
	v := f.Default
	if v.IsNull() && !f.Unique {
		v = f.Empty()
	}
	switch {
	case v.IsNull():
		return text
	case f.Kind == account.Integer, f.Kind == account.Boolean:
		return text + " default " + v.String()
	case f.Kind == account.Timestamp:
		return text + fmt.Sprintf(" default %d", v.Int())
	}
	return text + " default '" + strings.ReplaceAll(v.String(), "'", "''") + "'"
}

// ourTable is a table whose columns follow the declaration.
type ourTable struct {
	name    string
	specs   []account.FieldSpec
	fixed   []string // the other columns
	profile bool
}

func (d *DB) ourTables() (tables []ourTable) {
	m := d.Model()
	if !m.Django {
		t := ourTable{name: m.Table, specs: m.Extras}
		for _, c := range m.Columns {
			t.fixed = append(t.fixed, c.Name)
		}
		tables = append(tables, t)
	}
	for _, k := range m.Profiles {
		if !k.Adopted {
			tables = append(tables, ourTable{name: k.Table, specs: k.Fields, fixed: []string{"id", "user_id"}, profile: true})
		}
	}
	return tables
}

// fieldChanges are the steps from the schema that is there to the declared one. A *FieldError says that
// there is no way.
func (d *DB) fieldChanges(ctx context.Context) ([]change, error) {
	log, err := d.changeLog(ctx)
	if err != nil {
		return nil, err
	}
	var list []change
	declared := map[string]bool{}
	for _, t := range d.ourTables() {
		declared[t.name] = true
		live, err := d.table(ctx, t.name)
		if err != nil {
			return nil, fmt.Errorf("look at table %s: %w", t.name, err)
		}
		steps, err := d.tableChanges(t, live, log)
		if err != nil {
			return nil, err
		}
		list = append(list, steps...)
	}
	for _, place := range log.order { // profiles that are declared no more
		if place.column == "" && !declared[place.table] && log.visible(place) {
			list = append(list, change{table: place.table, action: hide})
		}
	}
	for i := range list {
		list[i].number = log.last + int64(i) + 1
	}
	return list, nil
}

func (d *DB) tableChanges(t ourTable, live table, log *changeLog) (list []change, err error) {
	switch {
	case !live.exists && t.profile:
		list = append(list, d.makeTable(t))
	case t.profile && log.state[place{t.name, ""}] == hide:
		list = append(list, change{table: t.name, action: show})
	}
	made := !live.exists && t.profile
	names := slices.Clone(t.fixed)
	for i := range t.specs {
		f := &t.specs[i]
		column := f.ColumnName()
		names = append(names, column)
		kind, there := live.types[column]
		want := d.engine.fieldType(f.Kind)
		switch {
		case made:
		case !there:
			list = append(list, change{
				table: t.name, column: column, action: addColumn, kind: want,
				statement: "alter table " + quote(t.name) + " add column " + d.engine.fieldColumn(f),
			})
		case kind != want:
			return nil, &FieldError{
				What: fmt.Sprintf("the field %s is declared as %s, and its column holds %s", f.Name, f.Kind, kind),
				Why:  fmt.Sprintf("what is in %s.%s would have to be written anew", t.name, column),
				Try:  "another name, or without the field doorward migrate --drop, which deletes what it holds",
			}
		case log.state[place{t.name, column}] == hide:
			list = append(list, change{table: t.name, column: column, action: show, kind: want})
		}
		if step, ok := uniqueness(t.name, column, f.Unique, live); ok {
			list = append(list, step)
		}
	}
	for _, column := range slices.Sorted(maps.Keys(live.types)) {
		p := place{t.name, column}
		if _, known := log.state[p]; !slices.Contains(names, column) && (known || t.profile) && log.visible(p) {
			list = append(list, change{table: t.name, column: column, action: hide})
		}
	}
	return list, nil
}

// referringUsers says of a column that it refers to the users, where their table is ours.
func (d *DB) referringUsers() string {
	if m := d.Model(); !m.Django {
		return " references " + quote(m.Table) + " on delete cascade"
	}
	return ""
}

// makeTable makes a table of profiles. A profile goes with its user, where the table of users is ours.
func (d *DB) makeTable(t ourTable) change {
	columns := []string{d.engine.profileID, "user_id bigint not null unique" + d.referringUsers()}
	for i := range t.specs {
		columns = append(columns, d.engine.fieldColumn(&t.specs[i]))
	}
	statement := "create table " + quote(t.name) + " (" + strings.Join(columns, ", ") + ")"
	if d.engine.followed != "" {
		statement += ";\n" + fmt.Sprintf(d.engine.followed, quote(t.name))
	}
	return change{table: t.name, action: makeTable, statement: statement}
}

func indexName(table, column string) string { return table + "_" + column + "_key" }

// uniqueness is the step that makes a column unique, or no longer.
func uniqueness(table, column string, want bool, live table) (change, bool) {
	_, has := live.unique[indexName(table, column)]
	if want {
		for _, columns := range live.unique { // that of a phone number has another name
			has = has || slices.Equal(columns, []string{column})
		}
	}
	step := change{table: table, column: column}
	switch {
	case want && !has:
		step.action = unique
	case !want && has:
		step.action = notUnique
	default:
		return change{}, false
	}
	step.statement = indexStatement(step)
	return step, true
}

func indexStatement(c change) string {
	index := quote(indexName(c.table, c.column))
	if c.action == unique {
		return "create unique index " + index + " on " + quote(c.table) + " (" + quote(c.column) + ")"
	}
	return "drop index " + index
}

// place is a column, or with no column a table.
type place struct{ table, column string }

// changeLog is what was changed so far.
type changeLog struct {
	last  int64
	state map[place]string // the last of add, make, hide, show and drop
	order []place
	done  []change // what may be taken back, oldest first
}

func (l *changeLog) visible(p place) bool { return l.state[p] != hide && l.state[p] != drop }

func (d *DB) changeLog(ctx context.Context) (*changeLog, error) {
	l := &changeLog{state: map[place]string{}}
	exists, err := d.tableExists(ctx, changesTable)
	if err == nil && exists {
		err = d.engine.each(ctx, d.read, `select number, table_name, column_name, action, coalesce(undone_by, 0), coalesce(undoes, 0)
			from field_changes order by number`, nil, func(rows *sql.Rows) error {
			var c change
			var undoneBy int64
			if err := rows.Scan(&c.number, &c.table, &c.column, &c.action, &undoneBy, &c.undoes); err != nil {
				return err
			}
			l.add(c, undoneBy != 0)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read what was changed of the fields: %w", err)
	}
	return l, nil
}

func (l *changeLog) add(c change, undone bool) {
	l.last = c.number
	if !undone && c.undoes == 0 {
		l.done = append(l.done, c)
	}
	if c.action == unique || c.action == notUnique {
		return
	}
	for _, p := range l.order { // a table takes its columns along
		if p.table == c.table && c.column == "" && (c.action == drop || c.action == makeTable) {
			l.state[p] = drop
		}
	}
	p := place{c.table, c.column}
	if _, known := l.state[p]; !known {
		l.order = append(l.order, p)
	}
	l.state[p] = c.action
}

// applyFields makes the steps that follow from the declaration.
func (d *DB) applyFields(ctx context.Context, pool *sql.DB, report func(Applied)) error {
	list, err := d.fieldChanges(ctx)
	if err != nil {
		return err
	}
	return d.applyChanges(ctx, pool, list, report)
}

func (d *DB) applyChanges(ctx context.Context, pool *sql.DB, list []change, report func(Applied)) error {
	for _, c := range list {
		start := time.Now()
		if err := d.apply(ctx, pool, c); err != nil {
			var field *FieldError
			if errors.As(err, &field) {
				return err
			}
			return fmt.Errorf("%s: %w", c, err)
		}
		report(Applied{Migration: c.migration(), Took: time.Since(start)})
	}
	return nil
}

// apply makes one step and notes it, in one transaction.
func (d *DB) apply(ctx context.Context, pool *sql.DB, c change) error {
	if c.action == unique {
		if err := d.unequal(ctx, c); err != nil {
			return err
		}
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = d.applyIn(ctx, tx, c)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (d *DB) applyIn(ctx context.Context, tx *sql.Tx, c change) error {
	run := func(text string, args ...any) error {
		return d.engine.patient(ctx, func() error { _, err := tx.ExecContext(ctx, text, args...); return err })
	}
	// Noted first: it takes the lock for writing, after which nothing has to wait.
	err := run(`insert into field_changes (number, table_name, column_name, action, statement, reverse, made_at, undoes)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, c.number, c.table, c.column, c.action, c.statement, backOf[c.action],
		time.Now().UnixMicro(), sql.NullInt64{Int64: c.undoes, Valid: c.undoes != 0})
	if err == nil && c.undoes != 0 {
		err = run(`update field_changes set undone_by = $1 where number = $2`, c.number, c.undoes)
	}
	if err == nil && d.engine.hurry != "" {
		err = run(d.engine.hurry)
	}
	if err == nil && c.statement != "" {
		for text := range strings.SplitSeq(c.statement, ";\n") {
			if err = run(text); err != nil {
				break
			}
		}
	}
	return err
}

// unequal looks for values that occur more than once before a column becomes unique.
func (d *DB) unequal(ctx context.Context, c change) error {
	live, err := d.table(ctx, c.table)
	if err != nil || live.types[c.column] == "" { // the step before makes it
		return err
	}
	column, n := quote(c.column), 0
	err = d.engine.each(ctx, d.read, "select count(*) from (select 1 from "+quote(c.table)+" where "+column+
		" is not null group by "+column+" having count(*) > 1) x", nil, func(rows *sql.Rows) error { return rows.Scan(&n) })
	if err != nil || n == 0 {
		return err
	}
	return &FieldError{
		What: fmt.Sprintf("%s.%s cannot become unique", c.table, c.column),
		Why:  fmt.Sprintf("%d of its values are in more than one row", n),
		Try:  "change those rows, or leave unique out",
	}
}

// Undo takes the last n changes of fields back, the newest first, as new changes: a column that was added is
// hidden, and keeps its data. While the declaration stays as it is, the next Migrate makes them again.
func (d *DB) Undo(ctx context.Context, n int, report func(Applied)) (err error) {
	return d.aloneWithSchema(ctx, func(pool *sql.DB) error {
		log, err := d.changeLog(ctx)
		if err != nil {
			return err
		}
		if n > len(log.done) {
			return &FieldError{
				What: fmt.Sprintf("%d changes of fields cannot be taken back", n),
				Why:  fmt.Sprintf("%d were made that are not taken back yet", len(log.done)), Try: "doorward migrate --back 1",
			}
		}
		var list []change
		for _, c := range slices.Backward(log.done[len(log.done)-n:]) {
			back := change{number: log.last + int64(len(list)) + 1, table: c.table, column: c.column, action: backOf[c.action], undoes: c.number}
			switch back.action {
			case "":
				return &FieldError{
					What: fmt.Sprintf("change %d cannot be taken back", c.number), Why: "it deleted " + c.table + "." + c.column,
					Try: "restore a backup",
				}
			case unique, notUnique:
				back.statement = indexStatement(back)
			}
			list = append(list, back)
		}
		return d.applyChanges(ctx, pool, list, report)
	})
}

// DropHidden deletes the columns and tables that are hidden, with all they hold.
func (d *DB) DropHidden(ctx context.Context, report func(Applied)) error {
	return d.aloneWithSchema(ctx, func(pool *sql.DB) error {
		log, err := d.changeLog(ctx)
		if err != nil {
			return err
		}
		var list []change
		for _, p := range log.order {
			if log.state[p] != hide {
				continue
			}
			c := change{number: log.last + int64(len(list)) + 1, table: p.table, column: p.column, action: drop}
			c.statement = "drop table " + quote(p.table)
			if p.column != "" {
				if log.state[place{p.table, ""}] == drop {
					continue
				}
				c.statement = "drop index if exists " + quote(indexName(p.table, p.column)) + ";\n" +
					"alter table " + quote(p.table) + " drop column " + quote(p.column)
			}
			list = append(list, c)
		}
		return d.applyChanges(ctx, pool, list, report)
	})
}

// aloneWithSchema runs f while nobody else changes the schema.
func (d *DB) aloneWithSchema(ctx context.Context, f func(*sql.DB) error) (err error) {
	pool, unlock, err := d.lockSchema(ctx)
	if err != nil {
		return fmt.Errorf("wait for the turn to migrate: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return f(pool)
}
