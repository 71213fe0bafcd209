package users

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// maxPassword is the length of Django's column, which its serializer holds clear texts to.
const maxPassword = 128

// fields are the members of a body: of one that makes a user, or of one that changes him.
func (v *Views) fields(isNew bool) []web.Field {
	fields := []web.Field{{Name: "url", Label: "Url", Kind: web.Link, ReadOnly: true}, v.email(isNew)}
	m := v.accounts.Model()
	if v.policy.Login == account.Username {
		fields = append(fields, v.username(isNew))
	}
	for _, f := range []account.Field{account.FirstName, account.LastName} {
		if col, ok := m.Column(f); ok {
			fields = append(fields, web.Field{Name: string(f), Label: capital(m.Label(f)), Blank: true, Max: col.Max})
		}
	}
	fields = append(fields, web.Field{Name: "password", Label: "Password", Kind: web.Secret, Required: true, Max: maxPassword})
	fields = append(fields, declared(m.Extras, isNew)...)
	if v.kind == nil {
		return fields
	}
	return append(fields, web.Field{Name: v.kind.Name, Label: capital(v.kind.Name), Required: true, Fields: declared(v.kind.Fields, isNew)})
}

// shown are the members of a user in answers: those of shape. OpenAPI leaves the password out itself.
func (v *Views) shown() []web.Field {
	shown := slices.DeleteFunc(v.fields(false), func(f web.Field) bool { return f.Name == string(account.Username) })
	if v.kind != nil {
		shown[len(shown)-1].Null = true // who signed up elsewhere may have none
	}
	return shown
}

// email is unique, but for who has it already.
func (v *Views) email(isNew bool) web.Field {
	m := v.accounts.Model()
	col, _ := m.Column(account.Email)
	f := web.Field{Name: "email", Label: capital(m.Label(account.Email)), Kind: web.Email, Required: true, Max: col.Max}
	if m.EmailUnique == account.NotUnique {
		return f
	}
	f.TakenText = v.Noun + " with this " + m.Label(account.Email) + " already exists."
	if isNew {
		f.Taken = func(ctx context.Context, text string) (bool, error) {
			return v.accounts.Taken(ctx, account.Email, text)
		}
		return f
	}
	f.Check = func(r *web.Request, text string) ([]string, error) {
		owner, err := v.accounts.Owner(r.Context(), account.Email, text)
		switch refusal := account.Refusal(err); {
		case refusal != nil, err == nil && isAbout(r, owner.ID):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return []string{f.TakenText}, nil
	}
	return f
}

// username is asked of who signs up where people sign in by it, and stays.
func (v *Views) username(isNew bool) web.Field {
	m := v.accounts.Model()
	col, _ := m.Column(account.Username)
	return web.Field{
		Name: "username", Label: capital(m.Label(account.Username)), Required: isNew, ReadOnly: !isNew, Max: col.Max,
		Valid: account.ValidUsername, InvalidText: "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
		Taken: func(ctx context.Context, text string) (bool, error) {
			return v.accounts.Taken(ctx, account.Username, text)
		},
		TakenText: "A user with that username already exists.",
	}
}

// isAbout reports whether the path of r names the user of an id.
func isAbout(r *web.Request, id int64) bool {
	n, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return err == nil && n == id
}

func capital(label string) string { return strings.ToUpper(label[:1]) + label[1:] }

// declared are the operator's fields of a row, as far as its user may see or give them himself.
func declared(specs []account.FieldSpec, isNew bool) (fields []web.Field) {
	for i := range specs {
		spec := &specs[i]
		f := web.Declared(spec, account.Self, isNew)
		f.Required = !f.ReadOnly && spec.Required // a PUT replaces the whole row
		if f.Label = spec.Label; !f.ReadOnly || spec.Readable(account.Self) {
			fields = append(fields, f)
		}
	}
	return fields
}

// profiles is the profile that a body gives. One without members changes nothing.
func (v *Views) profiles(in drf.Values) []account.Profile {
	if v.kind == nil || !in.Has(v.kind.Name) {
		return nil
	}
	given := account.Profile{Kind: v.kind.Name, Values: in.Nested(v.kind.Name).Extra()}
	if given.Values.Len() == 0 {
		return nil
	}
	return []account.Profile{given}
}

// shape writes a user as by may see him; a profile that he lacks is null.
func (v *Views) shape(r *web.Request, u *account.User, by account.Access) drf.Object {
	o := drf.Object{{Name: "url", Value: drf.Address(r, detailOp, u.ID)}, {Name: "email", Value: u.Email}}
	m := v.accounts.Model()
	for _, f := range []account.Field{account.FirstName, account.LastName} {
		if m.Has(f) {
			o = append(o, drf.Member{Name: string(f), Value: u.Text(f)})
		}
	}
	o = append(o, drf.Shown(account.Shown(m.Extras, u.Extra, by))...)
	if v.kind == nil {
		return o
	}
	p, ok := u.Profiles.Of(v.kind.Name)
	if !ok {
		return append(o, drf.Member{Name: v.kind.Name})
	}
	return append(o, drf.Member{Name: v.kind.Name, Value: drf.Shown(account.Shown(v.kind.Fields, p.Values, by))})
}
