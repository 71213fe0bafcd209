package drf

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"doorward/internal/account"
)

// encodeXML appends v as djangorestframework-xml 2.0 writes it. What no XML holds becomes U+FFFD in a text and "_" in a name,
// where Django fails or writes what is no XML.
func encodeXML(b []byte, v any) ([]byte, error) {
	e := xmlEncoder{append(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"...)}
	err := e.member("root", v)
	return e.b, err
}

type xmlEncoder struct{ b []byte }

// element writes an element around what inner writes.
func (e *xmlEncoder) element(name string, inner func() error) error {
	start := len(e.b) + 1
	e.b = appendName(append(e.b, '<'), name)
	tag := string(e.b[start:])
	e.b = append(e.b, '>')
	err := inner()
	e.b = append(append(append(e.b, "</"...), tag...), '>')
	return err
}

func (e *xmlEncoder) member(name string, v any) error {
	return e.element(name, func() error { return e.value(v) })
}

func (e *xmlEncoder) value(v any) error {
	switch v := v.(type) {
	case nil:
	case string:
		e.b = appendCharacters(e.b, v)
	case bool:
		e.b = append(e.b, python(value{kind: boolean, truth: v})...)
	case int:
		e.b = strconv.AppendInt(e.b, int64(v), 10)
	case int64:
		e.b = strconv.AppendInt(e.b, v, 10)
	case account.Value:
		return e.declared(v)
	case Object:
		for _, m := range v {
			if err := e.member(m.Name, m.Value); err != nil {
				return err
			}
		}
	case []Object:
		for _, o := range v {
			if err := e.member(listItem, o); err != nil {
				return err
			}
		}
	case []string:
		for _, s := range v {
			if err := e.member(listItem, s); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("drf: no XML for a %T", v)
	}
	return nil
}

// declared writes the value of a declared field as its JSON says.
func (e *xmlEncoder) declared(v account.Value) error {
	raw, err := encode(nil, v, 0)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return e.json(d)
}

// json writes the JSON that is next.
func (e *xmlEncoder) json(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Number:
		n := string(token)
		if strings.ContainsAny(n, ".eE") {
			n = pythonFloat(n)
		}
		e.b = append(e.b, n...)
		return nil
	case json.Delim:
		return e.nested(d, token == '[')
	default:
		return e.value(token)
	}
}

// nested writes the members of a list or an object, whose start was read.
func (e *xmlEncoder) nested(d *json.Decoder, isList bool) error {
	for d.More() {
		name := listItem
		if !isList {
			token, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = token.(string)
		}
		if err := e.element(name, func() error { return e.json(d) }); err != nil {
			return err
		}
	}
	_, err := d.Token() // its end
	return err
}

// appendCharacters escapes s as Python's xml.sax.saxutils does.
func appendCharacters(b []byte, s string) []byte {
	for _, c := range s {
		switch {
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case !isXML(c):
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return b
}

// appendName writes the name of an element, which is a key of somebody's JSON at worst: letters, and behind the first one digits,
// hyphens and dots, stay; what else there is could end the tag.
func appendName(b []byte, name string) []byte {
	start := len(b)
	for _, c := range name {
		letter := c == '_' || unicode.IsLetter(c) && (c < utf8.RuneSelf || startsName(c))
		if !letter && (len(b) == start || !strings.ContainsRune("-.0123456789", c)) {
			c = '_'
		}
		b = utf8.AppendRune(b, c)
	}
	if len(b) == start {
		b = append(b, '_')
	}
	return b
}

// startsName reports whether a name may begin with c for those who read it: Go's parser and Python's know the letters of
// the fourth edition of XML 1.0, which are fewer than Unicode's and than the fifth's.
func startsName(c rune) bool {
	_, err := xml.NewDecoder(strings.NewReader("<" + string(c) + "/>")).RawToken()
	return err == nil
}
