package drf

import (
	"context"

	"doorward/internal/account"
	"doorward/internal/web"
)

// ExtraFields are the operator's fields of the user, as far as he may see or give them himself. noun is what
// messages call a user, isNew says that the body makes him.
func ExtraFields(accounts *account.Service, noun string, isNew bool) []web.Field {
	return ownFields(accounts, "", noun, accounts.Model().Extras, isNew)
}

// ProfileFields are the operator's profiles, each an object under the name of its kind.
func ProfileFields(accounts *account.Service, isNew bool) (fields []web.Field) {
	for k := range accounts.Model().Common() {
		fields = append(fields, web.Field{
			Name: k.Name, Required: isNew && k.Required && k.Role == "", Fields: ownFields(accounts, k.Name, k.Name, k.Fields, isNew),
		})
	}
	return fields
}

func ownFields(accounts *account.Service, profile, noun string, specs []account.FieldSpec, isNew bool) (fields []web.Field) {
	for i := range specs {
		spec := &specs[i]
		f := web.Declared(spec, account.Self, isNew)
		if profile != "" && spec.Givable(account.Self) {
			f.ReadOnly = false // the body may be the one that makes the profile; else the domain refuses it
		}
		if f.Label = spec.Label; f.ReadOnly && !spec.Readable(account.Self) {
			continue
		}
		if isNew && spec.Unique && !f.ReadOnly {
			f.Taken = func(ctx context.Context, text string) (bool, error) {
				v, ok := spec.Parse(text)
				if !ok {
					return false, nil
				}
				return accounts.TakenValue(ctx, profile, spec.Name, v, 0)
			}
			f.TakenText = noun + " with this " + web.Declared(spec, account.Self, isNew).Label + " already exists."
		}
		fields = append(fields, f)
	}
	return fields
}

// Profiles are the profiles that a body gives.
func (v Values) Profiles(m *account.Model) (given []account.Profile) {
	for k := range m.Common() {
		if v.Has(k.Name) && !v.Null(k.Name) {
			given = append(given, account.Profile{Kind: k.Name, Values: v.Nested(k.Name).Extra()})
		}
	}
	return given
}

// ShownProfiles are the profiles of a user as by may see them; one that he lacks is null.
func ShownProfiles(m *account.Model, u *account.User, by account.Access) (o Object) {
	for k := range m.Common() {
		o = append(o, Member{k.Name, ShownProfile(k, u, by)})
	}
	return o
}

// ShownProfile is one of them.
func ShownProfile(k *account.ProfileKind, u *account.User, by account.Access) any {
	p, ok := u.Profiles.Of(k.Name)
	if !ok {
		return nil
	}
	return Shown(account.Shown(k.Fields, p.Values, by))
}
