package server

import (
	"slices"
	"strconv"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/password"
)

// beside adds a mount that judges the tokens of the first one. Notes and warnings are those of the first one, too.
func (t *Translation) beside(name string, want *mountPlan, model *account.Model) error {
	base, err := mountOf(name, config.Mount{}, model)
	if err != nil {
		return err
	}
	m := config.Mount{Preset: name, Prefix: base.prefix}
	notes, warnings := slices.Clone(t.Notes), slices.Clone(t.Warnings)
	plain := *want
	plain.signsIn, plain.policy.Rules = false, password.DefaultRules() // nobody signs in or up there
	t.mount(&m, &base, &plain)
	t.tokens(&m, &base, &plain)
	t.typed(&m, &base, &plain)
	t.keys(&m, "", "", want.policy.Tokens.Keys, want.jwt.Alg)
	t.Notes, t.Warnings = notes, warnings
	t.Config.Mounts[name] = m
	return nil
}

// profiles declares the kinds of profile of a model, in the tables of another program's.
func (t *Translation) profiles(model *account.Model) {
	for i := range model.Profiles {
		k := &model.Profiles[i]
		p := config.Profile{Name: k.Name, Role: k.Role, Table: k.Table, Auto: k.Auto, Required: k.Required}
		for j := range k.Fields {
			p.Fields = append(p.Fields, fieldOf(&k.Fields[j]))
		}
		t.Config.Profiles = append(t.Config.Profiles, p)
	}
}

// fieldOf is a declaration that means a field, as far as the fields of Django's profiles that are known need it.
func fieldOf(spec *account.FieldSpec) config.Field {
	f := config.Field{Name: string(spec.Name), Type: string(spec.Kind), Read: nameOf(accesses, spec.Read), Max: narrow(spec.Max), Null: &spec.Null}
	if f.Computed = nameOf(computations, spec.Computed); f.Computed != "" {
		return f
	}
	if spec.Kind == account.Boolean && !spec.Default.IsNull() {
		f.Default = strconv.FormatBool(spec.Default.Bool())
	}
	f.Blank, f.Write = &spec.Blank, nameOf(accesses, spec.Write)
	return f
}

func narrow(n *int64) *int {
	if n == nil {
		return nil
	}
	i := int(*n)
	return &i
}
