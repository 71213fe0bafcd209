package drf

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"doorward/internal/account"
)

// Object is a JSON object whose members keep their order.
type Object []Member

// Member is one member of an Object. Its value is of a type that JSON takes.
type Member struct {
	Name  string
	Value any
}

// encode appends v as DRF's JSONRenderer writes it: compact, or with indent blanks a level.
func encode(b []byte, v any, indent int) ([]byte, error) {
	e := encoder{b: b, indent: indent}
	err := e.value(v)
	return e.b, err
}

type encoder struct {
	b             []byte
	indent, level int
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.b = append(e.b, "null"...)
	case string:
		e.b = appendText(e.b, v)
	case bool:
		e.b = strconv.AppendBool(e.b, v)
	case int:
		e.b = strconv.AppendInt(e.b, int64(v), 10)
	case int64:
		e.b = strconv.AppendInt(e.b, v, 10)
	case account.Value:
		e.declared(v)
	case Object:
		return e.object(v)
	case []Object:
		return e.nested('[', ']', len(v), func(i int) error { return e.object(v[i]) })
	case []string:
		return e.nested('[', ']', len(v), func(i int) error { e.b = appendText(e.b, v[i]); return nil })
	default:
		return fmt.Errorf("drf: no JSON for a %T", v)
	}
	return nil
}

// declared writes the value of a declared field: a decimal as a text, and a time with all six digits of its
// microseconds or with none, as Python's isoformat does.
func (e *encoder) declared(v account.Value) {
	switch {
	case v.IsNull():
		e.b = append(e.b, "null"...)
	case v.IsText():
		e.b = appendText(e.b, v.String())
	case v.IsTime():
		form := "2006-01-02T15:04:05.000000Z07:00"
		if v.Int()%1e6 == 0 {
			form = time.RFC3339
		}
		e.b = append(v.Time().AppendFormat(append(e.b, '"'), form), '"')
	default:
		e.b = v.Append(e.b)
	}
}

func (e *encoder) object(o Object) error {
	return e.nested('{', '}', len(o), func(i int) error {
		e.b = append(appendText(e.b, o[i].Name), ':')
		if e.indent > 0 {
			e.b = append(e.b, ' ')
		}
		return e.value(o[i].Value)
	})
}

// nested writes the n items of a list or an object.
func (e *encoder) nested(open, end byte, n int, item func(i int) error) error {
	e.b = append(e.b, open)
	e.level++
	for i := range n {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.newline()
		if err := item(i); err != nil {
			return err
		}
	}
	e.level--
	if n > 0 {
		e.newline()
	}
	e.b = append(e.b, end)
	return nil
}

func (e *encoder) newline() {
	if e.indent == 0 {
		return
	}
	e.b = append(e.b, '\n')
	for range e.indent * e.level {
		e.b = append(e.b, ' ')
	}
}

const hexDigits = "0123456789abcdef"

// appendText quotes s as json.dumps does with ensure_ascii off, and U+2028 and U+2029 as DRF does
// on top of it. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			b = appendASCII(b, c)
			i++
			continue
		}
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == '\u2028' || c == '\u2029' {
			b = append(b, `\u202`...)
			b = append(b, hexDigits[c&0xF])
		} else {
			b = utf8.AppendRune(b, c)
		}
		i += n
	}
	return append(b, '"')
}

func appendASCII(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	if c < ' ' {
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
	}
	return append(b, c)
}
