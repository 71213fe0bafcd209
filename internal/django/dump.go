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
var typedPresets, plainPresets = []string{"accounts", "djoser", "simplejwt"}, []string{"accounts", "simplejwt", "tag1"}

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
	case !djoser && (slices.Contains(apps, "rest_auth") || slices.Contains(apps, djRestAuth)):
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
	if set("registration", registration && r.d.Preset == "restauth"); registration && r.d.Preset == "userapi" {
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

// foreignKeys drops the keys of another library, which have no effect.
func (r *reader) foreignKeys(setting string, members map[string]json.RawMessage, foreign func(key string) bool, why string) {
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if foreign(key) {
			delete(members, key)
			r.warn("%s.%s has no effect: %s", setting, key, why)
		}
	}
}

func (r *reader) simpleJWT() {
	r.edit("SIMPLE_JWT", func(o map[string]json.RawMessage) {
		r.foreignKeys("SIMPLE_JWT", o, func(key string) bool { return strings.HasPrefix(key, "JWT_") },
			"it is a key of drf-jwt, and SimpleJWT does not read it")
		if alg := text(o["ALGORITHM"]); text(o["SIGNING_KEY"]) == r.secret() && (alg == "" || strings.HasPrefix(alg, "HS")) { // SimpleJWT's default
			delete(o, "SIGNING_KEY")
		}
		if isTrue(o["BLACKLIST_AFTER_ROTATION"]) && isTrue(o["ROTATE_REFRESH_TOKENS"]) && !isTrue(r.top.members["token_blacklist"]) {
			r.warn("SIMPLE_JWT.BLACKLIST_AFTER_ROTATION does nothing in Django without rest_framework_simplejwt.token_blacklist in INSTALLED_APPS: here a refresh token that was used is spent")
		}
		for _, key := range []string{"ON_LOGIN_SUCCESS", "ON_LOGIN_FAILED", "JSON_ENCODER"} {
			if name := text(o[key]); name != "" && !strings.HasPrefix(name, "rest_framework_simplejwt.") {
				r.warn("SIMPLE_JWT.%s names code of your own, which is not carried over: %s", key, name)
			}
		}
	})
}

func (r *reader) secret() (s string) {
	r.peek("SECRET_KEY", &s)
	return s
}

// quietJWT are keys of drf-jwt whose default means what happens here.
var quietJWT = map[string]string{
	"JWT_ALGORITHM": `"HS256"`, "JWT_LEEWAY": "0", "JWT_VERIFY": "true", "JWT_VERIFY_EXPIRATION": "true",
}

// fixedJWT are keys of drf-jwt that have no counterpart, sharedJWT those that have none where everybody has a key of his own.
var (
	fixedJWT = []string{"JWT_ENCODE_HANDLER", "JWT_DECODE_HANDLER", "JWT_PAYLOAD_GET_USER_ID_HANDLER", "JWT_PAYLOAD_GET_USERNAME_HANDLER"}
	// JWT_AUTH_COOKIE is not among them: it says how a token comes, and not what it is.
	sharedJWT = []string{"JWT_ALGORITHM", "JWT_LEEWAY", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_SECRET_KEY", "JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY"}
)

func (r *reader) drfJWT() {
	r.edit("JWT_AUTH", func(o map[string]json.RawMessage) {
		r.foreignKeys("JWT_AUTH", o, func(key string) bool { return !strings.HasPrefix(key, "JWT_") },
			"it is a key of SimpleJWT, and drf-jwt reads none but JWT_…")
		if isFalse(o["JWT_VERIFY_EXPIRATION"]) {
			delete(o, "JWT_VERIFY_EXPIRATION")
			r.warn("JWT_AUTH.JWT_VERIFY_EXPIRATION = False is not carried over: tokens end here; set access_lifetime_seconds, ten years at most, to say otherwise")
		}
		if t := text(o["JWT_SECRET_KEY"]); t != "" && t == r.secret() {
			delete(o, "JWT_SECRET_KEY")
		}
		perUser := said(o["JWT_GET_USER_SECRET_KEY"])
		known := []string{
			"JWT_EXPIRATION_DELTA", "JWT_REFRESH_EXPIRATION_DELTA", "JWT_ALLOW_REFRESH", "JWT_AUTH_HEADER_PREFIX",
			"JWT_GET_USER_SECRET_KEY", "JWT_PAYLOAD_HANDLER",
		}
		for _, key := range slices.Sorted(maps.Keys(o)) {
			raw := o[key]
			own := strings.HasPrefix(text(raw), "rest_framework_jwt.")
			switch {
			case own, !said(raw) && !slices.Contains(known, key), quietJWT[key] == string(raw):
				delete(o, key) // as drf-jwt has it
			case key == "JWT_PAYLOAD_HANDLER" && text(raw) != "otp.utils.jwt_otp_payload" || key == "JWT_RESPONSE_PAYLOAD_HANDLER":
				delete(o, key)
				r.warn("JWT_AUTH.%s names code of your own, which is not carried over: %s", key, text(raw))
			case slices.Contains(fixedJWT, key):
				delete(o, key)
				r.warn("JWT_AUTH.%s names code of your own, which is not carried over: %s", key, text(raw))
			case perUser && slices.Contains(sharedJWT, key):
				delete(o, key)
				r.warn("JWT_AUTH.%s is not carried over: tokens are signed with HS256 and the user's own key", key)
			case key == "JWT_GET_USER_SECRET_KEY" && r.d.Model.Table != "spauser_spauser" && said(raw):
				r.warn("JWT_AUTH.JWT_GET_USER_SECRET_KEY names code of your own: every user has a key of Doorward's making, and tokens of Django's are not known")
			}
		}
	})
}

// ownCode are the members of DJOSER that name Python code, with the module of djoser's own.
var ownCode = map[string]string{
	"SERIALIZERS": "djoser.serializers.", "EMAIL": "djoser.email.", "TOKEN_MODEL": "rest_framework.authtoken.", "CONSTANTS": "djoser.constants.",
	"USER_EMAIL_FIELD_NAME": "", "SOCIAL_AUTH_TOKEN_STRATEGY": "djoser.social.", "SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": "", "WEBAUTHN": "", "PASSWORD_VALIDATORS": "",
}

func (r *reader) djoser() {
	r.edit("DJOSER", func(o map[string]json.RawMessage) {
		for _, key := range slices.Sorted(maps.Keys(o)) {
			own, code := ownCode[key]
			if key == "TOKEN_MODEL" && string(o[key]) == "null" {
				continue // there are no opaque tokens
			}
			if string(o[key]) == "null" {
				delete(o, key)
			}
			if !code || o[key] == nil {
				continue
			}
			raw := o[key]
			delete(o, key)
			names := map[string]string{}
			if json.Unmarshal(raw, &names) == nil {
				for _, name := range slices.Sorted(maps.Keys(names)) {
					switch {
					case own == "":
						r.warn("DJOSER.%s.%s is not carried over", key, name)
					case !strings.HasPrefix(names[name], own):
						r.warn("DJOSER.%s.%s names code of your own, which is not carried over: %s", key, name, names[name])
					}
				}
				continue
			}
			if t := text(raw); said(raw) && (own == "" || !strings.HasPrefix(t, own)) && t != "email" {
				r.warn("DJOSER.%s is not carried over", key)
			}
		}
	})
	for key, why := range map[string]string{"JWT_AUTH": "SimpleJWT issues the tokens", "SIMPLE_JWT": "drf-jwt issues the tokens"} {
		if typed := slices.Contains(typedPresets, r.d.Preset); typed == (key == "JWT_AUTH") && r.top.members[key] != nil {
			delete(r.top.members, key)
			r.warn("%s has no effect here: %s", key, why)
		}
	}
}

// pagedPresets have lists, which REST framework's settings give pages.
var pagedPresets = []string{"djoser", "userapi"}

// maxPage is the longest page that a configuration takes.
const maxPage = 1000

// pages takes how long a page of a list is. Without a class PAGE_SIZE says nothing.
func (r *reader) pages(o map[string]json.RawMessage) {
	class, size := text(o["DEFAULT_PAGINATION_CLASS"]), 0
	if class == "" || !slices.Contains(pagedPresets, r.d.Preset) || !said(o["PAGE_SIZE"]) {
		return
	}
	switch err := json.Unmarshal(o["PAGE_SIZE"], &size); {
	case class != "rest_framework.pagination.PageNumberPagination":
		r.warn("REST_FRAMEWORK.DEFAULT_PAGINATION_CLASS is not carried over: pages have numbers here, or lists have none: %s", class)
	case err != nil || size < 1 || size > maxPage:
		r.warn("REST_FRAMEWORK.PAGE_SIZE is not carried over: a page has from 1 to %d rows", maxPage)
	default:
		r.d.PageSize = size
	}
}

// rest keeps what of REST framework's settings is about who asks.
func (r *reader) rest() {
	r.edit("REST_FRAMEWORK", func(o map[string]json.RawMessage) {
		r.pages(o)
		for _, key := range slices.Sorted(maps.Keys(o)) {
			switch {
			case key == "DEFAULT_AUTHENTICATION_CLASSES" && said(o[key]):
			case strings.HasPrefix(key, "DEFAULT_THROTTLE_") && said(o[key]) && !slices.Contains(plainPresets, r.d.Preset):
			case strings.HasPrefix(key, "DEFAULT_THROTTLE_") && said(o[key]):
				r.warn("REST_FRAMEWORK.%s is not carried over: this preset counts no requests", key)
				delete(o, key)
			default:
				delete(o, key) // views of other applications; those that are carried over have their own
			}
		}
	})
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

const (
	modelBackend = "django.contrib.auth.backends.ModelBackend"
	fieldBackend = "djoser.auth_backends.LoginFieldBackend"
)

func (r *reader) backends() {
	names := r.names("AUTHENTICATION_BACKENDS")
	if slices.Contains(names, modelBackend) && slices.Contains(names, fieldBackend) {
		r.warn("AUTHENTICATION_BACKENDS: with both ModelBackend and LoginFieldBackend Django tries two fields: here DJOSER.LOGIN_FIELD alone is what users sign in with")
	}
	for _, name := range names {
		if name == "allauth.account.auth_backends.AuthenticationBackend" && r.d.Preset == "restauth" {
			continue
		}
		if name != modelBackend && name != fieldBackend {
			r.warn("AUTHENTICATION_BACKENDS: %s is not carried over: users sign in with a password", name)
		}
	}
}

// verified are the hashers whose passwords are understood.
var verified = []string{
	"PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher", "BCryptPasswordHasher", "ScryptPasswordHasher",
}

func (r *reader) hashers() {
	names, _ := drop[[]string](r, "PASSWORD_HASHERS")
	for _, name := range names {
		if short, ok := strings.CutPrefix(name, "django.contrib.auth.hashers."); !ok || !slices.Contains(verified, short) {
			r.warn("PASSWORD_HASHERS: passwords of %s are not understood: who has one sets a new one by mail", name)
		}
	}
}
