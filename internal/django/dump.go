package django

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"doorward/internal/account"
)

// Dump is what a dump of all of Django's settings says: the condition that Read would understand of
// the same settings, and what belongs to the whole site.
type Dump struct {
	*Condition
	Site Site
	// Warnings are what is not carried over, has no effect or means something else here. No secret is in them.
	Warnings []string
}

// RefusedError is a setting that is never carried over, since whoever sets it is not safe.
type RefusedError string

// Error implements error.
func (e RefusedError) Error() string { return string(e) }

// Site is what a dump says of the server as a whole.
type Site struct {
	Secret, Fallbacks      bool // are set; their values are nowhere in a Dump's texts
	Origins                []string
	Language               string
	MailURL, DatabaseURL   string
	MailHint, DatabaseHint string // instead of the URL, where it would hold a password
}

// Choice is what a dump does not say: which preset its URLs are of, and which generation of the
// libraries it runs. "" is what the settings look like, and the newer one.
type Choice struct{ Preset, Generation string }

// reader gathers what a dump says.
type reader struct {
	top    *object
	d      *Dump
	faults []string
	newer  bool // dj-rest-auth, not django-rest-auth
}

// ReadDump understands a JSON object with the names of Django's settings as its keys. Where Read
// refuses, it warns. An error says that there is nothing to translate, or is a RefusedError.
func ReadDump(body []byte, choice Choice) (*Dump, error) {
	if err := validJSON(body); err != nil {
		return nil, err
	}
	if refusesSignatures(body) {
		return nil, RefusedError("JWT_AUTH.JWT_VERIFY = False is refused\n  signatures are always checked: without that, everybody is who he says he is\n" +
			"  try: leave JWT_VERIFY out, and decode payloads in the front end")
	}
	r := &reader{d: &Dump{Condition: &Condition{}}}
	top := readObject(body, "", &r.faults)
	if top.members == nil {
		return nil, errors.New("it is no JSON object\n  its keys should be the names of settings")
	}
	r.top, top.rest = &top, map[string]json.RawMessage{}
	if choice.Preset == "" {
		choice.Preset = r.preset()
	}
	translate := translators[choice.Preset]
	if translate == nil {
		return nil, errors.New("it has nothing of djoser, SimpleJWT or drf-jwt\n  neither INSTALLED_APPS nor DJOSER, SIMPLE_JWT or JWT_AUTH names one")
	}
	c := r.d.Condition
	c.Preset, c.Modern = choice.Preset, choice.Generation != "classic"
	if choice.Preset == "profiles" || choice.Preset == "events" {
		c.Preset = "djoser" // with profiles beside it
	}
	r.model()
	r.site()
	r.flags()
	r.simpleJWT()
	r.drfJWT()
	r.djoser()
	r.restAuth()
	r.rest()
	r.hashers()
	r.backends()
	if slices.ContainsFunc(slices.Collect(maps.Keys(top.members)), func(key string) bool { return strings.HasPrefix(key, "OTP_") }) {
		r.warn("OTP_… is not carried over: there are no second factors yet")
	}
	translate(c, r.top)
	r.left(top.rest)
	r.d.Warnings = append(r.faults, r.d.Warnings...)
	return r.d, nil
}

// validJSON says where a file stops being JSON, on one line.
func validJSON(body []byte) error {
	var any json.RawMessage
	if !utf8.Valid(body) {
		return errors.New("it is no JSON\n  it is not UTF-8 throughout")
	}
	err := json.Unmarshal(body, &any)
	if err == nil {
		return nil
	}
	line := 1
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		line += bytes.Count(body[:min(int(at.Offset), len(body))], []byte("\n"))
	}
	return fmt.Errorf("it is no JSON\n  line %d: %w", line, err)
}

// refusesSignatures reports whether drf-jwt is told to take tokens that anybody can write.
func refusesSignatures(body []byte) bool {
	var dump struct {
		JWT struct {
			Verify *bool `json:"JWT_VERIFY"`
		} `json:"JWT_AUTH"`
	}
	_ = json.Unmarshal(body, &dump) // what is of another type is judged later
	return dump.JWT.Verify != nil && !*dump.JWT.Verify
}

func (r *reader) warn(format string, args ...any) {
	r.d.Warnings = append(r.d.Warnings, fmt.Sprintf(format, args...))
}

// peek decodes a member into v, without taking it, and reports whether it says anything.
func (r *reader) peek(key string, v any) bool {
	raw, ok := r.top.members[key]
	return ok && string(raw) != "null" && json.Unmarshal(raw, v) == nil
}

// drop takes a member that is read elsewhere or not at all, where it is a V.
func drop[V any](r *reader, key string) (v V, ok bool) {
	ok = !r.top.none(key) && r.top.take(key, &v)
	return v, ok
}

func (r *reader) names(key string) (names []string) {
	r.peek(key, &names)
	return names
}

// typedPresets have SimpleJWT's tokens; plainPresets send no mail and count no requests.
var typedPresets, plainPresets = []string{"accounts", "djoser", "djrestauth", "simplejwt"}, []string{"accounts", "simplejwt", "tag1"}

// preset tells by the applications and the settings what is mounted; "": nothing that is known.
func (r *reader) preset() string {
	apps := r.names("INSTALLED_APPS")
	var rest struct {
		Classes []string `json:"DEFAULT_AUTHENTICATION_CLASSES"`
	}
	r.peek("REST_FRAMEWORK", &rest)
	classes := strings.Join(rest.Classes, " ")
	var members map[string]any
	djoser := r.peek("DJOSER", &members) || slices.Contains(apps, "djoser")
	simple := r.peek("SIMPLE_JWT", &members) || strings.Contains(classes, "rest_framework_simplejwt.") ||
		slices.Contains(apps, "rest_framework_simplejwt")
	drfjwt := strings.Contains(classes, "rest_framework_jwt.") || !simple && r.peek("JWT_AUTH", &members)
	switch {
	case text(r.top.members["AUTH_USER_MODEL"]) == "userapi.User":
		return "userapi"
	case !djoser && slices.Contains(apps, djRestAuth):
		return "djrestauth"
	case !djoser && slices.Contains(apps, "rest_auth"):
		return "restauth"
	case djoser && drfjwt:
		return "djoser1"
	case djoser:
		return "djoser"
	case drfjwt:
		return "tag1"
	case simple && text(r.top.members["AUTH_USER_MODEL"]) == "accounts.User":
		return "accounts"
	case simple:
		return "simplejwt"
	}
	return ""
}

// model finds the user table; one that is not known becomes Doorward's own.
func (r *reader) model() {
	c, name := r.d.Condition, "auth.User" // Django's default
	r.top.take("AUTH_USER_MODEL", &name)
	if build := userModels[name]; build != nil {
		c.Model = build()
		return
	}
	login := account.Email
	var djoser struct {
		Login account.Field `json:"LOGIN_FIELD"`
	}
	if r.peek("DJOSER", &djoser) && djoser.Login == account.Username {
		login = account.Username
	}
	c.Model = account.OwnModel(login, account.Folded)
	r.warn("AUTH_USER_MODEL = %q has a table that this version does not adopt: users live in Doorward's own table, and sign in with their %s", name, login)
}

// flags turn applications and middleware into what the translators take.
func (r *reader) flags() {
	set := func(key string, on bool) {
		if on {
			r.top.members[key] = json.RawMessage("true")
		}
	}
	typed := slices.Contains(typedPresets, r.d.Preset)
	set("token_blacklist", typed && slices.Contains(r.names("INSTALLED_APPS"), "rest_framework_simplejwt.token_blacklist"))
	set("LOCALE_MIDDLEWARE", slices.Contains(r.names("MIDDLEWARE"), "django.middleware.locale.LocaleMiddleware"))
	r.newer = slices.Contains(r.names("INSTALLED_APPS"), djRestAuth)
	registration := slices.Contains(r.names("INSTALLED_APPS"), "rest_auth.registration") || slices.Contains(r.names("INSTALLED_APPS"), djRestAuth+".registration")
	if set("registration", registration && (r.d.Preset == "restauth" || r.d.Preset == "djrestauth")); registration && r.d.Preset == "userapi" {
		r.warn("rest_auth.registration is not carried over: people register at users/ here; mount the preset restauth beside it for those paths")
	}
	delete(r.top.members, "INSTALLED_APPS")
	delete(r.top.members, "MIDDLEWARE")
	if r.d.Preset != "djoser" { // others have no translator for it
		r.d.Locale, _ = drop[bool](r, "LOCALE_MIDDLEWARE")
	}
	if days, ok := drop[float64](r, "PASSWORD_RESET_TIMEOUT_DAYS"); ok && r.top.none("PASSWORD_RESET_TIMEOUT") { // before Django 3.1
		r.top.members["PASSWORD_RESET_TIMEOUT"] = encoded(days * 24 * 3600)
	}
}

func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // what was decoded can be encoded
	}
	return raw
}

// edit lets change work on a member that is an object. What is none is left for the translator to judge.
func (r *reader) edit(key string, change func(map[string]json.RawMessage)) {
	members := map[string]json.RawMessage{}
	if !r.peek(key, &members) {
		return
	}
	change(members)
	r.top.members[key] = encoded(members)
}

func text(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // what is no text is ""
	return s
}

func isFalse(raw json.RawMessage) bool { return string(raw) == "false" }

func isTrue(raw json.RawMessage) bool { return string(raw) == "true" }

// said reports whether a value says anything: it is neither null, false, nor empty.
func said(raw json.RawMessage) bool {
	return raw != nil && !slices.Contains([]string{"null", "false", `""`, "[]", "{}", "0"}, string(raw))
}

// left judges the settings that no translator took.
func (r *reader) left(rest map[string]json.RawMessage) {
	var names []string
	for _, key := range slices.Sorted(maps.Keys(rest)) {
		switch {
		case key == "AUTHENTICATION_BACKENDS": // judged already
		case strings.HasPrefix(key, "OTP_"):
		case strings.HasPrefix(key, "SOCIAL_AUTH_") || strings.HasPrefix(key, "ACCOUNT_"):
			r.warn("%s is not carried over", key)
		default:
			names = append(names, key)
		}
	}
	const most = 12
	more := ""
	if len(names) > most {
		more, names = fmt.Sprintf(" and %d more", len(names)-most), names[:most]
	}
	if len(names) > 0 {
		r.warn("left out, as they say nothing about accounts here: %s%s", strings.Join(names, ", "), more)
	}
}
