package django

import "doorward/internal/account"

// RolesUser is Django's user with one more field, a choice that registrations take: what a model
// makes of AbstractUser by declaring it.
func RolesUser() *account.Model {
	m := AuthUser()
	longest := int64(10)
	m.Table = "roles_user"
	m.Extras = []account.FieldSpec{{
		Name: account.Role, Kind: account.Choice, Choices: []string{"Student", "Teacher"}, Default: account.TextValue("Student"), Max: &longest,
		Write: account.Self, SignUp: true,
	}}
	return m
}
