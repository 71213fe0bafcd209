package django

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
)

// transcripts are the recorded ones of the first preset, where the server's tests keep them.
const transcripts = "../server/servertest/testdata/contract/tag1"

// heads are the conditions that the transcripts ask for, by file.
func heads(t testing.TB) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(transcripts, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcript in %s (%v)", transcripts, err)
	}
	all := map[string]map[string]any{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var whole, head map[string]any
		if err := json.Unmarshal(text, &whole); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		head = map[string]any{}
		for _, key := range []string{"dialect", "variant", "user_model", "settings", "setup"} {
			if v, ok := whole[key]; ok {
				head[key] = v
			}
		}
		all[filepath.Base(file)] = head
	}
	return all
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// secondFactors are the fixture's keys that are not understood yet.
var secondFactors = []string{"static", "totp"}

func TestReadTranscripts(t *testing.T) {
	for file, head := range heads(t) {
		c, err := Read(encode(t, head))
		users := head["setup"].(map[string]any)["users"].([]any)
		var unknown []string
		for i, u := range users {
			for _, key := range secondFactors {
				if _, ok := u.(map[string]any)[key]; ok {
					unknown = append(unknown, fmt.Sprintf("setup.users[%d].%s is not known", i, key))
				}
			}
		}
		if want := FaultsError(unknown); len(want) > 0 {
			if got := faults(err); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", file, got, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		judgeHead(t, file, head, c)
		if len(c.Users) != len(users) || !c.Scratch {
			t.Errorf("%s: %d users, scratch %v, want %d, true", file, len(c.Users), c.Scratch, len(users))
		}
	}
}

// judgeHead holds a condition against what its transcript says in other words.
func judgeHead(t *testing.T, file string, head map[string]any, c *Condition) {
	t.Helper()
	settings := head["settings"].(map[string]any)
	jwt := settings["JWT_AUTH"].(map[string]any)
	tokens := c.Policy.Tokens
	want := account.Tokens{Signing: account.PerUser, Access: 15 * time.Minute, Refresh: 7 * 24 * time.Hour, Foreign: true}
	want.Renewable = jwt["JWT_ALLOW_REFRESH"] == true
	if want.Renewable {
		want.Refresh = time.Hour
	}
	_, level := jwt["JWT_PAYLOAD_HANDLER"]
	want.TrustName = !level
	if fmt.Sprintf("%+v", tokens) != fmt.Sprintf("%+v", want) {
		t.Errorf("%s: tokens %+v, want %+v", file, tokens, want)
	}
	claims := map[bool]string{true: "level", false: "own"}[level]
	if c.Claims != claims || c.Prefix != "JWT" || c.Modern || c.Preset != "tag1" || c.SecretKey != settings["SECRET_KEY"] {
		t.Errorf("%s: claims %q, prefix %q, modern %v, preset %q", file, c.Claims, c.Prefix, c.Modern, c.Preset)
	}
	rules := password.DefaultRules()
	if _, ok := settings["AUTH_PASSWORD_VALIDATORS"]; ok {
		rules.Order = []password.Rule{password.Similarity, password.MinLength, password.Numeric}
	}
	if fmt.Sprint(c.Policy.Rules) != fmt.Sprint(rules) || c.Policy.Login != account.Email || c.Policy.FoldLogin || c.Policy.StampLogin {
		t.Errorf("%s: policy %+v", file, c.Policy)
	}
	if c.Model.Table != "spauser_spauser" || !c.Model.Django || c.Model.EmailUnique != account.Exact {
		t.Errorf("%s: model %+v", file, c.Model)
	}
}

func faults(err error) FaultsError {
	var all FaultsError
	errors.As(err, &all)
	return all
}

// plain is the smallest condition, with one member of it changed.
func plain(change string) string {
	body := `{"dialect": "tag1", "variant": "tag1", "user_model": "spauser.SpaUser", "settings": {"JWT_AUTH": {"JWT_GET_USER_SECRET_KEY": "x"}}}`
	old, fresh, _ := strings.Cut(change, " => ")
	if old != "" && !strings.Contains(body, old) {
		panic("no " + old)
	}
	return strings.Replace(body, old, fresh, 1)
}

func TestReadFaults(t *testing.T) {
	const settings, jwt = `"settings": {`, `"JWT_AUTH": {`
	for _, tt := range []struct{ name, change, want string }{
		{"nothing", "", ""},
		// Unknown keys are named, at every level, and all at once.
		{"an unknown key", `{"dialect" => {"steps": [], "dialect"`, "steps is not known"},
		{"a key in another case", `"dialect" => "Dialect"`, `dialect "" is not known; Dialect is not known`},
		{"a model in another case", `spauser.SpaUser => spauser.spauser`, `user_model "spauser.spauser" is not known`},
		{"another dialect", `"tag1" => "TAG1"`, `dialect "TAG1" is not known`},
		{"an unknown setting", settings + " => " + settings + `"DEBUG": true, `, "settings.DEBUG is not known"},
		{"a setting in another case", settings + " => " + settings + `"secret_key": "x", `, "settings.secret_key is not known"},
		{"two unknown settings", settings + " => " + settings + `"B": 1, "A": null, `, "settings.A is not known; settings.B is not known"},
		{"an unknown member of JWT_AUTH", jwt + " => " + jwt + `"JWT_ALGORITHM": "HS512", `, "settings.JWT_AUTH.JWT_ALGORITHM is not known: HS512"},
		{"a member of JWT_AUTH in another case", jwt + " => " + jwt + `"jwt_allow_refresh": true, `, "settings.JWT_AUTH.jwt_allow_refresh is not known"},
		{"an unknown member of REST_FRAMEWORK", settings + " => " + settings + `"REST_FRAMEWORK": {"PAGE_SIZE": 1}, `, "settings.REST_FRAMEWORK.PAGE_SIZE is not known"},
		{
			"an unknown authentication class", settings + " => " + settings + `"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": ["x.Y"]}, `,
			"settings.REST_FRAMEWORK has an authentication class that is not known: x.Y",
		},
		{
			"an unknown validator", settings + " => " + settings + `"AUTH_PASSWORD_VALIDATORS": [{"NAME": "x.MinimumLengthValidator"}], `,
			"settings.AUTH_PASSWORD_VALIDATORS[0] is a password validator that is not known: x.MinimumLengthValidator",
		},
		{
			"a validator without its module", settings + " => " + settings + `"AUTH_PASSWORD_VALIDATORS": [{"NAME": "MinimumLengthValidator"}], `,
			"settings.AUTH_PASSWORD_VALIDATORS[0] is a password validator that is not known: MinimumLengthValidator",
		},
		{
			"a validator whose name is in another case", settings + " => " + settings + `"AUTH_PASSWORD_VALIDATORS": [{"name": "django.contrib.auth.password_validation.NumericPasswordValidator"}], `,
			"settings.AUTH_PASSWORD_VALIDATORS[0] is a password validator that is not known: ; settings.AUTH_PASSWORD_VALIDATORS[0].name is not known",
		},
		{
			"an unknown option", settings + " => " + settings + validator("MinimumLengthValidator", `"max_length": 9`),
			"settings.AUTH_PASSWORD_VALIDATORS[0].OPTIONS.max_length is not known",
		},
		{
			"an option of another validator", settings + " => " + settings + validator("NumericPasswordValidator", `"min_length": 9`),
			"settings.AUTH_PASSWORD_VALIDATORS[0].OPTIONS.min_length is not known",
		},
		{"an unknown part of the setup", `"settings": => "setup": {"groups": []}, "settings":`, "setup.groups is not known"},
		{"an unknown member of a user", user(`"id": 1, "is_staff": true, "Email": "x"`), "setup.users[0].Email is not known; setup.users[0].is_staff is not known"},
		// Values of the wrong type.
		{"a number for a text", `"variant": "tag1" => "variant": 1`, "variant has a value of the wrong type"},
		{"null for a text", `"variant": "tag1" => "variant": null`, "variant has a value of the wrong type"},
		{"a list for the settings", `{"JWT_AUTH": {"JWT_GET_USER_SECRET_KEY": "x"}} => []`, "settings is not an object"},
		{"a list for JWT_AUTH", `{"JWT_GET_USER_SECRET_KEY": "x"} => []`, "settings.JWT_AUTH is not an object"},
		{"a list for the setup", `"settings": => "setup": [], "settings":`, "setup is not an object"},
		{"an object for the users", `"settings": => "setup": {"users": {}}, "settings":`, "setup.users has a value of the wrong type"},
		{"null for a user", `"settings": => "setup": {"users": [null]}, "settings":`, "setup.users[0] is not an object"},
		{"a text for a user", `"settings": => "setup": {"users": ["ann"]}, "settings":`, "setup.users[0] is not an object"},
		{"a number for SECRET_KEY", settings + " => " + settings + `"SECRET_KEY": 1, `, "settings.SECRET_KEY has a value of the wrong type"},
		{"a text for a flag", jwt + " => " + jwt + `"JWT_ALLOW_REFRESH": "true", `, "settings.JWT_AUTH.JWT_ALLOW_REFRESH has a value of the wrong type"},
		{"null for a flag", jwt + " => " + jwt + `"JWT_ALLOW_REFRESH": null, `, "settings.JWT_AUTH.JWT_ALLOW_REFRESH has a value of the wrong type"},
		{"a flag for the key of users", `"x" => true`, "settings.JWT_AUTH.JWT_GET_USER_SECRET_KEY has a value of the wrong type"},
		{"an object for the validators", settings + " => " + settings + `"AUTH_PASSWORD_VALIDATORS": {}, `, "settings.AUTH_PASSWORD_VALIDATORS has a value of the wrong type"},
		{
			"a text for a validator", settings + " => " + settings + `"AUTH_PASSWORD_VALIDATORS": ["x"], `,
			"settings.AUTH_PASSWORD_VALIDATORS[0] is not an object; settings.AUTH_PASSWORD_VALIDATORS[0] is a password validator that is not known: ",
		},
		{
			"a text for a length", settings + " => " + settings + validator("MinimumLengthValidator", `"min_length": "9"`),
			"settings.AUTH_PASSWORD_VALIDATORS[0].OPTIONS.min_length has a value of the wrong type",
		},
		{
			"a fraction for a length", settings + " => " + settings + validator("MinimumLengthValidator", `"min_length": 8.5`),
			"settings.AUTH_PASSWORD_VALIDATORS[0].OPTIONS.min_length has a value of the wrong type",
		},
		{
			"a text for classes", settings + " => " + settings + `"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": "x"}, `,
			"settings.REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES has a value of the wrong type",
		},
		{"a text for an id", user(`"id": "1"`), "setup.users[0].id has a value of the wrong type"},
		{"a fraction for an id", user(`"id": 1.5`), "setup.users[0].id has a value of the wrong type"},
		{"a number for an address", user(`"email": 1`), "setup.users[0].email has a value of the wrong type"},
		{"a number for a password", user(`"password": 1`), "setup.users[0].password has a value of the wrong type"},
		{"a number for a flag", user(`"is_active": 1`), "setup.users[0].is_active has a value of the wrong type"},
		{"a number for a secret", user(`"jwt_secret": 1`), "setup.users[0].jwt_secret has a value of the wrong type"},
		// Values out of range.
		{"a negative life", jwt + " => " + jwt + `"JWT_EXPIRATION_DELTA": -1, `, "settings.JWT_AUTH.JWT_EXPIRATION_DELTA is out of range"},
		{"a life of more than a century", jwt + " => " + jwt + `"JWT_EXPIRATION_DELTA": 3153600001, `, "settings.JWT_AUTH.JWT_EXPIRATION_DELTA is out of range"},
		{"an absurd life", jwt + " => " + jwt + `"JWT_REFRESH_EXPIRATION_DELTA": 1e308, `, "settings.JWT_AUTH.JWT_REFRESH_EXPIRATION_DELTA is out of range"},
		{"a life that no number holds", jwt + " => " + jwt + `"JWT_EXPIRATION_DELTA": 1e400, `, "settings.JWT_AUTH.JWT_EXPIRATION_DELTA has a value of the wrong type"},
		{"a life that is text", jwt + " => " + jwt + `"JWT_EXPIRATION_DELTA": "900", `, "settings.JWT_AUTH.JWT_EXPIRATION_DELTA has a value of the wrong type"},
		{"no life", jwt + " => " + jwt + `"JWT_EXPIRATION_DELTA": null, `, "settings.JWT_AUTH.JWT_EXPIRATION_DELTA has a value of the wrong type"},
		{
			"a negative length", settings + " => " + settings + validator("MinimumLengthValidator", `"min_length": -1`),
			"settings.AUTH_PASSWORD_VALIDATORS[0].OPTIONS.min_length is out of range",
		},
		{
			"a similarity of nothing", settings + " => " + settings + validator("UserAttributeSimilarityValidator", `"max_similarity": 0`),
			"settings.AUTH_PASSWORD_VALIDATORS[0].OPTIONS.max_similarity is out of range",
		},
		{"an id of 0", user(`"id": 0`), "setup.users[0].id is out of range"},
		{"a negative id", user(`"id": -1`), "setup.users[0].id is out of range"},
		{"an id that no column holds", user(`"id": 9223372036854775808`), "setup.users[0].id has a value of the wrong type"},
		{"a secret that is too short", user(`"jwt_secret": "11111111-1111-4111-8111-11111111111"`), "setup.users[0] has a jwt_secret that is no UUID"},
		{"a secret that is too long", user(`"jwt_secret": "11111111-1111-4111-8111-1111111111111111"`), "setup.users[0] has a jwt_secret that is no UUID"},
		{"a secret of other digits", user(`"jwt_secret": "g1111111-1111-4111-8111-111111111111"`), "setup.users[0] has a jwt_secret that is no UUID"},
		{"no secret", user(`"jwt_secret": ""`), "setup.users[0] has a jwt_secret that is no UUID"},
	} {
		c, err := Read([]byte(plain(tt.change)))
		if got := strings.Join(faults(err), "; "); got != tt.want || (c == nil) != (tt.want != "") {
			t.Errorf("%s: %s\n got %q\nwant %q", tt.name, plain(tt.change), got, tt.want)
		}
	}
}

func user(members string) string {
	return `"settings": => "setup": {"users": [{` + members + `}]}, "settings":`
}

func validator(name, options string) string {
	return `"AUTH_PASSWORD_VALIDATORS": [{"NAME": "django.contrib.auth.password_validation.` + name + `", "OPTIONS": {` + options + `}}], `
}

func TestReadNoObject(t *testing.T) {
	const none = `the body is not an object; dialect "" is not known; user_model "" is not known`
	for body, want := range map[string]string{
		"": "the body is not JSON", "{": "the body is not JSON", "\"\xff\"": "the body is not JSON", "{}{}": "the body is not JSON",
		plain("") + "x": "the body is not JSON", "null": none, "[]": none, "1": none, `"x"`: none,
		"{}": `dialect "" is not known; user_model "" is not known`, strings.Repeat("[", 1<<20): "the body is not JSON",
	} {
		if _, err := Read([]byte(body)); err == nil || err.Error() != want {
			t.Errorf("Read(%.40q) = %v, want %q", body, err, want)
		}
	}
}

// TestReadDefaults: what is absent means what it means to Django and drf-jwt.
func TestReadDefaults(t *testing.T) {
	for _, tt := range []struct {
		name, change string
		holds        func(*Condition) bool
	}{
		{"no settings", `, "settings": {"JWT_AUTH": {"JWT_GET_USER_SECRET_KEY": "x"}} => `, func(c *Condition) bool {
			tokens := c.Policy.Tokens
			return tokens.Access == 5*time.Minute && tokens.Refresh == 7*24*time.Hour && !tokens.Renewable && tokens.Signing == account.Shared &&
				!tokens.TrustName && c.Prefix == "JWT" && c.Claims == "own" && c.SecretKey == "" && len(c.Policy.Rules.Order) == 4
		}},
		{"settings that are null", `{"JWT_AUTH": {"JWT_GET_USER_SECRET_KEY": "x"}} => null`, func(c *Condition) bool { return c.Policy.Tokens.Signing == account.Shared }},
		{"no key of users", `"x" => null`, func(c *Condition) bool { return c.Policy.Tokens.Signing == account.Shared }},
		{"no setup", "", func(c *Condition) bool { return !c.Scratch && c.Users == nil }},
		{"a setup that is null", `"settings": => "setup": null, "settings":`, func(c *Condition) bool { return !c.Scratch }},
		{"an empty setup", `"settings": => "setup": {}, "settings":`, func(c *Condition) bool { return c.Scratch && c.Users == nil }},
		{"a modern variant", `"variant": "tag1" => "variant": "modern-tag1"`, func(c *Condition) bool { return c.Modern }},
		{"twin keys: the last counts", `"variant": "tag1" => "variant": "tag1", "variant": "modern-x"`, func(c *Condition) bool { return c.Modern }},
		{
			"twin settings: the last counts", `"JWT_AUTH": { => "JWT_AUTH": {"JWT_EXPIRATION_DELTA": -1, "JWT_EXPIRATION_DELTA": 1.5, `,
			func(c *Condition) bool { return c.Policy.Tokens.Access == 1500*time.Millisecond },
		},
		{"no validators", `"settings": { => "settings": {"AUTH_PASSWORD_VALIDATORS": [], `, func(c *Condition) bool { return len(c.Policy.Rules.Order) == 0 }},
		{"options", `"settings": { => "settings": {` + validator("MinimumLengthValidator", `"min_length": 12`), func(c *Condition) bool {
			return c.Policy.Rules.MinLength == 12 && slices.Equal(c.Policy.Rules.Order, []password.Rule{password.MinLength})
		}},
		{"a user of nothing", user(""), func(c *Condition) bool {
			u := c.Users[0]
			return u.IsActive && !u.IsStaff && u.Clear == nil && u.ID == 0 && u.JWTSecret != [16]byte{} && u.JWTSecret[6]>>4 == 4
		}},
		{"a user without a password", user(`"password": null`), func(c *Condition) bool { return c.Users[0].Clear == nil }},
		{
			"a user of everything", user(`"id": 7, "email": "a@b.co", "password": "", "is_active": false, "is_admin": true, "jwt_secret": "0123456789ABCDEF0123456789abcdef"`),
			func(c *Condition) bool {
				u := c.Users[0]
				return u.ID == 7 && u.Email == "a@b.co" && *u.Clear == "" && !u.IsActive && u.IsStaff && u.IsSuperuser && u.JWTSecret[1] == 0x23
			},
		},
	} {
		c, err := Read([]byte(plain(tt.change)))
		if err != nil || !tt.holds(c) {
			t.Errorf("%s: %s: %+v, %v", tt.name, plain(tt.change), c, err)
		}
	}
}

func TestModelOf(t *testing.T) {
	if m := ModelOf("spauser_spauser"); m == nil || !m.Has(account.JWTSecret) || m.Login != account.Email {
		t.Errorf("ModelOf(spauser_spauser) = %+v", m)
	}
	if m := ModelOf("SPAUSER_SPAUSER"); m != nil {
		t.Errorf("ModelOf in capitals = %+v, want none", m)
	}
}

func FuzzRead(f *testing.F) {
	for _, head := range heads(f) {
		f.Add(encode(f, head))
	}
	f.Add([]byte(plain(user(`"id": 1e3, "jwt_secret": "{}"`))))
	f.Add([]byte(plain(`"settings": { => "settings": {` + validator("MinimumLengthValidator", `"min_length": 1e9`))))
	for _, settings := range []string{"", `"AUTH_HEADER_TYPES": "JWT", "AUDIENCE": ["a", "b"], "LEEWAY": 5, "USER_ID_FIELD": "username"`, `"ALGORITHM": "RS256", "SIGNING_KEY": "x"`} {
		f.Add([]byte(simple(settings)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := Read(body)
		if err != nil {
			if len(faults(err)) == 0 || c != nil {
				t.Errorf("Read(%q) = %v, %v, want faults alone", body, c, err)
			}
			return
		}
		tokens := c.Policy.Tokens
		if c.Model == nil || c.Preset == "" || c.Prefix == "" && tokens.Typed == nil && !strings.Contains(string(body), "PREFIX") ||
			tokens.Access < 0 || tokens.Refresh < 0 || !tokens.Foreign || c.Policy.Rules.MinLength < 0 || !c.Scratch && c.Users != nil {
			t.Errorf("Read(%q) = %+v", body, c)
		}
		if d := tokens.Typed; d != nil && (len(d.Accept) == 0 || len(c.SimpleJWT.Types) == 0 || d.Sliding < 0 || tokens.Validity.Leeway < 0) {
			t.Errorf("Read(%q) = %+v, %+v", body, d, c.SimpleJWT)
		}
		for _, u := range c.Users {
			if u.ID < 0 {
				t.Errorf("Read(%q): a user %d", body, u.ID)
			}
		}
	})
}
