// Package djoser speaks the contract of djoser. This part of it is version 1.1.5: a user's views
// under paths that an operator chooses.
package djoser

import (
	"context"
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Classic are the views of djoser 1.1.5.
type Classic struct {
	accounts *account.Service
	policy   *account.Policy
	noun     string
	fields   []web.Field // of a user, as he reads
}

// NewClassic makes the views of a mount that follows policy. noun is what messages call a user:
// "spa user".
func NewClassic(accounts *account.Service, policy *account.Policy, noun string) *Classic {
	c := &Classic{accounts: accounts, policy: policy, noun: noun}
	c.fields = c.shown()
	return c
}

// ClassicNames are the fourteen names that djoser 1's index lists, mounted or not.
var ClassicNames = []string{
	"user", "user-create", "user-delete", "user-activate", "set_username", "set_password", "password_reset",
	"password_reset_confirm", "root", "token-create", "token-destroy", "jwt-create", "jwt-refresh", "jwt-verify",
}

// Routes is the route table. Signing out is what the article that goes by these paths added.
func (c *Classic) Routes() []web.Route {
	current := []web.Field{{Name: "current_password", Label: "Current password", Kind: web.Secret, Required: true}}
	user := web.Route{
		Op: "user", Path: "me/", Access: web.SignedIn, View: "User", Doc: "Retrieve or update the user who is signed in.",
		Input: c.fields,
	}
	get, put, patch := user, user, user
	get.Method, get.Handler, get.Input = "GET", c.view, nil
	put.Method, put.Handler = "PUT", c.update
	patch.Method, patch.Handler = "PATCH", c.update
	return []web.Route{
		{
			Op: "root", Method: "GET", Path: "", Access: web.Anyone, View: "Root", Doc: "Lists the routes.",
			Handler: drf.Index(ClassicNames),
		},
		{
			Op: "user-create", Method: "POST", Path: "users/create/", Access: web.Anyone, Handler: c.create,
			View: "User Create", Doc: "Register a new user.", Input: c.created(),
		},
		get, put, patch,
		{
			Op: "user-delete", Method: "POST", Path: "users/delete/", Access: web.SignedIn, Fresh: true, Handler: c.delete,
			View: "User Delete", Doc: "Delete the user who is signed in.", Input: current,
		},
		{
			Op: "user-logout", Method: "POST", Path: "users/logout/", Access: web.SignedIn, Fresh: true, Handler: c.logout,
			View: "User Logout", Doc: "Sign out the session that asks.",
		},
		{
			Op: "user-logout-all", Method: "POST", Path: "users/logout/all/", Access: web.SignedIn, Fresh: true, Handler: c.logoutAll,
			View: "User Logout All", Doc: "Sign out all sessions of the user.",
		},
	}
}

// created are the fields of a registration: the e-mail address, the login field, id, password.
func (c *Classic) created() []web.Field {
	fields := []web.Field{c.field(account.Email)}
	if c.policy.Login != account.Email {
		fields = append(fields, c.field(c.policy.Login))
	}
	return append(fields, idField, web.Field{Name: "password", Label: "Password", Kind: web.Secret, Required: true})
}

// shown are the fields of a user. The login field cannot be changed here.
func (c *Classic) shown() []web.Field {
	login := c.field(c.policy.Login)
	login.ReadOnly, login.Required, login.Max, login.Taken = true, false, 0, nil
	return []web.Field{idField, login}
}

var idField = web.Field{Name: "id", Label: "ID", Kind: web.Integer, ReadOnly: true}

var labels = map[account.Field]string{account.Email: "Email address", account.Username: "Username"}

// field describes a field of the user model as Django's serializer of it does.
func (c *Classic) field(f account.Field) web.Field {
	col, _ := c.accounts.Model().Column(f)
	field := web.Field{
		Name: string(f), Label: labels[f], Kind: web.Text, Max: col.Max,
		Required: f == c.policy.Login, Blank: f != c.policy.Login,
	}
	if f == account.Email {
		field.Kind = web.Email
	}
	if f == c.policy.Login {
		field.Taken = func(ctx context.Context, text string) (bool, error) { return c.accounts.Taken(ctx, f, text) }
		field.TakenText = c.noun + " with this " + c.accounts.Model().Label(f) + " already exists."
	}
	return field
}

// shape writes a user with the given fields.
func shape(u *account.User, fields []web.Field) drf.Object {
	o := make(drf.Object, 0, len(fields))
	for _, f := range fields {
		switch account.Field(f.Name) {
		case account.ID:
			o = append(o, drf.Member{Name: f.Name, Value: u.ID})
		case account.Email:
			o = append(o, drf.Member{Name: f.Name, Value: u.Email})
		case account.Username:
			o = append(o, drf.Member{Name: f.Name, Value: u.ShownUsername()})
		}
	}
	return o
}

// The uniqueness of the address was judged, field by field, on the text as it was sent. A clash
// that only the insert sees is this one.
var createWords = drf.Words{
	account.EmailTaken:    {Field: drf.OnList, Text: "Unable to create account."},
	account.UsernameTaken: {Field: drf.OnList, Text: "Unable to create account."},
	account.Invalid:       {Text: "Enter a valid value."},
}

func (c *Classic) create(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	u, err := c.accounts.SignUp(r.Context(), c.policy, account.NewUser{
		Email: in.Text("email"), Username: in.Text("username"), Password: in.Text("password"),
	})
	if err != nil {
		return createWords.Explain(err)
	}
	return drf.JSON(w, http.StatusCreated, shape(&u, r.Route.Input))
}

func (c *Classic) view(w http.ResponseWriter, r *web.Request) error {
	return drf.JSON(w, http.StatusOK, shape(&r.Who.User, c.fields))
}

func (c *Classic) update(w http.ResponseWriter, r *web.Request) error {
	if _, err := drf.Read(r); err != nil {
		return err
	}
	return c.view(w, r)
}

var deleteWords = drf.Words{account.WrongPassword: {Field: "current_password", Text: "Invalid password."}}

func (c *Classic) delete(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if err := c.accounts.Delete(r.Context(), r.Who, in.Text("current_password")); err != nil {
		return deleteWords.Explain(err)
	}
	return drf.NoContent(w)
}

func (c *Classic) logout(w http.ResponseWriter, r *web.Request) error {
	if err := c.accounts.SignOut(r.Context(), c.policy, r.Who); err != nil {
		return err
	}
	return drf.NoContent(w)
}

func (c *Classic) logoutAll(w http.ResponseWriter, r *web.Request) error {
	if err := c.accounts.SignOutEverywhere(r.Context(), r.Who.User.ID); err != nil {
		return err
	}
	return drf.NoContent(w)
}
