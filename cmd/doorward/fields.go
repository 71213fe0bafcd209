package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorward/internal/account"
)

// give reads --field NAME=VALUE and --field PROFILE.NAME=VALUE into n.
func give(m *account.Model, n *account.NewUser, texts map[string]string) error {
	profiles := map[string]account.Values{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		kind, field, isProfile := strings.Cut(name, ".")
		spec := m.Extra(account.Field(name))
		if isProfile {
			spec = nil
			if k := m.Profile(kind); k != nil {
				spec = k.Field(account.Field(field))
			}
		}
		if spec == nil {
			return usageError(fmt.Sprintf("no field %q is declared\n  there are: %s\n  try: [user.fields.%s] in doorward.toml",
				name, strings.Join(declaredNames(m), ", "), name))
		}
		v, ok := spec.Parse(texts[name])
		if !ok {
			return usageError(fmt.Sprintf("--field %s takes a %s\n  what it says is none\n  try: another value", name, spec.Kind))
		}
		if isProfile {
			profiles[kind] = profiles[kind].With(spec.Name, v)
		} else {
			n.Extra = n.Extra.With(spec.Name, v)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(profiles)) {
		n.Profiles = append(n.Profiles, account.Profile{Kind: kind, Values: profiles[kind]})
	}
	return nil
}

func declaredNames(m *account.Model) (names []string) {
	for i := range m.Extras {
		names = append(names, string(m.Extras[i].Name))
	}
	for i := range m.Profiles {
		for j := range m.Profiles[i].Fields {
			if m.Profiles[i].Hidden() {
				break
			}
			names = append(names, m.Profiles[i].Name+"."+string(m.Profiles[i].Fields[j].Name))
		}
	}
	return names
}

// declared are the declared fields of u as staff sees them, and those of his profiles, for people and for programs.
func declared(m *account.Model, u *account.User) (rows [][]string, values map[string]any) {
	values = map[string]any{}
	for f, v := range account.Shown(m.Extras, u.Extra, account.Staff).All() {
		rows = append(rows, []string{string(f), v.String()})
		values[string(f)] = v
	}
	for i := range m.Profiles {
		k := &m.Profiles[i]
		p, ok := u.Profiles.Of(k.Name)
		if !ok || k.Hidden() {
			continue
		}
		inner := map[string]any{}
		for f, v := range account.Shown(k.Fields, p.Values, account.Staff).All() {
			rows = append(rows, []string{k.Name + "." + string(f), v.String()})
			inner[string(f)] = v
		}
		values[k.Name] = inner
	}
	return rows, values
}
