package server

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"doorward/internal/account"
	"doorward/internal/config"
)

// declare puts the fields that a configuration declares into the model. Its error has all that is wrong.
func declare(m *account.Model, cfg *config.Config) error {
	var errs []error
	specs := func(of string, fields []config.Field) (specs []account.FieldSpec) {
		for i := range fields {
			spec, err := specOf(&fields[i])
			if err != nil {
				errs = append(errs, fmt.Errorf("%s.%s: %w", of, spec.Name, err))
			}
			specs = append(specs, spec)
		}
		return specs
	}
	m.Declare(specs("user", cfg.Fields))
	for _, p := range cfg.Profiles {
		kind := account.ProfileKind{
			Name: p.Name, Table: p.Table, Adopted: p.Table != "", Role: p.Role, Auto: p.Auto, Required: p.Required,
			Fields: specs(p.Name, p.Fields),
		}
		if kind.Table == "" {
			kind.Table = "profile_" + p.Name
		}
		m.Profiles = append(m.Profiles, kind)
	}
	return faultsOf(errors.Join(errors.Join(errs...), m.CheckFields()))
}

// faultsOf makes a fault of each error in a join.
func faultsOf(err error) error {
	if err == nil {
		return nil
	}
	var faults config.Faults
	for line := range strings.Lines(err.Error()) {
		what, why, _ := strings.Cut(strings.TrimSpace(line), ": ")
		faults = append(faults, config.Fault{What: "the field " + what + " will not do", Why: why, Try: "see docs/fields.md"})
	}
	return faults
}

var accesses = map[string]account.Access{
	"": account.Self, "anyone": account.Anyone, "self": account.Self, "staff": account.Staff, "nobody": account.Nobody,
}

var computations = map[string]account.Computed{"made": account.WhenMade, "changed": account.WhenChanged}

// The size of a decimal that says none.
const usualDigits, usualPlaces = 12, 2

// specOf fills in what a declaration leaves open.
func specOf(f *config.Field) (account.FieldSpec, error) {
	spec := account.FieldSpec{
		Name: account.Field(f.Name), Column: f.Column, Kind: account.ShortText, Label: f.Label, Help: f.Help, Unique: f.Unique,
		Min: wide(f.Min), Max: wide(f.Max), Choices: f.Choices, Read: accesses[f.Read], Write: accesses[f.Write],
		Claim: f.Claim, Computed: computations[f.Computed],
	}
	if f.Type != "" {
		spec.Kind = account.FieldKind(f.Type)
	}
	spec.Required = f.Required != nil && *f.Required
	open := !spec.Required && f.Default == ""
	spec.Null = either(f.Null, open && !spec.Kind.IsText())
	spec.Blank = either(f.Blank, open && spec.Kind.IsText() && !spec.Null)
	spec.SignUp = either(f.SignUp, spec.Write == account.Self && spec.Computed == account.NotComputed)
	if spec.Kind == account.Decimal {
		spec.Digits, spec.Places = usualDigits, usualPlaces
		if f.Digits != 0 {
			spec.Digits = f.Digits
		}
		if f.Places != nil {
			spec.Places = *f.Places
		}
	}
	if f.Pattern != "" {
		pattern, err := regexp.Compile(f.Pattern)
		if err != nil {
			return spec, err
		}
		spec.Pattern = pattern
	}
	if f.Default == "" {
		return spec, nil
	}
	v, ok := spec.Parse(f.Default)
	kept, problems := spec.Judge(v)
	if !ok || len(problems) > 0 {
		return spec, fmt.Errorf("its default is no %s, or not one that it takes", spec.Kind)
	}
	spec.Default = kept
	return spec, nil
}

func either(said *bool, otherwise bool) bool {
	if said != nil {
		return *said
	}
	return otherwise
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	w := int64(*n)
	return &w
}
