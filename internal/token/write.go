package token

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Claim is one name of a token's payload and its value: string, int64, int, bool, nil, []string or
// json.RawMessage.
type Claim struct {
	Name  string
	Value any
}

// appendObject writes JSON byte for byte as Python's json.dumps(separators=(",", ":")) does, which
// PyJWT uses: in the order given, everything beyond ASCII escaped.
func appendObject(dst []byte, claims []Claim) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for i, claim := range claims {
		for _, other := range claims[:i] {
			if other.Name == claim.Name {
				return nil, fmt.Errorf("claim %q twice", claim.Name)
			}
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendString(dst, claim.Name); err != nil {
			return nil, err
		}
		if dst, err = appendValue(append(dst, ':'), claim.Value); err != nil {
			return nil, fmt.Errorf("claim %q: %w", claim.Name, err)
		}
	}
	return append(dst, '}'), nil
}

func appendValue(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendString(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case nil:
		return append(dst, "null"...), nil
	case []string:
		return appendStrings(dst, v)
	case json.RawMessage:
		return appendRaw(dst, string(v))
	}
	return nil, fmt.Errorf("no JSON for a %T", value)
}

func appendStrings(dst []byte, values []string) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendString(dst, value); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// appendRaw writes foreign JSON as ours: judged by readObject's rules, without white space, with
// the same escapes as the rest. Numbers stay as they are.
func appendRaw(dst []byte, text string) ([]byte, error) {
	if err := readValue(text); err != nil {
		return nil, err
	}
	for r := (reader{text: text}); r.space() != 0; {
		if r.text[r.pos] != '"' {
			dst = append(dst, r.text[r.pos])
			r.pos++
			continue
		}
		raw, err := r.quoted()
		if err != nil {
			return nil, err
		}
		if dst, err = appendString(dst, unquote(raw)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func appendString(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, malformed("not UTF-8")
	}
	dst = append(dst, '"')
	for _, char := range s {
		switch {
		case char == '"' || char == '\\':
			dst = append(dst, '\\', byte(char))
		case char >= ' ' && char <= '~':
			dst = append(dst, byte(char))
		case char == '\b':
			dst = append(dst, `\b`...)
		case char == '\f':
			dst = append(dst, `\f`...)
		case char == '\n':
			dst = append(dst, `\n`...)
		case char == '\r':
			dst = append(dst, `\r`...)
		case char == '\t':
			dst = append(dst, `\t`...)
		case char > 0xFFFF:
			high, low := utf16.EncodeRune(char)
			dst = appendEscape(appendEscape(dst, high), low)
		default:
			dst = appendEscape(dst, char)
		}
	}
	return append(dst, '"'), nil
}

func appendEscape(dst []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}
