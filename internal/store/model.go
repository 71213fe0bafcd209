package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"doorward/internal/account"
)

// compiled is the statements about users, made from the model and from what the table is really like.
type compiled struct {
	model    *account.Model
	columns  []column // in the model's order
	extras   []extra  // of declared fields
	profiles []*profileTable
	holder   map[account.Field]string // of a unique declared field: an id
	unique   map[string]account.Field // of the table's columns and unique indexes, by name

	id        string // the key's column, bare
	byID      string
	bySession string                          // with the session: its columns come last
	page      string                          // some by id, after one
	ids       string                          // some ids, after one
	hashes    string                          // some passwords, after one
	walks     map[account.Field]string        // some users in the order of an index, by account.Walk.By
	byText    map[account.Field]account.Field // the field whose column and index texts are found by
	by        map[account.Field]string        // the one with the lowest id
	taken     map[account.Field]string        // an id
	several   map[account.Field]string        // some by id
	// findAnyCase finds an address in any spelling where no key tells: it reads the whole table, as Django does.
	findAnyCase string
	// findAnyName does so for a user name.
	findAnyName string
	insert      string
	insertID    string // with an id of the caller's
	swap        string
	activate    string
	delete      string
	lockUsers   string // PostgreSQL
	// clearTokens says that there is a table of Django's for opaque tokens (rest_framework.authtoken).
	clearTokens bool
	rights      rights // of groups and permissions
}

// column is a column of the users' table.
type column struct {
	account.Column
	null bool // it holds null for no value
}

// MissingColumnError says that the model does not fit the table.
type MissingColumnError struct{ Table, Column string }

func (e *MissingColumnError) Error() string {
	return fmt.Sprintf("the model names column %q of table %q, which the database does not have", e.Column, e.Table)
}

// identifier reports whether a name is made of letters, digits and underscores, and begins with no digit.
func identifier(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// typesOf are the types that a field can have.
var typesOf = map[account.Field][]account.Type{
	account.ID: {account.Serial}, account.JWTSecret: {account.UUID},
	account.Username: {account.Text}, account.Email: {account.Text}, account.EmailKey: {account.Text},
	account.FirstName: {account.Text}, account.LastName: {account.Text}, account.Name: {account.Text},
	account.Phone: {account.Text}, account.Language: {account.Text}, account.Password: {account.Text},
	account.IsActive: {account.Bool}, account.IsStaff: {account.Bool},
	account.IsSuperuser: {account.Bool}, account.IsAdmin: {account.Bool},
	account.LastLogin:  {account.Moment, account.Stamp},
	account.DateJoined: {account.Moment, account.Stamp},
}

// checkModel refuses a model that no table can have.
func checkModel(m *account.Model) error {
	if m == nil {
		return errors.New("no user model is given")
	}
	if !identifier(m.Table) {
		return fmt.Errorf("%q cannot be the name of the users' table", m.Table)
	}
	seen := map[string]bool{}
	for _, c := range m.Columns {
		if !identifier(c.Name) {
			return fmt.Errorf("%q cannot be the name of a column", c.Name)
		}
		if seen[c.Name] || seen["field "+string(c.Field)] {
			return fmt.Errorf("the model of table %s names %s twice", m.Table, c.Name)
		}
		seen[c.Name], seen["field "+string(c.Field)] = true, true
		fits := false
		for _, t := range typesOf[c.Field] {
			fits = fits || t == c.Type
		}
		if !fits {
			return fmt.Errorf("column %s of table %s cannot hold %s", c.Name, m.Table, c.Field)
		}
	}
	for _, f := range []account.Field{account.ID, account.Password} {
		if !m.Has(f) {
			return fmt.Errorf("the model of table %s has no column for %s", m.Table, f)
		}
	}
	if err := checkColumns(m.Table, m.Extras, seen); err != nil {
		return err
	}
	for i := range m.Profiles {
		k := &m.Profiles[i]
		if !identifier(k.Table) {
			return fmt.Errorf("%q cannot be the name of a table of profiles", k.Table)
		}
		if err := checkColumns(k.Table, k.Fields, map[string]bool{"id": true, "user_id": true}); err != nil {
			return err
		}
	}
	return m.CheckFields()
}

// checkColumns refuses columns of declared fields whose names are none, or those of others.
func checkColumns(table string, specs []account.FieldSpec, taken map[string]bool) error {
	for i := range specs {
		name := specs[i].ColumnName()
		if taken[name] || !identifier(name) {
			return fmt.Errorf("%q cannot be the column of the declared field %s in table %s", name, specs[i].Name, table)
		}
	}
	return nil
}

// compile makes the statements for m. A table that is not there yet, or that migrations are still
// to change, is taken to be what m says.
func (d *DB) compile(ctx context.Context, m *account.Model) error {
	live, err := d.table(ctx, m.Table)
	if err != nil {
		return fmt.Errorf("look at table %s: %w", m.Table, err)
	}
	settled := live.exists
	if settled && !m.Django {
		version, err := d.version(ctx)
		if err != nil {
			return err
		}
		settled = version >= newest(d.engine.name)
	}
	c := &compiled{model: m, unique: map[string]account.Field{}, extras: extrasOf(m.Extras)}
	if m.Django && live.exists { // in our own table Migrate adds them
		if err := missing(m.Table, live, c.extras); err != nil {
			return err
		}
	}
	for _, col := range m.Columns {
		null, ok := live.null[col.Name]
		if !ok && settled {
			return &MissingColumnError{Table: m.Table, Column: col.Name}
		}
		c.columns = append(c.columns, column{Column: col, null: col.Null && (null || !ok)})
		c.unique[col.Name] = clashField(col.Field)
	}
	name(c.unique, c.extras, live)
	c.byText = d.textIndexes(m, live)
	if err := d.compileProfiles(ctx, c); err != nil {
		return err
	}
	if m.Django {
		if c.clearTokens, err = d.tableExists(ctx, clearTable); err != nil {
			return fmt.Errorf("look at table %s: %w", clearTable, err)
		}
	}
	tables, err := d.rightsTables(ctx, m)
	if err != nil {
		return fmt.Errorf("look at the tables of groups: %w", err)
	}
	c.write(tables)
	d.compiled.Store(c)
	return nil
}

// clashField is the field that a clash in the column of f is told by.
func clashField(f account.Field) account.Field {
	if f == account.EmailKey {
		return account.Email
	}
	return f
}

// write puts the statements together.
func (c *compiled) write(tables *rightsTables) {
	var read, names, params, namesID, paramsID []string
	for _, col := range c.columns {
		name := quote(col.Name)
		namesID = append(namesID, name)
		paramsID = append(paramsID, param(len(namesID)))
		if col.Field == account.ID {
			c.id = col.Name
		} else {
			names = append(names, name)
			params = append(params, param(len(names)))
		}
		if col.Field != account.EmailKey {
			read = append(read, "u."+name)
		}
	}
	for _, e := range c.extras {
		name := quote(e.name)
		read, names, namesID = append(read, "u."+name), append(names, name), append(namesID, name)
		params, paramsID = append(params, param(len(names))), append(paramsID, param(len(namesID)))
	}
	table, id := quote(c.model.Table), quote(c.id)
	columns, joins := c.writeProfiles(id)
	read = append(read, columns...)
	password, _ := c.model.Column(account.Password)
	returning := " returning " + id

	find := "select " + strings.Join(read, ", ") + ", coalesce(s.epoch, 0), coalesce(s.signed_out_at, 0)"
	joins = " left join user_states s on s.user_id = u." + id + joins + " where "
	c.bySession = find + ", " + sessionColumns + " from sessions x join " + table + " u on u." + id + " = x.user_id" + joins + "x.id = $1"
	find += " from " + table + " u" + joins
	order := " order by u." + id
	c.byID = find + "u." + c.is(account.ID, 1)
	c.writeWalks(find, table, id)
	c.page = find + "u." + c.compare(account.ID, ">", 1) + order + " limit $2"
	c.rights = tables.write(find+"u."+id, order)
	c.writeByProfile(find)
	c.writeHolders(table, id)
	c.by, c.taken, c.several = map[account.Field]string{}, map[account.Field]string{}, map[account.Field]string{}
	for _, f := range []account.Field{account.Email, account.EmailKey, account.Username, account.Phone} {
		if c.model.Has(f) {
			c.by[f] = find + "u." + c.is(f, 1) + order + " limit 1"
			c.several[f] = find + "u." + c.is(f, 1) + order + " limit $2"
			c.taken[f] = "select " + id + " from " + table + " where " + c.is(f, 1) + " limit 1"
		}
	}
	c.insert = "insert into " + table + " (" + strings.Join(names, ", ") + ") values (" + strings.Join(params, ", ") + ")" + returning
	c.insertID = "insert into " + table + " (" + strings.Join(namesID, ", ") + ") values (" + strings.Join(paramsID, ", ") + ")" + returning
	c.swap = "update " + table + " set " + quote(password.Name) + " = $1 where " + c.is(account.ID, 2) + " and " + c.is(account.Password, 3)
	if col, ok := c.model.Column(account.Email); ok {
		c.findAnyCase = find + "lower(u." + quote(col.Name) + ") = lower($1)" + order + " limit $2"
	}
	if col, ok := c.model.Column(account.Username); ok && c.model.Django {
		c.findAnyName = find + "lower(u." + quote(col.Name) + ") = lower($1)" + order + " limit $2"
	}
	if col, ok := c.model.Column(account.IsActive); ok {
		c.activate = "update " + table + " set " + quote(col.Name) + " = $1 where " + c.is(account.ID, 2) + " and " + c.is(account.IsActive, 3)
	}
	c.delete = "delete from " + table + " where " + c.is(account.ID, 1)
	c.lockUsers = "lock table " + table + " in share row exclusive mode"
}

// is is the condition that the column of f equals parameter n.
func (c *compiled) is(f account.Field, n int) string { return c.compare(f, "=", n) }

// compare compares the column of f, whose table the caller names. The key is compared as bigint: Django's may be
// an integer, and a greater number is no match, not an error.
func (c *compiled) compare(f account.Field, operator string, n int) string {
	col, _ := c.model.Column(f)
	value := param(n)
	if f == account.ID {
		value = "cast(" + value + " as bigint)"
	}
	return quote(col.Name) + " " + operator + " " + value
}

func param(n int) string       { return "$" + strconv.Itoa(n) }
func quote(name string) string { return `"` + name + `"` }

// signIn are the statements of a sign-in's transaction.
func (c *compiled) signIn() []string {
	texts := []string{c.byID, insertSession}
	if col, ok := c.model.Column(account.LastLogin); ok {
		texts = append(texts, set(c.model.Table, []string{quote(col.Name)})+" where "+c.is(account.ID, 2))
	}
	return texts
}
