package djoser

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Options are what an operator can ask of djoser, beside the policy.
type Options struct {
	Noun   string // what messages call a user: "spa user"
	Modern bool   // as version 2.3 answers, not 2.1
	// Login is LOGIN_FIELD, by which a body names what people sign in with; "": the policy's.
	Login account.Field
	// ID is USER_ID_FIELD, by which paths and answers name users; "": the id.
	ID account.Field
	// Asked are REQUIRED_FIELDS: what a registration takes beside login and password. nil: the e-mail address.
	Asked []Asked
	// Which bodies repeat what they set.
	RetypeNew, RetypeLogin, RetypePassword, RetypeResetPassword, RetypeResetLogin bool
	// Profiles says that bodies and answers about a user have his profiles, too.
	Profiles bool
	// Permissions changes who may call an operation of version 2, by djoser's name of it.
	Permissions map[string]web.Rule
	// PageSize is how many users a page of the list has; 0: the list has no pages.
	PageSize int
	// Sessions gives who signs in for an opaque token a session of cookies, too; nil: it does not.
	Sessions *drf.Sessions
}

// Asked is a field of the user that a registration takes.
type Asked struct {
	Field    account.Field
	Required bool
}

// dialect is what both versions have in common.
type dialect struct {
	accounts *account.Service
	policy   *account.Policy
	Options
	user []web.Field // what is shown of a user
}

func newDialect(accounts *account.Service, policy *account.Policy, o Options) dialect {
	if o.Login == "" {
		o.Login = policy.Login
	}
	if o.ID == "" {
		o.ID = account.ID
	}
	if o.Asked == nil {
		o.Asked = []Asked{{account.Email, o.Login == account.Email}}
	}
	d := dialect{accounts: accounts, policy: policy, Options: o}
	d.user = d.shown()
	return d
}

// login is the field that the model signs in with, whose name paths carry.
func (d *dialect) login() account.Field {
	if m := d.accounts.Model(); m.Django {
		return m.Login
	}
	return d.policy.Login
}

var idField = web.Field{Name: "id", Label: "ID", Kind: web.Integer, ReadOnly: true}

// usernameHelp is Django's help text, and usernameInvalid what its validator says.
const (
	usernameHelp    = "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."
	usernameInvalid = "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."
	usernameTaken   = "A user with that username already exists."
)

// field describes a field of the user model as Django's serializer of it does.
func (d *dialect) field(f account.Field, required bool) web.Field {
	if f == account.ID {
		return idField
	}
	m := d.accounts.Model()
	col, _ := m.Column(f)
	label := m.Label(f)
	field := web.Field{
		Name: string(f), Label: strings.ToUpper(label[:1]) + label[1:], Kind: web.Text, Max: col.Max, Required: required, Blank: !required,
	}
	unique := col.Unique
	switch f {
	case account.Email:
		field.Kind = web.Email
		unique = m.EmailUnique != account.NotUnique
	case account.Username:
		field.Valid, field.InvalidText, field.Help = account.ValidUsername, usernameInvalid, usernameHelp
	}
	if unique {
		field.Taken = func(ctx context.Context, text string) (bool, error) { return d.accounts.Taken(ctx, f, text) }
		if field.TakenText = d.Noun + " with this " + label + " already exists."; f == account.Username {
			field.TakenText = usernameTaken
		}
	}
	return field
}

// declared are the operator's fields of the user and his profiles, as far as he may see or give them himself.
func (d *dialect) declared(isNew bool) []web.Field {
	fields := drf.ExtraFields(d.accounts, d.Noun, isNew)
	if d.Profiles {
		fields = append(fields, drf.ProfileFields(d.accounts, isNew)...)
	}
	return fields
}

// shown are the fields of a user: what was asked, what was declared, his id, and the login field, which cannot
// be changed here.
func (d *dialect) shown() (fields []web.Field) {
	for _, a := range d.Asked {
		if a.Field != d.Login {
			fields = append(fields, d.kept(d.field(a.Field, a.Required)))
		}
	}
	fields = append(fields, d.declared(false)...)
	if d.ID != d.Login {
		fields = append(fields, readOnly(d.field(d.ID, false)))
	}
	return append(fields, readOnly(d.field(d.Login, false)))
}

// kept is a field of a user who is there already: his own value is no other's.
func (d *dialect) kept(f web.Field) web.Field {
	if f.Taken == nil {
		return f
	}
	f.Taken = nil
	f.Check = func(r *web.Request, text string) ([]string, error) {
		owner, err := d.accounts.Owner(r.Context(), account.Field(f.Name), text)
		switch refusal := account.Refusal(err); {
		case refusal != nil, err == nil && d.isAbout(r, &owner):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return []string{f.TakenText}, nil
	}
	return f
}

// isAbout reports whether r changes this user: the one that its path names, or who asks.
func (d *dialect) isAbout(r *web.Request, u *account.User) bool {
	name := r.PathValue("id")
	switch {
	case name == "":
		return u.ID == r.Who.User.ID
	case d.ID == account.ID:
		return name == strconv.FormatInt(u.ID, 10)
	}
	return name == u.Text(d.ID)
}

func readOnly(f web.Field) web.Field {
	f.ReadOnly, f.Required, f.Max, f.Taken, f.Valid = true, false, 0, nil, nil
	return f
}

// created are the fields of a registration.
func (d *dialect) created() (fields []web.Field) {
	login := d.login()
	for _, a := range d.Asked {
		if a.Field != login {
			fields = append(fields, d.field(a.Field, a.Required))
		}
	}
	fields = append(fields, d.declared(true)...)
	fields = append(fields, d.field(login, true))
	if d.policy.PrivateSignUp {
		return append(withoutOwner(fields), d.passwords()...)
	}
	if d.ID != login {
		fields = append(fields, readOnly(d.field(d.ID, false)))
	}
	return append(fields, d.passwords()...)
}

// withoutOwner leaves it to the registration whether an address is somebody's.
func withoutOwner(fields []web.Field) []web.Field {
	for i := range fields {
		if fields[i].Name == string(account.Email) {
			fields[i].Taken = nil
		}
	}
	return fields
}

func (d *dialect) passwords() []web.Field {
	fields := []web.Field{secret("password", "Password")}
	if d.RetypeNew {
		fields = append(fields, secret("re_password", "Re password"))
	}
	return fields
}

func secret(name, label string) web.Field {
	return web.Field{Name: name, Label: label, Kind: web.Secret, Required: true}
}

func text(name, label string) web.Field {
	return web.Field{Name: name, Label: label, Required: true}
}

// current asks for the password of who is signed in.
func (d *dialect) current() web.Field {
	f := secret("current_password", "Current password")
	f.Check = func(r *web.Request, text string) ([]string, error) {
		err := d.accounts.CheckPassword(r.Context(), r.Who, text)
		if refusal := account.Refusal(err); refusal != nil && refusal.Problems[0].Code == account.WrongPassword {
			return []string{"Invalid password."}, nil
		}
		return nil, err
	}
	return f
}

// renamed are the fields that give a user another login, and maybe repeat it.
func (d *dialect) renamed(again bool) []web.Field {
	f := d.field(d.login(), true)
	f.Name = "new_" + string(d.login())
	fields := []web.Field{f}
	if again {
		fields = append(fields, text("re_"+f.Name, "Re new "+string(d.login())))
	}
	return fields
}

// secrets are the fields of a new password, and maybe of its repetition.
func secrets(again bool) []web.Field {
	fields := []web.Field{secret("new_password", "New password")}
	if again {
		fields = append(fields, secret("re_new_password", "Re new password"))
	}
	return fields
}

// same holds that what must be repeated was.
func same(in drf.Values, again bool, name, what string) error {
	if again && in.Text("re_"+name) != in.Text(name) {
		return drf.NonField("The two " + what + " fields didn't match.")
	}
	return nil
}

// shape writes a user with the given fields, of declared ones those that by may see.
func (d *dialect) shape(u *account.User, fields []web.Field, by account.Access) drf.Object {
	o := make(drf.Object, 0, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.Spec != nil {
			if f.Spec.Readable(by) {
				o = append(o, drf.Member{Name: f.Name, Value: u.Extra.Of(f.Spec.Name)})
			}
			continue
		}
		if f.Fields != nil {
			o = append(o, drf.Member{Name: f.Name, Value: drf.ShownProfile(d.accounts.Model().Profile(f.Name), u, by)})
			continue
		}
		switch f := account.Field(f.Name); f {
		case account.ID:
			o = append(o, drf.Member{Name: string(f), Value: u.ID})
		case account.Username:
			o = append(o, drf.Member{Name: string(f), Value: u.ShownUsername()})
		case account.Password, "re_password": // never
		default:
			o = append(o, drf.Member{Name: string(f), Value: u.Text(f)})
		}
	}
	return o
}

// texts are the fields of a user that a body gives.
func texts(in drf.Values, fields []web.Field) map[account.Field]string {
	given := map[account.Field]string{}
	for _, f := range fields {
		if !f.ReadOnly && f.Spec == nil && f.Fields == nil && in.Has(f.Name) {
			given[account.Field(f.Name)] = in.Text(f.Name)
		}
	}
	return given
}

// The uniqueness of texts was judged, field by field, on what was sent. A clash that only the
// insert sees is this one.
var createWords = drf.Words{
	account.EmailTaken:    {Field: drf.OnList, Text: "Unable to create account."},
	account.UsernameTaken: {Field: drf.OnList, Text: "Unable to create account."},
	account.PhoneTaken:    {Field: drf.OnList, Text: "Unable to create account."},
	account.Invalid:       {Text: "Enter a valid value."},
}

// create answers a registration.
func (d *dialect) create(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	n := account.NewUser{
		Email: in.Text("email"), Username: in.Text("username"), Password: in.Text("password"), FirstName: in.Text("first_name"),
		LastName: in.Text("last_name"), Name: in.Text("name"), Phone: in.Text("phone"), Extra: in.Extra(),
		Profiles: in.Profiles(d.accounts.Model()),
	}
	if mismatch := same(in, d.RetypeNew, "password", "password"); mismatch != nil {
		if err := d.accounts.JudgeNew(d.policy, n); err != nil { // says so first
			return createWords.Explain(err)
		}
		return mismatch
	}
	u, err := d.accounts.SignUp(r.Asking(), d.policy, n)
	if err != nil {
		return createWords.Explain(err)
	}
	return drf.JSON(w, http.StatusCreated, d.shape(&u, r.Route.Input, account.Self))
}

// editWords are for what only the update sees.
var editWords = drf.Words{
	account.EmailTaken:    {Text: "This value is taken."},
	account.UsernameTaken: {Text: "This value is taken."},
	account.PhoneTaken:    {Text: "This value is taken."},
	account.Invalid:       {Text: "Enter a valid value."},
	account.NoSuchUser:    {Text: "Not found.", Status: http.StatusNotFound},
}

// edit changes the user of an id by the body.
func (d *dialect) edit(w http.ResponseWriter, r *web.Request, id int64) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	c := account.Changes{Texts: texts(in, r.Route.Input), Extra: in.Extra(), Profiles: in.Profiles(d.accounts.Model())}
	u, err := d.accounts.EditPerson(r.Asking(), d.policy, r.Who, r.Who.Access(id), id, c)
	if err != nil {
		return editWords.Explain(err)
	}
	return drf.JSON(w, http.StatusOK, d.shape(&u, r.Route.Input, r.Who.Access(id)))
}
