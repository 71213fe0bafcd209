package django

import (
	"slices"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
)

func TestAllauthsSettings(t *testing.T) {
	for _, tt := range []struct {
		name, settings string
		want           account.EmailPolicy
		by             account.SignInBy
		registration   bool
		fault          string
	}{
		{"nothing", `{}`, account.EmailPolicy{}, account.ByLogin, false, ""},
		{"without the add-on they say nothing", `{"ACCOUNT_EMAIL_VERIFICATION": "mandatory"}`, account.EmailPolicy{}, account.ByLogin, false, ""},
		{"the add-on alone", `{"registration": true}`, account.EmailPolicy{Verify: account.VerifyLater, Life: 3 * day}, account.ByName, true, ""},
		{
			"all of them", `{"registration": true, "ACCOUNT_EMAIL_VERIFICATION": "mandatory", "ACCOUNT_AUTHENTICATION_METHOD": "username_email", "ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS": 0.5}`,
			account.EmailPolicy{Verify: account.VerifyFirst, Life: 12 * time.Hour},
			account.ByEither, true, "",
		},
		{"no verification", `{"registration": true, "ACCOUNT_EMAIL_VERIFICATION": "maybe"}`, account.EmailPolicy{Life: 3 * day}, account.ByName, true, "ACCOUNT_EMAIL_VERIFICATION is not known"},
		{"no method", `{"registration": true, "ACCOUNT_AUTHENTICATION_METHOD": "phone"}`, account.EmailPolicy{Verify: account.VerifyLater, Life: 3 * day}, account.ByLogin, true, "ACCOUNT_AUTHENTICATION_METHOD is not known"},
		{"no time", `{"ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS": -1}`, account.EmailPolicy{}, account.ByLogin, false, "is out of range"},
	} {
		var faults []string
		s := readObject([]byte(tt.settings), "settings", &faults)
		c := &Condition{Model: AuthUser()}
		c.readRegistration(&s)
		if c.Policy.Emails != tt.want || c.Policy.Entry.By != tt.by || c.RestAuth.Registration != tt.registration {
			t.Errorf("%s:\n got: %+v, %v, %v\nwant: %+v, %v, %v", tt.name, c.Policy.Emails, c.Policy.Entry.By, c.RestAuth.Registration, tt.want, tt.by, tt.registration)
		}
		if text := strings.Join(faults, "; "); !strings.Contains(text, tt.fault) || (text == "") != (tt.fault == "") {
			t.Errorf("%s:\n got: %q\nwant: %q", tt.name, text, tt.fault)
		}
	}
}

// TestADumpOfDjRestAuth holds what REST_AUTH means, and the settings that its members were before.
func TestADumpOfDjRestAuth(t *testing.T) {
	for _, tt := range []struct {
		name, dump string
		entry      account.EntryPolicy
		cookies    TokenCookies
		warnings   []string
	}{
		{
			"tokens in cookies", `{"INSTALLED_APPS": ["allauth", "dj_rest_auth", "dj_rest_auth.registration"], "ACCOUNT_UNIQUE_EMAIL": false,
			"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": ["dj_rest_auth.jwt_auth.JWTCookieAuthentication"]},
			"REST_AUTH": {"USE_JWT": true, "JWT_AUTH_COOKIE": "a", "JWT_AUTH_REFRESH_COOKIE": "r", "JWT_AUTH_REFRESH_COOKIE_PATH": "/t/",
			"JWT_AUTH_COOKIE_DOMAIN": "example.com", "JWT_AUTH_SAMESITE": "None", "JWT_AUTH_SECURE": true, "JWT_AUTH_HTTPONLY": false,
			"JWT_AUTH_RETURN_EXPIRATION": true, "JWT_AUTH_COOKIE_USE_CSRF": true, "LOGIN_SERIALIZER": "app.Login", "TOKEN_MODEL": null}}`,
			account.EntryPolicy{LogoutKeeps: true, FoldNames: true, By: account.ByName},
			TokenCookies{Access: "a", Refresh: "r", RefreshPath: "/t/", Domain: "example.com", SameSite: "None", Secure: true, CSRF: true, Expirations: true, Opens: true},
			[]string{"REST_AUTH.LOGIN_SERIALIZER is not", "dj-rest-auth ends no token at logout", "ACCOUNT_UNIQUE_EMAIL = False is not"},
		},
		{
			"as version 2 has it", `{"INSTALLED_APPS": ["dj_rest_auth", "rest_framework_simplejwt.token_blacklist"], "REST_USE_JWT": true, "JWT_AUTH_COOKIE": "a",
			"JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED": true}`,
			account.EntryPolicy{LogoutKeeps: true},
			TokenCookies{Access: "a", SameSite: "Lax", HTTPOnly: true, CSRF: true},
			[]string{"REST_AUTH.JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED is not"},
		},
		{
			"a key", `{"INSTALLED_APPS": ["dj_rest_auth"], "REST_AUTH": {"SESSION_LOGIN": false}}`,
			account.EntryPolicy{LogoutKeeps: true, Opaque: true},
			TokenCookies{SameSite: "Lax", HTTPOnly: true},
			nil,
		},
		{
			"a session alone", `{"INSTALLED_APPS": ["dj_rest_auth"], "REST_AUTH": {"TOKEN_MODEL": null}}`,
			account.EntryPolicy{LogoutKeeps: true, Bare: true},
			TokenCookies{SameSite: "Lax", HTTPOnly: true},
			nil,
		},
		{
			"neither", `{"INSTALLED_APPS": ["dj_rest_auth"], "REST_AUTH": {"TOKEN_MODEL": null, "SESSION_LOGIN": false}}`,
			account.EntryPolicy{LogoutKeeps: true, Bare: true},
			TokenCookies{SameSite: "Lax", HTTPOnly: true},
			[]string{"REST_AUTH has neither tokens nor sessions"},
		},
		{
			"tokens of one's own", `{"INSTALLED_APPS": ["dj_rest_auth"], "REST_AUTH": {"TOKEN_MODEL": "app.Token"}}`,
			account.EntryPolicy{LogoutKeeps: true, Opaque: true},
			TokenCookies{SameSite: "Lax", HTTPOnly: true},
			[]string{"REST_AUTH.TOKEN_MODEL names code"},
		},
	} {
		d, err := ReadDump([]byte(tt.dump), Choice{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if d.Preset != "djrestauth" || d.Policy.Entry != tt.entry || d.RestAuth.Cookies != tt.cookies {
			t.Errorf("%s:\n got: %s, %+v, %+v\nwant: djrestauth, %+v, %+v", tt.name, d.Preset, d.Policy.Entry, d.RestAuth.Cookies, tt.entry, tt.cookies)
		}
		if len(d.Warnings) != len(tt.warnings) {
			t.Errorf("%s:\n got: %q\nwant: %q", tt.name, d.Warnings, tt.warnings)
		}
		for _, want := range tt.warnings {
			if !slices.ContainsFunc(d.Warnings, func(w string) bool { return strings.Contains(w, want) }) {
				t.Errorf("%s: no warning has %q: %q", tt.name, want, d.Warnings)
			}
		}
	}
}
