package django

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"doorward/internal/account"
)

// RestAuth is what a set of settings says of django-rest-auth beside the policy.
type RestAuth struct {
	JWT         bool // REST_USE_JWT: signing in gives a token of drf-jwt
	AskPassword bool // OLD_PASSWORD_FIELD_ENABLED: a new password asks for the old one
	Session     bool // REST_SESSION_LOGIN: signing in opens a session of cookies, too
	// Registration says that rest_auth.registration is mounted. SignUp opens a session of cookies for who registers:
	// allauth's doing, whatever Session says.
	Registration, SignUp bool
	// NeedEmail and NeedName are ACCOUNT_EMAIL_REQUIRED and ACCOUNT_USERNAME_REQUIRED.
	NeedEmail, NeedName bool
	Verified            string // where the page of a good key leads
	ByGet               bool   // ACCOUNT_CONFIRM_EMAIL_ON_GET
	Cookies             TokenCookies
}

// readRestAuth takes the settings of django-rest-auth itself.
func (c *Condition) readRestAuth(s *object) {
	a, p := &c.RestAuth, &c.Policy
	a.Session = true
	for _, t := range []struct {
		key  string
		into *bool
	}{
		{"REST_USE_JWT", &a.JWT},
		{"OLD_PASSWORD_FIELD_ENABLED", &a.AskPassword},
		{"LOGOUT_ON_PASSWORD_CHANGE", &p.Changes.SignOut},
		{"REST_SESSION_LOGIN", &a.Session},
	} {
		s.take(t.key, t.into)
	}
	p.Entry = account.EntryPolicy{Opaque: !a.JWT, LogoutKeeps: true, Unlike: true}
	p.Links = account.LinkPolicy{Timeout: s.seconds("PASSWORD_RESET_TIMEOUT", 3*24*time.Hour), OneKind: true, FoldEmail: true, Likeness: true}
	p.Mail = account.MailPolicy{From: "webmaster@localhost", UseOrigin: true, PasswordResetURL: "reset/{uid}/{token}/"}
	s.take("DEFAULT_FROM_EMAIL", &p.Mail.From)
}

// readRegistration takes the settings of django-rest-auth with its registration add-on, and allauth's.
func (c *Condition) readRegistration(s *object) {
	s.take("SECRET_KEY", &c.SecretKey)
	c.Policy = account.Policy{Mount: c.Preset, Rules: readValidators(s), KeepTokens: true}
	if c.Model != nil {
		c.Policy.Login = c.Model.Login
	}
	c.Djoser.Asked = AskedOf(c.Model)
	c.readREST(s)
	c.readRestAuth(s)
	jwt := s.sub("JWT_AUTH")
	c.readTokens(&jwt)
	c.Policy.Tokens.ForeignFirst = "orig_iat"
	for _, key := range []string{"SITE_ID", "ACCOUNT_EMAIL_SUBJECT_PREFIX", "AUTHENTICATION_BACKENDS"} { // the last one must be allauth's
		var ignored any
		s.take(key, &ignored)
	}
	c.readAllauth(s)
	if c.Model != nil && c.Policy.Emails.Verify != account.NotVerified {
		c.Model.Profiles = append(c.Model.Profiles, account.VerifiedEmails())
	}
	s.done()
}

var verifications = map[string]account.Verification{
	"none": account.NotVerified, "optional": account.VerifyLater, "mandatory": account.VerifyFirst,
}

var methods = map[string]account.SignInBy{
	"username": account.ByName, "email": account.ByAddress, "username_email": account.ByEither,
}

// readAllauth takes allauth's settings; without the add-on they say nothing.
func (c *Condition) readAllauth(s *object) {
	a, p := &c.RestAuth, &c.Policy
	s.take("registration", &a.Registration)
	var mounts map[string]json.RawMessage
	if s.take("mounts", &mounts) {
		for _, raw := range mounts {
			var modules []string
			if json.Unmarshal(raw, &modules) != nil {
				s.faultOf("mounts", "has a value of the wrong type")
			}
			a.Registration = a.Registration || slices.Contains(modules, "rest_auth.registration.urls") || slices.Contains(modules, "dj_rest_auth.registration.urls")
		}
	}
	verification, method, days := "optional", "username", 3.0
	a.NeedName, a.Verified = true, "/accounts/login/"
	s.take("ACCOUNT_EMAIL_VERIFICATION", &verification)
	s.take("ACCOUNT_AUTHENTICATION_METHOD", &method)
	s.take("ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS", &days)
	s.take("ACCOUNT_EMAIL_REQUIRED", &a.NeedEmail)
	s.take("ACCOUNT_USERNAME_REQUIRED", &a.NeedName)
	s.take("ACCOUNT_CONFIRM_EMAIL_ON_GET", &a.ByGet)
	s.take("LOGIN_URL", &a.Verified)
	if !s.none("ACCOUNT_EMAIL_CONFIRMATION_ANONYMOUS_REDIRECT_URL") {
		s.take("ACCOUNT_EMAIL_CONFIRMATION_ANONYMOUS_REDIRECT_URL", &a.Verified)
	}
	verify, known := verifications[verification]
	by, ok := methods[method]
	if !known {
		s.faultOf("ACCOUNT_EMAIL_VERIFICATION", "is not known")
	}
	if !ok {
		s.faultOf("ACCOUNT_AUTHENTICATION_METHOD", "is not known")
	}
	if days <= 0 || days > 365 {
		s.faultOf("ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS", "is out of range")
	}
	if !a.Registration {
		return
	}
	p.Entry.By, p.Entry.FoldNames, p.Emails = by, true, account.EmailPolicy{Verify: verify, Life: time.Duration(days * float64(24*time.Hour))}
	a.SignUp = verify != account.VerifyFirst
	a.NeedEmail = a.NeedEmail || verify == account.VerifyFirst // allauth does not start otherwise
}

// djRestAuth is the application of dj-rest-auth, which took django-rest-auth over.
const djRestAuth = "dj_rest_auth"

// renamed are the members of dj-rest-auth's REST_AUTH that django-rest-auth has as settings of their own.
var renamed = map[string]string{
	"USE_JWT": "REST_USE_JWT", "SESSION_LOGIN": "REST_SESSION_LOGIN",
	"OLD_PASSWORD_FIELD_ENABLED": "OLD_PASSWORD_FIELD_ENABLED", "LOGOUT_ON_PASSWORD_CHANGE": "LOGOUT_ON_PASSWORD_CHANGE",
}

// restAuth makes one of the two libraries' settings, and says what is not carried over.
func (r *reader) restAuth() {
	switch r.d.Preset {
	case "djrestauth":
		r.djRestAuth()
	case "restauth", "userapi":
		r.oldRestAuth()
	default:
		return
	}
	if isFalse(r.top.members["ACCOUNT_UNIQUE_EMAIL"]) {
		r.warn("ACCOUNT_UNIQUE_EMAIL = False is not carried over: an address is one user's at registration")
	}
	delete(r.top.members, "ACCOUNT_UNIQUE_EMAIL")
}

func (r *reader) oldRestAuth() {
	r.edit("REST_AUTH", func(o map[string]json.RawMessage) {
		for _, key := range slices.Sorted(maps.Keys(o)) {
			if name, ok := renamed[key]; ok {
				r.top.members[name] = o[key]
			} else if said(o[key]) {
				r.warn("REST_AUTH.%s is not carried over", key)
			}
		}
	})
	delete(r.top.members, "REST_AUTH")
	if r.newer && isTrue(r.top.members["REST_USE_JWT"]) {
		delete(r.top.members, "REST_USE_JWT")
		r.warn("REST_USE_JWT is not carried over: dj-rest-auth gives an access and a refresh token of SimpleJWT; here signing in gives a key")
	}
}

// readEmails takes a user's rows of allauth's: only whether his address is verified says anything here.
func readEmails(o *object, u *account.User, m *account.Model) {
	var rows []struct {
		Email    string `json:"email"`
		Verified bool   `json:"verified"`
		Primary  bool   `json:"primary"`
	}
	if !o.take("emails", &rows) || m.Profile(account.VerifiedEmails().Name) == nil {
		return
	}
	for _, row := range rows {
		if row.Verified && row.Email == u.Email && u.Email != "" {
			u.Profiles = account.ProfilesOf(append(slices.Clone(u.Profiles.All()), u.VerifiedEmail())...)
			return
		}
	}
}
