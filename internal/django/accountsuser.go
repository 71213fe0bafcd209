package django

import (
	"slices"

	"doorward/internal/account"
)

// AccountsUser is the e-mail model of the accounts tutorial: Django's user with a name and a phone
// number, who signs in by his address and has it for a user name, too, when he registers.
func AccountsUser() *account.Model {
	m := AuthUser()
	m.Table, m.Login, m.EmailUnique = "accounts_user", account.Email, account.Exact
	for i := range m.Columns {
		if c := &m.Columns[i]; c.Field == account.Username {
			c.From = account.Email
		}
	}
	m.Columns = append(slices.DeleteFunc(m.Columns, func(c account.Column) bool { return c.Field == account.Email }),
		account.Column{Field: account.Email, Name: "email", Type: account.Text, Label: "email", Max: 254, Unique: true},
		account.Column{Field: account.Phone, Name: "phone", Type: account.Text, Label: "phone", Max: 20, Unique: true},
		account.Column{Field: account.Name, Name: "name", Type: account.Text, Label: "name", Max: 255})
	return m
}
