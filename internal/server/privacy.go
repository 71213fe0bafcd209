package server

import (
	"fmt"
	"slices"

	"doorward/internal/account"
)

// private are the presets whose sign-up can keep it to itself who has an account.
var private = []string{"djoser", "v1"}

// setPrivacy makes a sign-up answer alike whether its address is taken or not (signup_privacy).
func (m *mountPlan) setPrivacy(preset string, model *account.Model) error {
	refuse := func(why, try string) error {
		return fmt.Errorf("[mounts.%s] signup_privacy cannot be kept\n  %s\n  try: %s", m.name, why, try)
	}
	unique := func(f account.FieldSpec) bool { return f.Unique && f.Required }
	switch {
	case !slices.Contains(private, preset):
		return refuse("the sign-up of preset "+preset+" tells who has an account", `preset = "djoser"`)
	case model.Django || model.EmailUnique == account.NotUnique:
		return refuse("it needs addresses that are unique in Doorward's own table", "leave signup_privacy out")
	case m.policy.Login != account.Email:
		return refuse("a user name that is taken, and free if the address was, tells", `login = "email"`)
	case slices.ContainsFunc(model.Extras, unique):
		return refuse("a declared field is required and unique: its value tells", "required = false")
	}
	m.policy.PrivateSignUp, m.policy.Mail.Activation = true, true
	return nil
}
