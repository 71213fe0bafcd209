// Package django is what belongs to Django alone: the shapes of its user tables, and what a set
// of its settings means. Hash formats and links are crafts of other packages.
package django

import (
	"slices"

	"doorward/internal/account"
)

// SpaUser is the e-mail model with a signing key per user that goes by the name of its table.
func SpaUser() *account.Model {
	return &account.Model{
		Table: "spauser_spauser", Noun: "spa user", Login: account.Email, EmailUnique: account.Exact, Django: true,
		Columns: []account.Column{
			{Field: account.ID, Name: "id", Type: account.Serial, Label: "ID"},
			{Field: account.Password, Name: "password", Type: account.Text, Label: "password", Max: 128},
			{Field: account.LastLogin, Name: "last_login", Type: account.Stamp, Label: "last login", Null: true},
			{Field: account.Email, Name: "email", Type: account.Text, Label: "email address", Max: 255, Unique: true},
			{Field: account.IsActive, Name: "is_active", Type: account.Bool, Label: "is active"},
			{Field: account.IsAdmin, Name: "is_admin", Type: account.Bool, Label: "is admin"},
			{Field: account.JWTSecret, Name: "jwt_secret", Type: account.UUID, Label: "jwt secret"},
		},
	}
}

// ModelOf returns the model of a Django table by the table's name, nil when the name is not known.
func ModelOf(table string) *account.Model {
	for _, build := range userModels {
		if m := build(); m.Table == table {
			return m
		}
	}
	return nil
}

// userModels are the models by the name that AUTH_USER_MODEL has for them.
var userModels = map[string]func() *account.Model{
	"accounts.User": AccountsUser, "auth.User": AuthUser, "roles.User": RolesUser, "spauser.SpaUser": SpaUser,
	"userapi.User": UserAPIUser,
}

// Tables names the tables that can be adopted, in order.
func Tables() (names []string) {
	for _, build := range userModels {
		names = append(names, build().Table)
	}
	slices.Sort(names)
	return names
}
