package drf

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorward/internal/account"
	"doorward/internal/web"
)

// Extra are the values of declared fields that were sent, as the domain takes them.
func (v Values) Extra() (vs account.Values) {
	for _, e := range v.entries {
		if e.spec != nil {
			vs = vs.With(e.spec.Name, e.value)
		}
	}
	return vs
}

// Nested are the fields of an object within the body; none when it was not sent.
func (v Values) Nested(name string) Values {
	e, _ := v.find(name)
	if e.inner == nil {
		return Values{}
	}
	return *e.inner
}

// Shown are declared values as members of an answer.
func Shown(vs account.Values) (o Object) {
	for f, v := range vs.All() {
		o = append(o, Member{string(f), v})
	}
	return o
}

// FieldText is what DRF says of a value that the domain refused. sent is what was sent, as Python prints it.
func FieldText(f *account.FieldSpec, p account.Problem, sent string) string {
	switch {
	case p.Code == account.Invalid || p.Code == account.WrongType:
		return invalidTexts[f.Kind]
	case p.Code == account.NotChoice || p.Code == account.Blank && f.Kind == account.Choice: // blank is one more choice, or none
		return fmt.Sprintf(`"%s" is not a valid choice.`, sent)
	}
	word, _ := Words{}.of(p)
	return word.Text
}

// invalidTexts are the words of DRF's fields for what they cannot read.
var invalidTexts = map[account.FieldKind]string{
	account.ShortText: "Not a valid string.",
	account.LongText:  "Not a valid string.",
	account.Integer:   "A valid integer is required.",
	account.Decimal:   "A valid number is required.",
	account.Boolean:   "Must be a valid boolean.",
	account.Date:      "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
	account.Timestamp: "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
	account.URL:       "Enter a valid URL.",
	account.PhoneNo:   "Enter a valid phone number.",
	account.JSON:      "Value must be valid JSON.",
}

// checkDeclared reads a value of a declared field as the DRF field of its kind does, and has the domain judge it.
func checkDeclared(r *web.Request, e entry, f *web.Field, v value) (entry, []string, error) {
	var texts []string
	e.spec = f.Spec
	if e.value, texts = coerce(&e, f, v); texts != nil || e.null {
		return e, texts, nil
	}
	kept, problems := f.Spec.Judge(e.value)
	for _, p := range problems {
		texts = append(texts, FieldText(f.Spec, p, python(v)))
	}
	if texts == nil {
		e.value = kept
	}
	if text := e.value.String(); f.Taken != nil && text != "" && texts == nil {
		taken, err := f.Taken(r.Context(), text)
		if err != nil {
			return e, nil, err
		}
		if taken {
			texts = []string{f.TakenText}
		}
	}
	return e, texts, nil
}

// coerce is to_internal_value. Texts say why a value is none of the field's type.
func coerce(e *entry, f *web.Field, v value) (account.Value, []string) {
	invalid := []string{invalidTexts[f.Spec.Kind]}
	scalar := v.kind == text || v.kind == integer || v.kind == float
	switch f.Spec.Kind {
	case account.Integer:
		texts := checkInteger(e, v)
		return account.IntegerValue(e.number), texts
	case account.Boolean:
		texts := checkBoolean(e, v, f.Null)
		if e.null {
			return account.Value{}, texts
		}
		return account.BooleanValue(e.truth), texts
	case account.Decimal:
		const maxText = 1000 // DecimalField.MAX_STRING_LENGTH
		switch number, ok := decimal(strip(v.text)); {
		case (scalar || v.kind == precise) && characters(strip(v.text)) > maxText:
			return account.Value{}, []string{"String value too large."}
		case (scalar || v.kind == precise) && ok:
			return account.DecimalValue(number), nil
		}
		return account.Value{}, invalid
	case account.Date, account.Timestamp:
		isMoment := v.kind == instant
		if isMoment && f.Spec.Kind == account.Date {
			return account.Value{}, []string{"Expected a date but got a datetime."}
		}
		if parsed, ok := f.Spec.Parse(v.text); ok && (v.kind == text || isMoment) {
			return parsed, nil
		}
		return account.Value{}, invalid
	case account.JSON:
		if raw, ok := v.json(); ok {
			return account.JSONValue(raw), nil
		}
		return account.Value{}, invalid
	case account.Choice:
		if v.kind == text && v.text == "" && f.Blank {
			return account.TextValue(""), nil
		}
		return account.TextValue(python(v)), nil
	}
	if !scalar {
		return account.Value{}, []string{"Not a valid string."}
	}
	t := strip(v.text)
	switch c := surrogate(t); {
	case strings.Contains(t, "\x00"):
		return account.Value{}, []string{"Null characters are not allowed."}
	case c != 0:
		return account.Value{}, []string{fmt.Sprintf("Surrogate characters are not allowed: U+%X.", c)}
	}
	return account.TextValue(t), nil
}

// json is v as JSON, and whether it is some: no upload is, nor a number that no double holds, nor half of a
// surrogate pair, nor, in XML, a decimal number or a moment.
func (v value) json() (raw []byte, ok bool) {
	switch v.kind {
	case list, object:
		return []byte(v.text), v.text != ""
	case text:
		return appendText(nil, v.text), surrogate(v.text) == 0
	case integer, float:
		return []byte(v.text), !strings.HasSuffix(v.text, "inf")
	case boolean:
		return strconv.AppendBool(nil, v.truth), true
	}
	return nil, false
}

// jsonOfForm is the value whose JSON stands in the text of a form (JSONField.get_value). What is none is like an
// upload, which is none either.
func jsonOfForm(v value) value {
	if v.kind != text {
		return v
	}
	parsed, err := readJSON([]byte(v.text))
	if err != nil {
		return value{kind: file}
	}
	return parsed
}

// python is v as Python's str prints it.
func python(v value) string {
	switch {
	case v.kind == list || v.kind == object:
		var b strings.Builder
		(&jsonReader{text: v.text}).print(&b)
		return b.String()
	case v.kind == null:
		return "None"
	case v.kind != boolean:
		return v.text
	case v.truth:
		return "True"
	}
	return "False"
}

// print writes the value that is next as Python's repr. It was read before, and is JSON.
func (r *jsonReader) print(b *strings.Builder) {
	open := r.peek()
	if open != '[' && open != '{' {
		v, _ := r.value()
		if v.kind == text {
			b.WriteString(pythonQuote(v.text))
		} else {
			b.WriteString(python(v))
		}
		return
	}
	end := open + 2 // in ASCII
	b.WriteByte(open)
	r.at++
	r.space()
	for first := true; r.peek() != end; first = false {
		if !first {
			r.at++ // the comma
			r.space()
			b.WriteString(", ")
		}
		if open == '{' {
			r.print(b)
			r.space()
			r.at++ // the colon
			r.space()
			b.WriteString(": ")
		}
		r.print(b)
		r.space()
	}
	r.at++
	b.WriteByte(end)
}

// pythonQuote is Python's repr of a text.
func pythonQuote(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b := []byte{quote}
	for _, c := range s {
		switch {
		case c == rune(quote) || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ' || c == 0x7f:
			b = fmt.Appendf(b, `\x%02x`, c)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return string(append(b, quote))
}

// decimal writes a number without exponent, and reports false for what is no finite number.
func decimal(s string) (string, bool) {
	mantissa, exponent, has := strings.Cut(strings.ToLower(s), "e")
	if !has {
		exponent = "0"
	}
	n, err := strconv.Atoi(exponent)
	sign, digits := "", strings.TrimPrefix(mantissa, "+")
	if rest, negative := strings.CutPrefix(digits, "-"); negative && mantissa[0] == '-' {
		sign, digits = "-", rest
	}
	whole, places, _ := strings.Cut(digits, ".")
	all := whole + places
	if err != nil || all == "" || countDigits(all) != len(all) || n > 1000 || n < -1000 {
		return "", false
	}
	switch point := len(whole) + n; {
	case point <= 0:
		whole, places = "0", strings.Repeat("0", -point)+all
	case point >= len(all):
		whole, places = all+strings.Repeat("0", point-len(all)), ""
	default:
		whole, places = all[:point], all[point:]
	}
	if places == "" {
		return sign + whole, true
	}
	return sign + whole + "." + places, true
}

// checkNested is a serializer within one. In a form its members are called "profile.title".
func checkNested(r *web.Request, e entry, f *web.Field, v value, partial, form bool) (entry, any, error) {
	if v.kind != object {
		return e, Object{{nonFieldKey, []string{fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", typeNames[v.kind])}}}, nil
	}
	values, errs, err := validateFields(r, v, f.Fields, partial, form)
	e.inner = &values
	if errs == nil {
		return e, nil, err
	}
	return e, errs, err
}

// nestedForm gathers the members of a form that belong to an object; absent when there are none.
func nestedForm(top value, name string) value {
	v := value{}
	for _, m := range top.members {
		if inner, ok := strings.CutPrefix(m.name, name+"."); ok {
			v.kind = object
			v.members = append(v.members, member{inner, m.value})
		}
	}
	return v
}

// within returns o with one more text for a field of a profile, or with no field for the profile itself; without a
// profile it is with.
func (o Object) within(profile, field, text string) Object {
	if profile == "" || field == "" {
		return o.with(profile+field, text)
	}
	for i := range o {
		if inner, ok := o[i].Value.(Object); ok && o[i].Name == profile {
			o[i].Value = inner.with(field, text)
			return o
		}
	}
	return append(o, Member{profile, Object{}.with(field, text)})
}
