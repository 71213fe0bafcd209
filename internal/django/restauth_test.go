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

func TestADumpOfDjRestAuth(t *testing.T) {
	const dump = `{"INSTALLED_APPS": ["allauth", "dj_rest_auth", "dj_rest_auth.registration"], "ACCOUNT_UNIQUE_EMAIL": false,
		"REST_AUTH": {"USE_JWT": true, "OLD_PASSWORD_FIELD_ENABLED": true, "SESSION_LOGIN": true, "LOGIN_SERIALIZER": "app.Login", "TOKEN_MODEL": null}}`
	d, err := ReadDump([]byte(dump), Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if a := d.RestAuth; d.Preset != "restauth" || a.JWT || !a.AskPassword || !a.Registration || !d.Policy.Entry.Opaque {
		t.Errorf("got %s, %+v, opaque %v", d.Preset, a, d.Policy.Entry.Opaque)
	}
	for _, want := range []string{"REST_AUTH.LOGIN_SERIALIZER is not", "REST_USE_JWT is not", "ACCOUNT_UNIQUE_EMAIL = False is not"} {
		if !slices.ContainsFunc(d.Warnings, func(w string) bool { return strings.HasPrefix(w, want) }) {
			t.Errorf("no warning begins with %q: %q", want, d.Warnings)
		}
	}
}
