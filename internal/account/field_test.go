package account

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mustCheck is f, which must not contradict itself.
func mustCheck(t *testing.T, f FieldSpec) *FieldSpec {
	t.Helper()
	f.Name, f.Write = "f", Self
	if err := f.check(); err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	return &f
}

func number(n int64) *int64 { return &n }

// read is what becomes of a text in a field, in one line: the kept value, or the codes.
func read(f *FieldSpec, text string) string {
	v, ok := f.Parse(text)
	if !ok {
		return "not parsed"
	}
	kept, problems := f.Judge(v)
	if len(problems) == 0 {
		return "= " + kept.String()
	}
	var codes []string
	for _, p := range problems {
		code := string(p.Code)
		if p.Limit != 0 {
			code += fmt.Sprint(" ", p.Limit)
		}
		codes = append(codes, code)
	}
	return strings.Join(codes, ", ")
}

func TestKindsOfFields(t *testing.T) {
	for _, tt := range []struct {
		spec  FieldSpec
		cases [][2]string
	}{
		{FieldSpec{Kind: ShortText, Max: number(5), Min: number(2), Pattern: regexp.MustCompile(`^[a-zä]+$`)}, [][2]string{
			{"abc", "= abc"},
			{"äääää", "= äääää"},
			{"", "blank"},
			{"a", "too_short 2"},
			{"abcdef", "too_long 5"},
			{"ABCDEF", "no_match, too_long 5"},
			{"1", "no_match, too_short 2"},
			{"a\x00b", "invalid"},
			{"a\xffb", "invalid"},
		}},
		{FieldSpec{Kind: ShortText, Blank: true}, [][2]string{
			{"", "= "},
			{strings.Repeat("x", 255), "= " + strings.Repeat("x", 255)},
			{strings.Repeat("x", 256), "too_long 255"},
		}},
		{FieldSpec{Kind: LongText}, [][2]string{
			{"a\nb", "= a\nb"},
			{strings.Repeat("x", 10001), "too_long 10000"},
		}},
		{FieldSpec{Kind: Integer, Min: number(-3), Max: number(7)}, [][2]string{
			{"0", "= 0"},
			{"-3", "= -3"},
			{"-4", "too_small -3"},
			{"7", "= 7"},
			{"8", "too_big 7"},
			{"007", "= 7"},
			{"1.0", "not parsed"},
			{"", "not parsed"},
			{"9223372036854775808", "not parsed"},
			{"0x1", "not parsed"},
		}},
		{FieldSpec{Kind: Integer}, [][2]string{{"-9223372036854775808", "= -9223372036854775808"}}},
		{FieldSpec{Kind: Decimal, Digits: 5, Places: 2, Min: number(-10), Max: number(100)}, [][2]string{
			{"1", "= 1.00"},
			{"1.5", "= 1.50"},
			{"+01.50", "= 1.50"},
			{"-0.0", "= 0.00"},
			{"-0.05", "= -0.05"},
			{"100", "= 100.00"},
			{"100.01", "too_big 100"},
			{"-10", "= -10.00"},
			{"-10.01", "too_small -10"},
			{"1.234", "too_many_places 2"},
			{"1234", "too_many_whole_digits 3"},
			{"123456", "too_many_digits 5"},
			{"0000000001", "= 1.00"},
			{".5", "not parsed"},
			{"5.", "= 5.00"},
			{"1e2", "not parsed"},
			{"NaN", "not parsed"},
			{"1,5", "not parsed"},
		}},
		{FieldSpec{Kind: Decimal, Digits: 40, Places: 0, Max: number(5)}, [][2]string{
			{"5", "= 5"},
			{strings.Repeat("9", 40), "too_big 5"},
			{"-" + strings.Repeat("9", 40), "= -" + strings.Repeat("9", 40)},
		}},
		{FieldSpec{Kind: Boolean}, [][2]string{
			{"true", "= true"},
			{"0", "= false"},
			{"yes", "not parsed"},
			{"", "not parsed"},
		}},
		{FieldSpec{Kind: Date}, [][2]string{
			{"1990-02-28", "= 1990-02-28"},
			{"1990-2-8", "= 1990-02-08"},
			{"2024-02-29", "= 2024-02-29"},
			{"1990-02-30", "not parsed"},
			{"1990-00-10", "not parsed"},
			{"0000-01-01", "not parsed"},
			{"0001-01-01", "= 0001-01-01"},
			{"28/02/1990", "not parsed"},
			{"1990-02-28T10:00:00Z", "not parsed"},
			{"19900228", "not parsed"},
			{"", "not parsed"},
		}},
		{FieldSpec{Kind: Timestamp}, [][2]string{
			{"2026-11-22T01:02:03Z", "= 2026-11-22T01:02:03Z"},
			{"2026-11-22 01:02", "= 2026-11-22T01:02:00Z"},
			{"2026-11-22T01:02:03.5+02:00", "= 2026-11-21T23:02:03.5Z"},
			{"2026-11-22T01:02:03.123456789-0130", "= 2026-11-22T02:32:03.123456Z"},
			{"1969-12-31T23:59:59.999999Z", "= 1969-12-31T23:59:59.999999Z"},
			{"2026-11-22T24:00:00Z", "not parsed"},
			{"2026-11-22T00:60:00Z", "not parsed"},
			{"2026-11-22", "not parsed"},
			{"0001-01-01T00:00:00+23:00", "not parsed"},
		}},
		{FieldSpec{Kind: Choice, Choices: []string{"Teacher", "Student"}}, [][2]string{
			{"Teacher", "= Teacher"},
			{"teacher", "not_a_choice"},
			{"", "blank"},
		}},
		{FieldSpec{Kind: URL}, [][2]string{
			{"https://example.com", "= https://example.com"},
			{"HTTP://user:pw@exämple.com:8000/a?b#c", "= HTTP://user:pw@exämple.com:8000/a?b#c"},
			{"ftp://127.0.0.1/x", "= ftp://127.0.0.1/x"},
			{"http://[::1]:80/", "= http://[::1]:80/"},
			{"http://localhost", "= http://localhost"},
			{"http://[1::2::3]/", "invalid"},
			{"http://256.1.1.1/", "invalid"},
			{"javascript:alert(1)", "invalid"},
			{"//example.com", "invalid"},
			{"http://example", "invalid"},
			{"http://-a.com", "invalid"},
			{"http://a b.com", "invalid"},
			{"http://example.com/a b", "invalid"},
			{"http://example.com/\n", "invalid"},
			{"", "blank"},
			{"http://example.com/" + strings.Repeat("a", 200), "too_long 200"},
		}},
		{FieldSpec{Kind: PhoneNo, Max: number(20)}, [][2]string{
			{"+44 (20) 7946-0000", "= +44 (20) 7946-0000"},
			{"112", "= 112"},
			{"11", "invalid"},
			{"+1234567890123456", "invalid"},
			{"1+2345", "invalid"},
			{"call me", "invalid"},
			{"123456789 123456789 1", "too_long 20, invalid"},
		}},
		{FieldSpec{Kind: JSON}, [][2]string{
			{`{"b": [1.0, null], "a": "ä"}`, `= {"b":[1.0,null],"a":"ä"}`},
			{`null`, "= null"},
			{`{`, "not parsed"},
			{`"\u0000"`, "invalid"},
			{`"\ud83d\ude00 \\ud800"`, `= "\ud83d\ude00 \\ud800"`},
			{`["\ud800"]`, "invalid"},
			{`{"\udc00": 1}`, "invalid"},
			{`"\ud800\ud800"`, "invalid"},
			{`[1e308, -0.5]`, "= [1e308,-0.5]"},
			{`{"a": [1e999999999]}`, "invalid"},
			{`"` + strings.Repeat("x", 16384) + `"`, "too_long 16384"},
		}},
	} {
		f := mustCheck(t, tt.spec)
		for _, c := range tt.cases {
			if got := read(f, c[0]); got != c[1] {
				t.Errorf("%s %.60q: got %.80s, want %.80s", f.Kind, c[0], got, c[1])
			}
		}
	}
}

// oneOf is a good value of each kind.
func oneOf(k FieldKind) (FieldSpec, Value) {
	f := FieldSpec{Kind: k}
	switch k {
	case Integer:
		return f, IntegerValue(3)
	case Decimal:
		f.Digits, f.Places = 5, 2
		return f, DecimalValue("1.50")
	case Boolean:
		return f, BooleanValue(false)
	case Date:
		return f, DateValue(time.Unix(0, 0).UTC())
	case Timestamp:
		return f, TimeValue(time.Unix(0, 0))
	case Choice:
		f.Choices = []string{"a"}
		return f, TextValue("a")
	case URL:
		return f, TextValue("https://example.com")
	case PhoneNo:
		return f, TextValue("12345")
	case JSON:
		return f, JSONValue([]byte(`[1]`))
	}
	return f, TextValue("x")
}

func TestNullAndTypesOfEveryKind(t *testing.T) {
	for _, k := range FieldKinds() {
		spec, good := oneOf(k)
		f := mustCheck(t, spec)
		if _, problems := f.Judge(good); problems != nil {
			t.Errorf("%s %v: got %v, want it kept", k, good, problems)
		}
		if _, problems := f.Judge(Value{}); len(problems) != 1 || problems[0].Code != Null {
			t.Errorf("%s null: got %v, want null", k, problems)
		}
		f.Null = true
		if v, problems := f.Judge(Value{}); problems != nil || !v.IsNull() {
			t.Errorf("%s null where it is a value: got %v %v", k, v, problems)
		}
		for _, other := range FieldKinds() {
			_, v := oneOf(other)
			_, problems := f.Judge(v)
			if wrong := len(problems) == 1 && problems[0].Code == WrongType; wrong == (k.holds() == other.holds()) {
				t.Errorf("%s given a %s: got %v", k, other, problems)
			}
		}
		written, err := json.Marshal(good)
		if err != nil {
			t.Errorf("%s: %v", k, err)
		}
		text := string(written)
		if k != JSON && strings.HasPrefix(text, `"`) {
			text = strings.Trim(text, `"`)
		}
		if back, ok := f.Parse(text); !ok || back != good {
			t.Errorf("%s: written as %s, read as %v", k, written, back)
		}
	}
}

func TestDeclarationsThatContradictThemselves(t *testing.T) {
	declare := func(change func(*FieldSpec)) *Model {
		m := OwnModel(Email, Folded)
		f := FieldSpec{Name: "f", Kind: ShortText, Write: Self, SignUp: true, Blank: true}
		change(&f)
		m.Extras = []FieldSpec{f}
		return m
	}
	for name, tt := range map[string]struct {
		change func(*FieldSpec)
		want   string
	}{
		"a good one":           {func(*FieldSpec) {}, ""},
		"no kind":              {func(f *FieldSpec) { f.Kind = "" }, "is no kind of field"},
		"a bad name":           {func(f *FieldSpec) { f.Name = `a"b` }, "a field is called by a-z"},
		"a name of ours":       {func(f *FieldSpec) { f.Name = Email }, "means something else already"},
		"the name of a key":    {func(f *FieldSpec) { f.Name = "refresh_token" }, "means something else already"},
		"a choice of none":     {func(f *FieldSpec) { f.Kind = Choice }, "lacks its choices"},
		"choices of a text":    {func(f *FieldSpec) { f.Choices = []string{"a"} }, "only a choice has choices"},
		"a pattern of a date":  {func(f *FieldSpec) { f.Kind, f.Blank, f.Pattern = Date, false, regexp.MustCompile("x") }, "only texts have a pattern"},
		"min over max":         {func(f *FieldSpec) { f.Min, f.Max = number(3), number(2) }, "min is more than max"},
		"a unique boolean":     {func(f *FieldSpec) { f.Kind, f.Blank, f.Unique = Boolean, false, true }, "boolean cannot be unique"},
		"a unique default":     {func(f *FieldSpec) { f.Unique, f.Default = true, TextValue("x") }, "what is unique has no default"},
		"a unique long text":   {func(f *FieldSpec) { f.Unique, f.Kind = true, LongText }, "600 characters"},
		"a unique short one":   {func(f *FieldSpec) { f.Unique, f.Kind, f.Max = true, LongText, number(600) }, ""},
		"a default too long":   {func(f *FieldSpec) { f.Max, f.Default = number(1), TextValue("xx") }, "its default is not one of its values"},
		"a computed text":      {func(f *FieldSpec) { f.Computed = WhenMade }, "only a plain timestamp is computed"},
		"anyone writes":        {func(f *FieldSpec) { f.Write = Anyone }, "write is for self, staff or nobody"},
		"a claim that fits":    {func(f *FieldSpec) { f.Claim, f.Read, f.Max = true, Self, number(100) }, ""},
		"a claim too wide":     {func(f *FieldSpec) { f.Claim, f.Kind = true, LongText }, "4,096 bytes"},
		"a claim of JSON":      {func(f *FieldSpec) { f.Claim, f.Kind, f.Blank = true, JSON, false }, "4,096 bytes"},
		"a claim of the token": {func(f *FieldSpec) { f.Claim, f.Name, f.Max = true, "exp", number(5) }, "tokens have a claim of that name"},
		"a claim for staff":    {func(f *FieldSpec) { f.Claim, f.Read, f.Max = true, Staff, number(5) }, "not for his eyes"},
	} {
		err := declare(tt.change).CheckFields()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	m := declare(func(*FieldSpec) {})
	m.Profiles = []ProfileKind{{Name: "teacher", Table: "t", Role: "Teacher"}, {Name: "teacher", Table: "t"}, {Name: "f", Table: "u"}}
	err := m.CheckFields()
	for _, want := range []string{`"Teacher" is no choice`, "a kind is called once", "a field of the user has that name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("profiles: got %v, want %q", err, want)
		}
	}
}

func TestValuesNeverChange(t *testing.T) {
	a := Values{}.With("x", IntegerValue(1))
	b := a.With("x", IntegerValue(2)).With("y", Value{})
	if a.Of("x") != IntegerValue(1) || a.Len() != 1 || b.Of("x") != IntegerValue(2) || b.Len() != 2 {
		t.Errorf("got %v and %v", a, b)
	}
	p := ProfilesOf(Profile{Kind: "a", ID: 1})
	q := p.with(Profile{Kind: "a", ID: 2})
	if one, _ := p.Of("a"); one.ID != 1 || len(q.All()) != 1 {
		t.Errorf("got %v and %v", p, q)
	}
}

// FuzzField holds that what a field keeps it reads again as the same, and takes as good.
func FuzzField(f *testing.F) {
	for _, text := range []string{"1990-2-8", "2026-11-22T01:02:03.5+02:00", "-01.50", "https://exämple.com:80/a?b", "+44 20", `{"a":[1,"\ud83d"]}`, "9223372036854775808", "true"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range FieldKinds() {
			spec, _ := oneOf(k)
			spec.Name, spec.Write, spec.Min, spec.Max = "f", Self, nil, nil
			v, ok := spec.Parse(text)
			if !ok {
				continue
			}
			kept, problems := spec.Judge(v)
			if len(problems) > 0 {
				continue
			}
			if !isText(kept.String()) {
				t.Errorf("%s keeps %q, which no database does", k, kept)
			}
			if again, problems := spec.Judge(kept); again != kept || problems != nil {
				t.Errorf("%s keeps %q as %q, and that as %q (%v)", k, text, kept, again, problems)
			}
			if back, ok := spec.Parse(kept.String()); !ok || back != kept {
				t.Errorf("%s keeps %q as %q, and reads that as %q", k, text, kept, back)
			}
			if written, err := json.Marshal(kept); err != nil || !json.Valid(written) {
				t.Errorf("%s writes %q as %s, %v", k, text, written, err)
			}
		}
	})
}
