package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"doorward/internal/account"
)

// mirror gives an SQLite file of this schema the columns and tables of declared fields that PostgreSQL has, be they
// hidden. It returns the tables that it made and, by table, the columns that PostgreSQL has another type for: they are
// copied as text.
func (d *DB) mirror(ctx context.Context, to *sql.DB) (tables []string, texts map[string][]string, err error) {
	log, err := d.changeLog(ctx)
	if err != nil {
		return nil, nil, err
	}
	texts = map[string][]string{}
	for _, p := range log.order {
		live, err := d.table(ctx, p.table)
		if err != nil {
			return nil, nil, fmt.Errorf("look at table %s: %w", p.table, err)
		}
		if log.state[p] == drop || !live.exists {
			continue
		}
		columns := []string{p.column}
		if p.column == "" {
			columns = slices.DeleteFunc(slices.Sorted(maps.Keys(live.types)), func(c string) bool { return c == "id" || c == "user_id" })
		} else if log.state[place{p.table, ""}] != "" { // comes with its table
			continue
		}
		var statements, declared []string
		for _, c := range columns {
			kind, text := mirrored(live.types[c])
			if text {
				texts[p.table] = append(texts[p.table], c)
			}
			declared = append(declared, quote(c)+" "+kind)
			if _, is := live.unique[indexName(p.table, c)]; is {
				statements = append(statements, indexStatement(change{table: p.table, column: c, action: unique}))
			}
		}
		made := "alter table " + quote(p.table) + " add column " + strings.Join(declared, "")
		if p.column == "" {
			declared = append([]string{sqliteEngine.profileID, "user_id bigint not null unique" + d.referringUsers()}, declared...)
			tables = append(tables, p.table)
			made = "create table " + quote(p.table) + " (" + strings.Join(declared, ", ") + ")"
		}
		for _, statement := range append([]string{made}, statements...) {
			if _, err := to.ExecContext(ctx, statement); err != nil {
				return nil, nil, fmt.Errorf("make room for the declared fields of %s: %w", p.table, err)
			}
		}
	}
	return tables, texts, nil
}

// mirrored is SQLite's type for one of PostgreSQL's, and whether its values are copied as text.
func mirrored(kind string) (mirror string, text bool) {
	switch kind {
	case "bigint", "boolean":
		return kind, false
	}
	return "text", kind != "text"
}

// restored is the model of the file that a restore into PostgreSQL makes first: our own table, with what is
// declared of it, and every profile of ours.
func restored(m *account.Model) *account.Model {
	own := account.OwnModel(account.Email, account.Folded)
	if !m.Django {
		own.Extras = m.Extras
	}
	for _, k := range m.Profiles {
		if k.Role = ""; !k.Adopted { // who has one is settled
			own.Profiles = append(own.Profiles, k)
		}
	}
	return own
}

// profileTables are those of ours.
func (d *DB) profileTables() (names []string) {
	for _, t := range d.ourTables() {
		if t.profile {
			names = append(names, t.name)
		}
	}
	return names
}

// withoutHidden holds that no declared field is hidden: nobody would put it where it belongs, and nobody notice.
func (d *DB) withoutHidden(ctx context.Context) error {
	log, err := d.changeLog(ctx)
	if err != nil {
		return err
	}
	for _, p := range log.order {
		if log.state[p] == hide {
			return fmt.Errorf("the declared fields of table %s are declared no more, and cannot be restored into PostgreSQL\n"+
				"  what they hold would be lost\n  try: declare them again, or doorward migrate --drop, which deletes it", p.table)
		}
	}
	return nil
}

// withoutHiddenIn is withoutHidden of an SQLite file, as a model has its tables.
func withoutHiddenIn(ctx context.Context, file string, m *account.Model) error {
	d, err := Open(ctx, Options{URL: "sqlite:" + file, Model: m, NoBackup: true})
	if err != nil {
		return err
	}
	err = d.withoutHidden(ctx)
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// triggers disables or enables what tells of each row of these tables.
func triggers(ctx context.Context, tx pgx.Tx, verb string, names []string) error {
	for _, name := range names {
		if _, err := tx.Exec(ctx, `alter table `+quote(name)+` `+verb+` trigger user`); err != nil {
			return fmt.Errorf("%s the triggers of %s: %w", verb, name, err)
		}
	}
	return nil
}
