package django

import (
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

func userapi(settings, setup string) string {
	return `{"dialect": "userapi", "variant": "userapi", "user_model": "userapi.User", "settings": {"SECRET_KEY": "k"` + settings + `}, "setup": {"users": [` + setup + `]}}`
}

// What each setting of the tutorial's users means, beginning with none.
func TestReadUserAPI(t *testing.T) {
	private, public := pemOf(t)
	for _, tt := range []struct {
		settings string
		holds    func(c *Condition, t *account.Tokens) bool
	}{
		{``, func(c *Condition, t *account.Tokens) bool {
			return t.Access == 5*time.Minute && !t.Renewable && t.Signing == account.Shared && t.Keys == nil && t.Foreign && !t.TrustName && !t.Validity.IgnoreExp &&
				c.Policy.AnyPassword && c.Policy.EmailAsSent && c.Policy.Login == account.Email && len(c.Policy.Rules.Order) == 4 &&
				strings.Join(c.Auth, " ") == "session basic" && c.Prefix == "JWT" && c.TokenCookie == "" && c.RestAuth == RestAuth{Session: true}
		}},
		{
			`, "REST_USE_JWT": true, "OLD_PASSWORD_FIELD_ENABLED": true, "LOGOUT_ON_PASSWORD_CHANGE": true, "REST_SESSION_LOGIN": false`,
			func(c *Condition, _ *account.Tokens) bool {
				return c.RestAuth == RestAuth{JWT: true, AskPassword: true} && c.Policy.Changes.SignOut && !c.Policy.Entry.Opaque
			},
		},
		{
			`, "JWT_AUTH": {"JWT_AUDIENCE": "front", "JWT_ISSUER": "us", "JWT_LEEWAY": 10, "JWT_ALGORITHM": "HS512", "JWT_AUTH_COOKIE": "jwt"}`,
			func(c *Condition, t *account.Tokens) bool {
				return t.Validity.Issuer == "us" && strings.Join(t.Validity.Audience, " ") == "front" && t.Validity.Leeway == 10*time.Second &&
					c.SimpleJWT.Alg == token.HS512 && t.Keys == nil && c.TokenCookie == "jwt"
			},
		},
		{
			`, "JWT_AUTH": {"JWT_AUDIENCE": null, "JWT_ISSUER": null, "JWT_AUTH_COOKIE": null, "JWT_SECRET_KEY": "k", "JWT_VERIFY": true, "JWT_VERIFY_EXPIRATION": false}`,
			func(c *Condition, t *account.Tokens) bool {
				return t.Validity.Issuer == "" && t.Validity.Audience == nil && c.TokenCookie == "" && t.Keys == nil && t.Validity.IgnoreExp
			},
		},
		{`, "JWT_AUTH": {"JWT_SECRET_KEY": "another"}`, func(_ *Condition, t *account.Tokens) bool {
			return len(t.Keys) == 1 && t.Keys[0].Alg() == token.HS256
		}},
		{`, "JWT_AUTH": {"JWT_ALGORITHM": "EdDSA", "JWT_PRIVATE_KEY": ` + private + `, "JWT_PUBLIC_KEY": ` + public + `}`, func(_ *Condition, t *account.Tokens) bool {
			return len(t.Keys) == 2 && t.Keys[0].CanSign()
		}},
	} {
		c, err := Read([]byte(userapi(tt.settings, "")))
		if err != nil || !tt.holds(c, &c.Policy.Tokens) {
			t.Errorf("%s\n got: %+v, %v", tt.settings, c, err)
		}
	}
}

func TestReadUserAPIFaults(t *testing.T) {
	for _, tt := range []struct{ name, settings, setup, want string }{
		{"no signatures", `, "JWT_AUTH": {"JWT_VERIFY": false}`, "", "settings.JWT_AUTH.JWT_VERIFY must be true: without it everybody is whom he says"},
		{"an algorithm that is none", `, "JWT_AUTH": {"JWT_ALGORITHM": "none"}`, "", "settings.JWT_AUTH.JWT_ALGORITHM is not known: none"},
		{"RS256 without a key", `, "JWT_AUTH": {"JWT_ALGORITHM": "RS256"}`, "", "settings.JWT_AUTH.JWT_PRIVATE_KEY or JWT_PUBLIC_KEY is unusable for RS256"},
		{"a profile that is none", "", `{"id": 1, "email": "a@b.co", "profile": 5}`, "setup.users[0].profile is not an object"},
		{"a date that is none", "", `{"id": 1, "profile": {"dob": "soon"}}`, "setup.users[0].profile.dob is no value of this field"},
		{"a field that is none", "", `{"id": 1, "profile": {"age": "7"}}`, "setup.users[0].profile.age is not known"},
	} {
		_, err := Read([]byte(userapi(tt.settings, tt.setup)))
		if got := strings.Join(faults(err), "; "); got != tt.want {
			t.Errorf("%s\n got: %q\nwant: %q", tt.name, got, tt.want)
		}
	}
}

func TestReadUserAPIProfile(t *testing.T) {
	c, err := Read([]byte(userapi("", `{"id": 1, "email": "a@b.co", "username": null, "profile": {"title": "Ms", "dob": "1990-02-28"}}`)))
	if err != nil {
		t.Fatal(err)
	}
	p, ok := c.Users[0].Profiles.Of("profile")
	if !ok || p.Values.Of("title") != account.TextValue("Ms") || p.Values.Of("dob").String() != "1990-02-28" || c.Users[0].Username != "" {
		t.Errorf("got: %+v", c.Users[0])
	}
}
