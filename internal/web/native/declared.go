package native

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
)

// input is a body about a user: members that every model has, declared fields, and profiles.
type input struct {
	texts    map[string]string
	extra    account.Values
	profiles []account.Profile
}

// readUser reads a body with declared fields. A profile is an object under the name of its kind.
func (a *API) readUser(r *web.Request) (in input, err error) {
	body, err := readBody(r.Request)
	if err != nil {
		return in, err
	}
	members, err := parse(body)
	if err != nil {
		return in, err
	}
	p := &problem{Status: http.StatusBadRequest, Code: "invalid_request"}
	m := a.accounts.Model()
	for i := range m.Extras {
		in.extra = p.take(in.extra, &m.Extras[i], "", members)
	}
	for i := range m.Profiles {
		k := &m.Profiles[i]
		raw, ok := members[k.Name]
		delete(members, k.Name)
		if !ok {
			continue
		}
		profile := account.Profile{Kind: k.Name}
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) != nil || inner == nil {
			p.add(k.Name, string(account.WrongType), 0)
			continue
		}
		for j := range k.Fields {
			profile.Values = p.take(profile.Values, &k.Fields[j], k.Name+".", inner)
		}
		for name := range inner {
			p.add(k.Name+"."+name, "unknown", 0)
		}
		in.profiles = append(in.profiles, profile)
	}
	builtIn := slices.DeleteFunc(slices.Clone(r.Route.Input), func(f web.Field) bool { return f.Spec != nil || f.Fields != nil })
	in.texts = p.collect(builtIn, members)
	if len(p.Errors) > 0 {
		return in, p.sorted()
	}
	return in, nil
}

// take moves the member of a declared field from members to vs.
func (p *problem) take(vs account.Values, f *account.FieldSpec, prefix string, members map[string]json.RawMessage) account.Values {
	raw, ok := members[string(f.Name)]
	delete(members, string(f.Name))
	if !ok {
		return vs
	}
	v, code := valueOf(f, raw)
	if code != "" {
		p.add(prefix+string(f.Name), string(code), 0)
		return vs
	}
	return vs.With(f.Name, v)
}

// valueOf reads a value as its field has it in JSON: a number, true or false for those kinds, anything for a
// JSON field, and a text for all others. A decimal may be either, and a text is better: it keeps its digits.
func valueOf(f *account.FieldSpec, raw json.RawMessage) (account.Value, account.Code) {
	if string(raw) == "null" {
		return account.Value{}, ""
	}
	isText := strings.HasPrefix(string(raw), `"`)
	text := string(raw)
	switch {
	case f.Kind == account.JSON:
		return account.JSONValue(raw), ""
	case f.Kind == account.Boolean && text != "true" && text != "false":
		return account.Value{}, account.WrongType
	case isText == (f.Kind == account.Integer || f.Kind == account.Boolean) && f.Kind != account.Decimal:
		return account.Value{}, account.WrongType
	case isText:
		var ok bool
		if text, ok = textOf(raw); !ok {
			return account.Value{}, account.WrongType
		}
	}
	v, ok := f.Parse(text)
	if !ok {
		return account.Value{}, account.Invalid
	}
	return v, ""
}

// declared are the members of a body for declared fields, and for profiles.
func declared(m *account.Model, isNew bool) []web.Field {
	fields := writable(m.Extras, isNew)
	for i := range m.Profiles {
		k := &m.Profiles[i]
		fields = append(fields, web.Field{Name: k.Name, Label: k.Name, Required: isNew && k.Required, Fields: writable(k.Fields, isNew)})
	}
	return fields
}

func writable(specs []account.FieldSpec, isNew bool) (fields []web.Field) {
	for i := range specs {
		if f := web.Declared(&specs[i], account.Self, isNew); !f.ReadOnly {
			fields = append(fields, f)
		}
	}
	return fields
}

// appendWhole writes a user with his declared fields and profiles, as by may see them. A profile that he lacks is null.
func (a *API) appendWhole(b []byte, u *account.User, by account.Access) []byte {
	b = appendUser(b, u)
	m := a.accounts.Model()
	if len(m.Extras)+len(m.Profiles) == 0 {
		return b
	}
	b = appendValues(b[:len(b)-1], m.Extras, u.Extra, by)
	for i := range m.Profiles {
		k := &m.Profiles[i]
		b = appendName(b, k.Name)
		p, ok := u.Profiles.Of(k.Name)
		if !ok {
			b = append(b, "null"...)
			continue
		}
		b = append(appendValues(append(b, '{'), k.Fields, p.Values, by), '}')
	}
	return append(b, '}')
}

func appendValues(b []byte, specs []account.FieldSpec, vs account.Values, by account.Access) []byte {
	for f, v := range account.EachShown(specs, vs, by) {
		b = appendValue(appendName(b, string(f)), v)
	}
	return b
}

// appendName writes the name of a member, which has nothing to escape.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), name...), `":`...)
}

func appendValue(b []byte, v account.Value) []byte {
	switch {
	case v.IsNull():
		return append(b, "null"...)
	case v.IsText(), v.IsTime():
		return appendText(b, v.String())
	}
	return append(b, v.String()...)
}
