package django

import (
	"slices"

	"doorward/internal/account"
)

// UserAPIUser is the model of the tutorial with a hyperlinked list of users: Django's user, who signs in by
// his address, may have a user name that tells nobody apart, and has a profile in a table of its own.
func UserAPIUser() *account.Model {
	m := AuthUser()
	m.Table, m.Login, m.EmailUnique = "userapi_user", account.Email, account.Exact
	m.Columns = append(slices.DeleteFunc(m.Columns, func(c account.Column) bool { return c.Field == account.Email || c.Field == account.Username }),
		account.Column{Field: account.Email, Name: "email", Type: account.Text, Label: "email address", Max: 254, Unique: true},
		account.Column{Field: account.Username, Name: "username", Type: account.Text, Label: "username", Max: 50, Null: true})
	m.Profiles = []account.ProfileKind{{
		Name: "profile", Table: "userapi_userprofile", Adopted: true, Fields: PersonFields(),
	}}
	return m
}

// PersonFields are the fields of that profile.
func PersonFields() []account.FieldSpec {
	text := func(name account.Field, most int64) account.FieldSpec {
		return account.FieldSpec{Name: name, Kind: account.ShortText, Max: &most, Required: true, Read: account.Self, Write: account.Self, SignUp: true}
	}
	return []account.FieldSpec{
		text("title", 5),
		{Name: "dob", Kind: account.Date, Required: true, Read: account.Self, Write: account.Self, SignUp: true},
		text("address", 255),
		text("country", 50),
		text("city", 50),
		text("zip", 5),
	}
}
