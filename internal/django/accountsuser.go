package django

import "doorward/internal/account"

// AccountsUser is the e-mail model of the accounts tutorial: Django's user with a name and a phone
// number, who signs in by his address and keeps a user name that nobody asks for.
func AccountsUser() *account.Model {
	return &account.Model{
		Table: "accounts_user", Noun: "user", Login: account.Email, EmailUnique: account.Exact, Django: true,
		Columns: []account.Column{
			{Field: account.ID, Name: "id", Type: account.Serial, Label: "ID"},
			{Field: account.Password, Name: "password", Type: account.Text, Label: "password", Max: 128},
			{Field: account.LastLogin, Name: "last_login", Type: account.Stamp, Label: "last login", Null: true},
			{Field: account.IsSuperuser, Name: "is_superuser", Type: account.Bool, Label: "superuser status"},
			{Field: account.Username, Name: "username", Type: account.Text, Label: "username", Max: 150, Unique: true},
			{Field: account.FirstName, Name: "first_name", Type: account.Text, Label: "first name", Max: 150},
			{Field: account.LastName, Name: "last_name", Type: account.Text, Label: "last name", Max: 150},
			{Field: account.IsStaff, Name: "is_staff", Type: account.Bool, Label: "staff status"},
			{Field: account.IsActive, Name: "is_active", Type: account.Bool, Label: "active"},
			{Field: account.DateJoined, Name: "date_joined", Type: account.Stamp, Label: "date joined"},
			{Field: account.Email, Name: "email", Type: account.Text, Label: "email", Max: 254, Unique: true},
			{Field: account.Phone, Name: "phone", Type: account.Text, Label: "phone", Max: 20, Unique: true},
			{Field: account.Name, Name: "name", Type: account.Text, Label: "name", Max: 255},
		},
	}
}
