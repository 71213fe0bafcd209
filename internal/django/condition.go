package django

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"doorward/internal/account"
	"doorward/internal/password"
)

// Condition is the state that the head of a contract transcript asks for: what a set of Django
// settings means, and who is there.
type Condition struct {
	Preset    string // the paths
	Model     *account.Model
	SecretKey string
	Policy    account.Policy // but for the claims
	// Claims is the payload handler: "own" is drf-jwt's, "level" one that tells the second factor.
	Claims string
	Prefix string // of the Authorization header
	// SimpleJWT is set where Policy.Tokens.Typed is.
	SimpleJWT SimpleJWT
	Modern    bool
	// Auth are the authenticators, the first one first; nil: the preset's.
	Auth []string
	// Without are the operations that are not mounted.
	Without []string
	// Beside are what is mounted beside Preset, with the same settings.
	Beside []Place
	Djoser Djoser
	// RestAuth is what django-rest-auth is asked for.
	RestAuth RestAuth
	// TokenCookie is the cookie that brings a token of drf-jwt, too; "": none does.
	TokenCookie string
	// Anonymous and Known are how often somebody may ask.
	Anonymous, Known Rate
	PageSize         int      // of lists; 0: they have no pages
	Hosts            []string // ALLOWED_HOSTS; nil: the configured ones
	Locale           bool     // answers follow Accept-Language
	// Scratch asks for a database with Users and nothing else.
	Scratch bool
	Users   []User
}

// Place is a preset with the paths of its operations that are others than its own.
type Place struct {
	Preset string
	Paths  map[string]string
}

// User is one row of the fixture. Of his profiles, those that were not given and are made by themselves lack their values.
type User struct {
	account.User
	Clear  *string // the password; nil: unusable
	Opaque string  // the token that Django gave him; "": none
}

// FaultsError says what a condition has that is not understood.
type FaultsError []string

func (e FaultsError) Error() string { return strings.Join(e, "; ") }

// translators understand the settings of a dialect.
var translators = map[string]func(*Condition, *object){
	"accounts":   (*Condition).readEnvelope,
	"tag1":       (*Condition).readSettings,
	"djoser1":    (*Condition).readClassic,
	"djoser":     (*Condition).readModern,
	"simplejwt":  (*Condition).readSimpleMount,
	"profiles":   (*Condition).readProfiles,
	"events":     (*Condition).readEvents,
	"userapi":    (*Condition).readUserAPI,
	"restauth":   (*Condition).readRegistration,
	"djrestauth": (*Condition).readDJRestAuth,
}

// Read understands the head of a transcript: {"dialect", "variant", "user_model", "settings",
// "setup"}. An error is a FaultsError that names every key it does not know.
func Read(body []byte) (*Condition, error) {
	var faults []string
	if !json.Valid(body) || !utf8.Valid(body) {
		return nil, FaultsError{"the body is not JSON"}
	}
	head := readObject(body, "", &faults)
	c := &Condition{}
	var dialect, variant, model string
	head.take("dialect", &dialect)
	head.take("variant", &variant)
	head.take("user_model", &model)
	c.Preset = dialect
	translate, ok := translators[dialect]
	if !ok {
		translate = (*Condition).readSettings
		faults = append(faults, fmt.Sprintf("dialect %q is not known", dialect))
	}
	c.Modern = strings.HasPrefix(variant, "modern-")
	if build := userModels[model]; build != nil {
		c.Model = build()
	} else {
		faults = append(faults, fmt.Sprintf("user_model %q is not known", model))
	}
	settings := head.sub("settings")
	translate(c, &settings)
	if !head.none("setup") {
		c.Scratch = true
		setup := head.sub("setup")
		c.readSetup(&setup)
	}
	head.done()
	if len(faults) > 0 {
		return nil, FaultsError(faults)
	}
	return c, nil
}

// readSettings takes the keys that the transcripts of this part use. Absent ones mean Django's
// and drf-jwt's defaults.
func (c *Condition) readSettings(s *object) {
	s.take("SECRET_KEY", &c.SecretKey)
	c.Policy = account.Policy{Mount: c.Preset, Login: account.Email, Rules: readValidators(s)}
	c.Djoser.Asked = AskedOf(c.Model)
	rest := s.sub("REST_FRAMEWORK")
	var classes []string
	rest.take("DEFAULT_AUTHENTICATION_CLASSES", &classes)
	for _, class := range classes {
		if class != "rest_framework_jwt.authentication.JSONWebTokenAuthentication" {
			rest.fault("has an authentication class that is not known: %s", class)
		}
	}
	rest.done()
	jwt := s.sub("JWT_AUTH")
	c.readTokens(&jwt)
	// The one-time passwords read these; they come with the second factors.
	for _, key := range []string{"OTP_TOTP_ISSUER", "OTP_TOTP_THROTTLE_FACTOR", "OTP_STATIC_THROTTLE_FACTOR"} {
		var ignored any
		s.take(key, &ignored)
	}
	s.done()
}

func (c *Condition) readTokens(jwt *object) {
	t := &c.Policy.Tokens
	t.Access = jwt.seconds("JWT_EXPIRATION_DELTA", 5*time.Minute)
	t.Refresh = jwt.seconds("JWT_REFRESH_EXPIRATION_DELTA", 7*24*time.Hour)
	jwt.take("JWT_ALLOW_REFRESH", &t.Renewable)
	c.Prefix = "JWT"
	jwt.take("JWT_AUTH_HEADER_PREFIX", &c.Prefix)
	var keys, handler string
	t.Signing = account.Shared
	if !jwt.none("JWT_GET_USER_SECRET_KEY") && jwt.take("JWT_GET_USER_SECRET_KEY", &keys) { // None by default
		t.Signing = account.PerUser
	}
	c.readJWTKeys(jwt)
	c.readJWTChecks(jwt)
	c.Claims = "own"
	if jwt.take("JWT_PAYLOAD_HANDLER", &handler) {
		c.Claims = "level"
	}
	// Tokens that Django signed with the same key are as good as ours.
	t.Foreign = true
	// With its own payload handler drf-jwt takes the key of one user and the name of another
	// (recorded: part1-forged). A replay answers as recorded, and nothing else ever does.
	t.TrustName = c.Claims == "own" && t.Signing == account.PerUser
	jwt.done()
}

var validators = map[string]password.Rule{
	"UserAttributeSimilarityValidator": password.Similarity,
	"MinimumLengthValidator":           password.MinLength,
	"CommonPasswordValidator":          password.Common,
	"NumericPasswordValidator":         password.Numeric,
}

// readValidators takes AUTH_PASSWORD_VALIDATORS; where it is absent, all four rules are on.
func readValidators(s *object) password.Rules {
	rules := password.DefaultRules()
	var list []json.RawMessage
	if !s.take("AUTH_PASSWORD_VALIDATORS", &list) {
		return rules
	}
	rules.Order = nil
	for i, raw := range list {
		o := readObject(raw, fmt.Sprintf("%s[%d]", s.name("AUTH_PASSWORD_VALIDATORS"), i), s.faults)
		readValidator(&o, &rules)
	}
	return rules
}

// readValidator adds one validator to the rules.
func readValidator(o *object, rules *password.Rules) {
	var name string
	o.take("NAME", &name)
	short, _ := strings.CutPrefix(name, "django.contrib.auth.password_validation.")
	rule, ok := validators[short]
	if !ok || short == name {
		o.fault("is a password validator that is not known: %s", name)
		delete(o.members, "OPTIONS")
		o.done()
		return
	}
	rules.Order = append(rules.Order, rule)
	options := o.sub("OPTIONS")
	switch rule {
	case password.MinLength:
		if options.take("min_length", &rules.MinLength) && (rules.MinLength < 0 || rules.MinLength > password.MaxBytes) {
			options.faultOf("min_length", "is out of range")
			rules.MinLength = password.DefaultRules().MinLength
		}
	case password.Similarity:
		if options.take("max_similarity", &rules.MaxSimilarity) && (rules.MaxSimilarity < 0.1 || rules.MaxSimilarity > 1) {
			options.faultOf("max_similarity", "is out of range")
			rules.MaxSimilarity = password.DefaultRules().MaxSimilarity
		}
	}
	options.done()
	o.done()
}

func (c *Condition) readSetup(setup *object) {
	var rows []json.RawMessage
	setup.take("users", &rows)
	setup.done()
	for i, row := range rows {
		o := readObject(row, fmt.Sprintf("setup.users[%d]", i), setup.faults)
		c.Users = append(c.Users, readUser(&o, c.Model))
	}
}

// readExtras takes what a row says of declared fields.
func readExtras(o *object, u *account.User, specs []account.FieldSpec) {
	for i := range specs {
		f := &specs[i]
		v, said := readField(o, f)
		if !said {
			v = f.Default
		}
		u.Extra = u.Extra.With(f.Name, v)
	}
}

func readUser(o *object, m *account.Model) User {
	u := User{User: account.User{IsActive: true}}
	if o.take("id", &u.ID) && u.ID < 1 {
		o.faultOf("id", "is out of range")
	}
	o.take("email", &u.Email)
	if m != nil && m.Has(account.Username) {
		readNames(o, &u.User)
	}
	if m != nil && m.Has(account.Name) {
		o.take("name", &u.Name)
		o.take("phone", &u.Phone)
	}
	if m != nil {
		readExtras(o, &u.User, m.Extras)
		for i := range m.Profiles {
			readProfile(o, &u.User, &m.Profiles[i])
		}
		readEmails(o, &u.User, m)
	}
	var clear string
	if !o.none("password") && o.take("password", &clear) {
		u.Clear = &clear
	}
	o.take("is_active", &u.IsActive)
	o.take("authtoken", &u.Opaque)
	if o.take("is_admin", &u.IsSuperuser) {
		u.IsStaff = u.IsSuperuser
	}
	u.JWTSecret = account.NewJWTSecret() // the column's default
	var secret string
	if o.take("jwt_secret", &secret) {
		raw, err := hex.DecodeString(strings.ReplaceAll(secret, "-", ""))
		if err != nil || len(raw) != len(u.JWTSecret) {
			o.fault("has a jwt_secret that is no UUID")
		}
		copy(u.JWTSecret[:], raw)
	}
	o.done()
	return u
}
