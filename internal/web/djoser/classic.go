// Package djoser speaks the contract of djoser: version 1.1.5, whose paths an operator chooses
// (Classic), and version 2 (Users). It owns their routes, words and shapes; the rules are the
// account package's.
package djoser

import (
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Classic are the views of djoser 1.1.5.
type Classic struct{ dialect }

// NewClassic makes the views of a mount that follows policy.
func NewClassic(accounts *account.Service, policy *account.Policy, o Options) *Classic {
	return &Classic{newDialect(accounts, policy, o)}
}

// ClassicNames are the fourteen names that djoser 1's index lists, mounted or not.
var ClassicNames = []string{
	"user", "user-create", "user-delete", "user-activate", "set_username", "set_password", "password_reset",
	"password_reset_confirm", "root", "token-create", "token-destroy", "jwt-create", "jwt-refresh", "jwt-verify",
}

// classicLinks is what version 1 says about a bad link. The user id is judged as a field.
var classicLinks = drf.Words{
	account.LinkUser:  {Field: "uid", Text: badUID},
	account.LinkToken: {Text: badToken},
	account.LinkStale: {Field: drf.OnDetail, Text: staleToken, Status: http.StatusForbidden},
}

var classicEmail = drf.Words{account.EmailUnknown: {Text: unknownEmail}}

// Routes is the route table. Signing out is what the article that goes by these paths added.
func (c *Classic) Routes() []web.Route {
	user := web.Route{
		Op: "user", Path: "me/", Access: web.SignedIn, View: "User", Doc: "Retrieve or update the user who is signed in.",
		Input: c.user, Output: c.user, Status: http.StatusOK,
	}
	get, put, patch := user, user, user
	get.Method, get.Handler, get.Input = "GET", c.view, nil
	put.Method, put.Handler, put.Fresh = "PUT", c.update, true
	patch.Method, patch.Handler, patch.Fresh = "PATCH", c.update, true
	return append([]web.Route{
		{
			Op: "root", Method: "GET", Path: "", Access: web.Anyone, View: "Root", Doc: "Lists the routes.",
			Handler: drf.Index(ClassicNames),
		},
		{
			Op: "user-create", Method: "POST", Path: "users/create/", Access: web.Anyone, Handler: c.create,
			View: "User Create", Doc: "Register a new user.", Input: c.created(), Output: c.created(), Status: http.StatusCreated,
		},
		get, put, patch,
		{
			Op: "user-delete", Method: "POST", Path: "users/delete/", Access: web.SignedIn, Fresh: true, Handler: c.delete,
			View: "User Delete", Doc: "Delete the user who is signed in.", Input: []web.Field{c.current()},
			Status: http.StatusNoContent,
		},
		{
			Op: "user-logout", Method: "POST", Path: "users/logout/", Access: web.SignedIn, Fresh: true, Handler: c.logout,
			View: "User Logout", Doc: "Sign out the session that asks.", Status: http.StatusNoContent,
		},
		{
			Op: "user-logout-all", Method: "POST", Path: "users/logout/all/", Access: web.SignedIn, Fresh: true, Handler: c.logoutAll,
			View: "User Logout All", Doc: "Sign out all sessions of the user.", Status: http.StatusNoContent,
		},
	}, c.flows()...)
}

// flows are the routes of links, changes and opaque tokens.
func (c *Classic) flows() []web.Route {
	uid, token := text("uid", "Uid"), text("token", "Token")
	uid.Check = func(r *web.Request, text string) ([]string, error) {
		known, err := c.accounts.KnowsUID(r.Context(), c.policy, text)
		if err == nil && !known {
			return []string{badUID}, nil
		}
		return nil, err
	}
	return []web.Route{
		{
			Op: "user-activate", Method: "POST", Path: "users/activate/", Access: web.Anyone, Fresh: true, Handler: c.activate(classicLinks),
			View: "Activation", Doc: "Activate a user by the link that was mailed to him.", Input: []web.Field{uid, token},
			Status: http.StatusNoContent,
		},
		{
			Op: "set_username", Method: "POST", Path: string(c.login()) + "/", Access: web.SignedIn, Fresh: true, Handler: c.setLogin(),
			View: "Set Username", Doc: "Change what the user signs in with.", Input: append(c.renamed(c.RetypeLogin), c.current()),
			Status: http.StatusNoContent,
		},
		{
			Op: "set_password", Method: "POST", Path: "password/", Access: web.SignedIn, Fresh: true, Handler: c.setPassword,
			View: "Set Password", Doc: "Change the user's password.", Input: append(secrets(c.RetypePassword), c.current()),
			Status: http.StatusNoContent,
		},
		{
			Op: "password_reset", Method: "POST", Path: "password/reset/", Access: web.Anyone, Fresh: true, Handler: c.requestPassword(classicEmail),
			View: "Password Reset", Doc: "Mail a link that sets another password.", Input: []web.Field{{Name: "email", Label: "Email", Kind: web.Email, Required: true}},
			Status: http.StatusNoContent,
		},
		{
			Op: "password_reset_confirm", Method: "POST", Path: "password/reset/confirm/", Access: web.Anyone, Fresh: true,
			Handler: c.resetPassword(classicLinks), View: "Password Reset Confirm", Doc: "Set another password by the link that was mailed.",
			Input: append([]web.Field{uid, token}, secrets(c.RetypeResetPassword)...), Status: http.StatusNoContent,
		},
		{
			Op: "token-create", Method: "POST", Path: "token/create/", Access: web.Anyone, Fresh: true,
			Handler: c.signIn("Unable to login with provided credentials."), View: "Token Create", Doc: "Sign in, and get the user's opaque token.",
			Input: c.tokens(), Output: opaqueToken, Status: http.StatusOK,
		},
		{
			Op: "token-destroy", Method: "POST", Path: "token/destroy/", Access: web.SignedIn, Fresh: true, Handler: c.signOut,
			View: "Token Destroy", Doc: "Sign out: the user's opaque token ends.", Status: http.StatusNoContent,
		},
	}
}

func (c *Classic) view(w http.ResponseWriter, r *web.Request) error {
	return drf.JSON(w, http.StatusOK, c.shape(&r.Who.User, c.user, r.Who.Access(r.Who.User.ID)))
}

func (c *Classic) update(w http.ResponseWriter, r *web.Request) error {
	return c.edit(w, r, r.Who.User.ID)
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
