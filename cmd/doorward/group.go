package main

import (
	"context"
	"fmt"
	"strings"

	"doorward/internal/account"
	"doorward/internal/server"
)

type groupCmd struct {
	Add         groupAdd         `cmd:"" help:"Make a group."`
	List        groupList        `cmd:"" help:"List groups by id."`
	Show        groupShow        `cmd:"" help:"Show what a group gives and who is in it."`
	Remove      groupRemove      `cmd:"" help:"Delete a group: nobody has by it what it gave."`
	Grant       groupGrant       `cmd:"" help:"Let a group give permissions."`
	Revoke      groupRevoke      `cmd:"" help:"Let a group give permissions no more."`
	Permissions groupPermissions `cmd:"" help:"List every permission there is."`
}

// shownGroup is a group as commands print it.
type shownGroup struct {
	ID          int64    `json:"id"`
	Name        string   `json:"name"`
	Permissions []string `json:"permissions,omitempty"`
	Members     []int64  `json:"members,omitempty"`
}

// shownMembers is how many members of a group are printed.
const shownMembers = 100

// withGroup is withAccounts for a command on one group, which is printed afterwards where JSON is wanted.
func (c *console) withGroup(ref, done string, f func(context.Context, *account.Service, *account.Group) error) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		g, err := srv.Accounts().FindGroup(ctx, ref)
		if err != nil {
			return err
		}
		if err := f(ctx, srv.Accounts(), &g); err != nil {
			return err
		}
		c.say("group %d %s", g.ID, done)
		if c.cli.JSON {
			return c.printGroup(ctx, srv.Accounts(), g.ID)
		}
		return nil
	})
}

func (c *console) printGroup(ctx context.Context, accounts *account.Service, id int64) error {
	g, permissions, err := accounts.Group(ctx, id)
	if err != nil {
		return err
	}
	members, err := accounts.Members(ctx, id, 0, shownMembers)
	if err != nil {
		return err
	}
	shown := shownGroup{ID: g.ID, Name: g.Name, Permissions: permissions}
	rows := [][]string{{"id", fmt.Sprint(g.ID)}, {"name", g.Name}}
	for _, p := range permissions {
		rows = append(rows, []string{"permission", p})
	}
	for i := range members {
		u := &members[i]
		shown.Members = append(shown.Members, u.ID)
		rows = append(rows, []string{"member", fmt.Sprint(u.ID) + " " + u.ShownUsername()})
	}
	if len(members) == shownMembers {
		c.say("there may be more members: GET /v1/groups/%d/members lists all", g.ID)
	}
	return c.result(shown, rows)
}

type groupAdd struct {
	Name string `arg:"" help:"Name of the group."`
}

// Run makes a group.
func (a *groupAdd) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		g, err := srv.Accounts().MakeGroup(ctx, a.Name)
		if err != nil {
			return err
		}
		c.say("group %d added", g.ID)
		return c.printGroup(ctx, srv.Accounts(), g.ID)
	})
}

// listLimit is how many rows a list has where nobody says.
type listLimit struct {
	After int64 `help:"Start after this id." placeholder:"ID"`
	Limit int   `help:"How many at most." default:"100"`
}

func (l *listLimit) check(command string) error {
	if l.Limit < 1 || l.Limit > 1000 {
		return usageError(fmt.Sprintf("--limit goes from 1 to 1000\n  it is %d\n  try: doorward %s --limit 100", l.Limit, command))
	}
	return nil
}

type groupList struct{ listLimit }

// Run lists groups.
func (l *groupList) Run(c *console) error {
	if err := l.check("group list"); err != nil {
		return err
	}
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		groups, err := srv.Accounts().Groups(ctx, l.After, l.Limit)
		if err != nil {
			return err
		}
		list, rows := []shownGroup{}, [][]string{{"id", "name"}}
		for _, g := range groups {
			list = append(list, shownGroup{ID: g.ID, Name: g.Name})
			rows = append(rows, []string{fmt.Sprint(g.ID), g.Name})
		}
		if err := c.result(list, rows); err != nil {
			return err
		}
		if len(groups) == l.Limit {
			c.say("more: doorward group list --after %d", groups[len(groups)-1].ID)
		}
		return nil
	})
}

type groupShow struct {
	Group string `arg:"" help:"Name or id."`
}

// Run shows a group.
func (s *groupShow) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		g, err := srv.Accounts().FindGroup(ctx, s.Group)
		if err != nil {
			return err
		}
		return c.printGroup(ctx, srv.Accounts(), g.ID)
	})
}

type groupRemove struct {
	Group string `arg:"" help:"Name or id."`
}

// Run deletes a group.
func (r *groupRemove) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		g, err := srv.Accounts().FindGroup(ctx, r.Group)
		if err != nil {
			return err
		}
		if err := srv.Accounts().RemoveGroup(ctx, g.ID); err != nil {
			return err
		}
		c.say("group %d removed", g.ID)
		return nil
	})
}

type groupGrant struct {
	Group      string   `arg:"" help:"Name or id."`
	Permission []string `arg:"" help:"APP.CODENAME, such as blog.change_post."`
	Make       bool     `help:"Make a permission that is not there."`
	Name       string   `help:"With --make: its name for people." placeholder:"TEXT"`
}

// Run grants.
func (g *groupGrant) Run(c *console) error {
	return c.withGroup(g.Group, "gives "+strings.Join(g.Permission, ", "), func(ctx context.Context, accounts *account.Service, group *account.Group) error {
		for _, p := range g.Permission {
			err := accounts.SetGroupPermission(ctx, group.ID, p, true)
			if err == nil {
				continue
			}
			if err = c.makeMissing(ctx, accounts, err, p, g.Name, g.Make); err != nil {
				return err
			}
			if err := accounts.SetGroupPermission(ctx, group.ID, p, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeMissing makes a permission that a grant lacked, where that was asked for.
func (c *console) makeMissing(ctx context.Context, accounts *account.Service, lack error, permission, name string, wanted bool) error {
	refusal := account.Refusal(lack)
	if refusal == nil || !refusal.Is(account.NoSuchPermission) || !wanted {
		return lack
	}
	p, err := accounts.MakePermission(ctx, permission, name)
	if err != nil {
		return err
	}
	c.say("permission %s made", &p)
	return nil
}

type groupRevoke struct {
	Group      string   `arg:"" help:"Name or id."`
	Permission []string `arg:"" help:"APP.CODENAME, such as blog.change_post."`
}

// Run revokes.
func (r *groupRevoke) Run(c *console) error {
	return c.withGroup(r.Group, "does not give "+strings.Join(r.Permission, ", "), func(ctx context.Context, accounts *account.Service, group *account.Group) error {
		for _, p := range r.Permission {
			if err := accounts.SetGroupPermission(ctx, group.ID, p, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// shownPermission is a permission as commands print it.
type shownPermission struct {
	ID         int64  `json:"id"`
	Permission string `json:"permission"`
	Name       string `json:"name"`
}

type groupPermissions struct{ listLimit }

// Run lists permissions.
func (l *groupPermissions) Run(c *console) error {
	if err := l.check("group permissions"); err != nil {
		return err
	}
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		permissions, err := srv.Accounts().PermissionList(ctx, l.After, l.Limit)
		if err != nil {
			return err
		}
		list, rows := []shownPermission{}, [][]string{{"id", "permission", "name"}}
		for i := range permissions {
			p := &permissions[i]
			list = append(list, shownPermission{p.ID, p.String(), p.Name})
			rows = append(rows, []string{fmt.Sprint(p.ID), p.String(), p.Name})
		}
		if err := c.result(list, rows); err != nil {
			return err
		}
		if len(permissions) == l.Limit {
			c.say("more: doorward group permissions --after %d", permissions[len(permissions)-1].ID)
		}
		return nil
	})
}

type userGroups struct {
	User   string   `arg:"" help:"Id, e-mail address or user name."`
	Add    []string `help:"Put the user into a group; may be said again." placeholder:"GROUP" sep:"none"`
	Remove []string `help:"Take the user out of one." placeholder:"GROUP" sep:"none"`
}

// Run changes the groups of a user, and prints which he is in.
func (g *userGroups) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		accounts := srv.Accounts()
		u, err := accounts.Find(ctx, g.User)
		if err != nil {
			return err
		}
		if err := joinGroups(ctx, accounts, u.ID, g.Add, true); err != nil {
			return err
		}
		if err := joinGroups(ctx, accounts, u.ID, g.Remove, false); err != nil {
			return err
		}
		rights, err := accounts.Rights(ctx, &u)
		if err != nil {
			return err
		}
		list, rows := []shownGroup{}, [][]string{{"id", "name"}}
		for _, group := range rights.Groups {
			list = append(list, shownGroup{ID: group.ID, Name: group.Name})
			rows = append(rows, []string{fmt.Sprint(group.ID), group.Name})
		}
		return c.result(list, rows)
	})
}

// groupsNamed finds groups, all of them before anything is changed.
func groupsNamed(ctx context.Context, accounts *account.Service, refs []string) (groups []account.Group, err error) {
	for _, ref := range refs {
		g, err := accounts.FindGroup(ctx, ref)
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, nil
}

func joinGroups(ctx context.Context, accounts *account.Service, user int64, refs []string, in bool) error {
	groups, err := groupsNamed(ctx, accounts, refs)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := accounts.SetMember(ctx, g.ID, user, in); err != nil {
			return err
		}
	}
	return nil
}

type userGrant struct {
	User       string   `arg:"" help:"Id, e-mail address or user name."`
	Permission []string `arg:"" help:"APP.CODENAME, such as blog.change_post."`
	Make       bool     `help:"Make a permission that is not there."`
	Name       string   `help:"With --make: its name for people." placeholder:"TEXT"`
}

// Run grants permissions to one user.
func (g *userGrant) Run(c *console) error {
	return c.withUser(g.User, "has "+strings.Join(g.Permission, ", "), func(ctx context.Context, srv *server.Server, u *account.User) error {
		for _, p := range g.Permission {
			err := srv.Accounts().SetUserPermission(ctx, u.ID, p, true)
			if err == nil {
				continue
			}
			if err = c.makeMissing(ctx, srv.Accounts(), err, p, g.Name, g.Make); err != nil {
				return err
			}
			if err := srv.Accounts().SetUserPermission(ctx, u.ID, p, true); err != nil {
				return err
			}
		}
		return nil
	})
}

type userRevoke struct {
	User       string   `arg:"" help:"Id, e-mail address or user name."`
	Permission []string `arg:"" help:"APP.CODENAME, such as blog.change_post."`
}

// Run revokes permissions of one user's own. What his groups give him he keeps.
func (r *userRevoke) Run(c *console) error {
	done := "has no " + strings.Join(r.Permission, ", ") + " of his own"
	return c.withUser(r.User, done, func(ctx context.Context, srv *server.Server, u *account.User) error {
		for _, p := range r.Permission {
			if err := srv.Accounts().SetUserPermission(ctx, u.ID, p, false); err != nil {
				return err
			}
		}
		return nil
	})
}
