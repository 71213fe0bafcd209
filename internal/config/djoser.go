package config

import (
	"maps"
	"slices"
	"strings"
)

// Djoser are the settings of a mount of djoser. What is empty is the preset's own.
type Djoser struct {
	Login       string   // email or username: what people sign in with, in Doorward's own table
	NamedBy     string   // id, username or email: what paths and answers name users by
	Retype      []string // bodies that repeat what they set: sign_up, password, login, password_reset, login_reset
	HideUsers   *bool    // who is no staff sees nobody but himself
	SignOut     *bool    // who changes his password is signed out, too
	TellEmail   *bool    // says so to who asks for a link for an address of nobody
	LinkSeconds int      // how long a mailed link is good
	Session     *bool    // signing in for an opaque token opens a session of cookies, too
	Permissions map[string]string
}

func (d *Djoser) settings() []setting {
	return []setting{
		{"login", &d.Login},
		{"users_named_by", &d.NamedBy},
		{"retype", &d.Retype},
		{"hide_users", &d.HideUsers},
		{"sign_out_on_password_change", &d.SignOut},
		{"tell_unknown_email", &d.TellEmail},
		{"link_lifetime_seconds", &d.LinkSeconds},
		{"session_on_login", &d.Session},
		{"permissions", &d.Permissions},
	}
}

func (d *Djoser) choices() (list []choice) {
	if d.Login != "" {
		list = append(list, choice{"login", d.Login, []string{"email", "username"}})
	}
	if d.NamedBy != "" {
		list = append(list, choice{"users_named_by", d.NamedBy, []string{"id", "username", "email"}})
	}
	return list
}

func (d *Djoser) ranges() []bounds {
	return []bounds{{"link_lifetime_seconds", d.LinkSeconds, 0, 365 * 24 * 60 * 60}}
}

// What retype takes, and which views permissions names; whoever mounts them knows the rules.
var (
	retyped = []string{"sign_up", "password", "login", "password_reset", "login_reset"}
	guarded = []string{
		"activation", "password_reset", "password_reset_confirm", "set_password", "username_reset", "username_reset_confirm", "set_username",
		"user_create", "user_delete", "user", "user_list", "token_create", "token_destroy",
	}
)

func (k *checker) djoser(prefix string, d *Djoser) {
	for _, name := range d.Retype {
		if !slices.Contains(retyped, name) {
			k.refuse(prefix+"retype", prefix+"retype takes "+strings.Join(retyped, ", "), shown(name)+" is none of them", "sign_up,password")
		}
	}
	for _, view := range slices.Sorted(maps.Keys(d.Permissions)) {
		if !slices.Contains(guarded, view) {
			k.refuse(prefix+"permissions", prefix+"permissions takes names of djoser's views: "+strings.Join(guarded, ", "),
				shown(view)+" is none", "user_list=staff")
		}
	}
}
