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

// read are the members of a user in answers.
func (a *API) read() []web.Field {
	m := a.accounts.Model()
	fields := []web.Field{
		{Name: "id", Kind: web.Integer},
		{Name: "email", Kind: web.Email, Null: true},
		{Name: "username", Null: true},
		{Name: "first_name"},
		{Name: "last_name"},
		{Name: "name"},
		{Name: "phone", Null: true},
		{Name: "date_joined", Kind: web.Moment, Null: true},
		{Name: "last_login", Kind: web.Moment, Null: true},
	}
	for i := range m.Extras {
		fields = append(fields, web.Declared(&m.Extras[i], account.Self, false))
	}
	for i := range m.Profiles {
		k := &m.Profiles[i]
		inner := []web.Field{}
		for j := range k.Fields {
			inner = append(inner, web.Declared(&k.Fields[j], account.Self, false))
		}
		fields = append(fields, web.Field{Name: k.Name, Fields: inner, Null: true})
	}
	return fields
}

// member is one member of an object that has an order.
type member struct {
	name  string
	value any
}

// shown are the declared fields of u, and his profiles, as by may see them. A profile that he lacks is null.
func (a *API) shown(u *account.User, by account.Access) (members []member) {
	m := a.accounts.Model()
	for f, v := range account.Shown(m.Extras, u.Extra, by).All() {
		members = append(members, member{string(f), v})
	}
	for i := range m.Profiles {
		k := &m.Profiles[i]
		p, ok := u.Profiles.Of(k.Name)
		if !ok {
			members = append(members, member{k.Name, nil})
			continue
		}
		inner := object{}
		for f, v := range account.Shown(k.Fields, p.Values, by).All() {
			inner = append(inner, member{string(f), v})
		}
		members = append(members, member{k.Name, inner})
	}
	return members
}

// object is written in its order.
type object []member

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte("{")
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// MarshalJSON writes the declared fields behind those that every user has.
func (u user) MarshalJSON() ([]byte, error) {
	type plain user
	b, err := json.Marshal(plain(u))
	if err != nil || len(u.more) == 0 {
		return b, err
	}
	more, err := json.Marshal(object(u.more))
	if err != nil {
		return nil, err
	}
	return append(append(b[:len(b)-1], ','), more[1:]...), nil
}
