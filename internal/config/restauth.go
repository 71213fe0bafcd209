package config

import "strings"

// RestAuth are the settings of a mount with django-rest-auth's views. What is empty is the preset's own.
type RestAuth struct {
	SignInGives  string // key (the user's opaque token), jwt, or session: cookies alone
	SignInBy     string // login, username, email or either
	OldPassword  *bool  // who wants another password gives the old one
	LogoutEnds   *bool  // who leaves ends the session of the token that he showed
	Registration *bool  // people may register

	EmailVerification string // none, optional or mandatory
	EmailRequired     *bool  // who registers gives an address
	UsernameRequired  *bool  // and a user name; without, one is made of the address
	EmailConfirmURL   string // the shape of a link, "account-confirm-email/{key}/"; "": the mount's own page
	EmailConfirmedURL string // where that page leads; "": it says that all is well
	EmailConfirmOnGet *bool  // the page asks for no click
	EmailKeySeconds   int    // how long a mailed key is good
}

func (r *RestAuth) settings() []setting {
	return []setting{
		{"sign_in_gives", &r.SignInGives},
		{"sign_in_by", &r.SignInBy},
		{"old_password_required", &r.OldPassword},
		{"logout_ends_session", &r.LogoutEnds},
		{"registration", &r.Registration},
		{"email_verification", &r.EmailVerification},
		{"email_required", &r.EmailRequired},
		{"username_required", &r.UsernameRequired},
		{"email_confirm_url", &r.EmailConfirmURL},
		{"email_confirmed_url", &r.EmailConfirmedURL},
		{"email_confirm_on_get", &r.EmailConfirmOnGet},
		{"email_key_lifetime_seconds", &r.EmailKeySeconds},
	}
}

// Set reports whether any of them was set.
func (r *RestAuth) Set() bool { return *r != RestAuth{} }

func (r *RestAuth) choices() (list []choice) {
	for _, c := range []choice{
		{"sign_in_gives", r.SignInGives, []string{"key", "jwt", "session"}},
		{"sign_in_by", r.SignInBy, []string{"login", "username", "email", "either"}},
		{"email_verification", r.EmailVerification, []string{"none", "optional", "mandatory"}},
	} {
		if c.value != "" {
			list = append(list, c)
		}
	}
	return list
}

func (r *RestAuth) ranges() []bounds {
	return []bounds{{"email_key_lifetime_seconds", r.EmailKeySeconds, 0, 365 * 24 * 60 * 60}}
}

func (k *checker) restAuth(prefix string, r *RestAuth) {
	if r.EmailConfirmURL != "" && !strings.Contains(r.EmailConfirmURL, "{key}") {
		k.refuse(prefix+"email_confirm_url", prefix+"email_confirm_url should have a {key}", "without it nobody could confirm an address",
			"account-confirm-email/{key}/")
	}
	if u := r.EmailConfirmedURL; u != "" && !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") &&
		(!strings.HasPrefix(u, "/") || strings.HasPrefix(u, "//")) {
		k.refuse(prefix+"email_confirmed_url", prefix+"email_confirmed_url should be an address or a path", "it is "+shown(u), "https://app.example.com/welcome")
	}
	if r.EmailVerification == "mandatory" && r.EmailRequired != nil && !*r.EmailRequired {
		k.refuse(prefix+"email_required", prefix+"email_required = false does not go with email_verification = \"mandatory\"",
			"who gives no address could never come in", "true")
	}
}
