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

// newUser is what a registration says.
func (in *input) newUser() account.NewUser {
	return account.NewUser{
		Email: in.texts["email"], Username: in.texts["username"], FirstName: in.texts["first_name"], LastName: in.texts["last_name"],
		Name: in.texts["name"], Phone: in.texts["phone"], Language: in.texts["language"], Password: in.texts["password"],
		Extra: in.extra, Profiles: in.profiles,
	}
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
	for k := range m.Common() {
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
	for k := range m.Common() {
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
	}
	if a.phone() {
		fields = append(fields, web.Field{Name: "phone", Null: true})
	}
	fields = append(fields, []web.Field{
		{Name: "language", Null: true},
		{Name: "date_joined", Kind: web.Moment, Null: true},
		{Name: "last_login", Kind: web.Moment, Null: true},
	}...)
	for i := range m.Extras {
		fields = append(fields, web.Declared(&m.Extras[i], account.Self, false))
	}
	for k := range m.Common() {
		inner := []web.Field{}
		for j := range k.Fields {
			inner = append(inner, web.Declared(&k.Fields[j], account.Self, false))
		}
		fields = append(fields, web.Field{Name: k.Name, Fields: inner, Null: true})
	}
	return fields
}

// appendWhole writes a user with his declared fields and profiles, as by may see them. A profile that he lacks is null.
func (a *API) appendWhole(b []byte, u *account.User, by account.Access) []byte {
	b = appendUser(b, u, a.phone())
	m := a.accounts.Model()
	if len(m.Extras)+len(m.Profiles) == 0 {
		return b
	}
	b = appendValues(b[:len(b)-1], m.Extras, u.Extra, by)
	for k := range m.Common() {
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
	case v.IsText():
		return appendText(b, v.String())
	case v.IsTime():
		return append(v.Append(append(b, '"')), '"')
	}
	return v.Append(b)
}

// phone reports whether users have the phone number of our own table: the operator may declare one of that name.
func (a *API) phone() bool { return a.accounts.Model().Extra(account.Phone) == nil }
