package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"doorward/internal/account"
	"doorward/internal/django"
	"doorward/internal/server"
)

type userCmd struct {
	Add         userAdd         `cmd:"" help:"Add a user; asks for what is missing."`
	List        userList        `cmd:"" help:"List users by id."`
	Show        userShow        `cmd:"" help:"Show one user."`
	SetPassword userSetPassword `cmd:"" help:"Set a password, read from a prompt or standard input; signs the user out."`
	Disable     userDisable     `cmd:"" help:"Lock a user out and sign him out everywhere."`
	Enable      userEnable      `cmd:"" help:"Let a disabled user in again."`
	SignOut     userSignOut     `cmd:"" help:"Sign a user out everywhere."`
	Groups      userGroups      `cmd:"" help:"Show a user's groups, put him into some or take him out."`
	Grant       userGrant       `cmd:"" help:"Grant permissions to one user."`
	Revoke      userRevoke      `cmd:"" help:"Revoke what was granted to one user."`
}

// withAccounts opens the database for one command, and calls f.
func (c *console) withAccounts(f func(context.Context, *server.Server) error) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	ctx := context.Background()
	srv, err := server.New(ctx, cfg, server.Options{Now: c.now, Log: newJournal(c.err, cfg.Log).Logger(), Version: version})
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, srv), srv.Close())
}

// withUser is withAccounts for a command on one user, who is printed afterwards.
func (c *console) withUser(ref string, done string, f func(context.Context, *server.Server, *account.User) error) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		u, err := srv.Accounts().Find(ctx, ref)
		if err != nil {
			return err
		}
		if err := f(ctx, srv, &u); err != nil {
			return err
		}
		c.say("user %d %s", u.ID, done)
		if c.cli.JSON {
			return c.printUser(ctx, srv, u.ID)
		}
		return nil
	})
}

// shown is a user as commands print him.
type shown struct {
	ID          int64  `json:"id"`
	Email       string `json:"email"`
	Username    string `json:"username"`
	IsActive    bool   `json:"is_active"`
	IsStaff     bool   `json:"is_staff"`
	IsSuperuser bool   `json:"is_superuser"`
	DateJoined  string `json:"date_joined"`
	LastLogin   string `json:"last_login"`
	SignedOut   string `json:"signed_out_everywhere"`

	Declared map[string]any `json:"declared,omitempty"`
	Groups   []string       `json:"groups,omitempty"`
	// Permissions are all that he has; of a superuser, who has every one, those of his own.
	Permissions []string `json:"permissions,omitempty"`
}

func show(u *account.User) shown {
	return shown{u.ID, u.Email, u.Username, u.IsActive, u.IsStaff, u.IsSuperuser, at(u.DateJoined), at(u.LastLogin), at(u.SignedOut), nil, nil, nil}
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (c *console) printUser(ctx context.Context, srv *server.Server, id int64) error {
	u, err := srv.Accounts().Find(ctx, fmt.Sprint(id))
	if err != nil {
		return err
	}
	s := show(&u)
	rows, values := declared(srv.Accounts().Model(), &u)
	s.Declared = values
	rights, err := srv.Accounts().Rights(ctx, &u)
	if err != nil {
		return err
	}
	for _, g := range rights.Groups {
		s.Groups = append(s.Groups, g.Name)
		rows = append(rows, []string{"group", g.Name})
	}
	if s.Permissions = rights.Permissions; u.IsSuperuser {
		s.Permissions = rights.Own
	}
	for _, p := range s.Permissions {
		rows = append(rows, []string{"permission", p})
	}
	return c.result(s, append([][]string{
		{"id", fmt.Sprint(s.ID)},
		{"email", s.Email},
		{"username", s.Username},
		{"active", fmt.Sprint(s.IsActive)},
		{"staff", fmt.Sprint(s.IsStaff)},
		{"superuser", fmt.Sprint(s.IsSuperuser)},
		{"joined", s.DateJoined},
		{"last login", s.LastLogin},
		{"signed out", s.SignedOut},
	}, rows...))
}

type userAdd struct {
	Login     string `arg:"" optional:"" help:"E-mail address, or user name where people sign in with that."`
	Superuser bool   `help:"May do everything."`
	Staff     bool   `help:"May use the admin pages."`
	Email     string `help:"E-mail address, where the login is a user name." placeholder:"ADDRESS"`
	Username  string `help:"User name, where the login is an e-mail address." placeholder:"NAME"`
	Name      string `help:"What people call him." placeholder:"TEXT"`
	FirstName string `help:"First name." placeholder:"TEXT"`
	LastName  string `help:"Last name." placeholder:"TEXT"`
	Phone     string `help:"Telephone number." placeholder:"NUMBER"`

	Group []string `help:"Put the user into this group; may be said again." placeholder:"GROUP" sep:"none"`

	Field map[string]string `help:"A declared field, or PROFILE.NAME=VALUE; may be said again." placeholder:"NAME=VALUE" mapsep:"none"`
}

// Run adds a user. The password comes from a prompt or a line of standard input, never from the command line.
func (a *userAdd) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		in := bufio.NewReader(c.in)
		accounts := srv.Accounts()
		n := account.NewUser{
			Email: a.Email, Username: a.Username, Name: a.Name, FirstName: a.FirstName, LastName: a.LastName, Phone: a.Phone,
			Staff: a.Staff, Superuser: a.Superuser, By: account.Staff,
		}
		if err := give(accounts.Model(), &n, a.Field); err != nil {
			return err
		}
		groups, err := groupsNamed(ctx, accounts, a.Group)
		if err != nil {
			return err
		}
		login := &n.Email
		if accounts.Model().Login == account.Username {
			login = &n.Username
		}
		if a.Login != "" {
			*login = a.Login
		}
		asked := map[account.Field]*string{
			account.Email: &n.Email, account.Username: &n.Username, account.Name: &n.Name, account.Phone: &n.Phone,
			account.FirstName: &n.FirstName, account.LastName: &n.LastName, accounts.Model().Login: login,
		}
		for _, f := range wanted(accounts.Model()) {
			text, label := asked[f.Field], accounts.Model().Label(f.Field)
			switch {
			case *text != "":
			case f.Required:
				*text, err = c.ask(in, label)
			case isTerminal(c.in):
				*text, err = c.askLine(in, label+" (may be empty)")
			}
			if err != nil {
				return err
			}
		}
		if n.Password, err = c.askPassword(in); err != nil {
			return err
		}
		u, err := accounts.SignUp(ctx, srv.Operator(), n)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if err := accounts.SetMember(ctx, g.ID, u.ID, true); err != nil {
				return err
			}
		}
		c.say("user %d added", u.ID)
		return c.printUser(ctx, srv, u.ID)
	})
}

// wanted are the fields that Django's createsuperuser asks for, in its order: the login and REQUIRED_FIELDS.
func wanted(m *account.Model) []django.Asked {
	return append([]django.Asked{{Field: m.Login, Required: true}}, django.AskedOf(m)...)
}

// ask reads a line that must not be empty, with a prompt for a person.
func (c *console) ask(in *bufio.Reader, label string) (string, error) {
	line, err := c.askLine(in, label)
	if err == nil && line == "" {
		return "", usageError("no " + label + " was given\n  it is read from a prompt, or from a line of standard input\n  try: the same command again")
	}
	return line, err
}

func (c *console) askLine(in *bufio.Reader, label string) (string, error) {
	if isTerminal(c.in) {
		fmt.Fprintf(c.err, "%s: ", label)
	}
	line, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the %s: %w", label, err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// askPassword reads a password: twice and unseen at a terminal, else one line.
func (c *console) askPassword(in *bufio.Reader) (string, error) {
	f, ok := c.in.(*os.File)
	if !ok || !isTerminal(f) {
		return c.ask(in, "password")
	}
	var typed [2]string
	for i, label := range []string{"password: ", "\npassword (again): "} {
		fmt.Fprint(c.err, label)
		b, err := term.ReadPassword(int(f.Fd()))
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(b)
	}
	fmt.Fprintln(c.err)
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ\n  nothing was changed\n  try: the same command again")
	}
	return typed[0], nil
}

type userList struct {
	After int64 `help:"Start after this id." placeholder:"ID"`
	Limit int   `help:"How many at most." default:"100"`
}

// Run lists users.
func (l *userList) Run(c *console) error {
	if l.Limit < 1 || l.Limit > 10000 {
		return usageError(fmt.Sprintf("--limit goes from 1 to 10000\n  it is %d\n  try: doorward user list --limit 100", l.Limit))
	}
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		users, err := srv.Accounts().List(ctx, l.After, l.Limit)
		if err != nil {
			return err
		}
		list := make([]shown, len(users))
		rows := [][]string{{"id", "email", "username", "active", "staff", "superuser", "last login"}}
		for i := range users {
			u := show(&users[i])
			list[i] = u
			rows = append(rows, []string{
				fmt.Sprint(u.ID), u.Email, u.Username, fmt.Sprint(u.IsActive), fmt.Sprint(u.IsStaff),
				fmt.Sprint(u.IsSuperuser), u.LastLogin,
			})
		}
		if err := c.result(list, rows); err != nil {
			return err
		}
		if len(users) == l.Limit {
			c.say("more: doorward user list --after %d", users[len(users)-1].ID)
		}
		return nil
	})
}

type userShow struct {
	User string `arg:"" help:"Id, e-mail address or user name."`
}

// Run shows one user.
func (s *userShow) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		u, err := srv.Accounts().Find(ctx, s.User)
		if err != nil {
			return err
		}
		return c.printUser(ctx, srv, u.ID)
	})
}

type userSetPassword struct {
	User string `arg:"" help:"Id, e-mail address or user name."`
}

// Run sets a password.
func (s *userSetPassword) Run(c *console) error {
	return c.withUser(s.User, "has a new password and is signed out", func(ctx context.Context, srv *server.Server, u *account.User) error {
		text, err := c.askPassword(bufio.NewReader(c.in))
		if err != nil {
			return err
		}
		return srv.Accounts().SetPassword(ctx, srv.Operator(), u, text)
	})
}

type userDisable struct {
	User string `arg:"" help:"Id, e-mail address or user name."`
}

// Run disables a user.
func (d *userDisable) Run(c *console) error {
	return c.withUser(d.User, "is disabled and signed out", func(ctx context.Context, srv *server.Server, u *account.User) error {
		return srv.Accounts().SetActive(ctx, u.ID, false)
	})
}

type userEnable struct {
	User string `arg:"" help:"Id, e-mail address or user name."`
}

// Run enables a user.
func (e *userEnable) Run(c *console) error {
	return c.withUser(e.User, "is enabled", func(ctx context.Context, srv *server.Server, u *account.User) error {
		return srv.Accounts().SetActive(ctx, u.ID, true)
	})
}

type userSignOut struct {
	User string `arg:"" help:"Id, e-mail address or user name."`
}

// Run signs a user out everywhere.
func (s *userSignOut) Run(c *console) error {
	return c.withUser(s.User, "is signed out everywhere", func(ctx context.Context, srv *server.Server, u *account.User) error {
		return srv.Accounts().SignOutEverywhere(ctx, u.ID)
	})
}
