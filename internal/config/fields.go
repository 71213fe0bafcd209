package config

import (
	"regexp"
	"slices"
	"strings"
)

// Field is a declared field of the user or of a profile. What is not said is left to its type.
type Field struct {
	Name   string
	Type   string // text, long-text, integer, decimal, boolean, date, timestamp, choice, url, phone or json; "": text
	Column string // "": as the name; an adopted table may call it otherwise
	Label  string
	Help   string

	Required *bool
	Null     *bool // null is a value
	Blank    *bool // '' is a value of a text
	Default  string
	Unique   bool

	Min, Max *int // of a text's length in characters, or of a number
	Digits   int  // of a decimal, at most; 0: 12
	Places   *int // of a decimal, after the point; nil: 2
	Pattern  string
	Choices  []string

	Read     string // anyone, self, staff or nobody; "": self
	Write    string // self, staff or nobody; "": self
	SignUp   *bool  // nil: where write is self
	Claim    bool
	Computed string // made or changed
}

// Profile is a kind of profile: [profile] is the one called "profile", the others are [profiles.NAME].
type Profile struct {
	Name     string
	Role     string // the value of the user's field role that has it; "": everybody
	Table    string // "": Doorward's own; else another program's
	Auto     bool   // made at sign-up, of defaults where nothing is said
	Required bool   // at sign-up
	Fields   []Field
}

const (
	defaultProfile = "profile"
	fieldsSection  = "fields"
)

func (f *Field) settings() []setting {
	return []setting{
		{"type", &f.Type},
		{"column", &f.Column},
		{"label", &f.Label},
		{"help", &f.Help},
		{"required", &f.Required},
		{"null", &f.Null},
		{"blank", &f.Blank},
		{"default", (*scalar)(&f.Default)},
		{"unique", &f.Unique},
		{"min", &f.Min},
		{"max", &f.Max},
		{"digits", &f.Digits},
		{"places", &f.Places},
		{"pattern", &f.Pattern},
		{"choices", &f.Choices},
		{"read", &f.Read},
		{"write", &f.Write},
		{"sign_up", &f.SignUp},
		{"claim", &f.Claim},
		{"computed", &f.Computed},
	}
}

func (p *Profile) settings() []setting {
	return []setting{
		{"role", &p.Role},
		{"table", &p.Table},
		{"auto", &p.Auto},
		{"required", &p.Required},
	}
}

// scalar is a text that the file may also write as a number, or as true or false.
type scalar string

// declaration takes a path of declared fields apart: whose they are ("" the user's), and what is below.
func declaration(p path) (profile string, below path, ok bool) {
	switch {
	case p[0] == "user" && len(p) > 1 && p[1] == fieldsSection:
		return "", p[1:], true
	case p[0] == defaultProfile:
		return defaultProfile, p[1:], true
	case p[0] == "profiles" && len(p) > 1:
		return p[1], p[2:], true
	}
	return "", nil, false
}

// isDeclaration reports whether a table of declared fields may stand at p.
func isDeclaration(p path) bool {
	_, below, ok := declaration(p)
	return ok && (len(below) == 0 || below[0] == fieldsSection && len(below) <= 2)
}

// declarationOf is the section of a field, or of a profile, as the file writes it.
func declarationOf(profile, field string) string {
	p := path{"user"}
	switch profile {
	case "":
	case defaultProfile:
		p = path{defaultProfile}
	default:
		p = path{"profiles", profile}
	}
	if field != "" {
		p = append(p, fieldsSection, field)
	}
	return p.String()
}

// profile is the profile of a name, made at its first mention.
func (l *loader) profile(name string) *Profile {
	i := slices.IndexFunc(l.profiles, func(p *Profile) bool { return p.Name == name })
	if i < 0 {
		i = len(l.profiles)
		l.profiles = append(l.profiles, &Profile{Name: name})
	}
	return l.profiles[i]
}

// field is a field of a profile, or with "" of the user, made at its first mention.
func (l *loader) field(profile, name string) *Field {
	fields := &l.cfg.Fields
	if profile != "" {
		fields = &l.profile(profile).Fields
	}
	i := slices.IndexFunc(*fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		i = len(*fields)
		*fields = append(*fields, Field{Name: name})
	}
	return &(*fields)[i]
}

// assignDeclaration takes a table: who is mentioned is there, even when nothing more is said.
func (l *loader) assignDeclaration(a assignment) {
	profile, below, _ := declaration(a.path)
	switch {
	case len(below) == 2:
		l.field(profile, below[1])
	case profile != "":
		l.profile(profile)
	}
	l.cfg.sources[a.path.String()] = a.source
}

// declared are the settings of the section that p is a key of.
func (l *loader) declared(p path) (settings []setting, prefix path) {
	profile, below, ok := declaration(p)
	switch {
	case ok && len(below) == 3 && below[0] == fieldsSection:
		return l.field(profile, below[1]).settings(), p[:len(p)-1]
	case ok && len(below) == 1 && below[0] != fieldsSection:
		return l.profile(profile).settings(), p[:len(p)-1]
	}
	return nil, nil
}

var (
	fieldKinds = []string{
		"text", "long-text", "integer", "decimal", "boolean", "date", "timestamp", "choice", "url", "phone", "json",
	}
	readers  = []string{"self", "anyone", "staff", "nobody"}
	writers  = []string{"self", "staff", "nobody"}
	computed = []string{"made", "changed"}
)

// fields checks what can be told without knowing what fields do.
func (k *checker) fields() {
	k.fieldsOf("", k.cfg.Fields)
	for _, p := range k.cfg.Profiles {
		k.fieldsOf(p.Name, p.Fields)
		if p.Table != "" && !tableName().MatchString(p.Table) {
			key := declarationOf(p.Name, "") + ".table"
			k.refuseWith(key, key+" should be the name of a table", shown(p.Table)+" is none", "leave it out for a table of Doorward's own")
		}
	}
}

func (k *checker) fieldsOf(profile string, fields []Field) {
	for i := range fields {
		f := &fields[i]
		prefix := declarationOf(profile, f.Name) + "."
		for _, ch := range []choice{
			{"type", f.Type, fieldKinds}, {"read", f.Read, readers}, {"write", f.Write, writers}, {"computed", f.Computed, computed},
		} {
			if ch.value == "" || slices.Contains(ch.of, ch.value) {
				continue
			}
			better := nearest(ch.value, ch.of)
			if better == "" {
				better = ch.of[0]
			}
			k.refuseWith(prefix+ch.key, prefix+ch.key+" should be one of "+strings.Join(ch.of, ", "), "it is "+shown(ch.value),
				ch.key+` = "`+better+`"   in [`+strings.TrimSuffix(prefix, ".")+"]")
		}
		if _, err := regexp.Compile(f.Pattern); err != nil {
			k.refuseWith(prefix+"pattern", prefix+"pattern is no regular expression of RE2", strings.TrimPrefix(err.Error(), "error parsing regexp: "),
				"a pattern without looking ahead or behind, and without references back")
		}
	}
}
