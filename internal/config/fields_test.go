package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeclaredFields(t *testing.T) {
	inFolder(t, map[string]string{"doorward.toml": `dev = true
[user]
login = "email"
[user.fields.nickname]
[user.fields.role]
type = "choice"
choices = ["Teacher", "Student"]
default = "Student"
write = "staff"
sign_up = true
claim = true
[profile]
auto = true
[profile.fields.zip]
max = 5
required = true
[profile.fields]
news = { type = "boolean", default = true }
[profiles.teacher]
role = "Teacher"
[profiles.teacher.fields.rank]
type = "integer"
min = 0
default = 3
`})
	cfg, err := Load(Args{})
	if err != nil {
		t.Fatal(err)
	}
	five, zero, yes := 5, 0, true
	want := []Field{
		{Name: "nickname"},
		{Name: "role", Type: "choice", Choices: []string{"Teacher", "Student"}, Default: "Student", Write: "staff", SignUp: &yes, Claim: true},
	}
	if diff := cmp.Diff(want, cfg.Fields); diff != "" {
		t.Errorf("the user's, want - got +:\n%s", diff)
	}
	profiles := []Profile{
		{Name: "profile", Auto: true, Fields: []Field{
			{Name: "zip", Max: &five, Required: &yes}, {Name: "news", Type: "boolean", Default: "true"},
		}},
		{Name: "teacher", Role: "Teacher", Fields: []Field{{Name: "rank", Type: "integer", Min: &zero, Default: "3"}}},
	}
	if diff := cmp.Diff(profiles, cfg.Profiles); diff != "" {
		t.Errorf("profiles, want - got +:\n%s", diff)
	}
	if got := cfg.Source("user.fields.role.write"); got != "doorward.toml:9" {
		t.Errorf("source: got %q, want doorward.toml:9", got)
	}
}

func TestFaultsOfDeclaredFields(t *testing.T) {
	inFolder(t, map[string]string{"doorward.toml": `dev = true
[user.fields.a]
type = "txt"
max = "five"
nul = true
pattern = "(?=x)"
[user.fields.b]
read = "everybody"
write = "anyone"
computed = "now"
default = [1]
[profile]
fields = 7
rols = "x"
[profiles.teacher]
auto = 1
table = "a b"
[profiles.teacher.field.x]
`})
	_, err := Load(Args{})
	if err == nil {
		t.Fatal("got no faults")
	}
	for _, want := range []string{
		"user.fields.a.type should be one of text, ", "user.fields.a.max should be a whole number",
		"unknown key user.fields.a.nul\n  doorward.toml:5: no setting has that name\n  try: user.fields.a.null",
		"user.fields.a.pattern is no regular expression",
		"user.fields.b.read should be one of", "user.fields.b.write should be one of", "user.fields.b.computed should be one of",
		"user.fields.b.default should be a text in quotes, a whole number", "profile.fields should be a section",
		"unknown key profile.rols", "profiles.teacher.auto should be true or false", "profiles.teacher.table should be the name of a table",
		"unknown section profiles.teacher.field",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant in it %q", err, want)
		}
	}
}

// TestEveryKeyOfAFieldIsDocumented holds the tables of docs/fields.md to the keys that there are.
func TestEveryKeyOfAFieldIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "fields.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		cell, ok := strings.CutPrefix(line, "| `")
		cell, _, more := strings.Cut(cell, " | ")
		for name := range strings.SplitSeq(cell, ", ") {
			if name = strings.Trim(name, "`"); ok && more && !strings.Contains(name, " ") {
				documented[name] = true
			}
		}
	}
	keys := append(keysOf(new(Field).settings(), ""), keysOf(new(Profile).settings(), "")...)
	for _, key := range keys {
		if !documented[key] {
			t.Errorf("%s is not in docs/fields.md", key)
		}
	}
	for key := range documented {
		if !slices.Contains(keys, key) {
			t.Errorf("docs/fields.md has %s, which is no key", key)
		}
	}
}
