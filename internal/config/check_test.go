package config

import (
	"os"
	"strings"
	"testing"
)

func TestValues(t *testing.T) {
	tests := []struct {
		name, line, fault string // fault is "" when the value will do
	}{
		{"an IPv6 address to listen on", `addr = "[::1]:0"`, ""},
		{"an address without a port", `addr = "127.0.0.1"`, "addr should be"},
		{"an address with a port too high", `addr = "127.0.0.1:65536"`, "addr should be"},
		{"an address with a port in words", `addr = "127.0.0.1:http"`, "addr should be"},
		{"no address", `addr = ""`, "addr should be"},
		{"SQLite in a folder", `database_url = "sqlite:/var/lib/doorward/a.db"`, ""},
		{"SQLite without a path", `database_url = "sqlite:"`, "names no file"},
		{"SQLite with a host's slashes", `database_url = "sqlite://a.db"`, "names no file"},
		{"PostgreSQL by its long name", `database_url = "postgresql://db/x"`, ""},
		{"PostgreSQL behind a socket", `database_url = "postgres:///x?host=/run/postgresql"`, ""},
		{"PostgreSQL nowhere", `database_url = "postgres:///x"`, "no complete URL"},
		{"another engine", `database_url = "mysql://db/x"`, "of no known kind"},
		{"mail by SMTP", `mail_url = "smtp://ann:pw@mail:25"`, ""},
		{"mail by SMTP over TLS", `mail_url = "smtps://mail"`, ""},
		{"mail by SMTP without a host", `mail_url = "smtp://"`, "no complete URL"},
		{"mail into a folder", `mail_url = "file:mail"`, ""},
		{"mail into no folder", `mail_url = "file:"`, "names no folder"},
		{"mail into the log", `mail_url = "log:"`, ""},
		{"a sender with a name", `mail.from = "Ann <ann@example.com>"`, ""},
		{"a sender that is none", `mail.from = "Ann"`, "mail.from should be an address"},
		{"a language with a country", `mail.language = "pt-br"`, ""},
		{"a language by its name", `mail.language = "German"`, "mail.language should be"},
		{"a front end below a path", `mounts.x.frontend_url = "https://a.example/app"`, ""},
		{"a front end without a scheme", `mounts.x.frontend_url = "a.example"`, "frontend_url should be"},
		{"a front end with a user", `mounts.x.frontend_url = "https://a@a.example"`, "frontend_url should be"},
		{"the shape of a link", `mounts.x.activation_url = "#/activate/{uid}/{token}"`, ""},
		{"a link without its token", `mounts.x.activation_url = "activate/{uid}"`, "activation_url should be"},
		{"a link with a space", `mounts.x.password_reset_url = "a b/{uid}/{token}"`, "password_reset_url should be"},
		{"a link with a quote", `mounts.x.login_reset_url = "a\"b/{uid}/{token}"`, "login_reset_url should be"},
		{"a site's name of two lines", `mounts.x.site_name = "a\nb"`, "site_name should be"},
		{"all mails", `mounts.x.mails = ["activation", "confirmation", "password_changed", "login_changed"]`, ""},
		{"an unknown mail", `mounts.x.mails = ["birthday"]`, `"birthday" is none of them`},
		{"mail caught", `mail_url = "catch:"`, ""},
		{"mail caught, without the colon", `mail_url = "catch"`, "stands alone, with its colon"},
		{"mail by other means", `mail_url = "pigeon:"`, "of no known kind"},
		{"a public URL below a path", `public_url = "http://localhost:3000/x"`, ""},
		{"a public URL with a query", `public_url = "https://a.example/?x"`, "public_url should be"},
		{"a public URL without a scheme", `public_url = "a.example"`, "public_url should be"},
		{"a public URL for another protocol", `public_url = "ftp://a.example"`, "public_url should be"},
		{"hosts of every shape", `allowed_hosts = ["a.example", ".b.example", "localhost", "10.0.0.1", "[::1]"]`, ""},
		{"a host with a port", `allowed_hosts = ["a.example:80"]`, "allowed_hosts takes"},
		{"a host with a scheme", `allowed_hosts = ["https://a.example"]`, "allowed_hosts takes"},
		{"a host with a star before it", `allowed_hosts = ["*.example"]`, "allowed_hosts takes"},
		{"an IPv6 host without brackets", `allowed_hosts = ["::1"]`, "allowed_hosts takes"},
		{"as many proxies as can be", `trusted_proxies = 10`, ""},
		{"too many proxies", `trusted_proxies = 11`, "trusted_proxies should be from 0 to 10"},
		{"a drain that goes back in time", `drain_seconds = -1`, "drain_seconds should be from 0"},
		{"every origin", `cors.origins = ["*"]`, ""},
		{"origins of page and app", `cors.origins = ["http://localhost:3000", "capacitor://localhost"]`, ""},
		{"an origin with a slash", `cors.origins = ["https://a.example/"]`, "cors.origins takes"},
		{"an origin in capitals", `cors.origins = ["https://A.example"]`, "cors.origins takes"},
		{"an origin without a scheme", `cors.origins = ["a.example"]`, "cors.origins takes"},
		{"an unknown log format", `log.format = "xml"`, "log.format should be one of auto, text, json"},
		{"a password that takes no time", `password.time = 0`, "password.time should be from 1"},
		{"a password queue without end", `password.queue_seconds = 601`, "password.queue_seconds should be from 1 to 600"},
		{"a table in a schema", `user.table = "public.auth_user"`, ""},
		{"a table with a quote", `user.table = "a\"b"`, "user.table should be"},
		{"a sign-in by phone", `user.login = "phone"`, "user.login should be one of email, username"},
		{"an unknown uniqueness", `user.email_unique = "yes"`, "user.email_unique should be one of folded, exact, no"},
		{"a mount's name in capitals", `mounts.App = {}`, `mount name "App" will not do`},
		{"a prefix of a mount", `mounts.x.prefix = "/api/v2/"`, ""},
		{"a prefix without its end", `mounts.x.prefix = "/api"`, "mounts.x.prefix should be"},
		{"a prefix that goes up", `mounts.x.prefix = "/api/../"`, "mounts.x.prefix should be"},
		{"a prefix with a host", `mounts.x.prefix = "//a.example/"`, "mounts.x.prefix should be"},
		{"an unknown generation", `mounts.x.generation = "old"`, "mounts.x.generation should be one of classic, modern"},
		{"an unknown signing", `mounts.x.signing = "none"`, "mounts.x.signing should be one of"},
		{"a leeway of an hour", `mounts.x.leeway_seconds = 3600`, "from 0 to 300"},
		{"an algorithm that is none", `mounts.x.algorithm = "none"`, "mounts.x.algorithm should be one of HS256"},
		{"a kind that opens nothing", `mounts.x.accept_kinds = ["refresh"]`, "access, sliding"},
		{"no kind", `mounts.x.accept_kinds = []`, "accept_kinds is empty"},
		{"two words as a type", `mounts.x.header_types = ["Bearer x"]`, "header_types takes words"},
		{"no type", `mounts.x.header_types = []`, "header_types is empty"},
		{"a header that is none", `mounts.x.header_name = "X Token"`, "header_name should be"},
		{"a user id under the name of the expiry", `mounts.x.user_id_claim = "exp"`, "no other claim has"},
		{"two claims of one name", `mounts.x.user_id_claim = "jti"`, "no other claim has"},
		{"an extra claim of a user's field", `mounts.x.extra_claims = {staff = "is_staff", app = "=front"}`, ""},
		{"an extra claim of a password", `mounts.x.extra_claims = {p = "password"}`, "is neither"},
		{"an extra claim in place of ours", `mounts.x.extra_claims = {user_id = "phone"}`, "is another's"},
		{"an extra claim in place of a registered one", `mounts.x.extra_claims = {exp = "=1"}`, "will not do"},
		{"a lifetime of ten years", `mounts.x.access_lifetime_seconds = 315360000`, ""},
		{"a lifetime of more", `mounts.x.access_lifetime_seconds = 315360001`, "from 0 to 315360000"},
		{"a lifetime of less than nothing", `mounts.x.refresh_lifetime_seconds = -1`, "from 0 to 315360000"},
		{"all password rules", `mounts.x.password_rules = ["similarity", "length", "common", "numeric"]`, ""},
		{"an unknown password rule", `mounts.x.password_rules = ["emoji"]`, `"emoji" is none of them`},
		{"a path with a placeholder", `mounts.x.paths = { user = "people/{id}/" }`, ""},
		{"a route unmounted", `mounts.x.paths = { user = "" }`, ""},
		{"a path from the root", `mounts.x.paths = { user = "/people/" }`, "mounts.x.paths takes"},
		{"a path with a query", `mounts.x.paths = { user = "people?" }`, "mounts.x.paths takes"},
		{"a noun of two lines", `mounts.x.noun = "a\nb"`, "mounts.x.noun should be"},
		{"cookies of tokens", `mounts.x = {access_cookie = "__Host-a", refresh_cookie = "r", refresh_cookie_path = "/x/", cookie_same_site = "None"}`, ""},
		{"a cookie of Django's", `mounts.x.access_cookie = "sessionid"`, "of its own"},
		{"one cookie twice", `mounts.x = {access_cookie = "a", refresh_cookie = "a"}`, "of its own"},
		{"a cookie with a space", `mounts.x.refresh_cookie = "a b"`, "of its own"},
		{"a cookie of no path", `mounts.x = {refresh_cookie = "r", refresh_cookie_path = "x;y"}`, "begins with /"},
		{"a cookie of a path with more in it", `mounts.x = {refresh_cookie = "r", refresh_cookie_path = "/;domain=x"}`, "begins with /"},
		{"a cookie of no domain", `mounts.x.cookie_domain = "Example.com; x"`, "a domain in lower case"},
		{"a cookie for any site without TLS", `mounts.x = {cookie_same_site = "None", cookie_secure = false}`, "does not go with"},
		{"a cookie of a site that is none", `mounts.x.cookie_same_site = "lax"`, "cookie_same_site"},
		{"no refresh token at all", `mounts.x.cookie_http_only = true`, "needs a refresh_cookie"},
		{"a host's cookie of a domain", `mounts.x = {access_cookie = "__Host-a", cookie_domain = "example.com"}`, "__Host-"},
		{"a host's cookie of a path", `mounts.x = {refresh_cookie = "__Host-r", refresh_cookie_path = "/x/"}`, "__Host-"},
		{"no key file", `key_file = ""`, "key_file is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, map[string]string{"doorward.toml": "dev = true\n" + tt.line})
			got := faultsOf(t, Args{})
			if tt.fault == "" && got != "" || !strings.Contains(got, tt.fault) {
				t.Errorf("Load of %s\ngot:  %s\nwant: %s", tt.line, got, tt.fault)
			}
		})
	}
}

func TestDevelopmentListensOnLoopbackOnly(t *testing.T) {
	tests := []struct {
		addr string
		ok   bool
	}{
		{"127.0.0.1:8000", true},
		{"127.9.9.9:8000", true},
		{"[::1]:8000", true},
		{"localhost:8000", true},
		{"[::ffff:127.0.0.1]:8000", true},
		{":8000", false},
		{"0.0.0.0:8000", false},
		{"[::]:8000", false},
		{"192.168.0.2:8000", false},
		{"example.com:8000", false},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			inFolder(t, nil)
			got := faultsOf(t, Args{Flags: map[string]string{"addr": tt.addr}})
			want := "development mode listens on loopback only\n  --addr: \"" + tt.addr + "\" lets others in\n" +
				"  try: doorward serve --addr 127.0.0.1:8000, or DOORWARD_DEV=0 with public_url and a key"
			if tt.ok {
				want = ""
			}
			if got != want {
				t.Errorf("Load with --addr %s\ngot:  %s\nwant: %s", tt.addr, got, want)
			}
		})
	}
}

func TestProduction(t *testing.T) {
	const goodKey = "mX3vGkq0b2m6d8cJk1Zy5rT7wP9sA4eH2nL0uQ8iV6o=\n"
	public := `public_url = "https://a.example"` + "\n"
	secret := `secret_key = "` + goodSecret + `"` + "\n"
	tests := []struct {
		name, file, key, fault string // fault is "" when it will do
	}{
		{"a public URL and a secret", public + secret, "", ""},
		{"a public URL and a key file", public, goodKey, ""},
		{"allowed hosts instead of a public URL", `allowed_hosts = ["a.example"]` + "\n" + secret, "", ""},
		{"all addresses, for there is a proxy", public + secret + `addr = "0.0.0.0:80"`, "", ""},
		{"neither public URL nor hosts", secret, "", "production needs to know its own name\n  neither public_url nor allowed_hosts is set\n  try: public_url = \"https://example.com\""},
		{"any host", `allowed_hosts = ["*"]` + "\n" + secret, "", `allowed_hosts should not be "*"`},
		{"neither key nor secret", public, "", "there is no key to sign with\n  secret_key is not set and doorward.key is not there\n" +
			"  try: doorward serve --dev  (makes doorward.key), or: openssl rand -base64 32 > doorward.key"},
		{"a named key file that is not there", public + secret + `key_file = "other.key"`, "", "key file other.key is not there"},
		{"a short secret", public + `secret_key = "0123456789012345678901234567890"`, "", "it has 31 characters, and 32 are wanted"},
		{"a placeholder", public + `secret_key = "ChangeMe"`, "", "it is a placeholder"},
		{"Django's development key", public + `secret_key = "django-insecure-0123456789-0123456789-0123456789"`, "", "Django made for development"},
		{"one character many times", public + `secret_key = "` + strings.Repeat("x", 64) + `"`, "", "repeats a few characters"},
		{"the contract's key", public + `secret_key = "latchkey-contract-secret-key-not-for-production-0123456789"`, "", "published key"},
		{"a weak fallback", public + secret + `secret_key_fallbacks = ["secret"]`, "", "one of secret_key_fallbacks is too weak"},
		{"a short key file", public, "abc", "it holds 2 bytes once decoded, and 32 are wanted"},
		{"OWASP's least memory", public + secret + "password.memory_kib = 7168\npassword.time = 5", "", ""},
		{"less than OWASP's least memory", public + secret + "password.memory_kib = 7167\npassword.time = 50", "", "password.memory_kib should be at least 7168"},
		{"too little time for the memory", public + secret + "password.memory_kib = 12288", "", "password.time should be at least 3 with 12288 KiB"},
		{"once over much memory", public + secret + "password.memory_kib = 47104\npassword.time = 1", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"doorward.toml": tt.file}
			if tt.key != "" {
				files["doorward.key"] = tt.key
			}
			inFolder(t, files)
			got := faultsOf(t, Args{})
			if tt.fault == "" && got != "" || !strings.Contains(got, tt.fault) || strings.Contains(got, "\nerror: ") {
				t.Errorf("Load of\n%s\ngot:  %s\nwant: %s and no more", tt.file, got, tt.fault)
			}
		})
	}
}

func TestAKeyFileOpenToOthers(t *testing.T) {
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		inFolder(t, map[string]string{"doorward.key": strings.Repeat("0123456789", 7)})
		if err := os.Chmod("doorward.key", mode); err != nil {
			t.Fatal(err)
		}
		got := faultsOf(t, Args{Environ: []string{"DOORWARD_PUBLIC_URL=https://a.example"}})
		if !strings.Contains(got, "key file doorward.key is open to others") || !strings.Contains(got, "try: chmod 600 doorward.key") {
			t.Errorf("mode %o: %s\nwant a fault with chmod", mode, got)
		}
		if c := mustLoad(t, Args{}); len(c.Warnings()) != 1 {
			t.Errorf("mode %o in development: warnings %v, want one", mode, c.Warnings())
		}
	}
}

func TestWeakValuesAreWarningsInDevelopment(t *testing.T) {
	inFolder(t, map[string]string{"doorward.toml": "dev = true\nsecret_key = \"changeme\"\nallowed_hosts = [\"*\"]\n[password]\nmemory_kib = 64\ntime = 1"})
	c := mustLoad(t, Args{})
	var keys []string
	for _, w := range c.Warnings() {
		keys = append(keys, w.Key+" "+w.Source)
	}
	want := "secret_key doorward.toml:2, allowed_hosts doorward.toml:3, password.memory_kib doorward.toml:5"
	if got := strings.Join(keys, ", "); got != want {
		t.Errorf("warnings = %s, want %s", got, want)
	}
	c.Dev = false
	if got := c.Warnings(); got != nil {
		t.Errorf("warnings in production = %v, want none", got)
	}
	if got := c.Check(); len(got) < len(keys) {
		t.Errorf("Check for production = %v, want a fault for each warning at least", got)
	}
}

func TestDefaultIsGoodForDevelopment(t *testing.T) {
	inFolder(t, nil)
	c := Default()
	c.Dev = true
	if got := c.Check(); got != nil {
		t.Errorf("Check of the default = %v, want nil", got)
	}
	if got := c.Warnings(); got != nil {
		t.Errorf("Warnings of the default = %v, want nil", got)
	}
}
