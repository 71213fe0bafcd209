package token

import (
	"encoding/json"
	"math"
	"strconv"
)

// State says whether a claim could be read as the type that was asked for.
type State uint8

const (
	Absent    State = iota
	Null            // JSON null
	WrongType       // there, and of another type or out of range
	Present
)

func (s State) String() string {
	return [...]string{"absent", "null", "of the wrong type", "present"}[s]
}

// Claims are the members of a token's payload, by their exact names. The zero Claims has none.
type Claims struct{ members []member }

// find gives the value of a claim as it was written.
func (c Claims) find(name string) (string, State) {
	for i := range c.members {
		if c.members[i].name == name {
			if value := c.members[i].value; value != "null" {
				return value, Present
			}
			return "null", Null
		}
	}
	return "", Absent
}

// Text gives a claim that is a JSON string.
func (c Claims) Text(name string) (string, State) {
	value, state := c.find(name)
	if state != Present {
		return "", state
	}
	if value[0] != '"' {
		return "", WrongType
	}
	return unquote(value), Present
}

// Int gives a claim that is an integer of 64 bits, written without fraction or exponent. A number
// in a string is WrongType: it is the caller's to know that its contract allows that.
func (c Claims) Int(name string) (int64, State) {
	value, state := c.find(name)
	if state != Present {
		return 0, state
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, WrongType
	}
	return n, Present
}

// Bool gives a claim that is true or false.
func (c Claims) Bool(name string) (bool, State) {
	value, state := c.find(name)
	if state == Present && value != "true" && value != "false" {
		state = WrongType
	}
	return state == Present && value == "true", state
}

// Time gives a claim that is a NumericDate (RFC 7519 §2), in seconds since 1970 rounded down, as
// PyJWT's int() reads it. Negative times are given as they are. Integers are exact; fractions and
// exponents count up to 2^53, beyond which no float holds a second.
func (c Claims) Time(name string) (unix int64, state State) {
	value, state := c.find(name)
	if state != Present {
		return 0, state
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return n, Present
	}
	if value[0] != '-' && !isDigit(value[0]) {
		return 0, WrongType
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.Abs(f) > 1<<53 {
		return 0, WrongType
	}
	return int64(math.Floor(f)), Present
}

// Strings gives a claim that is an array of strings.
func (c Claims) Strings(name string) ([]string, State) {
	value, state := c.find(name)
	if state != Present {
		return nil, state
	}
	if value[0] != '[' {
		return nil, WrongType
	}
	values := elements(value)
	for i, v := range values {
		if v[0] != '"' {
			return nil, WrongType
		}
		values[i] = unquote(v)
	}
	return values, Present
}

// Audience gives aud, which is one string or an array of them (RFC 7519 §4.1.3).
func (c Claims) Audience() ([]string, State) {
	if one, state := c.Text("aud"); state == Present {
		return []string{one}, Present
	}
	return c.Strings("aud")
}

// Raw gives a claim of any type as it was written. It is Null, never WrongType.
func (c Claims) Raw(name string) (json.RawMessage, State) {
	value, state := c.find(name)
	if state == Absent {
		return nil, Absent
	}
	return json.RawMessage(value), state
}

// Names gives the names of all claims in the order they were written.
func (c Claims) Names() []string {
	names := make([]string, len(c.members))
	for i, m := range c.members {
		names[i] = m.name
	}
	return names
}
