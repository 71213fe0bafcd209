package django

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorward/internal/account"
)

// Djoser is what a set of settings says of djoser beside the policy.
type Djoser struct {
	// Login and ID are LOGIN_FIELD and USER_ID_FIELD; "": the model's.
	Login, ID account.Field
	// Asked are the model's REQUIRED_FIELDS, and which of them cannot be left out.
	Asked []Asked
	// Which bodies repeat what they set.
	RetypeNew, RetypeLogin, RetypePassword, RetypeResetPassword, RetypeResetLogin bool
	// Permissions are "anyone", "signed-in", "staff" or "own", by djoser's name of a view.
	Permissions map[string]string
	// SignsIn says that signing in opens a session of cookies, too.
	SignsIn bool
}

// Asked is a field that a registration asks for.
type Asked struct {
	Field    account.Field
	Required bool
}

// Rate is so many requests in a period; zero: any number.
type Rate struct {
	Requests int
	Period   time.Duration
}

// The names of authenticators.
const (
	AuthDRFJWT    = "drf-jwt"
	AuthSimpleJWT = "simplejwt"
	AuthOpaque    = "opaque"
	AuthBasic     = "basic"
	AuthSession   = "session"
)

var authClasses = map[string]string{
	"rest_framework_jwt.authentication.JSONWebTokenAuthentication": AuthDRFJWT,
	"rest_framework_simplejwt.authentication.JWTAuthentication":    AuthSimpleJWT,
	cookieAuthentication: AuthSimpleJWT,
	"rest_framework.authentication.TokenAuthentication":   AuthOpaque,
	"rest_framework.authentication.BasicAuthentication":   AuthBasic,
	"rest_framework.authentication.SessionAuthentication": AuthSession,
}

var permissionClasses = map[string]string{
	"rest_framework.permissions.AllowAny":        "anyone",
	"rest_framework.permissions.IsAuthenticated": "signed-in",
	"rest_framework.permissions.IsAdminUser":     "staff",
	"djoser.permissions.CurrentUserOrAdmin":      "own",
}

// permissionNames are the views that PERMISSIONS names.
var permissionNames = []string{
	"activation", "password_reset", "password_reset_confirm", "set_password", "username_reset", "username_reset_confirm", "set_username",
	"user_create", "user_delete", "user", "user_list", "token_create", "token_destroy",
}

// readClassic takes the settings of djoser 1.1.5 beside drf-jwt.
func (c *Condition) readClassic(s *object) {
	c.readCommon(s)
	jwt := s.sub("JWT_AUTH")
	c.readTokens(&jwt)
	// drf-jwt finds the user by the name in a token (recorded: me-bad-tokens).
	c.Policy.Tokens.TrustName = c.Claims == "own"
	c.Policy.Tokens.ForeignFirst = "orig_iat"
	c.readMounts(s)
	c.Policy.Links.FoldEmail = true
	c.Policy.Changes.LoginDeactivates = true
	s.done()
}

// readModern takes the settings of djoser 2 beside SimpleJWT.
func (c *Condition) readModern(s *object) {
	c.readCommon(s)
	c.readSimpleJWT(s)
	c.Policy.Links.Stamp = true
	c.Policy.Changes.AlwaysMail = !c.Modern
	if c.Djoser.Login != "" && slices.Contains(s.texts("AUTHENTICATION_BACKENDS"), "djoser.auth_backends.LoginFieldBackend") {
		c.Policy.Login = c.Djoser.Login
	}
	s.take("ALLOWED_HOSTS", &c.Hosts)
	s.take("LOCALE_MIDDLEWARE", &c.Locale)
	s.done()
}

// readCommon takes what the settings of both versions have.
func (c *Condition) readCommon(s *object) {
	s.take("SECRET_KEY", &c.SecretKey)
	c.Policy = account.Policy{Mount: c.Preset, Rules: readValidators(s)}
	if c.Model != nil {
		c.Policy.Login = c.Model.Login
	}
	c.Djoser.Asked = AskedOf(c.Model)
	c.readREST(s)
	mail := &c.Policy.Mail
	mail.From, mail.UseOrigin = "webmaster@localhost", true
	s.take("DEFAULT_FROM_EMAIL", &mail.From)
	s.take("SITE_NAME", &mail.SiteName)
	if s.take("DOMAIN", &mail.Domain) {
		mail.Protocol = "http"
	}
	s.take("PROTOCOL", &mail.Protocol)
	// Django keeps what is signed in when a password changes, and knows one kind of link.
	c.Policy.KeepTokens = true
	c.Policy.Changes.StaffOverAll = true
	c.Policy.Links = account.LinkPolicy{Timeout: s.seconds("PASSWORD_RESET_TIMEOUT", 3*24*time.Hour), OneKind: true}
	djoser := s.sub("DJOSER")
	c.readDjoser(&djoser)
}

// AskedOf are the REQUIRED_FIELDS of the models of Django's that are known, but for declared ones, which
// are always taken; nil of any other.
func AskedOf(m *account.Model) []Asked {
	switch {
	case m == nil || !m.Django:
		return nil
	case m.Table == "auth_user":
		return []Asked{{account.Email, false}}
	case m.Table == "roles_user":
		return []Asked{{account.Email, false}, {account.FirstName, false}, {account.LastName, false}}
	case m.Table == "userapi_user":
		return []Asked{{account.Username, false}, {account.FirstName, false}, {account.LastName, false}}
	case m.Table == "accounts_user":
		return []Asked{{account.Name, true}, {account.Phone, true}}
	}
	return []Asked{}
}

// readREST takes REST framework's settings.
func (c *Condition) readREST(s *object) {
	rest := s.sub("REST_FRAMEWORK")
	classes := []string{"rest_framework.authentication.SessionAuthentication", "rest_framework.authentication.BasicAuthentication"}
	rest.take("DEFAULT_AUTHENTICATION_CLASSES", &classes)
	for _, class := range classes {
		name, ok := authClasses[class]
		if !ok {
			rest.fault("has an authentication class that is not known: %s", class)
			continue
		}
		c.Auth = append(c.Auth, name)
	}
	var throttles []string
	rest.take("DEFAULT_THROTTLE_CLASSES", &throttles)
	rates := rest.sub("DEFAULT_THROTTLE_RATES")
	for _, t := range []struct {
		class, key string
		into       *Rate
	}{
		{"rest_framework.throttling.AnonRateThrottle", "anon", &c.Anonymous},
		{"rest_framework.throttling.UserRateThrottle", "user", &c.Known},
	} {
		var text string
		if rates.none(t.key) || !rates.take(t.key, &text) || !slices.Contains(throttles, t.class) {
			continue
		}
		var ok bool
		if *t.into, ok = ParseRate(text); !ok {
			rates.faultOf(t.key, "is no rate")
		}
	}
	rates.done()
	rest.done()
}

// String is the rate as ParseRate reads it; "" is any number.
func (r Rate) String() string {
	unit := map[time.Duration]string{time.Second: "second", time.Minute: "minute", time.Hour: "hour", 24 * time.Hour: "day"}[r.Period]
	if r.Requests == 0 {
		return ""
	}
	return strconv.Itoa(r.Requests) + "/" + unit
}

// ParseRate reads "3/min": only the first letter of the unit counts (SimpleRateThrottle.parse_rate).
func ParseRate(text string) (Rate, bool) {
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || unit == "" {
		return Rate{}, false
	}
	period, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[unit[0]]
	return Rate{n, period}, ok
}

// opaqueViews are the operations that are about opaque tokens.
var opaqueViews = map[string][]string{"djoser": {"login", "logout"}, "djoser1": {"token-create", "token-destroy"}}

// readDjoser takes the members of DJOSER.
func (c *Condition) readDjoser(o *object) {
	d, mail, links, changes := &c.Djoser, &c.Policy.Mail, &c.Policy.Links, &c.Policy.Changes
	for _, t := range []struct {
		key  string
		into *string
	}{
		{"ACTIVATION_URL", &mail.ActivationURL},
		{"PASSWORD_RESET_CONFIRM_URL", &mail.PasswordResetURL},
		{"USERNAME_RESET_CONFIRM_URL", &mail.LoginResetURL},
		{"EMAIL_FRONTEND_PROTOCOL", &mail.Protocol},
		{"EMAIL_FRONTEND_DOMAIN", &mail.Domain},
		{"EMAIL_FRONTEND_SITE_NAME", &mail.SiteName},
	} {
		o.take(t.key, t.into)
	}
	changes.HideUsers = true
	var tellLogin bool
	for _, t := range []struct {
		key  string
		into *bool
	}{
		{"SEND_ACTIVATION_EMAIL", &mail.Activation},
		{"SEND_CONFIRMATION_EMAIL", &mail.Confirmation},
		{"PASSWORD_CHANGED_EMAIL_CONFIRMATION", &mail.PasswordChanged},
		{"USERNAME_CHANGED_EMAIL_CONFIRMATION", &mail.LoginChanged},
		{"USER_CREATE_PASSWORD_RETYPE", &d.RetypeNew},
		{"SET_USERNAME_RETYPE", &d.RetypeLogin},
		{"SET_PASSWORD_RETYPE", &d.RetypePassword},
		{"PASSWORD_RESET_CONFIRM_RETYPE", &d.RetypeResetPassword},
		{"USERNAME_RESET_CONFIRM_RETYPE", &d.RetypeResetLogin},
		{"PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND", &links.TellUnknown},
		{"USERNAME_RESET_SHOW_EMAIL_NOT_FOUND", &tellLogin},
		{"LOGOUT_ON_PASSWORD_CHANGE", &changes.SignOut},
		{"HIDE_USERS", &changes.HideUsers},
		{"CREATE_SESSION_ON_LOGIN", &d.SignsIn},
	} {
		o.take(t.key, t.into)
	}
	links.TellUnknown = links.TellUnknown || tellLogin // djoser asks for either
	for _, t := range []struct {
		key  string
		into *account.Field
	}{{"LOGIN_FIELD", &d.Login}, {"USER_ID_FIELD", &d.ID}} {
		if o.take(t.key, t.into) && c.Model != nil && !c.Model.Has(*t.into) {
			o.faultOf(t.key, "is no field of the user model")
			*t.into = ""
		}
	}
	if string(o.members["TOKEN_MODEL"]) == "null" {
		delete(o.members, "TOKEN_MODEL")
		c.Without = append(c.Without, opaqueViews[c.Preset]...)
	}
	permissions := o.sub("PERMISSIONS")
	d.Permissions = readPermissions(&permissions)
	o.done()
}

// readPermissions takes one class a view.
func readPermissions(o *object) map[string]string {
	all := map[string]string{}
	for _, name := range permissionNames {
		var classes []string
		if !o.take(name, &classes) {
			continue
		}
		if len(classes) != 1 || permissionClasses[classes[0]] == "" {
			o.faultOf(name, "is no permission that is known")
			continue
		}
		all[name] = permissionClasses[classes[0]]
	}
	o.done()
	return all
}

// included are the operations that an URL module adds.
var included = map[string][]string{
	"djoser.urls.jwt":       {"jwt-create", "jwt-refresh", "jwt-verify"},
	"djoser.urls.authtoken": {"token-create", "token-destroy"},
}

// readMounts takes which URL modules are included under the one path.
func (c *Condition) readMounts(s *object) {
	var mounts map[string]json.RawMessage
	if !s.take("mounts", &mounts) {
		return
	}
	var modules []string
	for _, raw := range mounts {
		if json.Unmarshal(raw, &modules) != nil {
			s.faultOf("mounts", "has a value of the wrong type")
		}
	}
	for module, ops := range included {
		if !slices.Contains(modules, module) {
			c.Without = append(c.Without, ops...)
		}
	}
}
