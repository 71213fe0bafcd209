package drf

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"doorward/internal/account"
	"doorward/internal/web"
)

// metadata answers OPTIONS (rest_framework/metadata.py). Of the methods with a body it tells POST
// and PUT, as far as who may use them; PATCH it never tells.
func (v *view) metadata(asked *web.Request) Object {
	o := Object{
		{"name", v.others.View},
		{"description", v.others.Doc},
		{"renders", v.site.renders()},
		{"parses", v.site.parses()},
	}
	var actions Object
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		if told := v.told(method, asked); told != nil {
			actions = append(actions, Member{method, describe(told)})
		}
	}
	if actions != nil {
		o = append(o, Member{"actions", actions})
	}
	return o
}

// told are the fields of a method that OPTIONS tells.
func (v *view) told(method string, asked *web.Request) []web.Field {
	r := v.find(method)
	switch {
	case r == nil:
		return nil
	case r.Told != nil:
		return r.Told(asked)
	case v.site.permit(asked.Context(), r, asked.Who) != nil:
		return nil
	}
	return r.Input
}

// kindNames are DRF's names of the kinds of fields (SimpleMetadata.label_lookup).
var kindNames = [...]string{
	web.Text: "string", web.Email: "email", web.Secret: "string", web.Integer: "integer", web.Boolean: "boolean",
	web.Related: "field", web.Link: "field", web.Moment: "datetime", web.Unread: "string",
}

// declaredNames are those of declared fields that differ.
var declaredNames = map[account.FieldKind]string{
	account.Choice: "choice", account.Decimal: "decimal", account.Date: "date", account.Timestamp: "datetime", account.URL: "url",
	account.JSON: "field",
}

func kindName(f *web.Field) string {
	if f.Fields != nil {
		return "nested object"
	}
	if f.Spec != nil && declaredNames[f.Spec.Kind] != "" {
		return declaredNames[f.Spec.Kind]
	}
	return kindNames[f.Kind]
}

// choices are what a choice can be; nil for other fields.
func choices(f *web.Field) (all []Object) {
	if f.Spec == nil || f.Spec.Kind != account.Choice {
		return nil
	}
	for _, c := range f.Spec.Choices {
		all = append(all, Object{{"value", c}, {"display_name", c}})
	}
	return all
}

// unbounded reports whether the bound of a field is ours alone: a TextField of Django's has none.
func unbounded(f *web.Field) bool {
	return f.Spec != nil && f.Spec.Kind == account.LongText && f.Spec.Max == nil
}

// limits are the bounds of a field that is written, in the order of DRF.
func limits(f *web.Field) (o Object) {
	var least, most *int64
	if f.Spec != nil {
		least, most = f.Spec.Min, f.Spec.Max
	}
	if f.Min > 0 {
		o = append(o, Member{"min_length", f.Min})
	}
	isText := f.Spec == nil || f.Spec.Kind.IsText()
	if isText && least != nil {
		o = append(o, Member{"min_length", *least})
	}
	if f.Max > 0 && !unbounded(f) {
		o = append(o, Member{"max_length", f.Max})
	}
	if !isText && least != nil {
		o = append(o, Member{"min_value", *least})
	}
	if !isText && most != nil {
		o = append(o, Member{"max_value", *most})
	}
	return o
}

func describe(fields []web.Field) Object {
	all := make(Object, len(fields))
	for i, f := range fields {
		o := Object{
			{"type", kindName(&f)},
			{"required", f.Required && !f.ReadOnly},
			{"read_only", f.ReadOnly},
			{"label", label(f)},
		}
		if f.Help != "" {
			o = append(o, Member{"help_text", f.Help})
		}
		switch all := choices(&f); {
		case f.Fields != nil:
			o = append(o, Member{"children", describe(f.Fields)})
		case f.ReadOnly:
		case all != nil:
			o = append(o, Member{"choices", all})
		default:
			o = append(o, limits(&f)...)
		}
		all[i] = Member{f.Name, o}
	}
	return all
}

// label returns the label of f, which may be made of its name.
func label(f web.Field) string {
	if f.Label != "" {
		return f.Label
	}
	return Label(f.Name)
}

// Label makes a label of a field's name, as Field.bind does.
func Label(name string) string {
	words := strings.ToLower(strings.ReplaceAll(name, "_", " "))
	_, n := utf8.DecodeRuneInString(words)
	return strings.ToUpper(words[:n]) + words[n:]
}
