// Package profiles speaks the contract of the events tutorial: everybody's profile in a list and one by one,
// made by its owner where he has none, read by all who are signed in, and written by its owner alone. Which
// fields it has is declared by the operator; who may do what is the account package's.
package profiles

import (
	"net/http"
	"strconv"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Options says how a mount differs from another.
type Options struct {
	Kind   string // of profile, which the model has
	Modern bool   // answers as REST framework 3.16 does
	// PageSize is how many profiles a page of the list has; 0: the list has no pages.
	PageSize int
}

// Profiles are the views of a mount.
type Profiles struct {
	accounts *account.Service
	policy   *account.Policy
	Options
	kind *account.ProfileKind
}

// New makes the views of a mount that follows policy.
func New(accounts *account.Service, policy *account.Policy, o Options) *Profiles {
	return &Profiles{accounts, policy, o, accounts.Model().Profile(o.Kind)}
}

// Routes is the route table.
func (p *Profiles) Routes() []web.Route {
	list := web.Route{Op: "all-profiles", Path: "all-profiles/", View: "User Profile List Create", Access: web.SignedIn, Undescribed: true}
	get, create := list, list
	get.Method, get.Handler, get.Doc = "GET", p.list, "List the profiles that who asks may see."
	get.Output, get.Status, get.Many = p.fields(false), http.StatusOK, p.PageSize == 0
	if p.PageSize > 0 {
		get.Output, get.Query = drf.PagedOutput(get.Output), drf.PageQuery
	}
	create.Output, create.Status = p.fields(false), http.StatusCreated
	create.Method, create.Handler, create.Doc, create.Input, create.Fresh = "POST", p.create, "Make one's own profile.", p.fields(true), true
	routes := []web.Route{get, create}
	one := web.Route{
		Op: "profile", Path: "profile/{id:int}/", Also: "profile/{id:int}", View: "User Profile Detail", Access: web.SignedIn,
		Undescribed: true, Doc: "One profile, which its owner alone may change.", Told: p.told,
	}
	for _, r := range []struct {
		method  string
		handler web.Handler
		input   []web.Field
	}{
		{"GET", p.detail, nil},
		{"PUT", p.update, p.fields(false)},
		{"PATCH", p.update, p.fields(false)},
		{"DELETE", p.delete, nil},
	} {
		route := one
		route.Method, route.Handler, route.Input, route.Fresh = r.method, r.handler, r.input, r.method != "GET"
		if route.Output, route.Status = p.fields(false), http.StatusOK; r.method == "DELETE" {
			route.Output, route.Status = nil, http.StatusNoContent
		}
		routes = append(routes, route)
	}
	return routes
}

// fields are the members of a profile as its owner gives them: of one that he makes, or that is there.
func (p *Profiles) fields(isNew bool) []web.Field {
	fields := []web.Field{
		{Name: "id", Label: "ID", Kind: web.Integer, ReadOnly: true},
		{Name: "user", Label: "User", Kind: web.Related, ReadOnly: true},
	}
	for i := range p.kind.Fields {
		spec := &p.kind.Fields[i]
		f := web.Declared(spec, account.Self, isNew)
		f.Required = spec.Required && !f.ReadOnly // a PUT gives all that must be there
		if f.Label = spec.Label; f.Label == "" {
			f.Label = drf.Label(f.Name)
		}
		if !f.ReadOnly || spec.Readable(account.Self) {
			fields = append(fields, f)
		}
	}
	return fields
}

// told tells of a profile's fields to who may change it.
func (p *Profiles) told(r *web.Request) []web.Field {
	if _, err := p.own(r); err != nil {
		return nil
	}
	return p.fields(false)
}

// words are what the domain's refusals are called here. A profile's fields are the whole body.
var words = drf.Words{
	account.ProfileExists: {Field: "user", Text: "This field must be unique."},
	account.NotOfRole:     {Field: "user", Text: "This profile belongs to another role."},
}

// pageWords are for a page that is too long by its texts.
var pageWords = drf.Words{account.TooMany: {Field: drf.OnDetail, Text: "The texts of more than {limit} of them are too long for one page."}}

// explain says in the words of the mount why the domain refused.
func (p *Profiles) explain(err error) error {
	refusal := account.Refusal(err)
	switch {
	case refusal == nil:
		return err
	case refusal.Is(account.ProfileNone):
		return drf.NoRow("userProfile", p.Modern)
	case refusal.Is(account.NotYours):
		return drf.PermissionDenied()
	}
	flat := *refusal
	flat.Problems = append([]account.Problem(nil), refusal.Problems...)
	for i := range flat.Problems {
		flat.Problems[i].Profile = ""
	}
	return words.Explain(&flat)
}

// id is the profile that the path names; 0 is nobody's.
func id(r *web.Request) int64 {
	n, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// own finds the user whose profile the path names, for himself.
func (p *Profiles) own(r *web.Request) (account.User, error) {
	return p.accounts.OwnProfile(r.Context(), r.Who, p.Kind, id(r))
}

// shape writes the profile of u as far as who may see it.
func (p *Profiles) shape(u *account.User, who *account.Principal) drf.Object {
	by := who.Access(u.ID)
	profile, _ := u.Profiles.Of(p.Kind)
	o := drf.Object{{Name: "id", Value: profile.ID}, {Name: "user", Value: p.called(u, by)}}
	return append(o, drf.Shown(account.Shown(p.kind.Fields, profile.Values, by))...)
}

// called is what by calls u: in a table of Django's what he signs in with, as str(user) is there. In our own an
// address is for its owner and staff.
func (p *Profiles) called(u *account.User, by account.Access) string {
	m := p.accounts.Model()
	switch {
	case m.Django:
		return u.LoginName(m.Login)
	case u.Username == "" && by == account.Anyone:
		return ""
	}
	return u.ShownUsername()
}

func (p *Profiles) list(w http.ResponseWriter, r *web.Request) error {
	rows := func(users []account.User) []drf.Object {
		all := make([]drf.Object, len(users))
		for i := range users {
			all[i] = p.shape(&users[i], r.Who)
		}
		return all
	}
	if p.PageSize > 0 {
		return drf.Paginated(w, r, p.PageSize, p.Modern, func(skip, limit int) ([]drf.Object, int, error) {
			users, count, err := p.accounts.ProfilesPage(r.Context(), r.Who, p.Kind, skip, limit)
			return rows(users), count, pageWords.Explain(err)
		})
	}
	users, err := p.accounts.ProfilesFor(r.Context(), p.policy, r.Who, p.Kind)
	if err != nil {
		return err
	}
	return drf.JSON(w, http.StatusOK, rows(users))
}

func (p *Profiles) create(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	made := account.Profile{Kind: p.Kind, Values: in.Extra()}
	u, err := p.accounts.MakeProfile(r.Context(), r.Who.Access(r.Who.User.ID), r.Who.User, made)
	if err != nil {
		return p.explain(err)
	}
	return drf.JSON(w, http.StatusCreated, p.shape(&u, r.Who))
}

func (p *Profiles) detail(w http.ResponseWriter, r *web.Request) error {
	u, err := p.accounts.ProfileFor(r.Context(), r.Who, p.Kind, id(r))
	if err != nil {
		return p.explain(err)
	}
	return drf.JSON(w, http.StatusOK, p.shape(&u, r.Who))
}

// update finds the profile before it reads the body: who may not write is told that, whatever he sent.
func (p *Profiles) update(w http.ResponseWriter, r *web.Request) error {
	u, err := p.own(r)
	if err != nil {
		return p.explain(err)
	}
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	changed := account.Changes{Profiles: []account.Profile{{Kind: p.Kind, Values: in.Extra()}}}
	if u, err = p.accounts.Edit(r.Context(), r.Who.Access(u.ID), u, changed); err != nil {
		return p.explain(err)
	}
	return drf.JSON(w, http.StatusOK, p.shape(&u, r.Who))
}

func (p *Profiles) delete(w http.ResponseWriter, r *web.Request) error {
	u, err := p.own(r)
	if err != nil {
		return p.explain(err)
	}
	if err := p.accounts.DeleteProfile(r.Context(), u.ID, p.Kind); err != nil {
		return p.explain(err)
	}
	return drf.NoContent(w)
}
