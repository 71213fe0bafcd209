package django

import "doorward/internal/account"

// AuthUser is the model of django.contrib.auth, as Django 3.2 to 5 have its table.
func AuthUser() *account.Model {
	return &account.Model{
		Table: "auth_user", Noun: "user", Login: account.Username, EmailUnique: account.NotUnique, Django: true,
		Columns: []account.Column{
			{Field: account.ID, Name: "id", Type: account.Serial, Label: "ID"},
			{Field: account.Password, Name: "password", Type: account.Text, Label: "password", Max: 128},
			{Field: account.LastLogin, Name: "last_login", Type: account.Stamp, Label: "last login", Null: true},
			{Field: account.IsSuperuser, Name: "is_superuser", Type: account.Bool, Label: "superuser status"},
			{Field: account.Username, Name: "username", Type: account.Text, Label: "username", Max: 150, Unique: true},
			{Field: account.FirstName, Name: "first_name", Type: account.Text, Label: "first name", Max: 150},
			{Field: account.LastName, Name: "last_name", Type: account.Text, Label: "last name", Max: 150},
			{Field: account.Email, Name: "email", Type: account.Text, Label: "email address", Max: 254},
			{Field: account.IsStaff, Name: "is_staff", Type: account.Bool, Label: "staff status"},
			{Field: account.IsActive, Name: "is_active", Type: account.Bool, Label: "active"},
			{Field: account.DateJoined, Name: "date_joined", Type: account.Stamp, Label: "date joined"},
		},
	}
}

// readNames takes what a row of the fixture says where the model has user names.
func readNames(o *object, u *account.User) {
	if !o.none("username") {
		o.take("username", &u.Username)
	}
	o.take("first_name", &u.FirstName)
	o.take("last_name", &u.LastName)
	o.take("is_staff", &u.IsStaff)
	o.take("is_superuser", &u.IsSuperuser)
}
