package django

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// simple is the smallest condition with SIMPLE_JWT.
func simple(settings string) string {
	return `{"dialect": "simplejwt", "variant": "simplejwt", "user_model": "auth.User", "settings": {"SECRET_KEY": "k", "SIMPLE_JWT": {` + settings + `}}}`
}

func TestReadSimpleJWTTranscripts(t *testing.T) {
	files, err := filepath.Glob("../server/servertest/testdata/contract/simplejwt/*.json")
	if err != nil || len(files) != 25 {
		t.Fatalf("%d transcripts (%v), want 25", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var head map[string]any
		if err := json.Unmarshal(text, &head); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"name", "reference", "note", "steps"} {
			delete(head, key)
		}
		c, err := Read(encode(t, head))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		settings := head["settings"].(map[string]any)
		d := c.Policy.Tokens.Typed
		if c.Modern != strings.Contains(file, "modern-") || d.NoBlacklist != (settings["token_blacklist"] == nil) || len(c.Users) != 2 ||
			c.Users[0].Username != "alice" || c.Policy.Login != account.Username || c.Claims != "simplejwt" {
			t.Errorf("%s: %+v, %+v", file, c, d)
		}
	}
}

func pemOf(t *testing.T) (private, public string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(encode(t, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))))
	}
	return block("PRIVATE KEY", der), block("PUBLIC KEY", pubDER)
}

// What each setting of SimpleJWT means, beginning with none.
func TestReadSimpleJWT(t *testing.T) {
	private, public := pemOf(t)
	for _, tt := range []struct {
		settings string
		holds    func(c *Condition, t *account.Tokens, d *account.Typed) bool
	}{
		{``, func(c *Condition, t *account.Tokens, d *account.Typed) bool {
			return t.Access == 5*time.Minute && t.Refresh == day && d.Sliding == 5*time.Minute && d.SlidingRefresh == day && t.Grace == 0 &&
				d.Rotation == account.NoRotation && !d.ReuseEnds && t.Foreign && d.Outlive && d.Blind && d.NoBlacklist && c.Policy.KeepTokens &&
				!c.Policy.StampLogin && t.Signing == account.Shared && t.Keys == nil && d.Owner == "" && t.Validity.Leeway == 0 &&
				reflect.DeepEqual(c.SimpleJWT, DefaultSimpleJWT()) && fmt.Sprint(d.Accept) == "[access]"
		}},
		{
			`"ACCESS_TOKEN_LIFETIME": 60, "REFRESH_TOKEN_LIFETIME": 61.5, "SLIDING_TOKEN_LIFETIME": 62, "SLIDING_TOKEN_REFRESH_LIFETIME": 63, "LEEWAY": 4`,
			func(_ *Condition, t *account.Tokens, d *account.Typed) bool {
				return t.Access == time.Minute && t.Refresh == 61500*time.Millisecond && d.Sliding == 62*time.Second && d.SlidingRefresh == 63*time.Second &&
					t.Validity.Leeway == 4*time.Second
			},
		},
		{`"ROTATE_REFRESH_TOKENS": true`, func(_ *Condition, _ *account.Tokens, d *account.Typed) bool { return d.Rotation == account.KeepRotated }},
		{`"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true`, func(_ *Condition, _ *account.Tokens, d *account.Typed) bool {
			return d.Rotation == account.SpendOnce
		}},
		{`"BLACKLIST_AFTER_ROTATION": true`, func(_ *Condition, _ *account.Tokens, d *account.Typed) bool { return d.Rotation == account.NoRotation }},
		{`"UPDATE_LAST_LOGIN": true`, func(c *Condition, _ *account.Tokens, _ *account.Typed) bool { return c.Policy.StampLogin }},
		{`"AUTH_HEADER_TYPES": "JWT"`, func(c *Condition, _ *account.Tokens, _ *account.Typed) bool {
			return fmt.Sprint(c.SimpleJWT.Types) == "[JWT]"
		}},
		{`"AUTH_HEADER_TYPES": ["JWT", "Bearer"], "AUTH_HEADER_NAME": "HTTP_X_ACCESS_TOKEN"`, func(c *Condition, _ *account.Tokens, _ *account.Typed) bool {
			return fmt.Sprint(c.SimpleJWT.Types) == "[JWT Bearer]" && c.SimpleJWT.Header == "X-Access-Token"
		}},
		{`"AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.SlidingToken"]`, func(_ *Condition, _ *account.Tokens, d *account.Typed) bool {
			return fmt.Sprint(d.Accept) == "[sliding]"
		}},
		{`"USER_ID_FIELD": "username", "USER_ID_CLAIM": "sub"`, func(c *Condition, _ *account.Tokens, d *account.Typed) bool {
			return d.Owner == account.Username && c.SimpleJWT.Owner == "sub"
		}},
		{`"TOKEN_TYPE_CLAIM": "typ", "JTI_CLAIM": "id", "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "until"`, func(c *Condition, _ *account.Tokens, _ *account.Typed) bool {
			return c.SimpleJWT.Kind == "typ" && c.SimpleJWT.ID == "id" && c.SimpleJWT.RefreshExpiry == "until"
		}},
		{`"CHECK_REVOKE_TOKEN": true, "REVOKE_TOKEN_CLAIM": "pw"`, func(c *Condition, _ *account.Tokens, _ *account.Typed) bool { return c.SimpleJWT.Revoke == "pw" }},
		{`"REVOKE_TOKEN_CLAIM": "pw"`, func(c *Condition, _ *account.Tokens, _ *account.Typed) bool { return c.SimpleJWT.Revoke == "" }},
		{`"ISSUER": "us", "AUDIENCE": "front"`, func(c *Condition, t *account.Tokens, _ *account.Typed) bool {
			return t.Validity.Issuer == "us" && fmt.Sprint(t.Validity.Audience) == "[front]" && c.SimpleJWT.Audience == "front"
		}},
		{`"ISSUER": null, "AUDIENCE": ["a", "b"]`, func(c *Condition, t *account.Tokens, _ *account.Typed) bool {
			return t.Validity.Issuer == "" && fmt.Sprint(c.SimpleJWT.Audience) == "[a b]"
		}},
		{`"ALGORITHM": "HS512", "SIGNING_KEY": "x", "VERIFYING_KEY": ""`, func(_ *Condition, t *account.Tokens, _ *account.Typed) bool {
			return len(t.Keys) == 1 && t.Keys[0].Alg() == token.HS512
		}},
		{`"ALGORITHM": "HS384"`, func(c *Condition, t *account.Tokens, _ *account.Typed) bool {
			return t.Keys == nil && c.SimpleJWT.Alg == token.HS384
		}},
		{`"ALGORITHM": "EdDSA", "SIGNING_KEY": ` + private + `, "VERIFYING_KEY": ` + public, func(_ *Condition, t *account.Tokens, _ *account.Typed) bool {
			return len(t.Keys) == 2 && t.Keys[0].CanSign() && !t.Keys[1].CanSign()
		}},
		// Settings that change nothing here, or nowhere.
		{
			`"JSON_ENCODER": null, "ON_LOGIN_SUCCESS": "x", "TOKEN_USER_CLASS": "x", "JWT_ALLOW_REFRESH": true, "JWT_EXPIRATION_DELTA": 5, "JWK_URL": null,
			"USER_AUTHENTICATION_RULE": "rest_framework_simplejwt.authentication.default_user_authentication_rule", "CHECK_USER_IS_ACTIVE": true,
			"TOKEN_OBTAIN_SERIALIZER": "rest_framework_simplejwt.serializers.TokenObtainPairSerializer"`,
			func(c *Condition, t *account.Tokens, _ *account.Typed) bool { return t.Access == 5*time.Minute },
		},
	} {
		c, err := Read([]byte(simple(tt.settings)))
		if err != nil || !tt.holds(c, &c.Policy.Tokens, c.Policy.Tokens.Typed) {
			t.Errorf("%s: %+v, %v", tt.settings, c, err)
		}
	}
}

func TestReadSimpleJWTFaults(t *testing.T) {
	const at = "settings.SIMPLE_JWT"
	private, public := pemOf(t)
	for _, tt := range []struct{ settings, want string }{
		{`"ACCES_TOKEN_LIFETIME": 5`, at + ".ACCES_TOKEN_LIFETIME is not known"},
		{`"A": 1, "B": 2`, at + ".A is not known; " + at + ".B is not known"},
		{`"ACCESS_TOKEN_LIFETIME": "5"`, at + ".ACCESS_TOKEN_LIFETIME has a value of the wrong type"},
		{`"ACCESS_TOKEN_LIFETIME": -1`, at + ".ACCESS_TOKEN_LIFETIME is out of range"},
		{`"AUTH_HEADER_TYPES": []`, at + ".AUTH_HEADER_TYPES has a value of the wrong type"},
		{`"AUTH_HEADER_TYPES": ["Bearer", null]`, at + ".AUTH_HEADER_TYPES has a value of the wrong type"},
		{`"AUTH_HEADER_TYPES": ["a b"]`, at + ".AUTH_HEADER_TYPES has a type that no header can have"},
		{`"AUTH_HEADER_NAME": "Authorization"`, at + ".AUTH_HEADER_NAME is no header"},
		{`"AUTH_TOKEN_CLASSES": ["x.Y"]`, at + ".AUTH_TOKEN_CLASSES has a class that is not known, or twice: x.Y"},
		{`"USER_ID_FIELD": "email"`, at + `.USER_ID_FIELD is "email", which does not tell users apart here`},
		{`"USER_ID_FIELD": "password"`, at + `.USER_ID_FIELD is "password", which does not tell users apart here`},
		{`"USER_ID_CLAIM": "exp"`, at + ` has a claim that has no name, or another's: "exp"`},
		{`"JTI_CLAIM": null`, at + ".JTI_CLAIM has a value of the wrong type"},
		{`"ALGORITHM": "none"`, at + ".ALGORITHM is not known: none"},
		{`"ALGORITHM": "RS256"`, at + ".SIGNING_KEY or VERIFYING_KEY is unusable for RS256"},
		{`"ALGORITHM": "EdDSA", "SIGNING_KEY": ` + public, at + ".SIGNING_KEY or VERIFYING_KEY is unusable for EdDSA"},
		{`"ALGORITHM": "RS256", "SIGNING_KEY": ` + private, at + ".SIGNING_KEY or VERIFYING_KEY is unusable for RS256"},
		{`"JWK_URL": "https://example.com"`, at + ".JWK_URL is not supported: keys of others are given as VERIFYING_KEY"},
		{`"USER_AUTHENTICATION_RULE": "app.rule"`, at + ".USER_AUTHENTICATION_RULE names code that is not SimpleJWT's own: app.rule"},
		{`"CHECK_USER_IS_ACTIVE": false`, at + ".CHECK_USER_IS_ACTIVE must be true: a disabled user is never let in"},
	} {
		_, err := Read([]byte(simple(tt.settings)))
		if got := faults(err).Error(); got != tt.want {
			t.Errorf("%.60s:\n got %s\nwant %s", tt.settings, got, tt.want)
		}
	}
}
