package native

import (
	"encoding/json"
	"net/http"
	"strconv"

	"doorward/internal/account"
	"doorward/internal/web"
)

// rights are the routes of groups and permissions: staff reads, and a superuser changes.
func (a *API) rights() []web.Route {
	text := func(name string) web.Field { return web.Field{Name: name, Required: true} }
	id := web.Field{Name: "id", Kind: web.Integer, Required: true}
	name := []web.Field{text("name")}
	aGroup, aPermission := []web.Field{id, text("name")}, []web.Field{id, text("permission"), text("name")}
	permissions := web.Field{Name: "permissions", Required: true, Many: true}
	own := permissions
	own.Name = "own_permissions"
	groups := web.Field{Name: "groups", Required: true, Many: true, Fields: aGroup}
	listOf := func(fields []web.Field) []web.Field {
		return []web.Field{{Name: "results", Required: true, Many: true, Fields: fields}, nextPage}
	}
	all := []web.Field{groups, permissions, own}
	const staff, superuser = web.Staff, web.Superuser
	routes := []web.Route{
		{Op: "groups", Method: "GET", Path: "groups", Access: staff, Handler: a.groups, Doc: "List the groups.", Query: pages, Output: listOf(aGroup)},
		{Op: "group-create", Method: "POST", Path: "groups", Access: superuser, Handler: a.makeGroup, Doc: "Make a group.", Input: name, Output: aGroup},
		{Op: "group", Method: "GET", Path: "groups/{group}", Access: staff, Handler: a.group, Doc: "A group, and what it gives.", Output: append(aGroup, permissions)},
		{Op: "group-rename", Method: "PATCH", Path: "groups/{group}", Access: superuser, Handler: a.renameGroup, Doc: "Rename a group.", Input: name, Output: aGroup},
		{Op: "group-delete", Method: "DELETE", Path: "groups/{group}", Access: superuser, Handler: a.removeGroup, Doc: "Remove a group."},
		{Op: "group-members", Method: "GET", Path: "groups/{group}/members", Access: staff, Handler: a.members, Doc: "List who is in a group.", Query: pages, Output: listOf(a.read())},
		{Op: "group-join", Method: "PUT", Path: "groups/{group}/members/{id}", Access: superuser, Handler: a.setMember(true), Doc: "Put a user into a group."},
		{Op: "group-leave", Method: "DELETE", Path: "groups/{group}/members/{id}", Access: superuser, Handler: a.setMember(false), Doc: "Take a user out of a group."},
		{Op: "group-grant", Method: "PUT", Path: "groups/{group}/permissions/{permission}", Access: superuser, Handler: a.setGroupPermission(true), Doc: "Let a group give a permission."},
		{Op: "group-revoke", Method: "DELETE", Path: "groups/{group}/permissions/{permission}", Access: superuser, Handler: a.setGroupPermission(false), Doc: "Let a group no longer give a permission."},
		{Op: "permissions", Method: "GET", Path: "permissions", Access: staff, Handler: a.permissions, Doc: "List the permissions.", Query: pages, Output: listOf(aPermission)},
		{
			Op: "permission-create", Method: "POST", Path: "permissions", Access: superuser, Handler: a.makePermission, Doc: "Make a permission.",
			Input: []web.Field{text("permission"), {Name: "name"}}, Output: aPermission,
		},
		{Op: "permission-delete", Method: "DELETE", Path: "permissions/{permission}", Access: superuser, Handler: a.removePermission, Doc: "Remove a permission, from whoever has it."},
		{Op: "user-groups", Method: "GET", Path: "users/{id}/groups", Access: web.SignedIn, About: true, Handler: a.userGroups, Doc: "The groups of a user.", Output: []web.Field{groups}},
		{Op: "user-permissions", Method: "GET", Path: "users/{id}/permissions", Access: web.SignedIn, About: true, Handler: a.userPermissions, Doc: "What a user may do.", Output: all},
		{Op: "user-grant", Method: "PUT", Path: "users/{id}/permissions/{permission}", Access: superuser, Handler: a.setUserPermission(true), Doc: "Grant a permission to one user."},
		{Op: "user-revoke", Method: "DELETE", Path: "users/{id}/permissions/{permission}", Access: superuser, Handler: a.setUserPermission(false), Doc: "Revoke what was granted to one user."},
		{Op: "me-permissions", Method: "GET", Path: "me/permissions", Access: web.SignedIn, Handler: a.ownPermissions, Doc: "What the user who is signed in may do.", Output: all},
	}
	for i := range routes {
		r := &routes[i]
		switch r.Fresh = true; {
		case r.Output == nil:
			r.Status = http.StatusNoContent
		case r.Method == "POST":
			r.Status = http.StatusCreated
		default:
			r.Status = http.StatusOK
		}
	}
	return routes
}

// pages are the parameters of a list by id, and nextPage says in an answer where it goes on.
var (
	pages = []web.Field{
		{Name: "after", Kind: web.Integer, Help: "Those behind this id: next of the page before."},
		{Name: "limit", Kind: web.Integer, Min: 1, Help: "How many; 50 where nobody says, 200 at most."},
	}
	nextPage = web.Field{Name: "next", Required: true, Null: true, Help: "Say it as after for the next page; null after the last one."}
)

// A page of a list, and how long it is where nobody says.
const (
	mostListed  = 200
	usualListed = 50
)

// listed is a page of a list by id. Next asks for the one after it; it is null on the last one.
type listed[T any] struct {
	Results []T     `json:"results"`
	Next    *string `json:"next"`
}

// page reads ?after=ID&limit=N.
func page(r *web.Request) (after int64, limit int, err error) {
	query, limit := r.URL.Query(), usualListed
	p := &problem{Status: http.StatusBadRequest, Code: "invalid_request"}
	if text := query.Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			p.add("after", string(account.Invalid), 0)
		}
	}
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > mostListed {
			p.add("limit", string(account.Invalid), 0)
		}
	}
	if len(p.Errors) > 0 {
		return 0, 0, p
	}
	return after, limit, nil
}

// answerPage sends a page of at most limit items out of one more that were read.
func answerPage[T, R any](w http.ResponseWriter, rows []R, limit int, shape func(*R) (T, int64)) error {
	l := listed[T]{Results: []T{}}
	for i := range rows {
		item, id := shape(&rows[i])
		if l.Results = append(l.Results, item); len(l.Results) == limit && len(rows) > limit {
			next := strconv.FormatInt(id, 10)
			l.Next = &next
			break
		}
	}
	return reply(w, http.StatusOK, l)
}

type group struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func shapeGroup(g *account.Group) group { return group{ID: g.ID, Name: g.Name} }

type permission struct {
	ID         int64  `json:"id"`
	Permission string `json:"permission"`
	Name       string `json:"name"`
}

func shapePermission(p *account.Permission) permission { return permission{p.ID, p.String(), p.Name} }

// whole is a group with all that it gives.
type whole struct {
	ID          int64    `json:"id"`
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
}

// pathID reads an id in the path. What is none names nothing.
func pathID(r *web.Request, name string, none account.Code) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil {
		return 0, &account.Error{Problems: []account.Problem{{Code: none}}}
	}
	return id, nil
}

func groupID(r *web.Request) (int64, error) { return pathID(r, "group", account.NoSuchGroup) }
func personID(r *web.Request) (int64, error) {
	return pathID(r, "id", account.NoSuchUser)
}

func (a *API) groups(w http.ResponseWriter, r *web.Request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	groups, err := a.accounts.Groups(r.Context(), after, limit+1)
	if err != nil {
		return err
	}
	return answerPage(w, groups, limit, func(g *account.Group) (group, int64) { return shapeGroup(g), g.ID })
}

func (a *API) makeGroup(w http.ResponseWriter, r *web.Request) error {
	in, err := decode(r)
	if err != nil {
		return err
	}
	g, err := a.accounts.MakeGroup(r.Context(), in["name"])
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, shapeGroup(&g))
}

func (a *API) group(w http.ResponseWriter, r *web.Request) error {
	id, err := groupID(r)
	if err != nil {
		return err
	}
	g, permissions, err := a.accounts.Group(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, whole{g.ID, g.Name, listOf(permissions)})
}

func (a *API) renameGroup(w http.ResponseWriter, r *web.Request) error {
	id, err := groupID(r)
	if err != nil {
		return err
	}
	in, err := decode(r)
	if err != nil {
		return err
	}
	g, err := a.accounts.RenameGroup(r.Context(), id, in["name"])
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, shapeGroup(&g))
}

func (a *API) removeGroup(w http.ResponseWriter, r *web.Request) error {
	id, err := groupID(r)
	if err != nil {
		return err
	}
	return done(w, a.accounts.RemoveGroup(r.Context(), id))
}

func (a *API) members(w http.ResponseWriter, r *web.Request) error {
	id, err := groupID(r)
	if err != nil {
		return err
	}
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	users, err := a.accounts.Members(r.Context(), id, after, limit+1)
	if err != nil {
		return err
	}
	return answerPage(w, users, limit, func(u *account.User) (json.RawMessage, int64) {
		return a.appendWhole(nil, u, r.Who.Access(u.ID)), u.ID
	})
}

func (a *API) setMember(in bool) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		group, err := groupID(r)
		if err != nil {
			return err
		}
		id, err := personID(r)
		if err != nil {
			return err
		}
		return done(w, a.accounts.SetMember(r.Context(), group, id, in))
	}
}

func (a *API) setGroupPermission(granted bool) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		id, err := groupID(r)
		if err != nil {
			return err
		}
		return done(w, a.accounts.SetGroupPermission(r.Context(), id, r.PathValue("permission"), granted))
	}
}

func (a *API) permissions(w http.ResponseWriter, r *web.Request) error {
	after, limit, err := page(r)
	if err != nil {
		return err
	}
	list, err := a.accounts.PermissionList(r.Context(), after, limit+1)
	if err != nil {
		return err
	}
	return answerPage(w, list, limit, func(p *account.Permission) (permission, int64) { return shapePermission(p), p.ID })
}

func (a *API) makePermission(w http.ResponseWriter, r *web.Request) error {
	in, err := decode(r)
	if err != nil {
		return err
	}
	p, err := a.accounts.MakePermission(r.Context(), in["permission"], in["name"])
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, shapePermission(&p))
}

func (a *API) removePermission(w http.ResponseWriter, r *web.Request) error {
	return done(w, a.accounts.RemovePermission(r.Context(), r.PathValue("permission")))
}

// person calls up the user of the path, for who may.
func (a *API) person(r *web.Request) (account.User, error) {
	id, err := personID(r)
	if err != nil {
		return account.User{}, err
	}
	return a.accounts.Person(r.Context(), r.Who, r.Route.Reach, id)
}

// userRights are what the user of the path may do.
func (a *API) userRights(r *web.Request) (account.Rights, error) {
	u, err := a.person(r)
	if err != nil {
		return account.Rights{}, err
	}
	return a.accounts.Rights(r.Context(), &u)
}

func (a *API) userGroups(w http.ResponseWriter, r *web.Request) error {
	rights, err := a.userRights(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, map[string]any{"groups": shapeGroups(rights.Groups)})
}

func (a *API) userPermissions(w http.ResponseWriter, r *web.Request) error {
	rights, err := a.userRights(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, shapeRights(&rights))
}

func (a *API) ownPermissions(w http.ResponseWriter, r *web.Request) error {
	rights, err := a.accounts.Rights(r.Context(), &r.Who.User)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, shapeRights(&rights))
}

func (a *API) setUserPermission(granted bool) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		id, err := personID(r)
		if err != nil {
			return err
		}
		return done(w, a.accounts.SetUserPermission(r.Context(), id, r.PathValue("permission"), granted))
	}
}

// rights are what somebody may do: all of it, and what was granted to himself.
type rights struct {
	Groups      []group  `json:"groups"`
	Permissions []string `json:"permissions"`
	Own         []string `json:"own_permissions"`
}

func shapeRights(r *account.Rights) rights {
	return rights{shapeGroups(r.Groups), listOf(r.Permissions), listOf(r.Own)}
}

func shapeGroups(groups []account.Group) []group {
	list := make([]group, len(groups))
	for i := range groups {
		list[i] = shapeGroup(&groups[i])
	}
	return list
}

// listOf is a list that is [] in JSON where it has nothing.
func listOf(texts []string) []string { return append([]string{}, texts...) }
