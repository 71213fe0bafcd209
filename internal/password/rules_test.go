package password

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// message is Django's English for a violation, which the vectors hold.
func message(v Violation) string {
	switch v.Rule {
	case Similarity:
		return "The password is too similar to the " + v.Label + "."
	case MinLength:
		return "This password is too short. It must contain at least 8 characters."
	case Common:
		return "This password is too common."
	}
	return "This password is entirely numeric."
}

func TestDjangoVectors(t *testing.T) {
	var file struct {
		Passwords []struct {
			User struct {
				Username, Email string
				First           string `json:"first_name"`
				Last            string `json:"last_name"`
			}
			Password string
			Errors   []string
		}
	}
	load(t, "django_vectors.json", &file)
	if len(file.Passwords) != 52 {
		t.Fatalf("%d vectors, want 52", len(file.Passwords))
	}
	for _, tt := range file.Passwords {
		about := []Attribute{
			{"username", tt.User.Username},
			{"first name", tt.User.First},
			{"last name", tt.User.Last},
			{"email address", tt.User.Email},
		}
		got := []string{}
		for _, v := range DefaultRules().Check(tt.Password, about) {
			got = append(got, message(v))
		}
		if diff := cmp.Diff(tt.Errors, got); diff != "" {
			t.Errorf("Check(%q, %v), -Django +ours:\n%s", tt.Password, about, diff)
		}
	}
}

// TestDjangoInUnicode has the answers of Django 3.2.25 on Python 3.11 where text is not ASCII, and at
// the edges of the similarity rule.
func TestDjangoInUnicode(t *testing.T) {
	var cases []struct {
		Name, Password string
		User           struct{ Username, Email string }
		Violations     []string
	}
	load(t, "rules.json", &cases)
	names := map[Rule]string{Similarity: "Similarity", MinLength: "MinLength", Common: "Common", Numeric: "Numeric"}
	for _, tt := range cases {
		got := []string{}
		for _, v := range DefaultRules().Check(tt.Password, []Attribute{{"username", tt.User.Username}, {"email address", tt.User.Email}}) {
			got = append(got, names[v.Rule])
		}
		if !slices.Equal(got, tt.Violations) {
			t.Errorf("%s: Check(%q, %+v) = %v, want %v", tt.Name, tt.Password, tt.User, got, tt.Violations)
		}
	}
}

func TestRulesAreChosen(t *testing.T) {
	about := []Attribute{{"username", "1234567"}}
	for _, tt := range []struct {
		name  string
		rules Rules
		want  []Violation
	}{
		{"no rules, no violations", Rules{}, nil},
		{"in the order given", Rules{Order: []Rule{Numeric, MinLength}, MinLength: 15}, []Violation{{Rule: Numeric}, {Rule: MinLength, Min: 15}}},
		{"a similarity of one wants all letters", Rules{Order: []Rule{Similarity}, MaxSimilarity: 1}, []Violation{{Rule: Similarity, Label: "username"}}},
		{"an unknown rule says nothing", Rules{Order: []Rule{99}}, nil},
	} {
		if diff := cmp.Diff(tt.want, tt.rules.Check("7654321", about)); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.name, diff)
		}
	}
}

func TestCommonListIsDjangos(t *testing.T) {
	list := common()
	if len(list) != 19727 || len(slices.Compact(slices.Clone(list))) != 19727 {
		t.Errorf("%d entries, want 19,727, each once", len(list))
	}
	for _, entry := range list {
		if strip(lower(entry)) != entry || entry == "" || !isCommon(entry) || !isCommon(" "+strings.ToUpper(entry)) {
			t.Errorf("entry %q is not found", entry)
		}
	}
}

// TestCheckIsLinear gives the similarity rule the longest password and an address of many parts.
func TestCheckIsLinear(t *testing.T) {
	start := time.Now()
	DefaultRules().Check(strings.Repeat("xΣ", MaxBytes/3), []Attribute{
		{"one letter a part", strings.Repeat("a@", 100_000)},
		{"parts a ninth as long", strings.Repeat(strings.Repeat("a", 400)+"@", 500)},
		{"one long part", strings.Repeat("Σ'", 50_000)},
	})
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Check took %v, want some milliseconds", took)
	}
}

// FuzzRules holds the rules against a plain reading of Django's source.
func FuzzRules(f *testing.F) {
	f.Add("Marguerite1", "m.duras@saigon-press.com")
	f.Add("", "@")
	f.Add("ΑΣ ΑΣ", "ας ας")
	f.Add("²³¹", "İ\xff")
	f.Fuzz(func(t *testing.T, password, value string) {
		if len(password) > MaxBytes || !utf8.ValidString(password) || !utf8.ValidString(value) {
			return
		}
		got := DefaultRules().Check(password, []Attribute{{"username", value}})
		similar := slices.Contains(got, Violation{Rule: Similarity, Label: "username"})
		if want := value != "" && plainlySimilar(password, value); similar != want {
			t.Errorf("Check(%q, %q) = %v, want similarity %v", password, value, got, want)
		}
	})
}

var notWord = regexp.MustCompile(`[^\p{L}\p{N}_]+`)

func plainlySimilar(password, value string) bool {
	password, value = lower(password), lower(value)
	n := utf8.RuneCountInString(password)
	for _, part := range append(notWord.Split(value, -1), value) {
		m := utf8.RuneCountInString(part)
		if n >= 10*m && float64(m) < 0.35*float64(n) {
			continue
		}
		rest, matches := []rune(part), 0
		for _, c := range password {
			if i := slices.Index(rest, c); i >= 0 {
				rest = slices.Delete(rest, i, i+1)
				matches++
			}
		}
		if n+m == 0 || 2*float64(matches)/float64(n+m) >= 0.7 {
			return true
		}
	}
	return false
}
