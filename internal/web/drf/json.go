package drf

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"doorward/internal/web"
)

// Bounds of a JSON body. They keep the worst one that is not too long cheap.
const (
	maxDepth = web.MaxDepth
	maxNames = web.MaxMembers // in all objects together
)

// kind is what a value was on the wire, by Python's types.
type kind uint8

const (
	absent kind = iota
	null
	boolean
	integer
	float
	text
	list
	object
	precise // a decimal number of XML
	instant // a moment of XML
	file    // an upload of a multipart form
)

// typeNames are Python's names of the types, as messages show them.
var typeNames = [...]string{
	null: "NoneType", boolean: "bool", integer: "int", float: "float", text: "str", list: "list", object: "dict", precise: "Decimal", instant: "datetime",
}

// value is one value of a body. Of a list only the text is kept: no field takes its items.
type value struct {
	kind    kind
	truth   bool     // of a boolean
	text    string   // a text, or a number as Python prints it; lone surrogates as in appendSurrogate; of a list or object its JSON
	written string   // in XML: a text, or what stands for something else
	members []member // of an object, in order, twins included
}

type member struct {
	name  string
	value value
}

// get returns the member called name, the last one of twins as Python's dict has it; names are
// case-sensitive. Its kind is absent when there is none.
func (v value) get(name string) value {
	for i := len(v.members) - 1; i >= 0; i-- {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return value{}
}

// parseError is what is wrong with a body, in Python's words where Python has some.
type parseError string

func (e parseError) Error() string { return string(e) }

// readJSON reads one JSON document as Python's json.load does for DRF's JSONParser (strict: no
// NaN), and with its texts (CPython 3.11, Modules/_json.c). It is stricter in three things: bytes
// that end within a character are refused, and depth and names are bounded.
func readJSON(body []byte) (value, error) {
	if reason := badUTF8(body); reason != "" {
		return value{}, parseError(reason)
	}
	r := jsonReader{text: string(body)}
	if strings.HasPrefix(r.text, "\ufeff") {
		return value{}, r.fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	r.space()
	v, err := r.value()
	if err != nil {
		return value{}, err
	}
	if r.space(); r.at < len(r.text) {
		return value{}, r.fail("Extra data", r.at)
	}
	return v, nil
}

type jsonReader struct {
	text         string
	at           int // the next byte
	depth, names int
}

// fail says what is wrong at a byte offset; Python counts characters.
func (r *jsonReader) fail(what string, at int) error {
	before := r.text[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return parseError(fmt.Sprintf("%s: line %d column %d (char %d)", what, line, column, utf8.RuneCountInString(before)))
}

// peek returns the next byte, or 0 at the end; a 0 in the text is no token either.
func (r *jsonReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *jsonReader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// constants are the words of JSON, and after them those that Python knows but DRF refuses.
var constants = []struct {
	word    string
	value   value
	refused bool
}{
	{"null", value{kind: null}, false},
	{"true", value{kind: boolean, truth: true}, false},
	{"false", value{kind: boolean}, false},
	{"NaN", value{}, true},
	{"Infinity", value{}, true},
	{"-Infinity", value{}, true},
}

func (r *jsonReader) value() (value, error) {
	switch r.peek() {
	case '"':
		s, err := r.str()
		return value{kind: text, text: s}, err
	case '{':
		return r.nested(r.object)
	case '[':
		return r.nested(r.list)
	}
	for _, c := range constants {
		if !strings.HasPrefix(r.text[r.at:], c.word) {
			continue
		}
		if c.refused {
			return value{}, parseError("Out of range float values are not JSON compliant: '" + c.word + "'")
		}
		r.at += len(c.word)
		return c.value, nil
	}
	return r.number()
}

// nested reads an object or a list, whose first byte is next.
func (r *jsonReader) nested(read func() (value, error)) (value, error) {
	if r.depth++; r.depth > maxDepth {
		return value{}, r.fail(fmt.Sprintf("More than %d levels", maxDepth), r.at)
	}
	start := r.at
	r.at++
	r.space()
	v, err := read()
	v.text = r.text[start:r.at]
	r.depth--
	return v, err
}

func (r *jsonReader) object() (value, error) {
	v := value{kind: object}
	if r.peek() == '}' {
		r.at++
		return v, nil
	}
	for {
		m, err := r.member()
		if err != nil {
			return value{}, err
		}
		v.members = append(v.members, m)
		if done, err := r.more('}'); done || err != nil {
			return v, err
		}
	}
}

func (r *jsonReader) member() (member, error) {
	if r.peek() != '"' {
		return member{}, r.fail("Expecting property name enclosed in double quotes", r.at)
	}
	if r.names++; r.names > maxNames {
		return member{}, r.fail(fmt.Sprintf("More than %d names", maxNames), r.at)
	}
	name, err := r.str()
	if err != nil {
		return member{}, err
	}
	if r.space(); r.peek() != ':' {
		return member{}, r.fail("Expecting ':' delimiter", r.at)
	}
	r.at++
	r.space()
	v, err := r.value()
	return member{name, v}, err
}

func (r *jsonReader) list() (value, error) {
	v := value{kind: list}
	if r.peek() == ']' {
		r.at++
		return v, nil
	}
	for {
		if _, err := r.value(); err != nil {
			return value{}, err
		}
		if done, err := r.more(']'); done || err != nil {
			return v, err
		}
	}
}

// more reads what stands behind a value: end, and it reports true, or a comma.
func (r *jsonReader) more(end byte) (done bool, err error) {
	r.space()
	switch r.peek() {
	case end:
		r.at++
		return true, nil
	case ',':
		r.at++
		r.space()
		return false, nil
	}
	return false, r.fail("Expecting ',' delimiter", r.at)
}
