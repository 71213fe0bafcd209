package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnknownAndMistaken(t *testing.T) {
	tests := []struct {
		name, file string
		environ    []string
		flags      map[string]string
		want       string
	}{
		{
			"a key near a known one", "dev = true\nadr = 1", nil, nil,
			"unknown key adr\n  doorward.toml:2: no setting has that name\n  try: addr",
		},
		{
			"a key that misses its section", "dev = true\norigins = []", nil, nil,
			"unknown key origins\n  doorward.toml:2: no setting has that name\n  try: cors.origins",
		},
		{
			"a key in a section", "dev = true\n[cors]\norigin = []", nil, nil,
			"unknown key cors.origin\n  doorward.toml:3: no setting has that name\n  try: cors.origins",
		},
		{
			"a key in a mount", "dev = true\n[mounts.x]\nprefixx = 1", nil, nil,
			"unknown key mounts.x.prefixx\n  doorward.toml:3: no setting has that name\n  try: mounts.x.prefix",
		},
		{
			"a key in an inline table", "dev = true\nmounts = { x = { prefixx = 1 } }", nil, nil,
			"unknown key mounts.x.prefixx\n  doorward.toml:2: no setting has that name\n  try: mounts.x.prefix",
		},
		{
			"a section, once for all its keys", "dev = true\n[corss]\na = 1\nb = 2", nil, nil,
			"unknown section corss\n  doorward.toml:2: no setting has that name\n  try: cors",
		},
		{
			"a key near nothing", "dev = true\nzzzzzzzz = 1", nil, nil,
			"unknown key zzzzzzzz\n  doorward.toml:2: no setting has that name\n  try: remove it",
		},
		{
			"a quoted key that looks like two", "dev = true\n\"cors.origins\" = []", nil, nil,
			"unknown key \"cors.origins\"\n  doorward.toml:2: no setting has that name\n  try: cors.origins",
		},
		{
			"a number for a text", "dev = true\naddr = 8000", nil, nil,
			"addr should be a text in quotes\n  doorward.toml:2: it is a number\n  try: addr = \"…\"",
		},
		{
			"a text for a number", "dev = true\n[password]\ntime = \"2\"", nil, nil,
			"password.time should be a whole number\n  doorward.toml:3: it is a text\n  try: time = 1   in [password]",
		},
		{
			"a duration for seconds", "dev = true\n[mounts.v1]\naccess_lifetime_seconds = \"5m\"", nil, nil,
			"mounts.v1.access_lifetime_seconds should be a whole number\n  doorward.toml:3: it is a text\n  try: access_lifetime_seconds = 300   in [mounts.v1]",
		},
		{
			"a text for a truth", "dev = \"yes\"", nil, nil,
			"dev should be true or false\n  doorward.toml:1: it is a text\n  try: dev = true",
		},
		{
			"a text for a list", "dev = true\nallowed_hosts = \"a\"", nil, nil,
			"allowed_hosts should be a list of texts\n  doorward.toml:2: it is a text\n  try: allowed_hosts = [\"one\", \"two\"]",
		},
		{
			"a list of numbers", "dev = true\nallowed_hosts = [1]", nil, nil,
			"allowed_hosts should be a list of texts\n  doorward.toml:2: it is a list of other things than texts\n  try: allowed_hosts = [\"one\", \"two\"]",
		},
		{
			"a date for paths", "dev = true\nmounts.x.paths = 2026-01-01", nil, nil,
			"mounts.x.paths should be a table of texts\n  doorward.toml:2: it is a date or time\n  try: paths = { name = \"text\" }   in [mounts.x]",
		},
		{
			"a value for a section", "dev = true\ncors = true", nil, nil,
			"cors should be a section\n  doorward.toml:2: it is true or false\n  try: [cors]",
		},
		{
			"a value for a mount", "dev = true\nmounts.x = 1.5", nil, nil,
			"mounts.x should be a section\n  doorward.toml:2: it is a number\n  try: [mounts.NAME]",
		},
		{
			"a list of mounts", "dev = true\n[[mounts]]", nil, nil,
			"mounts should be a section\n  doorward.toml:2: it is a list of other things than texts\n  try: [mounts.NAME]",
		},
		{
			"a text without quotes", "dev = true\naddr = here", nil, nil,
			"doorward.toml is not TOML\n  doorward.toml:2:8: unexpected character U+0068 'h' at start of value\n  try: put texts in quotes",
		},
		{
			"a variable near a known one", "dev = true",
			[]string{"DOORWARD_ADRR=1"},
			nil,
			"unknown variable DOORWARD_ADRR\n  DOORWARD_ADRR: no setting has that name\n  try: DOORWARD_ADDR",
		},
		{
			"a variable of a mount", "dev = true\n[mounts.x]",
			[]string{"DOORWARD_MOUNTS_X_PREFFIX=1"},
			nil,
			"unknown variable DOORWARD_MOUNTS_X_PREFFIX\n  DOORWARD_MOUNTS_X_PREFFIX: no setting has that name\n  try: DOORWARD_MOUNTS_X_PREFIX",
		},
		{
			"a variable near nothing", "dev = true",
			[]string{"DOORWARD_XXXXXXXX=1"},
			nil,
			"unknown variable DOORWARD_XXXXXXXX\n  DOORWARD_XXXXXXXX: no setting has that name\n  try: unset DOORWARD_XXXXXXXX",
		},
		{
			"a variable that is no number", "dev = true",
			[]string{"DOORWARD_TRUSTED_PROXIES=two"},
			nil,
			"trusted_proxies should be a whole number\n  DOORWARD_TRUSTED_PROXIES: what it says is not\n  try: DOORWARD_TRUSTED_PROXIES=1",
		},
		{
			"a variable that is no truth", "",
			[]string{"DOORWARD_DEV=maybe"},
			nil,
			"dev should be 1 or 0\n  DOORWARD_DEV: what it says is not\n  try: DOORWARD_DEV=1",
		},
		{
			"a variable that is no table", "dev = true",
			[]string{"DOORWARD_MOUNTS_X_PATHS=users"},
			nil,
			"mounts.x.paths should be name=text pairs with commas between\n  DOORWARD_MOUNTS_X_PATHS: what it says is not\n  try: DOORWARD_MOUNTS_X_PATHS=name=text",
		},
		{
			"a flag that is no number", "dev = true", nil,
			map[string]string{"drain_seconds": "long"},
			"drain_seconds should be a whole number\n  --drain-seconds: what it says is not\n  try: --drain-seconds 1",
		},
		{
			"a flag that nobody knows", "dev = true", nil,
			map[string]string{"nonsense": "1"},
			"unknown flag --nonsense\n  --nonsense: no setting has that name",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			if tt.file != "" {
				files["doorward.toml"] = tt.file
			}
			inFolder(t, files)
			if diff := cmp.Diff(tt.want, faultsOf(t, Args{Environ: tt.environ, Flags: tt.flags})); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	inFolder(t, map[string]string{"doorward.toml": `
adr = "127.0.0.1:8000"
trusted_proxies = "one"
secret_key = "changeme"
public_url = "example.com"
allowed_hosts = ["*"]
[password]
memory_kib = 4096
[log]
level = "warning"
[mounts.app]
prefix = "auth"
`})
	got := faultsOf(t, Args{
		Environ: []string{"DOORWARD_CORS_ORIGINS=example.com", "DOORWARD_SECRETKEY=x"},
		Flags:   map[string]string{"addr": "8000"},
	})
	want := `unknown key adr
  doorward.toml:2: no setting has that name
  try: addr
error: trusted_proxies should be a whole number
  doorward.toml:3: it is a text
  try: trusted_proxies = 1
error: unknown variable DOORWARD_SECRETKEY
  DOORWARD_SECRETKEY: no setting has that name
  try: DOORWARD_SECRET_KEY
error: addr should be an address and a port to listen on
  --addr: it is "8000"
  try: --addr 127.0.0.1:8000
error: public_url should be an absolute http or https URL
  doorward.toml:5: without user, query and fragment
  try: public_url = "https://example.com"
error: cors.origins takes * or origins without a path, as a browser sends them
  DOORWARD_CORS_ORIGINS: "example.com" is none
  try: DOORWARD_CORS_ORIGINS=https://app.example.com
error: log.level should be one of debug, info, warn, error
  doorward.toml:10: it is "warning"
  try: level = "warn"   in [log]
error: mounts.app.prefix should be a path that begins and ends with /
  doorward.toml:12: it is "auth"
  try: prefix = "/auth/"   in [mounts.app]
error: secret_key is too weak for production
  doorward.toml:4: it is a placeholder
  try: openssl rand -base64 48
error: allowed_hosts should not be "*" in production
  doorward.toml:6: any name would do, also an attacker's
  try: allowed_hosts = ["example.com"]
error: password.memory_kib should be at least 7168
  doorward.toml:8: below OWASP's floors a stolen database is cheap to guess at
  try: memory_kib = 19456   in [password]`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	inFolder(t, map[string]string{"long.toml": strings.Repeat("#", mostBytes+1), "bad.toml": "a = 1\na = 2\n"})
	tests := []struct{ name, file, want string }{
		{"one that is not there", "gone.toml", "configuration file gone.toml is not there"},
		{"a folder", ".", "it is not a regular file"},
		{"a device without end", "/dev/zero", "it is not a regular file"},
		{"a very long one", "long.toml", "it is longer than 1048576 bytes"},
		{"one that says a thing twice", "bad.toml", "key a is already defined"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := faultsOf(t, Args{File: tt.file, Environ: []string{"DOORWARD_ADRR=1"}})
			if !strings.Contains(got, tt.want) || !strings.Contains(got, "DOORWARD_ADRR") {
				t.Errorf("faults:\n%s\nwant %q and the unknown variable", got, tt.want)
			}
			if strings.Contains(got, "production") {
				t.Errorf("faults:\n%s\njudge production, though the file may have said dev = true", got)
			}
		})
	}
}

func TestSecretsAreInNoFault(t *testing.T) {
	const secret = "hunter2hunter2"
	tests := []struct{ name, file string }{
		{"a weak key", `secret_key = "` + secret + `"`},
		{"a weak fallback", `secret_key_fallbacks = ["` + secret + `"]`},
		{"a list for a key", `secret_key = ["` + secret + `"]`},
		{"a database URL that is no URL", `database_url = "postgres://ann:` + secret + `%zz@db/x"`},
		{"a database URL without a host", `database_url = "postgres:ann:` + secret + `"`},
		{"a database URL of another kind", `database_url = "mysql://ann:` + secret + `@db/x"`},
		{"a mail URL without a scheme", `mail_url = "ann:` + secret + `@mail"`},
		{"a mail URL that is no URL", `mail_url = "smtp://ann:` + secret + `%zz@mail"`},
		{"a public URL with a password", `public_url = "https://ann:` + secret + `@example.com"`},
		{"a key that is no setting", `secretkey = "` + secret + `"`},
		{"a key without quotes", `secret_key = ` + secret},
		{"a key without an end", `secret_key = "` + secret},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, map[string]string{"doorward.toml": tt.file})
			if got := faultsOf(t, Args{}); got == "" || strings.Contains(got, secret) {
				t.Errorf("Load of %s:\n%s\nwant faults that do not show %s", tt.file, got, secret)
			}
		})
	}
}
