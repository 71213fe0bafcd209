package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"doorward/internal/account"
	"doorward/internal/pattern"
	"doorward/internal/web"
)

// Schema is a schema of JSON Schema 2020-12, as far as our fields need it.
type Schema struct {
	Ref                  string     `json:"$ref,omitempty"`
	Type                 any        `json:"type,omitempty"` // a name, or a list of names
	Title                string     `json:"title,omitempty"`
	Description          string     `json:"description,omitempty"`
	Format               string     `json:"format,omitempty"`
	Enum                 []any      `json:"enum,omitempty"`
	Default              any        `json:"default,omitempty"`
	MinLength            int64      `json:"minLength,omitempty"`
	MaxLength            int64      `json:"maxLength,omitempty"`
	Minimum              *int64     `json:"minimum,omitempty"`
	Maximum              *int64     `json:"maximum,omitempty"`
	Pattern              string     `json:"pattern,omitempty"`
	ReadOnly             bool       `json:"readOnly,omitempty"`
	WriteOnly            bool       `json:"writeOnly,omitempty"`
	Properties           Properties `json:"properties,omitempty"`
	Required             []string   `json:"required,omitempty"`
	AdditionalProperties any        `json:"additionalProperties,omitempty"` // false, or a schema
	Items                *Schema    `json:"items,omitempty"`
}

// Property is a member of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Properties are the members of an object, in their order.
type Properties []Property

// MarshalJSON implements json.Marshaler.
func (ps Properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range ps {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.Name)
		if err != nil {
			return nil, err
		}
		schema, err := json.Marshal(p.Schema)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(schema)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// way is what an object is for.
type way struct {
	answer  bool // it is sent to the client
	partial bool // members may be left out, whatever they are
	strict  bool // there are no others
	by      account.Access
}

// object is the schema of an object with the given members.
func (w way) object(fields []web.Field) *Schema {
	s := &Schema{Type: "object", Properties: Properties{}}
	for i := range fields {
		f := &fields[i]
		if w.answer && !w.shows(f) {
			continue
		}
		s.Properties = append(s.Properties, Property{f.Name, w.member(f)})
		if f.Required && !f.ReadOnly && !w.partial {
			s.Required = append(s.Required, f.Name)
		}
	}
	if w.strict && !w.answer {
		s.AdditionalProperties = false
	}
	return s
}

// shows reports whether an answer has f: no secret, and of declared fields what may be read.
func (w way) shows(f *web.Field) bool {
	return f.Kind != web.Secret && (f.Spec == nil || f.Spec.Readable(w.by))
}

func (w way) member(f *web.Field) *Schema {
	var s *Schema
	switch {
	case f.Fields != nil:
		s = w.object(f.Fields)
	case f.Spec != nil:
		s = declared(f.Spec)
	default:
		s = builtIn(f)
	}
	if f.Label != "" && f.Label != f.Name {
		s.Title = f.Label
	}
	s.Description = strings.TrimSpace(f.Help + " " + s.Description)
	if f.Null && s.Type != nil {
		s.Type = []any{s.Type, "null"}
		if s.Enum != nil {
			s.Enum = append(s.Enum, nil)
		}
	}
	if f.Many {
		s = &Schema{Type: "array", Items: s}
	}
	if !w.answer {
		s.ReadOnly = f.ReadOnly
		s.WriteOnly = !f.ReadOnly && (f.Kind == web.Secret || f.Spec != nil && !f.Spec.Readable(w.by))
	}
	return s
}

// builtIn is the schema of a field that the operator did not declare.
func builtIn(f *web.Field) *Schema {
	s := &Schema{Type: "string", MaxLength: int64(f.Max)}
	switch f.Kind {
	case web.Email:
		s.Format = "email"
	case web.Secret:
		s.Format = "password"
	case web.Moment:
		s.Format = "date-time"
	case web.Integer:
		s = &Schema{Type: "integer", Format: "int64"}
		if f.Min != 0 {
			s.Minimum = bound(int64(f.Min))
		}
		if f.Max != 0 {
			s.Maximum = bound(int64(f.Max))
		}
	case web.Boolean:
		s = &Schema{Type: "boolean"}
	}
	return s
}

func bound(n int64) *int64 { return &n }

// formats are those of declared fields that travel as texts.
var formats = map[account.FieldKind]string{
	account.Date: "date", account.Timestamp: "date-time", account.URL: "uri", account.PhoneNo: "phone", account.Decimal: "decimal",
}

// declared is the schema of a field that the operator declared.
func declared(f *account.FieldSpec) *Schema {
	s := &Schema{Type: "string", Format: formats[f.Kind]}
	switch {
	case f.Kind == account.JSON:
		s = &Schema{}
	case f.Kind == account.Boolean:
		s = &Schema{Type: "boolean"}
	case f.Kind == account.Integer:
		s = &Schema{Type: "integer", Format: "int64", Minimum: f.Min, Maximum: f.Max}
	case f.Kind == account.Decimal: // JSON Schema has no bounds of numbers that are texts
		s.Description = decimalBounds(f)
	case f.Kind.IsText():
		s.MaxLength = int64(f.MaxLength())
		if f.Min != nil {
			s.MinLength = *f.Min
		}
		if !f.Blank {
			s.MinLength = max(s.MinLength, 1)
		}
	}
	if f.Kind == account.Choice {
		s.MinLength, s.MaxLength = 0, 0
		for _, c := range f.Choices {
			s.Enum = append(s.Enum, c)
		}
		if f.Blank {
			s.Enum = append(s.Enum, "")
		}
	}
	if f.Pattern != nil {
		if portable(f.Pattern.String()) {
			s.Pattern = f.Pattern.String()
		} else {
			s.Description = strings.TrimSpace(s.Description + " Matches " + f.Pattern.String() + " (RE2).")
		}
	}
	if !f.Default.IsNull() {
		s.Default = f.Default
	}
	return s
}

func decimalBounds(f *account.FieldSpec) string {
	text := fmt.Sprintf("A decimal of %d digits at most, %d of them after the point", f.Digits, f.Places)
	if f.Min != nil {
		text += fmt.Sprintf(", %d or more", *f.Min)
	}
	if f.Max != nil {
		text += fmt.Sprintf(", %d or less", *f.Max)
	}
	return text + "."
}

// foreign is what RE2 writes and the expressions of JSON Schema (ECMA-262) do not know.
var foreign = pattern.Of(`\(\?[^:]|\\[AzQECpP]|\[\[:`)

// portable reports whether an expression means the same to RE2 and to ECMA-262.
func portable(pattern string) bool { return !foreign().MatchString(pattern) }
