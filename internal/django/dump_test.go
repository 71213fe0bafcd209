package django

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAPresetIsToldByTheSettings(t *testing.T) {
	for _, tt := range []struct{ settings, want string }{
		{`"DJOSER": {}, "SIMPLE_JWT": {}`, "djoser"},
		{`"INSTALLED_APPS": ["djoser"]`, "djoser"},
		{`"DJOSER": {}, "JWT_AUTH": {}`, "djoser1"},
		{`"DJOSER": {}, "JWT_AUTH": {}, "SIMPLE_JWT": {}`, "djoser"},
		{`"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_jwt.authentication.JSONWebTokenAuthentication"]}, "SIMPLE_JWT": {}`, "tag1"},
		{`"INSTALLED_APPS": ["rest_auth"], "JWT_AUTH": {}`, "restauth"},
		{`"INSTALLED_APPS": ["dj_rest_auth"], "SIMPLE_JWT": {}`, "djrestauth"},
		{`"INSTALLED_APPS": ["rest_auth", "djoser"]`, "djoser"},
		{`"JWT_AUTH": {}`, "tag1"},
		{`"SIMPLE_JWT": {}, "JWT_AUTH": {}`, "simplejwt"},
		{`"INSTALLED_APPS": ["rest_framework_simplejwt"]`, "simplejwt"},
		{`"SIMPLE_JWT": {}, "AUTH_USER_MODEL": "accounts.User"`, "accounts"},
		{`"DJOSER": {}, "SIMPLE_JWT": {}, "AUTH_USER_MODEL": "accounts.User"`, "djoser"},
		{`"INSTALLED_APPS": ["rest_auth"], "JWT_AUTH": {}, "AUTH_USER_MODEL": "userapi.User"`, "userapi"},
		{`"INSTALLED_APPS": ["rest_framework"], "DEBUG": true`, ""},
	} {
		d, err := ReadDump([]byte("{"+tt.settings+"}"), Choice{})
		got := ""
		if err == nil {
			got = d.Preset
		}
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s:\n got: %q, %v\nwant: %q", tt.settings, got, err, tt.want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0:05:00": 5 * time.Minute, "00:05:00": 5 * time.Minute, "1 day, 0:00:00": day, "7 days, 1:02:03.500000": 7*day + time.Hour + 2*time.Minute + 3500*time.Millisecond,
		"P0DT00H05M00S": 5 * time.Minute, "P7DT00H00M01S": 7*day + time.Second, "36:00:00": 36 * time.Hour,
		"": -1, "5": -1, "0:60:00": -1, "-1 day, 0:00:00": -1, "1 day": -1, "PT5M": -1, "999999 days, 0:00:00": -1,
	} {
		got, ok := parseDelta(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("parseDelta(%q)\n got: %v\nwant: %v", text, got, want)
		}
	}
}

func TestPagesOfADump(t *testing.T) {
	const numbers, offsets = `"DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination", `, `"DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination", `
	for _, tt := range []struct {
		name, preset, rest string
		want, warnings     int
	}{
		{"by number", "djoser", numbers + `"PAGE_SIZE": 50`, 50, 0},
		{"of listed users", "userapi", numbers + `"PAGE_SIZE": 50`, 50, 0},
		{"of profiles", "profiles", numbers + `"PAGE_SIZE": 50`, 50, 0},
		{"of a preset without lists", "simplejwt", numbers + `"PAGE_SIZE": 50`, 0, 0},
		{"no class", "djoser", `"PAGE_SIZE": 50`, 0, 0},
		{"no size", "djoser", numbers + `"PAGE_SIZE": null`, 0, 0},
		{"by offset", "djoser", offsets + `"PAGE_SIZE": 50`, 0, 1},
		{"code of one's own", "djoser", `"DEFAULT_PAGINATION_CLASS": "shop.Pages", "PAGE_SIZE": 50`, 0, 1},
		{"too long", "djoser", numbers + `"PAGE_SIZE": 1001`, 0, 1},
		{"no number", "djoser", numbers + `"PAGE_SIZE": "many"`, 0, 1},
	} {
		body := `{"REST_FRAMEWORK": {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"], ` + tt.rest + `}}`
		d, err := ReadDump([]byte(body), Choice{Preset: tt.preset})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		warned := 0
		for _, w := range d.Warnings {
			if strings.Contains(w, "PAG") {
				warned++
			}
		}
		if d.PageSize != tt.want || warned != tt.warnings {
			t.Errorf("%s: %s\n got: %d and %q\nwant: %d and %d", tt.name, tt.rest, d.PageSize, d.Warnings, tt.want, tt.warnings)
		}
	}
}

func TestTheSiteOfADump(t *testing.T) {
	for _, tt := range []struct {
		name, settings string
		want           Site
	}{
		{"nothing", "", Site{}},
		{"secrets", `"SECRET_KEY": "x", "SECRET_KEY_FALLBACKS": ["y"]`, Site{Secret: true, Fallbacks: true}},
		{"a language", `"LANGUAGE_CODE": "pt-BR"`, Site{Language: "pt-br"}},
		{"pages", `"CORS_ORIGIN_WHITELIST": ["https://a.example"]`, Site{Origins: []string{"https://a.example"}}},
		{"all pages", `"CORS_ALLOW_ALL_ORIGINS": true, "CORS_ALLOWED_ORIGINS": ["https://a.example"]`, Site{Origins: []string{"*"}}},
		{"Django's mail server", `"EMAIL_HOST": "localhost", "EMAIL_PORT": 25`, Site{MailURL: "smtp://localhost:25"}},
		{"a mail server with TLS", `"EMAIL_HOST": "m", "EMAIL_USE_TLS": true, "EMAIL_HOST_USER": "u"`, Site{MailURL: "smtp://u@m?tls=required"}},
		{"a mail server with a password", `"EMAIL_HOST": "m", "EMAIL_USE_SSL": true, "EMAIL_HOST_USER": "u", "EMAIL_HOST_PASSWORD": "hidden"`, Site{MailHint: "smtps://u:PASSWORD@m"}},
		{"mails in the log", `"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"`, Site{MailURL: "log:"}},
		{"mails in a folder", `"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": "/m"`, Site{MailURL: "file:/m"}},
		{"SQLite", `"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/a/db.sqlite3"}}`, Site{DatabaseURL: "sqlite:/a/db.sqlite3"}},
		{"PostgreSQL", `"DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "a", "PORT": 5433}}`, Site{DatabaseURL: "postgres://localhost:5433/a"}},
		{
			"PostgreSQL with a password", `"DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "a", "USER": "u", "PASSWORD": "hidden", "HOST": "h"}}`,
			Site{DatabaseHint: "postgres://u:PASSWORD@h/a"},
		},
	} {
		d, err := ReadDump([]byte(`{"SIMPLE_JWT": {}`+strings.TrimSuffix(", "+tt.settings, ", ")+"}"), Choice{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := encode(t, d.Site); string(got) != string(encode(t, tt.want)) || len(d.Warnings) > 0 {
			t.Errorf("%s: %s\n got: %s, %q\nwant: %s", tt.name, tt.settings, got, d.Warnings, encode(t, tt.want))
		}
	}
}

// TestASigningKeyThatIsTheSecretKeyIsNone: SimpleJWT's default names the secret key.
func TestASigningKeyThatIsTheSecretKeyIsNone(t *testing.T) {
	for key, want := range map[string]int{"a": 0, "b": 1} {
		d, err := ReadDump([]byte(`{"SECRET_KEY": "a", "SIMPLE_JWT": {"SIGNING_KEY": "`+key+`"}}`), Choice{})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(d.Policy.Tokens.Keys); got != want {
			t.Errorf("SIGNING_KEY %q beside SECRET_KEY \"a\"\n got: %d keys\nwant: %d", key, got, want)
		}
	}
}

const hidden = "Hidden-from-everybody"

func FuzzReadDump(f *testing.F) {
	for _, head := range heads(f) {
		settings := head["settings"].(map[string]any)
		settings["AUTH_USER_MODEL"] = head["user_model"]
		f.Add(encode(f, settings))
	}
	for _, seed := range []string{
		`{}`, `[]`, `null`, `{"DJOSER": []}`, `{"DJOSER": null, "SIMPLE_JWT": 3}`, `{"JWT_AUTH": {"JWT_VERIFY": false}}`, `{"SIMPLE_JWT": {"ACCESS_TOKEN_LIFETIME": "1 day, 0:00:00"}}`,
		`{"DJOSER": {"SERIALIZERS": {"user": 1}, "EMAIL": {"a": "b"}, "PERMISSIONS": []}, "DATABASES": {"default": []}, "EMAIL_HOST": "%"}`,
		`{"SIMPLE_JWT": {}, "AUTH_USER_MODEL": "a.B", "DATABASES": {"default": {"ENGINE": "x.backends.postgresql", "HOST": "/run"}}, "EMAIL_PORT": -1, "EMAIL_HOST": "::"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := ReadDump(body, Choice{})
		if err != nil {
			var refused RefusedError
			if lines := strings.Count(err.Error(), "\n"); d != nil || lines > 1 && !errors.As(err, &refused) {
				t.Errorf("ReadDump(%q) = %v, %q", body, d, err)
			}
			return
		}
		if d.Model == nil || translators[d.Preset] == nil || d.Policy.Mount != d.Preset || d.Policy.Tokens.Access < 0 || slices.Contains(d.Auth, "") {
			t.Errorf("ReadDump(%q) = %+v", body, d.Condition)
		}
		// The secrets of the same dump are in no text.
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) != nil || strings.Contains(string(body), hidden) {
			return
		}
		for _, key := range []string{"SECRET_KEY", "EMAIL_HOST_PASSWORD"} {
			members[key] = encode(t, hidden)
		}
		d, err = ReadDump(encode(t, members), Choice{})
		if err != nil {
			t.Fatalf("with secrets: %v", err)
		}
		if texts := string(encode(t, []any{d.Site, d.Warnings})); strings.Contains(texts, hidden) {
			t.Errorf("ReadDump(%q) shows a secret: %s", body, texts)
		}
	})
}
