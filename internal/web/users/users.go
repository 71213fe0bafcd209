// Package users speaks the contract of a hyperlinked list of users, each with a profile inside
// (REST framework's ModelViewSet on a DefaultRouter). Tokens, and everything else that stands
// beside it, are other rooms'.
package users

import (
	"net/http"
	"strconv"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Options are what an operator can ask of the views, beside the policy.
type Options struct {
	Noun   string // what messages call a user
	Modern bool   // as Django 4.2 and REST framework 3.16 answer
	// PageSize is how many users a page of the list has; 0: the list has no pages.
	PageSize int
}

// The names of the routes that others point to.
const (
	listOp   = "user-list"
	detailOp = "user-detail"
)

// Views are the root, the list, and one user.
type Views struct {
	accounts *account.Service
	policy   *account.Policy
	kind     *account.ProfileKind // what is shown inside a user; nil: nothing
	Options
}

// New makes the views of a mount that follows policy. profile names the kind of profile that is shown inside
// a user.
func New(accounts *account.Service, policy *account.Policy, profile string, o Options) *Views {
	return &Views{accounts, policy, accounts.Model().Profile(profile), o}
}

// Routes is the route table. Methods that a path lacks are open to everybody, and told so.
func (v *Views) Routes() []web.Route {
	list := web.Route{Op: listOp, Path: "users/", View: "User List", Others: web.Anyone, Fresh: true, Undescribed: true}
	one := web.Route{Op: detailOp, Path: "users/{id}/", View: "User Instance", Others: web.Anyone, Fresh: true, Undescribed: true}
	routes := []web.Route{{
		Op: "api-root", Method: "GET", Path: "", Access: web.Anyone, View: "Api Root", Doc: "Lists the routes.",
		Handler: drf.IndexOf(drf.Named{Name: "users", Op: listOp}),
	}}
	made, changed, shown := v.fields(true), v.fields(false), v.shown()
	for _, r := range []struct {
		route       web.Route
		method, doc string
		access      web.Access
		handler     web.Handler
		input       []web.Field
		told        func(*web.Request) []web.Field
		status      int
		output      []web.Field
	}{
		{list, "GET", "List all users.", web.Staff, v.list, nil, nil, http.StatusOK, shown},
		{list, "POST", "Register a user and his profile.", web.Anyone, v.create, made, func(*web.Request) []web.Field { return made }, http.StatusCreated, shown},
		{one, "GET", "One user, for himself and staff.", web.Anyone, v.retrieve, nil, nil, http.StatusOK, shown},
		{one, "PUT", "Change a user's address and profile.", web.Anyone, v.update, changed, v.toldOfOne(changed), http.StatusOK, shown},
		{one, "PATCH", "Change some of that.", web.Anyone, v.update, changed, nil, http.StatusOK, shown},
		{one, "DELETE", "Delete a user.", web.Staff, v.destroy, nil, nil, http.StatusNoContent, nil},
	} {
		r.route.Method, r.route.Doc, r.route.Access, r.route.Handler, r.route.Input, r.route.Told = r.method, r.doc, r.access, r.handler, r.input, r.told
		r.route.Status, r.route.Output = r.status, r.output
		routes = append(routes, r.route)
	}
	if all := &routes[1]; v.PageSize > 0 {
		all.Output, all.Query = drf.PagedOutput(shown), drf.PageQuery
	} else {
		all.Many = true
	}
	return routes
}

// toldOfOne tells the fields of a user who is there.
func (v *Views) toldOfOne(fields []web.Field) func(*web.Request) []web.Field {
	return func(r *web.Request) []web.Field {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return nil
		}
		if _, err := v.accounts.Person(r.Context(), r.Who, account.Everybody, id); err != nil {
			return nil
		}
		return fields
	}
}

func (v *Views) list(w http.ResponseWriter, r *web.Request) error {
	rows := func(people []account.User) []drf.Object {
		all := make([]drf.Object, len(people))
		for i := range people {
			all[i] = v.shape(r, &people[i], r.Who.Access(people[i].ID))
		}
		return all
	}
	if v.PageSize > 0 {
		return drf.Paginated(w, r, v.PageSize, v.Modern, func(skip, limit int) ([]drf.Object, int, error) {
			people, count, err := v.accounts.PeoplePage(r.Context(), v.policy, r.Who, skip, limit)
			return rows(people), count, err
		})
	}
	people, err := v.accounts.People(r.Context(), v.policy, r.Who)
	if err != nil {
		return err
	}
	return drf.JSON(w, http.StatusOK, rows(people))
}

// called finds the user that the path names, for himself or staff. Whoever asks learns first whether there is
// such a user.
func (v *Views) called(r *web.Request) (account.User, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return account.User{}, drf.NotFound()
	}
	u, err := v.accounts.Person(r.Context(), r.Who, account.OwnOrStaff, id)
	switch refusal := account.Refusal(err); {
	case refusal == nil:
		return u, err
	case refusal.Is(account.NoSuchUser):
		return u, drf.NoRow("User", v.Modern)
	case r.Who == nil:
		return u, drf.NotAuthenticated()
	}
	return u, drf.PermissionDenied()
}

func (v *Views) retrieve(w http.ResponseWriter, r *web.Request) error {
	u, err := v.called(r)
	if err != nil {
		return err
	}
	return drf.JSON(w, http.StatusOK, v.shape(r, &u, r.Who.Access(u.ID)))
}

// words are for what only the writing sees.
var words = drf.Words{
	account.EmailTaken:    {Field: "email", Text: "This value is taken."},
	account.UsernameTaken: {Field: "username", Text: "This value is taken."},
	account.NoSuchUser:    {Field: drf.OnDetail, Text: "Not found.", Status: http.StatusNotFound},
}

func (v *Views) create(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	u, err := v.accounts.SignUp(r.Context(), v.policy, account.NewUser{
		Email: in.Text("email"), Username: in.Text("username"), FirstName: in.Text("first_name"), LastName: in.Text("last_name"), Password: in.Text("password"),
		Extra: in.Extra(), Profiles: v.profiles(in),
	})
	if err != nil {
		return words.Explain(err)
	}
	shape := v.shape(r, &u, account.Self)
	w.Header().Set("Location", drf.Address(r, detailOp, u.ID))
	return drf.JSON(w, http.StatusCreated, shape)
}

// update stores the address and the profile. Names and a password are asked for, and not stored.
func (v *Views) update(w http.ResponseWriter, r *web.Request) error {
	u, err := v.called(r)
	if err != nil {
		return err
	}
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	c := account.Changes{Texts: map[account.Field]string{}, Extra: in.Extra(), Profiles: v.profiles(in)}
	if in.Has("email") {
		c.Texts[account.Email] = in.Text("email")
	}
	by := r.Who.Access(u.ID)
	if u, err = v.accounts.EditPerson(r.Context(), v.policy, r.Who, by, u.ID, c); err != nil {
		return words.Explain(err)
	}
	return drf.JSON(w, http.StatusOK, v.shape(r, &u, by))
}

// destroy answers a member of the staff, who need not prove it again.
func (v *Views) destroy(w http.ResponseWriter, r *web.Request) error {
	u, err := v.called(r)
	if err != nil {
		return err
	}
	if err := v.accounts.Dismiss(r.Context(), v.policy, r.Who, u.ID); err != nil {
		return words.Explain(err)
	}
	return drf.NoContent(w)
}
