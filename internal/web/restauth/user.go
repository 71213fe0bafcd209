package restauth

import (
	"net/http"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

const (
	usernameInvalid = "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."
	usernameTaken   = "A user with that username already exists."
)

// details are the fields of a user (UserDetailsSerializer), as far as the table has them.
func (v *Views) details() []web.Field {
	m := v.accounts.Model()
	fields := []web.Field{{Name: "pk", Label: "ID", Kind: web.Integer, ReadOnly: true}}
	for _, f := range []account.Field{account.Username, account.Email, account.FirstName, account.LastName} {
		col, ok := m.Column(f)
		if !ok {
			continue
		}
		label := m.Label(f)
		field := web.Field{Name: string(f), Label: strings.ToUpper(label[:1]) + label[1:], Max: col.Max, Blank: true}
		switch f {
		case account.Username:
			v.ofName(&field, &col)
		case account.Email:
			field = web.Field{Name: field.Name, Label: field.Label, Kind: web.Email, ReadOnly: true}
		}
		fields = append(fields, field)
	}
	return fields
}

// ofName makes the rules of a user name follow from its column.
func (v *Views) ofName(f *web.Field, col *account.Column) {
	f.Null, f.Blank, f.Required = col.Null, col.Null, !col.Null
	if !col.Unique {
		return
	}
	f.Valid, f.InvalidText = account.ValidUsername, usernameInvalid
	f.Check = func(r *web.Request, text string) ([]string, error) {
		if v.Newer != nil && v.policy.Entry.FoldNames && !strings.EqualFold(text, r.Who.User.Username) {
			return v.checkName(r, text) // as at registration
		}
		owner, err := v.accounts.Owner(r.Context(), account.Username, text)
		switch {
		case account.Refusal(err) != nil, err == nil && owner.ID == r.Who.User.ID:
			return nil, nil
		case err != nil:
			return nil, err
		}
		return []string{usernameTaken}, nil
	}
}

// shape writes a user. A name that he may lack is null then.
func (v *Views) shape(u *account.User) drf.Object {
	o := drf.Object{{Name: "pk", Value: u.ID}}
	for i := range v.user[1:] {
		f := &v.user[i+1]
		if text := u.Text(account.Field(f.Name)); text != "" || !f.Null {
			o = append(o, drf.Member{Name: f.Name, Value: text})
		} else {
			o = append(o, drf.Member{Name: f.Name})
		}
	}
	return o
}

func (v *Views) show(w http.ResponseWriter, r *web.Request) error {
	return drf.JSON(w, http.StatusOK, v.shape(&r.Who.User))
}

var editWords = drf.Words{
	account.UsernameTaken: {Field: "username", Text: usernameTaken},
	account.NoSuchUser:    {Field: drf.OnDetail, Text: "Not found.", Status: http.StatusNotFound},
}

func (v *Views) update(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	given := account.Changes{Texts: map[account.Field]string{}}
	for i := range v.user {
		if f := &v.user[i]; !f.ReadOnly && in.Has(f.Name) {
			given.Texts[account.Field(f.Name)] = in.Text(f.Name)
		}
	}
	u, err := v.accounts.EditPerson(asking(r), v.policy, r.Who, account.Self, r.Who.User.ID, given)
	if err != nil {
		return editWords.Explain(err)
	}
	o := v.shape(&u)
	for i, m := range o { // a blank name is repeated as it was sent
		if m.Value == nil && in.Has(m.Name) && !in.Null(m.Name) {
			o[i].Value = ""
		}
	}
	return drf.JSON(w, http.StatusOK, o)
}
