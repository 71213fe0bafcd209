package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"doorward/internal/account"
)

// rightsTables say where groups and permissions lie.
type rightsTables struct {
	django                              bool
	groups, members, given, own, rights string // rights is the table of permissions
	user                                string // the column of members and own that names the user
}

var ownRights = rightsTables{
	groups: "groups", rights: "permissions", given: "group_permissions", members: "user_groups", own: "user_permissions", user: "user_id",
}

// contentTypes is the table that says which app a permission of Django's belongs to.
const contentTypes = "django_content_type"

// rightsTables are Django's own beside a table of its users, where all of them are there, and ours elsewhere.
func (d *DB) rightsTables(ctx context.Context, m *account.Model) (*rightsTables, error) {
	if !m.Django {
		return &ownRights, nil
	}
	t := &rightsTables{
		django: true, groups: "auth_group", rights: "auth_permission", given: "auth_group_permissions",
		members: m.Table + "_groups", own: m.Table + "_user_permissions",
	}
	for _, name := range []string{t.groups, t.rights, t.given, contentTypes} {
		if exists, err := d.tableExists(ctx, name); err != nil || !exists {
			return &ownRights, err
		}
	}
	for table, other := range map[string]string{t.members: "group_id", t.own: "permission_id"} {
		column, err := d.userColumn(ctx, table, other)
		if err != nil || column == "" || t.user != "" && t.user != column {
			return &ownRights, err
		}
		t.user = column
	}
	return t, nil
}

// userColumn is the column by which a table between users and something else names the user: Django calls it
// after the model. It is "" where there is no such table.
func (d *DB) userColumn(ctx context.Context, table, other string) (string, error) {
	live, err := d.table(ctx, table)
	if err != nil || !live.exists {
		return "", err
	}
	user := ""
	for column := range live.null {
		switch {
		case column == "id", column == other:
		case user != "" || !identifier(column):
			return "", nil
		default:
			user = column
		}
	}
	return user, nil
}

// rights are the statements about groups and permissions.
type rights struct {
	table  string // of groups
	django bool

	group, groupNamed, groups, addGroup, rename      string
	permission, permissions, addPermission           string
	givenBy, ownOf, allOf, groupsOf, members         string
	has, isIn                                        string
	join, leave, give, takeBack, grant, revoke       string
	emptyGroup, bareGroup, dropGroup                 string
	fromGroups, fromUsers, drop, leaveAll, revokeAll string
}

// write puts the statements together. find reads users up to the comparison of their id; order sorts them.
func (t *rightsTables) write(find, order string) rights {
	app, permissions := "p.app_label", quote(t.rights)+" p"
	named := quote(t.rights) + ` where app_label = $1 and codename = $2`
	add := `insert into ` + quote(t.rights) + ` (app_label, codename, name) values ($1, $2, $3) on conflict (app_label, codename) do nothing returning id`
	if t.django {
		app, permissions = "c.app_label", quote(t.rights)+" p join "+contentTypes+" c on c.id = p.content_type_id"
		named = quote(t.rights) + ` where content_type_id in (select id from ` + contentTypes + ` where app_label = $1) and codename = $2`
		add = `insert into ` + quote(t.rights) + ` (content_type_id, codename, name) values ($1, $2, $3) on conflict (content_type_id, codename) do nothing returning id`
	}
	fill := strings.NewReplacer(
		"{groups}", quote(t.groups), "{members}", quote(t.members), "{given}", quote(t.given), "{own}", quote(t.own),
		"{permissions}", permissions, "{app}", app, "{user}", quote(t.user), "{named}", named,
		"{mine}", `p.id in (select o.permission_id from `+quote(t.own)+` o where o.`+quote(t.user)+` = cast({n} as bigint)
			union select g.permission_id from `+quote(t.members)+` m join `+quote(t.given)+` g on g.group_id = m.group_id where m.`+quote(t.user)+` = cast({n} as bigint))`,
	).Replace
	mine := func(text, n string) string { return strings.ReplaceAll(fill(text), "{n}", n) }
	return rights{
		table: t.groups, django: t.django,

		group:      fill(`select id, name from {groups} where id = cast($1 as bigint)`),
		groupNamed: fill(`select id, name from {groups} where name = $1`),
		groups:     fill(`select id, name from {groups} where id > cast($1 as bigint) order by id limit $2`),
		addGroup:   fill(`insert into {groups} (name) values ($1) on conflict (name) do nothing returning id`),
		rename:     fill(`update {groups} set name = $1 where id = cast($2 as bigint)`),

		permission:    fill(`select p.id, p.name from {permissions} where {app} = $1 and p.codename = $2 order by p.id limit 1`),
		permissions:   fill(`select p.id, {app}, p.codename, p.name from {permissions} where p.id > cast($1 as bigint) order by p.id limit $2`),
		addPermission: add,

		givenBy: fill(`select distinct {app}, p.codename from {permissions} where p.id in
			(select permission_id from {given} where group_id = cast($1 as bigint)) order by 1, 2 limit $2`),
		ownOf: fill(`select distinct {app}, p.codename from {permissions} where p.id in
			(select permission_id from {own} where {user} = cast($1 as bigint)) order by 1, 2 limit $2`),
		allOf: mine(`select distinct {app}, p.codename from {permissions} where {mine} order by 1, 2 limit $2`, "$1"),
		groupsOf: fill(`select g.id, g.name from {members} m join {groups} g on g.id = m.group_id
			where m.{user} = cast($1 as bigint) order by g.name limit $2`),
		members: find + fill(` in (select m.{user} from {members} m where m.group_id = cast($1 as bigint)
			and m.{user} > cast($2 as bigint) order by m.{user} limit $3)`) + order,

		has:  mine(`select p.id from {permissions} where {app} = $1 and p.codename = $2 and {mine} limit 1`, "$3"),
		isIn: fill(`select g.id from {groups} g join {members} m on m.group_id = g.id where g.name = $1 and m.{user} = cast($2 as bigint)`),

		join:     fill(`insert into {members} ({user}, group_id) values ($1, $2) on conflict do nothing`),
		leave:    fill(`delete from {members} where {user} = cast($1 as bigint) and group_id = cast($2 as bigint)`),
		give:     fill(`insert into {given} (group_id, permission_id) values ($1, $2) on conflict do nothing`),
		takeBack: fill(`delete from {given} where permission_id in (select id from {named}) and group_id = cast($3 as bigint)`),
		grant:    fill(`insert into {own} ({user}, permission_id) values ($1, $2) on conflict do nothing`),
		revoke:   fill(`delete from {own} where permission_id in (select id from {named}) and {user} = cast($3 as bigint)`),

		emptyGroup: fill(`delete from {members} where group_id = cast($1 as bigint)`),
		bareGroup:  fill(`delete from {given} where group_id = cast($1 as bigint)`),
		dropGroup:  fill(`delete from {groups} where id = cast($1 as bigint)`),
		fromGroups: fill(`delete from {given} where permission_id in (select id from {named})`),
		fromUsers:  fill(`delete from {own} where permission_id in (select id from {named})`),
		drop:       fill(`delete from {named}`),
		leaveAll:   fill(`delete from {members} where {user} = cast($1 as bigint)`),
		revokeAll:  fill(`delete from {own} where {user} = cast($1 as bigint)`),
	}
}

// Group reads a group.
func (q *queries) Group(ctx context.Context, id int64) (g account.Group, err error) {
	if err := q.row(ctx, q.rights.group, []any{id}, &g.ID, &g.Name); err != nil {
		return account.Group{}, fmt.Errorf("read group %d: %w", id, err)
	}
	return g, nil
}

// GroupByName finds a group.
func (q *queries) GroupByName(ctx context.Context, name string) (g account.Group, err error) {
	if !storable(name) {
		return g, account.ErrNotFound
	}
	if err := q.row(ctx, q.rights.groupNamed, []any{name}, &g.ID, &g.Name); err != nil {
		return account.Group{}, fmt.Errorf("find a group: %w", err)
	}
	return g, nil
}

// Groups lists groups by id.
func (q *queries) Groups(ctx context.Context, after int64, limit int) ([]account.Group, error) {
	return q.groupList(ctx, q.rights.groups, after, limit)
}

// GroupsOf lists the groups of a user by name.
func (q *queries) GroupsOf(ctx context.Context, userID int64, limit int) ([]account.Group, error) {
	return q.groupList(ctx, q.rights.groupsOf, userID, limit)
}

func (q *queries) groupList(ctx context.Context, text string, arg int64, limit int) (groups []account.Group, err error) {
	err = q.each(ctx, text, []any{arg, limit}, func(rows *sql.Rows) error {
		var g account.Group
		err := rows.Scan(&g.ID, &g.Name)
		groups = append(groups, g)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return groups, nil
}

// Members lists who is in a group by id.
func (q *queries) Members(ctx context.Context, group, after int64, limit int) (users []account.User, err error) {
	err = q.each(ctx, q.rights.members, []any{group, after, limit}, func(rows *sql.Rows) error {
		var u account.User
		dest, finish := q.dest(&u)
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		finish()
		users = append(users, u)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the members of group %d: %w", group, err)
	}
	return users, nil
}

// Permission finds a permission.
func (q *queries) Permission(ctx context.Context, app, codename string) (account.Permission, error) {
	p := account.Permission{App: app, Codename: codename}
	if !storable(app) || !storable(codename) {
		return p, account.ErrNotFound
	}
	if err := q.row(ctx, q.rights.permission, []any{app, codename}, &p.ID, &p.Name); err != nil {
		return account.Permission{}, fmt.Errorf("find a permission: %w", err)
	}
	return p, nil
}

// Permissions lists permissions by id.
func (q *queries) Permissions(ctx context.Context, after int64, limit int) (list []account.Permission, err error) {
	err = q.each(ctx, q.rights.permissions, []any{after, limit}, func(rows *sql.Rows) error {
		var p account.Permission
		err := rows.Scan(&p.ID, &p.App, &p.Codename, &p.Name)
		list = append(list, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list permissions: %w", err)
	}
	return list, nil
}

// GroupPermissions are what a group gives.
func (q *queries) GroupPermissions(ctx context.Context, group int64, limit int) ([]string, error) {
	return q.permissionTexts(ctx, q.rights.givenBy, group, limit)
}

// UserPermissions are what was granted to a user himself.
func (q *queries) UserPermissions(ctx context.Context, userID int64, limit int) ([]string, error) {
	return q.permissionTexts(ctx, q.rights.ownOf, userID, limit)
}

// PermissionsOf are all that a user has.
func (q *queries) PermissionsOf(ctx context.Context, userID int64, limit int) ([]string, error) {
	return q.permissionTexts(ctx, q.rights.allOf, userID, limit)
}

func (q *queries) permissionTexts(ctx context.Context, text string, id int64, limit int) (texts []string, err error) {
	err = q.each(ctx, text, []any{id, limit}, func(rows *sql.Rows) error {
		var p account.Permission
		err := rows.Scan(&p.App, &p.Codename)
		texts = append(texts, p.String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the permissions of %d: %w", id, err)
	}
	return texts, nil
}

// HasPermission looks for one permission of a user.
func (q *queries) HasPermission(ctx context.Context, userID int64, app, codename string) (bool, error) {
	return q.found(ctx, q.rights.has, app, codename, userID)
}

// IsMember looks for a user in one group.
func (q *queries) IsMember(ctx context.Context, userID int64, group string) (bool, error) {
	return q.found(ctx, q.rights.isIn, group, userID)
}

func (q *queries) found(ctx context.Context, text string, args ...any) (bool, error) {
	var id int64
	err := q.row(ctx, text, args, &id)
	if errors.Is(err, account.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for what a user may do: %w", err)
	}
	return true, nil
}

// InsertGroup adds a group.
func (q *queries) InsertGroup(ctx context.Context, name string) (id int64, err error) {
	if err := q.row(ctx, q.rights.addGroup, []any{name}, &id); err != nil {
		return 0, fmt.Errorf("insert a group: %w", err)
	}
	return id, nil
}

// RenameGroup gives a group another name.
func (q *queries) RenameGroup(ctx context.Context, id int64, name string) (bool, error) {
	changed, err := q.exec(ctx, q.rights.rename, name, id)
	if err != nil {
		return false, fmt.Errorf("rename group %d: %w", id, err)
	}
	return changed == 1, nil
}

// DeleteGroup removes a group.
func (q *queries) DeleteGroup(ctx context.Context, id int64) (bool, error) {
	var changed int64
	var err error
	for _, text := range []string{q.rights.emptyGroup, q.rights.bareGroup, q.rights.dropGroup} {
		if changed, err = q.exec(ctx, text, id); err != nil {
			return false, fmt.Errorf("delete group %d: %w", id, err)
		}
	}
	return changed == 1, nil
}

// InsertPermission adds a permission. In Django's tables one belongs to a model: the first one that its app has
// there, or one that is called after us.
func (q *queries) InsertPermission(ctx context.Context, p *account.Permission) error {
	owner := any(p.App)
	if q.rights.django {
		id, err := q.contentType(ctx, p.App)
		if err != nil {
			return fmt.Errorf("find a content type of %s: %w", p.App, err)
		}
		owner = id
	}
	if err := q.row(ctx, q.rights.addPermission, []any{owner, p.Codename, p.Name}, &p.ID); err != nil {
		return fmt.Errorf("insert permission %s: %w", p, err)
	}
	return nil
}

func (q *queries) contentType(ctx context.Context, app string) (id int64, err error) {
	const find = `select id from ` + contentTypes + ` where app_label = $1 order by id limit 1`
	err = q.row(ctx, find, []any{app}, &id)
	if !errors.Is(err, account.ErrNotFound) {
		return id, err
	}
	_, err = q.exec(ctx, `insert into `+contentTypes+` (app_label, model) values ($1, $2) on conflict (app_label, model) do nothing`, app, "doorward")
	if err == nil {
		err = q.row(ctx, find, []any{app}, &id)
	}
	return id, err
}

// DeletePermission removes every permission of a name.
func (q *queries) DeletePermission(ctx context.Context, p *account.Permission) error {
	for _, text := range []string{q.rights.fromGroups, q.rights.fromUsers, q.rights.drop} {
		if _, err := q.exec(ctx, text, p.App, p.Codename); err != nil {
			return fmt.Errorf("delete permission %s: %w", p, err)
		}
	}
	return nil
}

// SetMember puts a user into a group or takes him out.
func (q *queries) SetMember(ctx context.Context, group, userID int64, in bool) error {
	text := q.rights.leave
	if in {
		text = q.rights.join
	}
	if _, err := q.exec(ctx, text, userID, group); err != nil {
		return fmt.Errorf("set whether user %d is in group %d: %w", userID, group, err)
	}
	return nil
}

// SetGroupPermission grants a permission to a group or revokes it.
func (q *queries) SetGroupPermission(ctx context.Context, group int64, p *account.Permission, granted bool) error {
	return q.setPermission(ctx, q.rights.give, q.rights.takeBack, group, p, granted)
}

// SetUserPermission grants a permission to a user or revokes it.
func (q *queries) SetUserPermission(ctx context.Context, userID int64, p *account.Permission, granted bool) error {
	return q.setPermission(ctx, q.rights.grant, q.rights.revoke, userID, p, granted)
}

func (q *queries) setPermission(ctx context.Context, grant, revoke string, id int64, p *account.Permission, granted bool) (err error) {
	if granted {
		_, err = q.exec(ctx, grant, id, p.ID)
	} else {
		_, err = q.exec(ctx, revoke, p.App, p.Codename, id)
	}
	if err != nil {
		return fmt.Errorf("set permission %s of %d: %w", p, id, err)
	}
	return nil
}

// leaveAll takes a user out of his groups, and his own permissions from him.
func (q *queries) leaveAll(ctx context.Context, userID int64) error {
	_, err := q.exec(ctx, q.rights.leaveAll, userID)
	if err == nil {
		_, err = q.exec(ctx, q.rights.revokeAll, userID)
	}
	return err
}
