package drf

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/web"
)

// declaredFields are a declared field of each kind that a body can have.
func declaredFields() (fields []web.Field) {
	two, hundred := int64(2), int64(100)
	for _, spec := range []account.FieldSpec{
		{Name: "title", Kind: account.ShortText, Min: &two, Pattern: regexp.MustCompile("^[a-z]")},
		{Name: "note", Kind: account.LongText, Null: true},
		{Name: "nick", Kind: account.ShortText, Blank: true},
		{Name: "level", Kind: account.Integer, Min: &two, Max: &hundred},
		{Name: "price", Kind: account.Decimal, Digits: 5, Places: 2, Max: &hundred},
		{Name: "news", Kind: account.Boolean, Null: true},
		{Name: "dob", Kind: account.Date},
		{Name: "at", Kind: account.Timestamp},
		{Name: "role", Kind: account.Choice, Choices: []string{"Teacher", "1"}},
		{Name: "home", Kind: account.URL},
		{Name: "any", Kind: account.JSON},
		{Name: "hidden", Kind: account.ShortText, Write: account.Staff},
	} {
		if spec.Write == account.Anyone {
			spec.Write = account.Self
		}
		fields = append(fields, web.Declared(&spec, account.Self, false))
	}
	return fields
}

// saidOf is what becomes of a body.
func saidOf(t *testing.T, body string, form bool) string {
	t.Helper()
	top, err := readJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return madeOf(t, document{top: top, form: form})
}

// madeOf is what becomes of a document.
func madeOf(t *testing.T, doc document) string {
	t.Helper()
	fields := append(declaredFields(), web.Field{Name: "profile", Null: true, Fields: declaredFields()[:1]})
	fields[len(fields)-1].Fields[0].Required = true
	values, err := validate(&web.Request{Request: httptest.NewRequest("POST", "/", nil)}, doc, fields, true)
	var body2 any
	if f, ok := err.(*Failure); ok {
		body2 = f.Body
	} else if err != nil {
		t.Fatal(err)
	} else {
		o := Shown(values.Extra())
		if values.Has("profile") {
			o = append(o, Member{"profile", Shown(values.Nested("profile").Extra())})
		}
		body2 = o
	}
	b, err := encode(nil, body2, 0)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(b), "{"), "}")
}

func TestDeclaredFieldsAreReadAsByDRF(t *testing.T) {
	const date = `"Date has wrong format. Use one of these formats instead: YYYY-MM-DD."`
	for _, tt := range [][2]string{
		{`{"title":"  ab "}`, `"title":"ab"`},
		{`{"title":12}`, `"title":["Enter a valid value."]`},
		{`{"title":"A"}`, `"title":["Enter a valid value.","Ensure this field has at least 2 characters."]`},
		{`{"title":true}`, `"title":["Not a valid string."]`},
		{`{"title":null}`, `"title":["This field may not be null."]`},
		{`{"title":" "}`, `"title":["This field may not be blank."]`},
		{`{"title":"a\u0000"}`, `"title":["Null characters are not allowed."]`},
		{`{"role":""}`, `"role":["\"\" is not a valid choice."]`},
		{`{"role":["Teacher", 1, {"a'b": null, "c\n": [true, -1.50]}, []]}`, `"role":["\"['Teacher', 1, {\"a'b\": None, 'c\\n': [True, -1.5]}, []]\" is not a valid choice."]`},
		{`{"note":null,"nick":""}`, `"note":null,"nick":""`},
		{`{"level":"7"}`, `"level":7`},
		{`{"level":1}`, `"level":["Ensure this value is greater than or equal to 2."]`},
		{`{"level":101}`, `"level":["Ensure this value is less than or equal to 100."]`},
		{`{"level":1.5}`, `"level":["A valid integer is required."]`},
		{`{"price":1.5}`, `"price":"1.50"`},
		{`{"price":"1e1"}`, `"price":"10.00"`},
		{`{"price":"15e-1"}`, `"price":"1.50"`},
		{`{"price":"1.234"}`, `"price":["Ensure that there are no more than 2 decimal places."]`},
		{`{"price":"1234"}`, `"price":["Ensure that there are no more than 3 digits before the decimal point."]`},
		{`{"price":"123.456"}`, `"price":["Ensure that there are no more than 5 digits in total."]`},
		{`{"price":"nan"}`, `"price":["A valid number is required."]`},
		{`{"price":true}`, `"price":["A valid number is required."]`},
		{`{"price":"100.01"}`, `"price":["Ensure this value is less than or equal to 100."]`},
		{`{"news":"on"}`, `"news":true`},
		{`{"news":null}`, `"news":null`},
		{`{"news":"maybe"}`, `"news":["Must be a valid boolean."]`},
		{`{"dob":"1990-2-8"}`, `"dob":"1990-02-08"`},
		{`{"dob":"28/02/1990"}`, `"dob":[` + date + `]`},
		{`{"dob":19900228}`, `"dob":[` + date + `]`},
		{`{"dob":""}`, `"dob":[` + date + `]`},
		{`{"at":"2026-11-22T01:02:03.5Z"}`, `"at":"2026-11-22T01:02:03.500000Z"`},
		{`{"at":"2026-11-22T01:02:03Z"}`, `"at":"2026-11-22T01:02:03Z"`},
		{`{"at":"now"}`, `"at":["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."]`},
		{`{"role":1}`, `"role":"1"`},
		{`{"role":"Boss"}`, `"role":["\"Boss\" is not a valid choice."]`},
		{`{"role":true}`, `"role":["\"True\" is not a valid choice."]`},
		{`{"home":"x"}`, `"home":["Enter a valid URL."]`},
		{`{"hidden":"x"}`, ``},
		{`{"any":[1, {"a": [null, "\u00e5"]}, []]}`, `"any":[1,{"a":[null,"\u00e5"]},[]]`},
		{`{"any":{"b": 1.50, "a": true}}`, `"any":{"b":1.50,"a":true}`},
		{`{"any":" a\n\"b\" "}`, `"any":" a\n\"b\" "`},
		{`{"any":-1.50}`, `"any":-1.5`},
		{`{"any":12345678901234567890}`, `"any":12345678901234567890`},
		{`{"any":false}`, `"any":false`},
		{`{"any":null}`, `"any":["This field may not be null."]`},
		{`{"any":1e999}`, `"any":["Value must be valid JSON."]`},
		{`{"any":"\ud800"}`, `"any":["Value must be valid JSON."]`},
		{`{"any":["\u0000"]}`, `"any":["Value must be valid JSON."]`},
		{`{"any":["` + strings.Repeat("x", 1<<14) + `"]}`, `"any":["Ensure this field has no more than 16384 characters."]`},
		{`{"profile":{"title":"abc"}}`, `"profile":{"title":"abc"}`},
		{`{"profile":{"title":"a"}}`, `"profile":{"title":["Ensure this field has at least 2 characters."]}`},
		{`{"profile":"x"}`, `"profile":{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`},
	} {
		if got := saidOf(t, tt[0], false); got != tt[1] {
			t.Errorf("%s: got %s, want %s", tt[0], got, tt[1])
		}
	}
	if got, want := saidOf(t, `{"profile.title":"abc","note":""}`, true), `"note":null,"profile":{"title":"abc"}`; got != want {
		t.Errorf("a form: got %s, want %s", got, want)
	}
	for _, tt := range [][2]string{
		{`{"any":"[1, {\"a\": null}]"}`, `"any":[1,{"a":null}]`},
		{`{"any":"\"text\""}`, `"any":"text"`},
		{`{"any":"text"}`, `"any":["Value must be valid JSON."]`},
		{`{"any":""}`, `"any":["Value must be valid JSON."]`},
		{`{"any":"[NaN]"}`, `"any":["Value must be valid JSON."]`},
		{`{"any":"` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `"}`, `"any":["Value must be valid JSON."]`},
	} {
		if got := saidOf(t, tt[0], true); got != tt[1] {
			t.Errorf("a form of %.40s: got %s, want %s", tt[0], got, tt[1])
		}
	}
}

// TestOptionsTellOfDeclaredFields holds what SimpleMetadata says of each kind.
func TestDeclaredFieldsOfXML(t *testing.T) {
	for _, tt := range [][2]string{
		{"<title>ab</title><level>7</level><price>1.5</price><news>True</news>", `"title":"ab","level":7,"price":"1.50","news":true`},
		{"<title>1.5</title>", `"title":["Not a valid string."]`},
		{"<note/><nick/>", `"nick":["This field may not be null."]`},
		{"<level>5.0</level>", `"level":5`},
		{"<level>5.5</level>", `"level":["A valid integer is required."]`},
		{"<price>nan</price>", `"price":["A valid number is required."]`},
		{"<price>2011-12-25 12:45:00</price>", `"price":["A valid number is required."]`},
		{"<dob>1990-02-28</dob>", `"dob":"1990-02-28"`},
		{"<dob>1990-02-28 00:00:00</dob>", `"dob":["Expected a date but got a datetime."]`},
		{"<at>2011-12-25 12:45:00</at>", `"at":"2011-12-25T12:45:00Z"`},
		{"<at>2011-12-25T12:45:00Z</at>", `"at":"2011-12-25T12:45:00Z"`},
		{"<role>1</role>", `"role":"1"`},
		{"<role>1.0</role>", `"role":["\"1.0\" is not a valid choice."]`},
		{"<any><a><list-item>1</list-item><list-item/><list-item>x</list-item></a><b>True</b></any>", `"any":{"a":[1,null,"x"],"b":"True"}`},
		{"<any><list-item>1</list-item></any>", `"any":[1]`},
		{"<any><a>1.5</a></any>", `"any":["Value must be valid JSON."]`},
		{"<any><list-item>2011-12-25 12:45:00</list-item></any>", `"any":["Value must be valid JSON."]`},
		{"<profile><title>ab</title></profile>", `"profile":{"title":"ab"}`},
		{"<profile>ab</profile>", `"profile":{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`},
	} {
		top, err := readXML([]byte("<root>" + tt[0] + "</root>"))
		if err != nil {
			t.Fatal(err)
		}
		if got := madeOf(t, document{top: top}); got != tt[1] {
			t.Errorf("%s\n got: %s\nwant: %s", tt[0], got, tt[1])
		}
	}
}

func TestOptionsTellOfDeclaredFields(t *testing.T) {
	fields := append(declaredFields(), web.Field{Name: "profile", Fields: declaredFields()[:1]})
	said := map[string]string{}
	for _, m := range describe(fields) {
		b, err := encode(nil, m.Value, 0)
		if err != nil {
			t.Fatal(err)
		}
		said[m.Name] = string(b)
	}
	for name, want := range map[string]string{
		"title":   `{"type":"string","required":false,"read_only":false,"label":"title","min_length":2,"max_length":255}`,
		"level":   `{"type":"integer","required":false,"read_only":false,"label":"level","min_value":2,"max_value":100}`,
		"price":   `{"type":"decimal","required":false,"read_only":false,"label":"price","max_value":100}`,
		"news":    `{"type":"boolean","required":false,"read_only":false,"label":"news"}`,
		"role":    `{"type":"choice","required":false,"read_only":false,"label":"role","choices":[{"value":"Teacher","display_name":"Teacher"},{"value":"1","display_name":"1"}]}`,
		"home":    `{"type":"url","required":false,"read_only":false,"label":"home","max_length":200}`,
		"any":     `{"type":"field","required":false,"read_only":false,"label":"any"}`,
		"hidden":  `{"type":"string","required":false,"read_only":true,"label":"hidden"}`,
		"profile": `{"type":"nested object","required":false,"read_only":false,"label":"Profile","children":{"title":` + `{"type":"string","required":false,"read_only":false,"label":"title","min_length":2,"max_length":255}}}`,
	} {
		if said[name] != want {
			t.Errorf("%s:\n got: %s\nwant: %s", name, said[name], want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"1", "1"},
		{"-1.5", "-1.5"},
		{"+.5", "0.5"},
		{"1E+2", "100"},
		{"1.25e1", "12.5"},
		{"12e-3", "0.012"},
		{"", ""},
		{"-", ""},
		{".", ""},
		{"1e", ""},
		{"1e9999", ""},
		{"--1", ""},
		{"0x1", ""},
		{"Infinity", ""},
	} {
		if got, ok := decimal(tt.in); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%q: got %q, want %q", tt.in, fmt.Sprint(got), tt.want)
		}
	}
}

// codesOfFields are all that can be wrong with declared fields.
var codesOfFields = []account.Code{
	account.Null, account.Blank, account.WrongType, account.Invalid, account.Required, account.ReadOnly, account.TooLong, account.TooShort,
	account.TooBig, account.TooSmall, account.TooManyDigits, account.TooManyPlaces, account.TooManyWhole, account.NotChoice,
	account.NoMatch, account.Taken, account.Unknown, account.NotOfRole, account.ProfileExists, account.ProfileNone,
}

func TestEveryCodeOfAFieldHasWords(t *testing.T) {
	for _, c := range codesOfFields {
		err := Words{}.Explain(&account.Error{Problems: []account.Problem{{Code: c, Field: "f", Profile: "p"}}})
		if f, ok := err.(*Failure); !ok || f.Status >= 500 {
			t.Errorf("%s: got %v, want words", c, err)
		}
	}
	refusal := &account.Error{Problems: []account.Problem{
		{Code: account.Required, Field: "nick"},
		{Code: account.Null, Field: "zip", Profile: "profile"},
		{Code: account.TooLong, Field: "zip", Profile: "profile", Limit: 5},
		{Code: account.Required, Profile: "teacher"},
	}}
	b, err := encode(nil, Words{}.Explain(refusal).(*Failure).Body, 0)
	const want = `{"nick":["This field is required."],"profile":{"zip":["This field may not be null.",` +
		`"Ensure this field has no more than 5 characters."]},"teacher":["This field is required."]}`
	if string(b) != want || err != nil {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
}
