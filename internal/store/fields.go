package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
)

// extra is the column of a declared field.
type extra struct {
	spec *account.FieldSpec
	name string
}

// of is the value of a new row, of which nothing may be said.
func (e extra) of(vs account.Values) account.Value {
	if v, ok := vs.Get(e.spec.Name); ok {
		return v
	}
	return e.spec.Empty()
}

func extrasOf(specs []account.FieldSpec) []extra {
	list := make([]extra, len(specs))
	for i := range specs {
		list[i] = extra{&specs[i], specs[i].ColumnName()}
	}
	return list
}

// profileTable is the statements about one kind of profile.
type profileTable struct {
	kind   *account.ProfileKind
	extras []extra
	unique map[string]account.Field // of its columns and unique indexes, by name

	insert string
	delete string
	byID   string // of its user
	page   string // of its users
	ids    string
	holder map[account.Field]string
}

// compileProfiles makes the statements about profiles, and holds adopted tables against what they are like.
func (d *DB) compileProfiles(ctx context.Context, c *compiled) error {
	for i := range c.model.Profiles {
		k := &c.model.Profiles[i]
		live, err := d.table(ctx, k.Table)
		if err != nil {
			return fmt.Errorf("look at table %s: %w", k.Table, err)
		}
		p := &profileTable{kind: k, extras: extrasOf(k.Fields), unique: map[string]account.Field{}, holder: map[account.Field]string{}}
		if k.Adopted && live.exists {
			if err := missing(k.Table, live, p.extras); err != nil {
				return err
			}
		}
		name(p.unique, p.extras, live)
		p.write()
		c.profiles = append(c.profiles, p)
	}
	return nil
}

// missing looks for a column that an adopted table lacks.
func missing(table string, live table, extras []extra) error {
	for _, e := range extras {
		if _, ok := live.null[e.name]; !ok {
			return &MissingColumnError{Table: table, Column: e.name}
		}
	}
	return nil
}

// name notes which field a column or a unique index is about.
func name(unique map[string]account.Field, extras []extra, live table) {
	for _, e := range extras {
		unique[e.name] = e.spec.Name
	}
	for index, columns := range live.unique {
		for _, column := range columns {
			if f, ok := unique[column]; ok {
				unique[index] = f
				break
			}
		}
	}
}

func (p *profileTable) write() {
	names, params := []string{quote("user_id")}, []string{param(1)}
	for _, e := range p.extras {
		names = append(names, quote(e.name))
		params = append(params, param(len(names)))
	}
	table := quote(p.kind.Table)
	p.insert = "insert into " + table + " (" + strings.Join(names, ", ") + ") values (" + strings.Join(params, ", ") +
		`) on conflict ("user_id") do nothing returning "id"`
	p.delete = "delete from " + table + ` where "user_id" = $1`
	p.ids = `select "id" from ` + table + ` where "id" > cast($1 as bigint) order by "id" limit $2`
	for _, e := range p.extras {
		if e.spec.Unique {
			p.holder[e.spec.Name] = `select "user_id" from ` + table + " where " + quote(e.name) + " = $1 limit 1"
		}
	}
}

// writeProfiles puts together what profiles add to the finding of users: their columns, and where they come from.
func (c *compiled) writeProfiles(id string) (columns []string, joins string) {
	for i, p := range c.profiles {
		alias := fmt.Sprintf("p%d", i)
		columns = append(columns, alias+`."id"`)
		for _, e := range p.extras {
			columns = append(columns, alias+"."+quote(e.name))
		}
		joins += " left join " + quote(p.kind.Table) + " " + alias + " on " + alias + `."user_id" = u.` + id
	}
	return columns, joins
}

// writeByProfile makes the statements that find users by a profile.
func (c *compiled) writeByProfile(find string) {
	for i, p := range c.profiles {
		key := fmt.Sprintf(`p%d."id"`, i)
		p.byID = find + key + " = cast($1 as bigint)"
		p.page = find + key + " > cast($1 as bigint) order by " + key + " limit $2"
	}
}

// writeHolders makes the statements that find who has a value.
func (c *compiled) writeHolders(table, id string) {
	c.holder = map[account.Field]string{}
	for _, e := range c.extras {
		if e.spec.Unique {
			c.holder[e.spec.Name] = "select " + id + " from " + table + " where " + quote(e.name) + " = $1 limit 1"
		}
	}
}

func (c *compiled) profile(kind string) (*profileTable, error) {
	for _, p := range c.profiles {
		if p.kind.Name == kind {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no profile is called %q", kind)
}

// destExtras is where declared fields and profiles go. They are put into u when finish is called.
func (q *queries) destExtras(u *account.User, dest []any) (_ []any, finish func()) {
	if len(q.extras) == 0 && len(q.profiles) == 0 {
		return dest, func() {}
	}
	values := make([]account.Value, len(q.extras))
	for i, e := range q.extras {
		dest = append(dest, intoValue{&values[i], e.spec})
	}
	ids := make([]sql.NullInt64, len(q.profiles))
	rows := make([][]account.Value, len(q.profiles))
	for i, p := range q.profiles {
		dest = append(dest, &ids[i])
		rows[i] = make([]account.Value, len(p.extras))
		for j, e := range p.extras {
			dest = append(dest, intoValue{&rows[i][j], e.spec})
		}
	}
	return dest, func() {
		u.Extra = together(q.extras, values)
		var profiles []account.Profile
		for i, p := range q.profiles {
			if ids[i].Valid {
				profiles = append(profiles, account.Profile{
					ID: ids[i].Int64, UserID: u.ID, Kind: p.kind.Name, Values: together(p.extras, rows[i]),
				})
			}
		}
		u.Profiles = account.ProfilesOf(profiles...)
	}
}

func together(extras []extra, values []account.Value) account.Values {
	fields := make([]account.Field, len(extras))
	for i, e := range extras {
		fields[i] = e.spec.Name
	}
	return account.ValuesFrom(fields, values)
}

// column is v as the column of its field holds it.
func (q *queries) column(f *account.FieldSpec, v account.Value, adopted bool) (any, error) {
	switch {
	case v.IsNull(), f.Unique && v.IsBlank():
		return nil, nil
	case f.Kind == account.Integer:
		return v.Int(), nil
	case f.Kind == account.Boolean:
		return v.Bool(), nil
	case f.Kind == account.Timestamp && adopted:
		return q.d.engine.stamp(v.Time()), nil
	case f.Kind == account.Timestamp:
		return v.Int(), nil
	case !storable(v.String()):
		return nil, fmt.Errorf("the %s holds bytes that are no text", f.Name)
	}
	return v.String(), nil
}

// changes are the columns of these fields and what they are to hold.
func (q *queries) changes(extras []extra, vs account.Values, adopted bool, fields []account.Field) (names []string, args []any, err error) {
	for _, e := range extras {
		if !slices.Contains(fields, e.spec.Name) {
			continue
		}
		v, err := q.column(e.spec, vs.Of(e.spec.Name), adopted)
		if err != nil {
			return nil, nil, err
		}
		names, args = append(names, quote(e.name)), append(args, v)
	}
	return names, args, nil
}

// Holder finds who has a value of a unique declared field.
func (q *queries) Holder(ctx context.Context, profile string, f account.Field, v account.Value) (id int64, err error) {
	statements, spec, adopted := q.holder, q.model.Extra(f), q.model.Django
	if profile != "" {
		p, err := q.profile(profile)
		if err != nil {
			return 0, err
		}
		statements, spec, adopted = p.holder, p.kind.Field(f), p.kind.Adopted
	}
	statement, ok := statements[f]
	if !ok || v.IsBlank() {
		return 0, account.ErrNotFound
	}
	arg, err := q.column(spec, v, adopted)
	if err != nil {
		return 0, account.ErrNotFound // no row holds it
	}
	if err := q.row(ctx, statement, []any{arg}, &id); err != nil {
		return 0, fmt.Errorf("look for a %s: %w", f, err)
	}
	return id, nil
}

// UserByProfile finds a user by the id of his profile.
func (q *queries) UserByProfile(ctx context.Context, kind string, id int64) (u account.User, err error) {
	p, err := q.profile(kind)
	if err == nil {
		u, err = q.find(ctx, p.byID, id)
	}
	if err != nil {
		return account.User{}, fmt.Errorf("read the profile %s %d: %w", kind, id, err)
	}
	return u, nil
}

// UsersByProfile lists users by the ids of their profiles.
func (q *queries) UsersByProfile(ctx context.Context, kind string, after int64, limit int) ([]account.User, error) {
	p, err := q.profile(kind)
	if err != nil {
		return nil, err
	}
	users, err := q.list(ctx, p.page, limit, after)
	if err != nil {
		return nil, fmt.Errorf("list the profiles %s after %d: %w", kind, after, err)
	}
	return users, nil
}

// ProfileIDs lists the ids of profiles.
func (q *queries) ProfileIDs(ctx context.Context, kind string, after int64, limit int) ([]int64, error) {
	p, err := q.profile(kind)
	if err != nil {
		return nil, err
	}
	return q.listIDs(ctx, p.ids, kind+" profiles", after, limit)
}

// InsertProfile adds a profile.
func (q *queries) InsertProfile(ctx context.Context, p *account.Profile) (bool, error) {
	t, err := q.profile(p.Kind)
	if err != nil {
		return false, err
	}
	args := []any{p.UserID}
	for _, e := range t.extras {
		v, err := q.column(e.spec, e.of(p.Values), t.kind.Adopted)
		if err != nil {
			return false, fmt.Errorf("insert a profile: %w", err)
		}
		args = append(args, v)
	}
	inserted := false
	err = q.each(ctx, t.insert, args, func(rows *sql.Rows) error {
		inserted = true
		return rows.Scan(&p.ID)
	})
	if err != nil {
		return false, fmt.Errorf("insert the profile %s of user %d: %w", p.Kind, p.UserID, err)
	}
	return inserted, nil
}

// UpdateProfile writes some fields of a profile.
func (q *queries) UpdateProfile(ctx context.Context, p *account.Profile, fields ...account.Field) error {
	t, err := q.profile(p.Kind)
	if err != nil {
		return err
	}
	names, args, err := q.changes(t.extras, p.Values, t.kind.Adopted, fields)
	if err == nil && len(names) == 0 {
		return nil
	}
	var changed int64
	if err == nil {
		text := set(t.kind.Table, names) + ` where "user_id" = ` + param(len(names)+1)
		changed, err = q.exec(ctx, text, append(args, p.UserID)...)
	}
	if err == nil && changed == 0 {
		err = account.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("update the profile %s of user %d: %w", p.Kind, p.UserID, err)
	}
	return nil
}

// DeleteProfile removes a profile.
func (q *queries) DeleteProfile(ctx context.Context, kind string, userID int64) (bool, error) {
	p, err := q.profile(kind)
	if err != nil {
		return false, err
	}
	deleted, err := q.exec(ctx, p.delete, userID)
	if err != nil {
		return false, fmt.Errorf("delete the profile %s of user %d: %w", kind, userID, err)
	}
	return deleted == 1, nil
}

// set is the beginning of a statement that writes columns, whose names are quoted, by parameters from 1 on.
func set(table string, names []string) string {
	sets := make([]string, len(names))
	for i, name := range names {
		sets[i] = name + " = " + param(i+1)
	}
	return "update " + quote(table) + " set " + strings.Join(sets, ", ")
}

// intoValue reads the column of a declared field.
type intoValue struct {
	to   *account.Value
	spec *account.FieldSpec
}

func (i intoValue) Scan(v any) (err error) {
	if v == nil {
		*i.to = i.spec.Empty()
		return nil
	}
	switch i.spec.Kind {
	case account.Integer:
		n, ok := v.(int64)
		if !ok {
			return fmt.Errorf("want a whole number, have %T", v)
		}
		*i.to = account.IntegerValue(n)
	case account.Boolean:
		*i.to, err = scanTruth(v)
	case account.Date:
		*i.to, err = scanDate(i.spec, v)
	case account.Timestamp:
		var t time.Time
		if n, ok := v.(int64); ok { // 0 is a time here
			t = time.UnixMicro(n)
		} else if err = (intoTime{&t}).Scan(v); err != nil {
			return err
		}
		*i.to = account.TimeValue(t)
	case account.Decimal:
		*i.to, err = scanDecimal(i.spec, v)
	default:
		var text string
		err = intoText{&text}.Scan(v)
		if *i.to = account.TextValue(text); i.spec.Kind == account.JSON {
			*i.to = account.JSONValue([]byte(text))
		}
	}
	return err
}

func scanTruth(v any) (account.Value, error) {
	switch v := v.(type) {
	case bool:
		return account.BooleanValue(v), nil
	case int64:
		return account.BooleanValue(v != 0), nil
	}
	return account.Value{}, fmt.Errorf("want a flag, have %T", v)
}

func scanDate(spec *account.FieldSpec, v any) (account.Value, error) {
	if t, ok := v.(time.Time); ok {
		return account.DateValue(t), nil
	}
	var text string
	if err := (intoText{&text}).Scan(v); err != nil {
		return account.Value{}, err
	}
	value, ok := spec.Parse(text)
	if !ok {
		return account.Value{}, fmt.Errorf("want a date, have another text")
	}
	return value, nil
}

// scanDecimal reads a text, or what SQLite makes of one in a column of Django's.
func scanDecimal(spec *account.FieldSpec, v any) (account.Value, error) {
	text := ""
	switch v := v.(type) {
	case int64:
		text = fmt.Sprint(v)
	case float64:
		text = fmt.Sprintf("%.*f", spec.Places, v)
	default:
		if err := (intoText{&text}).Scan(v); err != nil {
			return account.Value{}, err
		}
	}
	value := account.DecimalValue(text)
	if kept, problems := spec.Judge(value); len(problems) == 0 {
		value = kept
	}
	return value, nil
}
