package account

import (
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value is what a declared field holds. The zero Value is null. Values compare with ==, and are equal
// when they are stored equally.
type Value struct {
	kind   valueKind
	number int64  // of integers, booleans (1: true), and time stamps (microseconds since 1970 UTC)
	text   string // of all others
}

type valueKind uint8

const (
	nullValue valueKind = iota
	textValue
	integerValue
	decimalValue
	booleanValue
	dateValue
	timeValue
	jsonValue
)

// TextValue is a text, of whatever kind of field takes one.
func TextValue(text string) Value { return Value{kind: textValue, text: text} }

// IntegerValue is a whole number.
func IntegerValue(n int64) Value { return Value{kind: integerValue, number: n} }

// DecimalValue is a decimal as it is written: "-1.50". Judging it says whether it is one.
func DecimalValue(text string) Value { return Value{kind: decimalValue, text: text} }

// BooleanValue is true or false.
func BooleanValue(truth bool) Value {
	if truth {
		return Value{kind: booleanValue, number: 1}
	}
	return Value{kind: booleanValue}
}

// DateValue is a day of the calendar.
func DateValue(t time.Time) Value { return Value{kind: dateValue, text: t.Format(time.DateOnly)} }

// TimeValue is a point in time, to the microsecond.
func TimeValue(t time.Time) Value { return Value{kind: timeValue, number: t.UnixMicro()} }

// JSONValue is a JSON text. Judging it says whether it is one.
func JSONValue(raw []byte) Value { return Value{kind: jsonValue, text: string(raw)} }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == nullValue }

// IsBlank reports whether v is null or the empty text.
func (v Value) IsBlank() bool { return v == Value{} || v == TextValue("") }

// IsTime reports whether v is a time stamp, and IsText whether it is a text of its own: a number, a boolean,
// JSON and null are none.
func (v Value) IsTime() bool { return v.kind == timeValue }

// IsText is described with IsTime.
func (v Value) IsText() bool {
	return v.kind == textValue || v.kind == decimalValue || v.kind == dateValue
}

// Int is a whole number; of a time stamp its microseconds since 1970 UTC.
func (v Value) Int() int64 { return v.number }

// Bool is a boolean.
func (v Value) Bool() bool { return v.number != 0 }

// Time is a time stamp, in UTC.
func (v Value) Time() time.Time { return time.UnixMicro(v.number).UTC() }

// String is the value as text: a number in digits, a date as 2006-01-02, a time stamp by RFC 3339 with
// microseconds where it has some, true or false, JSON as it is kept; "" for null.
func (v Value) String() string {
	switch v.kind {
	case integerValue, booleanValue, timeValue:
		return string(v.Append(nil))
	}
	return v.text
}

// Append appends what String gives.
func (v Value) Append(b []byte) []byte {
	switch v.kind {
	case integerValue:
		return strconv.AppendInt(b, v.number, 10)
	case booleanValue:
		return strconv.AppendBool(b, v.Bool())
	case timeValue:
		return v.Time().AppendFormat(b, time.RFC3339Nano)
	}
	return append(b, v.text...)
}

// MarshalJSON writes a decimal as a text, since a number of JavaScript would lose digits of it.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case nullValue:
		return []byte("null"), nil
	case integerValue, booleanValue, jsonValue:
		return []byte(v.String()), nil
	}
	return json.Marshal(v.String())
}

// Values are values by field, in the order they were put in. They never change: copies of a User share them.
type Values struct {
	list   *[]named
	packed packed // instead of list, of who comes from memory: it is read in place
}

type named struct {
	field Field
	value Value
}

// ValuesOf makes Values of a map, in the order of the fields' names.
func ValuesOf(m map[Field]Value) Values {
	list := make([]named, 0, len(m))
	for f, v := range m {
		list = append(list, named{f, v})
	}
	slices.SortFunc(list, func(a, b named) int { return strings.Compare(string(a.field), string(b.field)) })
	return valuesOf(list)
}

// ValuesFrom makes Values of fields and as many values.
func ValuesFrom(fields []Field, values []Value) Values {
	list := make([]named, len(fields))
	for i, f := range fields {
		list[i] = named{f, values[i]}
	}
	return valuesOf(list)
}

func valuesOf(list []named) Values {
	if len(list) == 0 {
		return Values{}
	}
	return Values{list: &list}
}

// Get is the value of f, and whether there is one, be it null.
func (vs Values) Get(f Field) (Value, bool) {
	for g, v := range vs.All() {
		if f == g {
			return v, true
		}
	}
	return Value{}, false
}

// Of is the value of f; null where there is none.
func (vs Values) Of(f Field) Value {
	v, _ := vs.Get(f)
	return v
}

// Len is how many there are.
func (vs Values) Len() (n int) {
	if vs.list != nil {
		return len(*vs.list)
	}
	for range vs.All() {
		n++
	}
	return n
}

// All goes through the values in their order.
func (vs Values) All() iter.Seq2[Field, Value] {
	return func(yield func(Field, Value) bool) {
		for p := vs.packed; p != ""; {
			if !yield(p.next()) {
				return
			}
		}
		if vs.list == nil {
			return
		}
		for _, n := range *vs.list {
			if !yield(n.field, n.value) {
				return
			}
		}
	}
}

// With is vs with another value of f.
func (vs Values) With(f Field, v Value) Values {
	list := make([]named, 0, vs.Len()+1)
	found := false
	for g, old := range vs.All() {
		if g == f {
			old, found = v, true
		}
		list = append(list, named{g, old})
	}
	if !found {
		list = append(list, named{f, v})
	}
	return valuesOf(list)
}

// WithAll is vs with the values of others on top.
func (vs Values) WithAll(others Values) Values {
	for f, v := range others.All() {
		vs = vs.With(f, v)
	}
	return vs
}

// Equal reports whether both hold the same values of the same fields, in any order.
func (vs Values) Equal(other Values) bool {
	if vs.Len() != other.Len() {
		return false
	}
	for f, v := range vs.All() {
		if w, ok := other.Get(f); !ok || v != w {
			return false
		}
	}
	return true
}

// Equal is ==.
func (v Value) Equal(other Value) bool { return v == other }

// Profile is a row of one kind of profile.
type Profile struct {
	ID     int64
	UserID int64
	Kind   string
	Values Values
}

// Profiles are the profiles of one user. They never change.
type Profiles struct{ list *[]Profile }

// ProfilesOf makes Profiles of a list.
func ProfilesOf(list ...Profile) (ps Profiles) {
	if len(list) > 0 {
		ps.list = &list
	}
	return ps
}

// All are the profiles, in the order of their declaration; not to be changed.
func (ps Profiles) All() []Profile {
	if ps.list == nil {
		return nil
	}
	return *ps.list
}

// Of is the profile of a kind, and whether there is one.
func (ps Profiles) Of(kind string) (Profile, bool) {
	for _, p := range ps.All() {
		if p.Kind == kind {
			return p, true
		}
	}
	return Profile{}, false
}

// with is ps with p in the place of the one of its kind.
func (ps Profiles) with(p Profile) Profiles {
	list := slices.DeleteFunc(slices.Clone(ps.All()), func(q Profile) bool { return q.Kind == p.Kind })
	return ProfilesOf(append(list, p)...)
}

// Equal reports whether both hold the same profiles.
func (ps Profiles) Equal(other Profiles) bool {
	return slices.EqualFunc(ps.All(), other.All(), func(a, b Profile) bool {
		return a.ID == b.ID && a.UserID == b.UserID && a.Kind == b.Kind && a.Values.Equal(b.Values)
	})
}
