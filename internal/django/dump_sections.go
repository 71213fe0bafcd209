package django

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

const (
	modelBackend = "django.contrib.auth.backends.ModelBackend"
	fieldBackend = "djoser.auth_backends.LoginFieldBackend"
)

// fixedJWT are keys of drf-jwt that have no counterpart, sharedJWT those that have none where everybody has a key of his own.
var (
	fixedJWT = []string{"JWT_ENCODE_HANDLER", "JWT_DECODE_HANDLER", "JWT_PAYLOAD_GET_USER_ID_HANDLER", "JWT_PAYLOAD_GET_USERNAME_HANDLER"}
	// JWT_AUTH_COOKIE is not among them: it says how a token comes, and not what it is.
	sharedJWT = []string{"JWT_ALGORITHM", "JWT_LEEWAY", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_SECRET_KEY", "JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY"}
)

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

func (r *reader) backends() {
	names := r.names("AUTHENTICATION_BACKENDS")
	if slices.Contains(names, modelBackend) && slices.Contains(names, fieldBackend) {
		r.warn("AUTHENTICATION_BACKENDS: with both ModelBackend and LoginFieldBackend Django tries two fields: here DJOSER.LOGIN_FIELD alone is what users sign in with")
	}
	for _, name := range names {
		if name == "allauth.account.auth_backends.AuthenticationBackend" && (r.d.Preset == "restauth" || r.d.Preset == "djrestauth") {
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
