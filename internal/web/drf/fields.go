package drf

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
)

// Values are the fields of a body that passed validation.
type Values struct{ entries []entry }

type entry struct {
	name   string
	null   bool
	text   string
	number int64
	truth  bool
	spec   *account.FieldSpec // of a declared field
	value  account.Value
	inner  *Values // of an object
}

// find returns the value of name; the zero entry, and false, when it was not sent.
func (v Values) find(name string) (entry, bool) {
	for _, e := range v.entries {
		if e.name == name {
			return e, true
		}
	}
	return entry{}, false
}

// Has reports whether name was sent, be it null or blank.
func (v Values) Has(name string) bool { _, ok := v.find(name); return ok }

// Null reports whether name was sent as null.
func (v Values) Null(name string) bool { e, _ := v.find(name); return e.null }

// Text returns the text of name, trimmed; "" when it was not sent, or null.
func (v Values) Text(name string) string { e, _ := v.find(name); return e.text }

// Int returns the whole number of name; 0 when it was not sent, or null.
func (v Values) Int(name string) int64 { e, _ := v.find(name); return e.number }

// Bool returns the boolean of name; false when it was not sent, or null.
func (v Values) Bool(name string) bool { e, _ := v.find(name); return e.truth }

// Read reads the body and validates it by the fields of the route, as a DRF serializer does: all
// errors of all fields come in one *Failure. A PATCH need not have the required ones.
func Read(r *web.Request) (Values, error) {
	doc, err := readDocument(r.Request)
	if err != nil {
		return Values{}, err
	}
	return validate(r, doc, r.Route.Input, r.Method == http.MethodPatch)
}

func validate(r *web.Request, doc document, fields []web.Field, partial bool) (Values, error) {
	switch doc.top.kind {
	case object:
	case null:
		return Values{}, NonField("No data provided")
	default:
		return Values{}, NonField(fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", typeNames[doc.top.kind]))
	}
	values, errs, err := validateFields(r, doc.top, fields, partial, doc.form)
	if err != nil {
		return Values{}, err
	}
	if errs != nil {
		return Values{}, &Failure{Status: http.StatusBadRequest, Body: errs}
	}
	return values, nil
}

// validateFields reads the members of an object; errs are what is wrong with them.
func validateFields(r *web.Request, top value, fields []web.Field, partial, form bool) (values Values, errs Object, err error) {
	values = Values{make([]entry, 0, len(fields))}
	for i := range fields {
		f := &fields[i]
		if f.ReadOnly {
			continue
		}
		v := top.get(f.Name)
		switch {
		case form && f.Fields != nil:
			v = nestedForm(top, f.Name)
		case form && f.Spec != nil && f.Spec.Kind == account.JSON:
			v = jsonOfForm(v)
		case form:
			v = fromForm(f, v, partial)
		}
		var e entry
		var wrong any
		if f.Fields != nil && v.kind != absent && v.kind != null {
			e, wrong, err = checkNested(r, entry{name: f.Name}, f, v, partial, form)
		} else {
			var texts []string
			if e, texts, err = check(r, f, v); len(texts) > 0 {
				wrong = texts
			}
		}
		switch {
		case err != nil:
			return Values{}, nil, fmt.Errorf("validate %s: %w", f.Name, err)
		case v.kind == absent && (partial || !f.Required):
		case wrong != nil:
			errs = append(errs, Member{f.Name, wrong})
		default:
			values.entries = append(values.entries, e)
		}
	}
	return values, errs, nil
}

// fromForm is what a form means: an unchecked box is absent, and empty may be all that a browser
// can say for null or nothing (Field.get_value).
func fromForm(f *web.Field, v value, partial bool) value {
	switch empty := v.kind == text && v.text == ""; {
	case v.kind == absent && f.Kind == web.Boolean && !partial:
		return value{kind: boolean}
	case !empty || f.Blank:
		return v
	case f.Null:
		return value{kind: null}
	case !f.Required:
		return value{}
	}
	return v
}

// check validates one value (Field.run_validation). An absent one is checked as if it were required.
func check(r *web.Request, f *web.Field, v value) (e entry, texts []string, err error) {
	e.name = f.Name
	switch {
	case f.Kind == web.Unread:
		e.text = v.text
		return e, nil, nil
	case v.kind == absent:
		return e, []string{"This field is required."}, nil
	case v.kind == null && f.Null:
		e.null, e.spec = true, f.Spec
		return e, nil, nil
	case v.kind == null:
		return e, []string{"This field may not be null."}, nil
	}
	if f.Spec != nil {
		return checkDeclared(r, e, f, v)
	}
	switch f.Kind {
	case web.Integer:
		texts = checkInteger(&e, v)
	case web.Boolean:
		texts = checkBoolean(&e, v, f.Null)
	default:
		return checkText(r, e, f, v)
	}
	return e, texts, nil
}

// checkText is CharField and EmailField. The validators all have their say, uniqueness first, as a
// model's come before those of the serializer field.
func checkText(r *web.Request, e entry, f *web.Field, v value) (entry, []string, error) {
	if f.Kind == web.Secret && v.written != "" { // 007 and 7 are two passwords
		v = value{kind: text, text: v.written}
	}
	invalid := "Not a valid string."
	if f.Kind == web.Email {
		invalid = "Enter a valid email address."
	}
	if v.kind != text && v.kind != integer && v.kind != float {
		return e, []string{invalid}, nil
	}
	if e.text = strip(v.text); e.text == "" {
		if f.Blank {
			return e, nil, nil
		}
		return e, []string{"This field may not be blank."}, nil
	}
	var texts []string
	if f.Valid != nil && !f.Valid(e.text) {
		texts = append(texts, f.InvalidText)
	}
	long := len(texts) // what follows keeps the text out of a column
	if f.Max > 0 && characters(e.text) > f.Max {
		texts = append(texts, fmt.Sprintf("Ensure this field has no more than %d characters.", f.Max))
	}
	if characters(e.text) < f.Min {
		texts = append(texts, fmt.Sprintf("Ensure this field has at least %d characters.", f.Min))
	}
	if strings.Contains(e.text, "\x00") {
		texts = append(texts, "Null characters are not allowed.")
	}
	if c := surrogate(e.text); c != 0 {
		texts = append(texts, fmt.Sprintf("Surrogate characters are not allowed: U+%X.", c))
	}
	storable := len(texts) == long // a column can hold it, so it may be there
	if f.Kind == web.Email && !account.ValidEmail(e.text) {
		texts = append(texts, invalid)
	}
	if f.Taken != nil && storable {
		taken, err := f.Taken(r.Context(), e.text)
		if err != nil {
			return e, nil, err
		}
		if taken {
			texts = append([]string{f.TakenText}, texts...)
		}
	}
	if f.Check != nil && len(texts) == 0 {
		var err error
		if texts, err = f.Check(r, e.text); err != nil {
			return e, nil, err
		}
	}
	return e, texts, nil
}

// checkInteger is IntegerField: text is welcome, and so is a float that is whole.
func checkInteger(e *entry, v value) []string {
	const maxText = 1000 // IntegerField.MAX_STRING_LENGTH
	invalid := []string{"A valid integer is required."}
	if v.kind != text && v.kind != integer && v.kind != float && v.kind != precise {
		return invalid
	}
	if v.kind == text && characters(v.text) > maxText {
		return []string{"String value too large."}
	}
	digits := strip(v.text)
	if whole, rest, ok := strings.Cut(digits, "."); ok && strings.Trim(rest, "0") == "" {
		digits = whole
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return invalid
	}
	e.number = n
	return nil
}

// The words of BooleanField.
var (
	trueWords  = []string{"t", "T", "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "1", "1.0"}
	falseWords = []string{"f", "F", "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", "0", "0.0", "-0.0"}
	nullWords  = []string{"null", "Null", "NULL", ""}
)

// checkBoolean is BooleanField.
func checkBoolean(e *entry, v value, mayBeNull bool) []string {
	isText := v.kind == text
	word := v.text
	if isText && strings.HasSuffix(word, ".0") { // the number is a word, its text is none
		word = "no word"
	}
	if v.kind == precise {
		word = pythonFloat(v.text)
	}
	switch {
	case v.kind == boolean:
		e.truth = v.truth
	case v.kind == list || v.kind == object || v.kind == file:
		return []string{"Must be a valid boolean."}
	case slices.Contains(trueWords, word):
		e.truth = true
	case slices.Contains(falseWords, word):
	case isText && mayBeNull && slices.Contains(nullWords, word):
		e.null = true
	default:
		return []string{"Must be a valid boolean."}
	}
	return nil
}
