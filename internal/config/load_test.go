package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const goodSecret = "Zq7-a-secret-that-is-long-enough-for-all-0x1"

// inFolder moves the test into an empty folder and puts files there, private ones.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// faultsOf loads and gives the texts of all faults, "" when there are none.
func faultsOf(t *testing.T, args Args) string {
	t.Helper()
	_, err := Load(args)
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[Faults](err); !ok {
		t.Fatalf("Load's error is a %T, want Faults", err)
	}
	return err.Error()
}

func mustLoad(t *testing.T, args Args) *Config {
	t.Helper()
	c, err := Load(args)
	if err != nil {
		t.Fatalf("Load(%+v):\n%v", args, err)
	}
	return c
}

func TestPrecedence(t *testing.T) {
	tests := []struct {
		name, file string
		environ    []string
		flags      map[string]string
		want, from string
	}{
		{"nothing says so", "dev = true", nil, nil, "127.0.0.1:8000", ""},
		{"the file alone", "dev = true\naddr = \"127.0.0.1:1\"", nil, nil, "127.0.0.1:1", "doorward.toml:2"},
		{"the environment over the file", "dev = true\naddr = \"127.0.0.1:1\"", []string{"DOORWARD_ADDR=127.0.0.1:2"}, nil, "127.0.0.1:2", "DOORWARD_ADDR"},
		{
			"a flag over both", "dev = true\naddr = \"127.0.0.1:1\"",
			[]string{"DOORWARD_ADDR=127.0.0.1:2"},
			map[string]string{"addr": "127.0.0.1:3"},
			"127.0.0.1:3", "--addr",
		},
		{"an empty variable is not set", "dev = true\naddr = \"127.0.0.1:1\"", []string{"DOORWARD_ADDR="}, nil, "127.0.0.1:1", "doorward.toml:2"},
		{"of twin variables the last", "dev = true", []string{"DOORWARD_ADDR=127.0.0.1:2", "DOORWARD_ADDR=127.0.0.1:4"}, nil, "127.0.0.1:4", "DOORWARD_ADDR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, map[string]string{"doorward.toml": tt.file})
			c := mustLoad(t, Args{Environ: tt.environ, Flags: tt.flags})
			if c.Addr != tt.want || c.Source("addr") != tt.from {
				t.Errorf("addr = %q from %q, want %q from %q", c.Addr, c.Source("addr"), tt.want, tt.from)
			}
		})
	}
}

const wholeFile = `
addr = "127.0.0.1:9"
dev = true
database_url = "postgres://ann@db/x"
secret_key = "a"
secret_key_fallbacks = ["b", "c"]
key_file = "k"
mail_url = "file:out"
public_url = "https://example.com/app"
allowed_hosts = ["example.org", ".example.net"]
trusted_proxies = 1
drain_seconds = 3
connections_per_client = 7
h2c = true
tls = { cert = "a.pem", key = "a.key" }
cors.origins = ["*"]
metrics = { token = "t" }
[log]
format = "json"
level = "warn"
[password]
memory_kib = 100
time = 1
slots = 3
queue_seconds = 4
[mail]
from = "ann@example.com"
templates = "words"
language = "de"
[user]
table = "auth_user"
login = "username"
email_unique = "no"
[mounts.my-app]
preset = "djoser"
prefix = "/auth/"
generation = "classic"
signing = "shared"
access_lifetime_seconds = 60
refresh_lifetime_seconds = 3600
allow_refresh = false
claims = "id"
password_rules = []
password_min_length = 10
noun = "member"
profile = "teacher"
frontend_url = "https://app.example.com"
site_name = "Mine"
activation_url = "a/{uid}/{token}"
password_reset_url = "p/{uid}/{token}"
login_reset_url = "l/{uid}/{token}"
mails = ["activation"]
signup_privacy = true
languages = false
login = "username"
users_named_by = "username"
retype = ["password"]
hide_users = false
sign_out_on_password_change = true
tell_unknown_email = true
link_lifetime_seconds = 600
session_on_login = true
rotate_refresh = true
sliding_lifetime_seconds = 61
sliding_refresh_lifetime_seconds = 62
stamp_login = true
header_types = ["JWT", "Bearer"]
header_name = "X-Token"
accept_kinds = ["sliding"]
audience = ["front"]
issuer = "us"
leeway_seconds = 5
algorithm = "RS256"
signing_key_file = "private.pem"
verifying_key_file = "public.pem"
user_id_field = "username"
user_id_claim = "sub"
user_id_text = true
kind_claim = "typ"
id_claim = "id"
sliding_refresh_claim = "until"
revoke_claim = "hash"
deflate_claims = true
authenticators = ["simplejwt", "basic"]
header_prefix = "Token"
token_cookie = "jwt"
rate_anonymous = "3/min"
rate_user = "40/hour"
page_size = 50
list_limit = 500
xml = true
sign_in_gives = "jwt"
sign_in_by = "either"
old_password_required = true
logout_ends_session = false
registration = false
email_verification = "mandatory"
email_required = true
username_required = false
email_confirm_url = "verify/{key}/"
email_confirmed_url = "/in/"
email_confirm_on_get = true
email_key_lifetime_seconds = 700
access_cookie = "app-auth"
refresh_cookie = "app-refresh"
refresh_cookie_path = "/in/token/"
cookie_domain = "example.com"
cookie_same_site = "Strict"
cookie_http_only = false
cookie_secure = true
cookie_csrf = true
return_expiration = true
group_claims = true
permission_claims = true
[mounts.my-app.access]
"DELETE user-detail" = "perm:auth.delete_user"
[mounts.my-app.permissions]
user_list = "staff"
[mounts.my-app.extra_claims]
mail = "email"
[mounts.my-app.paths]
users = "people/"
"jwt create" = ""
[mounts.tag1]
`

func wholeConfig() *Config {
	no, yes := false, true
	return &Config{
		Addr: "127.0.0.1:9", Dev: true, DatabaseURL: "postgres://ann@db/x", SecretKey: "a",
		SecretKeyFallbacks: []string{"b", "c"}, KeyFile: "k", MailURL: "file:out", PublicURL: "https://example.com/app",
		AllowedHosts: []string{"example.org", ".example.net"}, TrustedProxies: 1, DrainSeconds: 3, ConnectionsPerClient: 7,
		H2C: true, TLS: TLS{"a.pem", "a.key"},
		CORS: CORS{[]string{"*"}}, Metrics: Metrics{"t"}, Log: Log{"json", "warn"}, Password: Password{100, 1, 3, 4},
		Mail: Mail{"ann@example.com", "words", "de"},
		User: User{"auth_user", "username", "no"},
		Mounts: map[string]Mount{
			"tag1": {Preset: "tag1"},
			"my-app": {
				Preset: "djoser", Prefix: "/auth/", Generation: "classic", Signing: "shared", AccessLifetimeSeconds: 60,
				RefreshLifetimeSeconds: 3600, AllowRefresh: &no, Claims: "id", PasswordRules: []string{}, PasswordMinLength: 10,
				FrontendURL: "https://app.example.com", SiteName: "Mine", ActivationURL: "a/{uid}/{token}",
				PasswordResetURL: "p/{uid}/{token}", LoginResetURL: "l/{uid}/{token}", Mails: []string{"activation"}, SignupPrivacy: &yes, Languages: &no,
				Djoser: Djoser{
					Login: "username", NamedBy: "username", Retype: []string{"password"}, HideUsers: &no, SignOut: &yes, TellEmail: &yes,
					LinkSeconds: 600, Session: &yes, Permissions: map[string]string{"user_list": "staff"},
				},
				Access: map[string]string{"DELETE user-detail": "perm:auth.delete_user"}, GroupClaims: true, PermissionClaims: true,
				Noun: "member", Profile: "teacher", Paths: map[string]string{"users": "people/", "jwt create": ""},
				Tokens: Tokens{
					RotateRefresh: &yes, SlidingLifetimeSeconds: 61, SlidingRefreshLifetimeSeconds: 62, StampLogin: &yes,
					HeaderTypes: []string{"JWT", "Bearer"}, HeaderName: "X-Token", AcceptKinds: []string{"sliding"},
					Audience: []string{"front"}, Issuer: "us", LeewaySeconds: 5, Algorithm: "RS256", SigningKeyFile: "private.pem",
					VerifyingKeyFile: "public.pem", UserIDField: "username", UserIDClaim: "sub", UserIDText: &yes, KindClaim: "typ",
					IDClaim: "id", SlidingRefreshClaim: "until", RevokeClaim: "hash", DeflateClaims: &yes,
					ExtraClaims: map[string]string{"mail": "email"},
				},
				REST: REST{
					Authenticators: []string{"simplejwt", "basic"}, HeaderPrefix: "Token", TokenCookie: "jwt", RateAnonymous: "3/min", RateUser: "40/hour", PageSize: 50, ListLimit: 500,
					XML: true,
				},
				RestAuth: RestAuth{
					SignInGives: "jwt", SignInBy: "either", OldPassword: &yes, LogoutEnds: &no, Registration: &no, EmailVerification: "mandatory",
					EmailRequired: &yes, UsernameRequired: &no, EmailConfirmURL: "verify/{key}/", EmailConfirmedURL: "/in/", EmailConfirmOnGet: &yes,
					EmailKeySeconds: 700,
				},
				TokenCookies: TokenCookies{
					Access: "app-auth", Refresh: "app-refresh", RefreshPath: "/in/token/", Domain: "example.com", SameSite: "Strict",
					HTTPOnly: &no, Secure: &yes, CSRF: &yes, Expirations: &yes,
				},
			},
		},
	}
}

// differences shows secrets, as Config's own String would not.
func differences(want, got *Config) string {
	type bare Config
	return cmp.Diff(bare(*want), bare(*got), cmpopts.IgnoreUnexported(bare{}))
}

func TestEverySettingInTheFile(t *testing.T) {
	cert, key := newPair(t)
	inFolder(t, map[string]string{"doorward.toml": wholeFile, "a.pem": cert, "a.key": key})
	got := mustLoad(t, Args{})
	if diff := differences(wholeConfig(), got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	for _, s := range got.allSettings() {
		if !strings.Contains(s.key, "tag1") && got.Source(s.key) == "" {
			t.Errorf("wholeFile leaves %s out", s.key)
		}
	}
	if at := got.Source("mounts.my-app.noun"); at != "doorward.toml:45" {
		t.Errorf("the noun stands at %s, want doorward.toml:45", at)
	}
}

// TestWhatIsWrittenIsRead writes a configuration with every key and reads it again. Secrets are not written.
func TestWhatIsWrittenIsRead(t *testing.T) {
	cert, key := newPair(t)
	want := wholeConfig()
	want.AllowedHosts = append(want.AllowedHosts, "[::1]")
	want.Mail.Templates = "a \"quoted\" \\ <folder>\t\x7f\u2028 and ü"
	inFolder(t, map[string]string{"doorward.toml": want.TOML(), "a.pem": cert, "a.key": key})
	got := mustLoad(t, Args{})
	want.SecretKey, want.SecretKeyFallbacks, want.Metrics.Token = "", nil, ""
	if diff := differences(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if text := Default().TOML(); text != "" {
		t.Errorf("the default is written as\n got: %q\nwant: nothing", text)
	}
}

func TestEverySettingInTheEnvironment(t *testing.T) {
	cert, key := newPair(t)
	inFolder(t, map[string]string{"doorward.toml": "[mounts.my-app]", "a.pem": cert, "a.key": key})
	got := mustLoad(t, Args{Environ: []string{
		"DOORWARD_H2C=1", "DOORWARD_TLS_CERT=a.pem", "DOORWARD_TLS_KEY=a.key",
		"DOORWARD_ADDR=127.0.0.1:9", "DOORWARD_DEV=1", "DOORWARD_DATABASE_URL=postgres://ann@db/x", "DOORWARD_SECRET_KEY=a",
		"DOORWARD_SECRET_KEY_FALLBACKS=b, c", "DOORWARD_KEY_FILE=k", "DOORWARD_MAIL_URL=file:out",
		"DOORWARD_PUBLIC_URL=https://example.com/app", "DOORWARD_ALLOWED_HOSTS=example.org,.example.net,",
		"DOORWARD_TRUSTED_PROXIES=1", "DOORWARD_DRAIN_SECONDS=3", "DOORWARD_CONNECTIONS_PER_CLIENT=7", "DOORWARD_CORS_ORIGINS=*", "DOORWARD_METRICS_TOKEN=t",
		"DOORWARD_LOG_FORMAT=json", "DOORWARD_LOG_LEVEL=warn", "DOORWARD_PASSWORD_MEMORY_KIB=100", "DOORWARD_PASSWORD_TIME=1",
		"DOORWARD_PASSWORD_SLOTS=3", "DOORWARD_PASSWORD_QUEUE_SECONDS=4", "DOORWARD_USER_TABLE=auth_user",
		"DOORWARD_USER_LOGIN=username", "DOORWARD_USER_EMAIL_UNIQUE=no", "DOORWARD_MOUNTS_MY_APP_PRESET=djoser",
		"DOORWARD_MOUNTS_MY_APP_PREFIX=/auth/", "DOORWARD_MOUNTS_MY_APP_GENERATION=classic",
		"DOORWARD_MOUNTS_MY_APP_SIGNING=shared", "DOORWARD_MOUNTS_MY_APP_ACCESS_LIFETIME_SECONDS=60",
		"DOORWARD_MOUNTS_MY_APP_REFRESH_LIFETIME_SECONDS=3600", "DOORWARD_MOUNTS_MY_APP_ALLOW_REFRESH=false",
		"DOORWARD_MOUNTS_MY_APP_CLAIMS=id", "DOORWARD_MOUNTS_MY_APP_PASSWORD_RULES=,",
		"DOORWARD_MOUNTS_MY_APP_PASSWORD_MIN_LENGTH=10", "DOORWARD_MOUNTS_MY_APP_NOUN=member",
		"DOORWARD_MAIL_FROM=ann@example.com", "DOORWARD_MAIL_TEMPLATES=words", "DOORWARD_MAIL_LANGUAGE=de",
		"DOORWARD_MOUNTS_MY_APP_FRONTEND_URL=https://app.example.com", "DOORWARD_MOUNTS_MY_APP_SITE_NAME=Mine",
		"DOORWARD_MOUNTS_MY_APP_ACTIVATION_URL=a/{uid}/{token}", "DOORWARD_MOUNTS_MY_APP_PASSWORD_RESET_URL=p/{uid}/{token}",
		"DOORWARD_MOUNTS_MY_APP_LOGIN_RESET_URL=l/{uid}/{token}", "DOORWARD_MOUNTS_MY_APP_MAILS=activation", "DOORWARD_MOUNTS_MY_APP_SIGNUP_PRIVACY=true",
		"DOORWARD_MOUNTS_MY_APP_LANGUAGES=false",
		"DOORWARD_MOUNTS_MY_APP_LOGIN=username", "DOORWARD_MOUNTS_MY_APP_USERS_NAMED_BY=username", "DOORWARD_MOUNTS_MY_APP_RETYPE=password",
		"DOORWARD_MOUNTS_MY_APP_HIDE_USERS=false", "DOORWARD_MOUNTS_MY_APP_SIGN_OUT_ON_PASSWORD_CHANGE=1",
		"DOORWARD_MOUNTS_MY_APP_TELL_UNKNOWN_EMAIL=1", "DOORWARD_MOUNTS_MY_APP_LINK_LIFETIME_SECONDS=600", "DOORWARD_MOUNTS_MY_APP_SESSION_ON_LOGIN=1",
		"DOORWARD_MOUNTS_MY_APP_PERMISSIONS=user_list=staff", "DOORWARD_MOUNTS_MY_APP_PROFILE=teacher",
		"DOORWARD_MOUNTS_MY_APP_ACCESS=DELETE user-detail=perm:auth.delete_user",
		"DOORWARD_MOUNTS_MY_APP_GROUP_CLAIMS=1", "DOORWARD_MOUNTS_MY_APP_PERMISSION_CLAIMS=true",
		"DOORWARD_MOUNTS_MY_APP_ROTATE_REFRESH=1", "DOORWARD_MOUNTS_MY_APP_SLIDING_LIFETIME_SECONDS=61",
		"DOORWARD_MOUNTS_MY_APP_SLIDING_REFRESH_LIFETIME_SECONDS=62", "DOORWARD_MOUNTS_MY_APP_STAMP_LOGIN=1",
		"DOORWARD_MOUNTS_MY_APP_HEADER_TYPES=JWT,Bearer", "DOORWARD_MOUNTS_MY_APP_HEADER_NAME=X-Token",
		"DOORWARD_MOUNTS_MY_APP_ACCEPT_KINDS=sliding", "DOORWARD_MOUNTS_MY_APP_AUDIENCE=front",
		"DOORWARD_MOUNTS_MY_APP_ISSUER=us", "DOORWARD_MOUNTS_MY_APP_LEEWAY_SECONDS=5",
		"DOORWARD_MOUNTS_MY_APP_ALGORITHM=RS256", "DOORWARD_MOUNTS_MY_APP_SIGNING_KEY_FILE=private.pem",
		"DOORWARD_MOUNTS_MY_APP_VERIFYING_KEY_FILE=public.pem", "DOORWARD_MOUNTS_MY_APP_USER_ID_FIELD=username",
		"DOORWARD_MOUNTS_MY_APP_USER_ID_CLAIM=sub", "DOORWARD_MOUNTS_MY_APP_USER_ID_TEXT=1",
		"DOORWARD_MOUNTS_MY_APP_KIND_CLAIM=typ", "DOORWARD_MOUNTS_MY_APP_ID_CLAIM=id",
		"DOORWARD_MOUNTS_MY_APP_SLIDING_REFRESH_CLAIM=until", "DOORWARD_MOUNTS_MY_APP_REVOKE_CLAIM=hash",
		"DOORWARD_MOUNTS_MY_APP_AUTHENTICATORS=simplejwt,basic", "DOORWARD_MOUNTS_MY_APP_HEADER_PREFIX=Token",
		"DOORWARD_MOUNTS_MY_APP_TOKEN_COOKIE=jwt",
		"DOORWARD_MOUNTS_MY_APP_RATE_ANONYMOUS=3/min", "DOORWARD_MOUNTS_MY_APP_RATE_USER=40/hour",
		"DOORWARD_MOUNTS_MY_APP_PAGE_SIZE=50", "DOORWARD_MOUNTS_MY_APP_LIST_LIMIT=500",
		"DOORWARD_MOUNTS_MY_APP_XML=1",
		"DOORWARD_MOUNTS_MY_APP_DEFLATE_CLAIMS=1", "DOORWARD_MOUNTS_MY_APP_EXTRA_CLAIMS=mail=email",
		"DOORWARD_MOUNTS_MY_APP_SIGN_IN_GIVES=jwt", "DOORWARD_MOUNTS_MY_APP_SIGN_IN_BY=either", "DOORWARD_MOUNTS_MY_APP_OLD_PASSWORD_REQUIRED=1",
		"DOORWARD_MOUNTS_MY_APP_LOGOUT_ENDS_SESSION=0", "DOORWARD_MOUNTS_MY_APP_REGISTRATION=0", "DOORWARD_MOUNTS_MY_APP_EMAIL_VERIFICATION=mandatory",
		"DOORWARD_MOUNTS_MY_APP_EMAIL_REQUIRED=1", "DOORWARD_MOUNTS_MY_APP_USERNAME_REQUIRED=0", "DOORWARD_MOUNTS_MY_APP_EMAIL_CONFIRM_URL=verify/{key}/",
		"DOORWARD_MOUNTS_MY_APP_EMAIL_CONFIRMED_URL=/in/", "DOORWARD_MOUNTS_MY_APP_EMAIL_CONFIRM_ON_GET=1", "DOORWARD_MOUNTS_MY_APP_EMAIL_KEY_LIFETIME_SECONDS=700",
		"DOORWARD_MOUNTS_MY_APP_ACCESS_COOKIE=app-auth", "DOORWARD_MOUNTS_MY_APP_REFRESH_COOKIE=app-refresh", "DOORWARD_MOUNTS_MY_APP_REFRESH_COOKIE_PATH=/in/token/",
		"DOORWARD_MOUNTS_MY_APP_COOKIE_DOMAIN=example.com", "DOORWARD_MOUNTS_MY_APP_COOKIE_SAME_SITE=Strict", "DOORWARD_MOUNTS_MY_APP_COOKIE_HTTP_ONLY=0",
		"DOORWARD_MOUNTS_MY_APP_COOKIE_SECURE=1", "DOORWARD_MOUNTS_MY_APP_COOKIE_CSRF=1", "DOORWARD_MOUNTS_MY_APP_RETURN_EXPIRATION=1",
		"DOORWARD_MOUNTS_MY_APP_PATHS=users=people/,jwt create=", "DOORWARD_MOUNTS_TAG1_PRESET=tag1", "HOME=/", "DOORWARDEN=1",
	}})
	if diff := differences(wholeConfig(), got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestNoMountsMeansEveryPreset(t *testing.T) {
	inFolder(t, map[string]string{"doorward.toml": "dev = true"})
	if c := mustLoad(t, Args{}); c.Mounts != nil {
		t.Errorf("Mounts = %v, want nil", c.Mounts)
	}
}

func TestWhichFileIsRead(t *testing.T) {
	files := map[string]string{"doorward.toml": "dev=true\nuser.table=\"usual\"", "a.toml": "dev=true\nuser.table=\"a\"", "b.toml": "dev=true\nuser.table=\"b\""}
	tests := []struct {
		name, flag, variable, want string
	}{
		{"the usual one", "", "", "usual"},
		{"the variable's", "", "b.toml", "b"},
		{"the flag's before the variable's", "a.toml", "b.toml", "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, files)
			c := mustLoad(t, Args{File: tt.flag, Environ: []string{"DOORWARD_CONFIG=" + tt.variable}})
			if c.User.Table != tt.want {
				t.Errorf("table = %q, want %q", c.User.Table, tt.want)
			}
		})
	}
}

func TestDevelopmentOrProduction(t *testing.T) {
	tests := []struct {
		name, file string
		environ    []string
		flags      map[string]string
		dev        bool
	}{
		{"nothing at all", "", nil, nil, true},
		{"nothing but an address by flag", "", nil, map[string]string{"addr": "[::1]:80"}, true},
		{"nothing but an address by variable", "", []string{"DOORWARD_ADDR=localhost:80"}, nil, true},
		{"another variable", "", []string{"DOORWARD_LOG_LEVEL=info"}, nil, false},
		{"another flag", "", nil, map[string]string{"log.level": "info"}, false},
		{"a file that says nothing", "# nothing", nil, nil, false},
		{"a file that says so", "dev = true", nil, nil, true},
		{"the variable says so", "", []string{"DOORWARD_DEV=1", "DOORWARD_LOG_LEVEL=info"}, nil, true},
		{"the variable ends it", "", []string{"DOORWARD_DEV=0"}, nil, false},
		{"the variable ends what the file says", "dev = true", []string{"DOORWARD_DEV=0"}, nil, false},
		{"the flag starts what the variable ends", "", []string{"DOORWARD_DEV=0"}, map[string]string{"dev": "1"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			if tt.file != "" {
				files["doorward.toml"] = tt.file
			}
			inFolder(t, files)
			got := faultsOf(t, Args{Environ: tt.environ, Flags: tt.flags})
			production := strings.Contains(got, "production needs to know its own name")
			if production == tt.dev || tt.dev && got != "" {
				t.Errorf("development = %v, want %v; faults:\n%s", !production, tt.dev, got)
			}
		})
	}
}

func TestMailIsCaughtInDevelopmentOnly(t *testing.T) {
	inFolder(t, nil)
	if c := mustLoad(t, Args{}); c.MailURL != "catch:" || c.Production() {
		t.Errorf("in development mail_url = %q, want catch:", c.MailURL)
	}
	c := mustLoad(t, Args{Environ: []string{"DOORWARD_DEV=0", "DOORWARD_PUBLIC_URL=https://a.example", "DOORWARD_SECRET_KEY=" + goodSecret}})
	if c.MailURL != "" || !c.Production() {
		t.Errorf("in production mail_url = %q, want none", c.MailURL)
	}
}
