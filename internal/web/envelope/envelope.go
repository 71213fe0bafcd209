// Package envelope speaks the contract of an app that registers people by name, address and phone, and
// answers in one envelope: a message, the user, his tokens. It owns the words and the shapes; the tokens
// are SimpleJWT's, and the rules are the account package's.
package envelope

import (
	"context"
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Views are the routes of a mount.
type Views struct {
	accounts *account.Service
	policy   *account.Policy
	noun     string // what messages call a user
	words    drf.Words
}

// New makes the views of a mount that follows policy.
func New(accounts *account.Service, policy *account.Policy, noun string) *Views {
	v := &Views{accounts: accounts, policy: policy, noun: noun}
	// Uniqueness was judged on what was sent. A clash that only the table sees says the same.
	v.words = drf.Words{
		account.InvalidCredentials: {Field: drf.OnNonField, Text: "Invalid email or password."},
		account.EmailTaken:         {Field: "email", Text: v.taken("email")},
		account.UsernameTaken:      {Field: "email", Text: v.taken("email")}, // who has no other has his address for one
		account.PhoneTaken:         {Field: "phone", Text: v.taken("phone")},
	}
	return v
}

func (v *Views) taken(field string) string {
	return v.noun + " with this " + field + " already exists."
}

// Routes is the route table. The original has the first two of them.
func (v *Views) Routes() []web.Route {
	untold := func(*web.Request) []web.Field { return nil } // a function view knows no serializer
	me := web.Route{Op: "user-me", Method: "GET", Path: "me/", Access: web.SignedIn, View: "Me", Doc: "The user who is signed in.", Handler: v.me}
	user := web.Field{Name: "user", Required: true, Fields: v.shown()}
	message := web.Field{Name: "message", Required: true}
	welcome := []web.Field{message, user, {Name: "tokens", Required: true, Fields: []web.Field{{Name: "refresh", Required: true}, {Name: "access", Required: true}}}}
	me.Output, me.Status = []web.Field{user}, http.StatusOK
	update := me
	update.Output = []web.Field{message, user}
	update.Method, update.Doc, update.Handler, update.Fresh, update.Input = "PATCH", "Change the user, or make a profile of his.", v.update, true, v.changeable()
	return []web.Route{
		{
			Op: "signup", Method: "POST", Path: "signup/", Access: web.Anyone, Handler: v.signUp, View: "Signup",
			Doc: "User registration endpoint", Input: v.registration(), Told: untold, Output: welcome, Status: http.StatusCreated,
		},
		{
			Op: "login", Method: "POST", Path: "login/", Access: web.Anyone, Handler: v.signIn, View: "Login",
			Doc: "User login endpoint", Told: untold, Output: welcome, Status: http.StatusOK,
			Input: []web.Field{
				{Name: "email", Label: "Email", Kind: web.Email, Required: true},
				{Name: "password", Label: "Password", Kind: web.Secret, Required: true},
			},
		},
		me, update,
	}
}

// maxPassword is the longest password that the contract takes, in characters: the model's max_length.
const maxPassword = 128

// has reports whether the table has a built-in field that the operator did not declare himself.
func (v *Views) has(f account.Field) bool {
	m := v.accounts.Model()
	return m.Has(f) && m.Extra(f) == nil
}

// texts describes those of the built-in fields that the table has.
func (v *Views) texts(names ...account.Field) (fields []web.Field) {
	labels := map[account.Field]string{account.Name: "Name", account.Email: "Email", account.Phone: "Phone"}
	m := v.accounts.Model()
	for _, name := range names {
		if c, _ := m.Column(name); v.has(name) {
			fields = append(fields, web.Field{Name: string(name), Label: labels[name], Max: c.Max, Required: true})
		}
	}
	return fields
}

// registration are the members of a sign-up.
func (v *Views) registration() []web.Field {
	fields := v.texts(account.Name, account.Email, account.Phone)
	for i := range fields {
		switch f := account.Field(fields[i].Name); f {
		case account.Email:
			fields[i].Kind = web.Email
			fallthrough
		case account.Phone:
			fields[i].Taken = func(ctx context.Context, text string) (bool, error) { return v.accounts.Taken(ctx, f, text) }
			fields[i].TakenText = v.taken(string(f))
		}
	}
	fields = append(fields, drf.ExtraFields(v.accounts, v.noun, true)...)
	fields = append(fields, drf.ProfileFields(v.accounts, true)...)
	return append(fields,
		web.Field{Name: "password", Label: "Password", Kind: web.Secret, Required: true, Max: maxPassword, Check: v.judge},
		web.Field{Name: "confirm_password", Label: "Confirm password", Kind: web.Secret, Required: true})
}

// judge says what is wrong with a password, whoever's it is.
func (v *Views) judge(_ *web.Request, text string) ([]string, error) {
	return drf.Words{}.Texts(v.accounts.JudgePassword(v.policy, nil, text))
}

// changeable are the members of a change.
func (v *Views) changeable() []web.Field {
	fields := append(v.texts(account.Name, account.Phone), drf.ExtraFields(v.accounts, v.noun, false)...)
	return append(fields, drf.ProfileFields(v.accounts, false)...)
}

var mismatch = &drf.Failure{
	Status: http.StatusBadRequest, Body: drf.Object{{Name: "password", Value: []string{"Password fields didn't match."}}},
}

func (v *Views) signUp(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if in.Text("confirm_password") != in.Text("password") {
		return mismatch
	}
	n := account.NewUser{
		Name: in.Text("name"), Email: in.Text("email"), Phone: in.Text("phone"), Password: in.Text("password"),
		Extra: in.Extra(), Profiles: in.Profiles(v.accounts.Model()),
	}
	if v.policy.Login == account.Username {
		n.Username = n.Email
	}
	g, err := v.accounts.Register(r.Context(), v.policy, n)
	if err != nil {
		return v.words.Explain(err)
	}
	return v.welcome(w, http.StatusCreated, "User registered successfully", &g)
}

func (v *Views) signIn(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	g, err := v.accounts.SignIn(r.Context(), v.policy, account.Credentials{Login: in.Text("email"), Password: in.Text("password")})
	if err != nil {
		return v.words.Explain(err)
	}
	return v.welcome(w, http.StatusOK, "Login successful", &g)
}

func (v *Views) me(w http.ResponseWriter, r *web.Request) error {
	return drf.JSON(w, http.StatusOK, drf.Object{{Name: "user", Value: v.shape(&r.Who.User)}})
}

// update changes who asks. A profile that he lacks is made: the later step of a registration.
func (v *Views) update(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	c := account.Changes{Texts: map[account.Field]string{}, Extra: in.Extra(), Profiles: in.Profiles(v.accounts.Model())}
	for _, f := range []account.Field{account.Name, account.Phone} {
		if v.has(f) && in.Has(string(f)) {
			c.Texts[f] = in.Text(string(f))
		}
	}
	u, err := v.accounts.Edit(r.Context(), account.Self, r.Who.User, c)
	if err != nil {
		return v.words.Explain(err)
	}
	return drf.JSON(w, http.StatusOK, drf.Object{{Name: "message", Value: "User updated successfully"}, {Name: "user", Value: v.shape(&u)}})
}

// welcome answers somebody who has just signed in.
func (v *Views) welcome(w http.ResponseWriter, status int, message string, g *account.Grant) error {
	return drf.JSON(w, status, drf.Object{
		{Name: "message", Value: message},
		{Name: "user", Value: v.shape(&g.User)},
		{Name: "tokens", Value: drf.Object{{Name: "refresh", Value: g.Refresh}, {Name: "access", Value: g.Access}}},
	})
}

// shown are the members of a user as he sees himself: those of shape.
func (v *Views) shown() []web.Field {
	fields := append([]web.Field{{Name: "id", Label: "ID", Kind: web.Integer, Required: true}}, v.texts(account.Email, account.Name, account.Phone)...)
	fields = append(fields, drf.ExtraFields(v.accounts, v.noun, false)...)
	return append(fields, drf.ProfileFields(v.accounts, false)...)
}

// shape is a user as he sees himself.
func (v *Views) shape(u *account.User) drf.Object {
	m := v.accounts.Model()
	o := drf.Object{{Name: "id", Value: u.ID}, {Name: "email", Value: u.Email}}
	for _, f := range []account.Field{account.Name, account.Phone} {
		if v.has(f) {
			o = append(o, drf.Member{Name: string(f), Value: u.Text(f)})
		}
	}
	o = append(o, drf.Shown(account.Shown(m.Extras, u.Extra, account.Self))...)
	return append(o, drf.ShownProfiles(m, u, account.Self)...)
}
