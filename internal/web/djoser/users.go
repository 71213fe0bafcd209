package djoser

import (
	"net/http"
	"strconv"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Users are the views of djoser 2, but for those of SimpleJWT.
type Users struct{ dialect }

// NewUsers makes the views of a mount that follows policy.
func NewUsers(accounts *account.Service, policy *account.Policy, o Options) *Users {
	return &Users{newDialect(accounts, policy, o)}
}

// The names of views, as PERMISSIONS has them, that the rules of others go by.
const (
	toUser   = "user"
	toDelete = "user_delete"
)

// usual are djoser's own permissions.
var usual = map[string]web.Rule{
	"activation": {Access: web.Anyone}, "password_reset": {Access: web.Anyone}, "password_reset_confirm": {Access: web.Anyone},
	"username_reset": {Access: web.Anyone}, "username_reset_confirm": {Access: web.Anyone}, "user_create": {Access: web.Anyone},
	"token_create": {Access: web.Anyone},
	"set_password": {Access: web.SignedIn}, "set_username": {Access: web.SignedIn}, toUser: {Access: web.SignedIn},
	toDelete: {Access: web.SignedIn}, "user_list": {Access: web.SignedIn}, "token_destroy": {Access: web.SignedIn},
}

func (u *Users) may(view string) web.Rule {
	if p, ok := u.Permissions[view]; ok {
		return p
	}
	return usual[view]
}

// modernLinks is what version 2 says about a bad link.
var modernLinks = drf.Words{
	account.LinkUser:  {Field: "uid", Text: badUID},
	account.LinkToken: {Field: "token", Text: badToken},
	account.LinkStale: {Field: drf.OnDetail, Text: staleToken, Status: http.StatusForbidden},
}

var modernEmail = drf.Words{account.EmailUnknown: {Field: drf.OnList, Text: unknownEmail}}

// Routes is the route table.
func (u *Users) Routes() []web.Route {
	routes := []web.Route{{
		Op: "api-root", Method: "GET", Path: "", Access: web.Anyone, View: "Api Root", Doc: "Lists the routes.",
		Handler: drf.IndexOf(drf.Named{Name: "users", Op: "user-list"}),
	}}
	routes = append(routes, u.people()...)
	routes = append(routes, u.actions()...)
	login, logout := web.Route{
		Op: "login", Method: "POST", Path: "token/login/", Also: "token/login", Fresh: true, NoSuffix: true,
		Handler: u.signIn("Unable to log in with provided credentials."), View: "Token Create",
		Doc: "Sign in, and get the user's opaque token.", Input: u.tokens(), Output: opaqueToken, Status: http.StatusOK,
	}, web.Route{
		Op: "logout", Method: "POST", Path: "token/logout/", Also: "token/logout", Fresh: true, NoSuffix: true,
		Handler: u.signOut, View: "Token Destroy", Doc: "Sign out: the user's opaque token ends.", Status: http.StatusNoContent,
	}
	login.Obey(u.may("token_create"))
	logout.Obey(u.may("token_destroy"))
	routes = append(routes, login, logout)
	for i := range routes {
		routes[i].Open = true // PERMISSIONS may say so of each
	}
	return routes
}

// told are the fields that OPTIONS tells of every action: those of a user, whatever its body is.
func (u *Users) told(*web.Request) []web.Field { return u.user }

// people are the routes of the list, of one user, and of oneself.
func (u *Users) people() []web.Route {
	list := web.Route{Op: "user-list", Path: "users/", View: "User List", Undescribed: true, Others: u.may(toUser).Access, Fresh: true, Told: u.told}
	get, create := list, list
	get.Doc, create.Doc = "List the users whom who asks may see.", "Register a new user."
	get.Output, get.Status, get.Many = u.user, http.StatusOK, u.PageSize == 0
	if u.PageSize > 0 {
		get.Output, get.Query = drf.PagedOutput(u.user), drf.PageQuery
	}
	create.Output, create.Status = u.created(), http.StatusCreated
	get.Method, get.Handler, get.Hidden = "GET", u.list, u.policy.Changes.HideUsers
	create.Method, create.Handler, create.Input = "POST", u.create, u.created()
	get.Obey(u.may("user_list").On(get.Method))
	create.Obey(u.may("user_create"))
	routes := []web.Route{get, create}
	me := web.Route{Op: "user-me", Path: "users/me/", View: "Me", Undescribed: true, Doc: "The user who is signed in.", Told: u.told}
	one := web.Route{Op: "user-detail", Path: "users/{id}/", View: "User Instance", Undescribed: true, Doc: "One user.", Told: u.toldOfOne, Fresh: true, About: true}
	for _, r := range []struct {
		method, view string
		me, one      web.Handler
	}{
		{"GET", toUser, u.me, u.person},
		{"PUT", toUser, u.updateMe, u.update},
		{"PATCH", toUser, u.updateMe, u.update},
		{"DELETE", toDelete, u.deleteMe, u.delete},
	} {
		for _, route := range []web.Route{me, one} {
			route.Method, route.Handler, route.Others = r.method, r.me, u.may(toUser).Access
			route.Obey(u.may(r.view).On(r.method))
			if route.Op == one.Op {
				route.Handler = r.one
			}
			route.Fresh = route.Fresh || r.method != "GET"
			route.Hidden = r.view == toUser && u.policy.Changes.HideUsers
			route.Output, route.Status = u.user, http.StatusOK
			switch {
			case r.view == toDelete:
				route.Input, route.Output, route.Status = []web.Field{u.current()}, nil, http.StatusNoContent
			case r.method != "GET":
				route.Input = u.user
			}
			routes = append(routes, route)
		}
	}
	return routes
}

// actions are the routes below users/ that take a POST and nothing else.
func (u *Users) actions() []web.Route {
	login := string(u.login())
	uid, token := text("uid", "Uid"), text("token", "Token")
	email := []web.Field{{Name: "email", Label: "Email", Kind: web.Email, Required: true}}
	unread := func(f web.Field) web.Field { f.Required, f.Kind = false, web.Unread; return f } // no fields of that serializer
	var routes []web.Route
	for _, a := range []struct {
		op, path, view, may, doc string
		handler                  web.Handler
		input                    []web.Field
	}{
		{
			"user-activation", "activation", "Activation", "activation", "Activate a user by the link that was mailed to him.",
			u.activate(modernLinks),
			[]web.Field{uid, token},
		},
		{
			"user-resend-activation", "resend_activation", "Resend activation", "password_reset", "Mail the link that activates again.",
			u.resend, email,
		},
		{
			"user-set-password", "set_password", "Set password", "set_password", "Change the user's password.",
			u.setPassword, append(secrets(u.RetypePassword), u.current()),
		},
		{"user-reset-password", "reset_password", "Reset password", "password_reset", "Mail a link that sets another password.", u.requestPassword(modernEmail), email},
		{
			"user-reset-password-confirm", "reset_password_confirm", "Reset password confirm", "password_reset_confirm",
			"Set another password by the link that was mailed.", u.resetPassword(modernLinks), append([]web.Field{uid, token}, secrets(u.RetypeResetPassword)...),
		},
		{
			"user-set-username", "set_" + login, "Set username", "set_username", "Change what the user signs in with.",
			u.setLogin(), append([]web.Field{u.current()}, u.renamed(u.RetypeLogin)...),
		},
		{
			"user-reset-username", "reset_" + login, "Reset username", "username_reset", "Mail a link that changes what somebody signs in with.",
			u.requestLogin(modernEmail), email,
		},
		{
			"user-reset-username-confirm", "reset_" + login + "_confirm", "Reset username confirm", "username_reset_confirm",
			"Change what somebody signs in with by the link that was mailed.", u.resetLogin(modernLinks),
			append([]web.Field{unread(uid), unread(token)}, u.renamed(u.RetypeResetLogin)...),
		},
	} {
		route := web.Route{
			Op: a.op, Method: "POST", Path: "users/" + a.path + "/", Others: u.may(toUser).Access, Fresh: true, Undescribed: true,
			Handler: a.handler, View: a.view, Doc: a.doc, Input: a.input, Told: u.told, Status: http.StatusNoContent,
		}
		route.Obey(u.may(a.may))
		routes = append(routes, route)
	}
	return routes
}

func (u *Users) list(w http.ResponseWriter, r *web.Request) error {
	rows := func(people []account.User) []drf.Object {
		all := make([]drf.Object, len(people))
		for i := range people {
			all[i] = u.shape(&people[i], u.user, r.Who.Access(people[i].ID))
		}
		return all
	}
	if u.PageSize > 0 {
		return drf.Paginated(w, r, u.PageSize, u.Modern, func(skip, limit int) ([]drf.Object, int, error) {
			people, count, err := u.accounts.PeoplePage(r.Context(), u.policy, r.Who, skip, limit)
			return rows(people), count, err
		})
	}
	people, err := u.accounts.People(r.Context(), u.policy, r.Who)
	if err != nil {
		return err
	}
	return drf.JSON(w, http.StatusOK, rows(people))
}

// called finds the user that the path names, for who may call him up.
func (u *Users) called(r *web.Request, view string) (account.User, error) {
	name := r.PathValue("id")
	if r.Who == nil {
		return account.User{}, drf.NotAuthenticated()
	}
	reach := u.may(view).On(r.Method).Reach
	if r.Route != nil { // OPTIONS has none
		reach = r.Route.Reach
	}
	var person account.User
	var err error
	if u.ID == account.ID {
		id, bad := strconv.ParseInt(name, 10, 64)
		if bad != nil {
			return account.User{}, drf.NotFound()
		}
		person, err = u.accounts.Person(r.Context(), r.Who, reach, id)
	} else {
		person, err = u.accounts.PersonByName(r.Context(), r.Who, reach, u.ID, name)
	}
	switch refusal := account.Refusal(err); {
	case refusal == nil:
		return person, err
	case refusal.Is(account.NoSuchUser):
		return person, drf.NoRow("User", u.Modern)
	case view == toUser && u.policy.Changes.HideUsers:
		return person, drf.NotFound()
	}
	return person, drf.PermissionDenied()
}

// toldOfOne tells of a user's fields to who may change him.
func (u *Users) toldOfOne(r *web.Request) []web.Field {
	if _, err := u.called(r, toUser); err != nil {
		return nil
	}
	return u.user
}

func (u *Users) me(w http.ResponseWriter, r *web.Request) error {
	if r.Who == nil {
		return drf.NotAuthenticated()
	}
	return drf.JSON(w, http.StatusOK, u.shape(&r.Who.User, u.user, r.Who.Access(r.Who.User.ID)))
}

func (u *Users) person(w http.ResponseWriter, r *web.Request) error {
	person, err := u.called(r, toUser)
	if err != nil {
		return err
	}
	return drf.JSON(w, http.StatusOK, u.shape(&person, u.user, r.Who.Access(person.ID)))
}

func (u *Users) updateMe(w http.ResponseWriter, r *web.Request) error {
	if r.Who == nil {
		return drf.NotAuthenticated()
	}
	return u.edit(w, r, r.Who.User.ID)
}

func (u *Users) update(w http.ResponseWriter, r *web.Request) error {
	person, err := u.called(r, toUser)
	if err != nil {
		return err
	}
	return u.edit(w, r, person.ID)
}

func (u *Users) deleteMe(w http.ResponseWriter, r *web.Request) error {
	if r.Who == nil {
		return drf.NotAuthenticated()
	}
	return u.expel(w, r, r.Who.User.ID)
}

func (u *Users) delete(w http.ResponseWriter, r *web.Request) error {
	person, err := u.called(r, toDelete)
	if err != nil {
		return err
	}
	return u.expel(w, r, person.ID)
}

var expelWords = drf.Words{
	account.WrongPassword: {Field: "current_password", Text: "Invalid password."},
	account.NoSuchUser:    {Field: drf.OnDetail, Text: "Not found.", Status: http.StatusNotFound},
}

// expel deletes a user once whoever asks gave his own password.
func (u *Users) expel(w http.ResponseWriter, r *web.Request, id int64) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if err := u.accounts.Expel(r.Context(), u.policy, r.Who, id, in.Text("current_password")); err != nil {
		return expelWords.Explain(err)
	}
	return drf.NoContent(w)
}

// resend answers who lost the mail that activates him. Version 2.1 says with a 400 that there is
// nobody to send it to, 2.3 keeps it to itself.
func (u *Users) resend(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	err = u.accounts.ResendActivation(r.Asking(), u.policy, in.Text("email"))
	switch refusal := account.Refusal(err); {
	case refusal == nil && err != nil:
		return err
	case refusal != nil && refusal.Is(account.EmailUnknown) && u.policy.Links.TellUnknown:
		return modernEmail.Explain(err)
	case refusal != nil && refusal.Is(account.EmailUnknown) && u.Modern:
	case refusal != nil && (refusal.Is(account.EmailUnknown) || refusal.Is(account.SwitchedOff)):
		return drf.Empty(http.StatusBadRequest)
	case refusal != nil:
		return err
	}
	return drf.NoContent(w)
}
