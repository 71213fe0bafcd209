package server

import (
	"slices"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/django"
)

func TestWhatRestAuthCannotBe(t *testing.T) {
	no, yes := false, true
	model := account.OwnModel(account.Email, account.Folded)
	for _, tt := range []struct {
		name   string
		preset string
		rest   config.RestAuth
		want   string // in the refusal; "": none
	}{
		{"its own", "restauth", config.RestAuth{SignInGives: "jwt", EmailVerification: "mandatory", LogoutEnds: &no}, ""},
		{"beside a list of users", "userapi", config.RestAuth{OldPassword: &yes, SignInGives: "key"}, ""},
		{"of another preset", "djoser", config.RestAuth{OldPassword: &yes}, "do not go with this preset"},
		{"registration elsewhere", "userapi", config.RestAuth{Registration: &yes}, "people register elsewhere"},
		{"verification elsewhere", "userapi", config.RestAuth{EmailVerification: "none"}, "people register elsewhere"},
		{"verification of nobody", "restauth", config.RestAuth{Registration: &no, EmailVerification: "mandatory"}, "does not go with registration = false"},
	} {
		m, err := mountOf("here", config.Mount{Preset: tt.preset, RestAuth: tt.rest}, model)
		if err == nil {
			err = m.setRestAuth(&tt.rest, "", model)
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") != 2) {
			t.Errorf("%s\n got: %v\nwant: three lines with %q", tt.name, err, tt.want)
		}
		if err == nil && m.policy.Entry.Opaque && !slices.Contains(m.auth, django.AuthOpaque) {
			t.Errorf("%s: a sign-in gives a key, and of the authenticators %v none takes it", tt.name, m.auth)
		}
	}
}

// TestWhereKeysLead: a key's link leads to the mount's own page wherever its other links lead.
func TestWhereKeysLead(t *testing.T) {
	model := account.OwnModel(account.Email, account.Folded)
	for _, tt := range []struct {
		name, frontend, shape, public, want string
		paths                               map[string]string
	}{
		{"in development", "", "", "", "auth/registration/account-confirm-email/{key}/", nil},
		{"with a public address", "", "", "https://a.example/x", "auth/registration/account-confirm-email/{key}/", nil},
		{"with a front end", "https://app.example", "", "https://a.example/x/", "https://a.example/x/auth/registration/account-confirm-email/{key}/", nil},
		{"with a shape", "https://app.example", "verify/{key}", "https://a.example", "verify/{key}", nil},
		{"moved", "", "", "", "auth/ok/{key}/", map[string]string{confirmOp: "ok/{key}/"}},
	} {
		c := config.Mount{Preset: "restauth", Prefix: "/auth/", FrontendURL: tt.frontend, Paths: tt.paths, RestAuth: config.RestAuth{EmailConfirmURL: tt.shape}}
		m, err := mountOf("here", c, model)
		if err == nil {
			err = m.setRestAuth(&c.RestAuth, tt.public, model)
		}
		if got := m.policy.Mail.VerifyURL; err != nil || got != tt.want {
			t.Errorf("%s\n got: %q, %v\nwant: %q", tt.name, got, err, tt.want)
		}
	}
}

// TestWhatDjRestAuthCannotBe holds what goes together of tokens, keys and cookies, and who writes the challenge.
func TestWhatDjRestAuthCannotBe(t *testing.T) {
	no, yes := false, true
	model := account.OwnModel(account.Email, account.Folded)
	cookies := config.TokenCookies{Access: "a", Refresh: "r"}
	for _, tt := range []struct {
		name   string
		mount  config.Mount
		auth   string
		httpOn bool
		want   string // in the refusal; "": none
	}{
		{"its own", config.Mount{}, "simplejwt opaque", false, ""},
		{"a key", config.Mount{RestAuth: config.RestAuth{SignInGives: "key"}}, "opaque simplejwt", false, ""},
		{"a session", config.Mount{RestAuth: config.RestAuth{SignInGives: "session"}, Djoser: config.Djoser{Session: &yes}}, "simplejwt opaque session", false, ""},
		{"cookies", config.Mount{TokenCookies: cookies}, "simplejwt opaque", true, ""},
		{"a cookie for one", config.Mount{TokenCookies: config.TokenCookies{Access: "a"}}, "simplejwt opaque", false, ""},
		{"cookies for scripts", config.Mount{TokenCookies: config.TokenCookies{Access: "a", Refresh: "r", HTTPOnly: &no}}, "simplejwt opaque", false, ""},
		{"a session that is none", config.Mount{RestAuth: config.RestAuth{SignInGives: "session"}}, "", false, "opens no session"},
		{"a session elsewhere", config.Mount{Preset: "restauth", RestAuth: config.RestAuth{SignInGives: "session"}, Djoser: config.Djoser{Session: &yes}}, "", false, "opens no session"},
		{"cookies of a key", config.Mount{RestAuth: config.RestAuth{SignInGives: "key"}, TokenCookies: cookies}, "", false, "do not go with it"},
		{"cookies elsewhere", config.Mount{Preset: "djoser", TokenCookies: cookies}, "", false, "do not go with it"},
	} {
		if tt.mount.Preset == "" {
			tt.mount.Preset = "djrestauth"
		}
		m, err := mountOf("here", tt.mount, model)
		if err == nil {
			err = m.setRestAuth(&tt.mount.RestAuth, "", model)
		}
		if err == nil {
			err = m.setPair(&tt.mount.TokenCookies)
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") != 2) {
			t.Errorf("%s\n got: %v\nwant: three lines with %q", tt.name, err, tt.want)
		}
		if got := strings.Join(m.auth, " "); err == nil && (got != tt.auth || m.rest.pair.HTTPOnly != tt.httpOn) {
			t.Errorf("%s\n got: %s, %v\nwant: %s, %v", tt.name, got, m.rest.pair.HTTPOnly, tt.auth, tt.httpOn)
		}
	}
}
