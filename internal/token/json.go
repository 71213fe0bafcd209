package token

import (
	"hash/maphash"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of foreign JSON. They keep the worst text of MaxLen bytes cheap: looking for twin names
// takes time by their square within one object.
const (
	maxDepth    = 16
	maxMembers  = 64   // in one object
	headerNames = 16   // in all objects of a header
	tokenNames  = 64   // in all objects of a payload or a JWK
	keysNames   = 8192 // in all objects of a key set
)

// member is one name of an object with its value as it was written, without white space around.
type member struct{ name, value string }

// readObject reads text as exactly one JSON object (RFC 8259), more strictly than encoding/json:
// names are case-sensitive and no two of one object are equal, at any level (RFC 8725 §2.6 lets
// parsers differ there); the text is valid UTF-8, escapes too; depth and names are bounded; numbers
// are kept as they were written. Every error is ErrMalformed. Nothing is copied but names that
// were written with escapes.
func readObject(text string, names int) ([]member, error) {
	r := reader{text: text, budget: names, names: make([]nameSeen, 0, 16)}
	if !utf8.ValidString(text) {
		return nil, malformed("not UTF-8")
	}
	if r.space() != '{' {
		return nil, malformed("not a JSON object")
	}
	members := make([]member, 0, 8)
	if err := r.object(1, &members); err != nil {
		return nil, err
	}
	if r.space(); r.pos < len(text) {
		return nil, malformed("text after the JSON object")
	}
	return members, nil
}

// readValue judges text as one JSON value of any kind by the same rules.
func readValue(text string) error {
	r := reader{text: text, budget: tokenNames}
	if !utf8.ValidString(text) {
		return malformed("not UTF-8")
	}
	r.space()
	if err := r.value(0); err != nil {
		return err
	}
	if r.space(); r.pos < len(text) {
		return malformed("text after the JSON value")
	}
	return nil
}

// elements splits an array that readObject or readValue has judged.
func elements(array string) []string {
	r := reader{text: array, pos: 1, budget: keysNames}
	var values []string
	for r.space() != ']' {
		start := r.pos
		if r.value(1) != nil {
			return nil
		}
		values = append(values, array[start:r.pos])
		if r.space() == ',' {
			r.pos++
		}
	}
	return values
}

type reader struct {
	text   string
	pos    int
	budget int        // names still allowed
	names  []nameSeen // of the nested objects being read, innermost last
}

// nameSeen has a hash beside the name, to compare the many names of a hostile text by.
type nameSeen struct {
	hash uint64
	name string
}

var nameSeed = maphash.MakeSeed()

// space skips white space and gives the byte after it, 0 at the end.
func (r *reader) space() byte {
	for ; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// value reads the value that starts at pos.
func (r *reader) value(depth int) error {
	var c byte
	if r.pos < len(r.text) {
		c = r.text[r.pos]
	}
	switch {
	case c == '"':
		_, err := r.quoted()
		return err
	case c == '{':
		return r.object(depth+1, nil)
	case c == '[':
		return r.array(depth + 1)
	case c == '-' || isDigit(c):
		return r.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(r.text[r.pos:], word) {
			r.pos += len(word)
			return nil
		}
	}
	return malformed("not JSON")
}

// object reads the object that starts at pos, into keep unless that is nil.
func (r *reader) object(depth int, keep *[]member) error {
	if depth > maxDepth {
		return malformed("JSON too deep")
	}
	outer := len(r.names)
	defer func() { r.names = r.names[:outer] }()
	r.pos++
	if r.space() == '}' {
		r.pos++
		return nil
	}
	for {
		name, err := r.name(outer)
		if err != nil {
			return err
		}
		start := r.pos
		if err := r.value(depth); err != nil {
			return err
		}
		if keep != nil {
			*keep = append(*keep, member{name, r.text[start:r.pos]})
		}
		if done, err := r.next('}'); done || err != nil {
			return err
		}
	}
}

// name reads a name, which is none of those since outer, its colon, and white space up to the value.
func (r *reader) name(outer int) (string, error) {
	if r.space() != '"' {
		return "", malformed("not JSON")
	}
	raw, err := r.quoted()
	if err != nil {
		return "", err
	}
	if r.budget--; r.budget < 0 || len(r.names)-outer >= maxMembers {
		return "", malformed("too many names")
	}
	name := unquote(raw)
	hash := maphash.String(nameSeed, name)
	for i := outer; i < len(r.names); i++ {
		if r.names[i].hash == hash && r.names[i].name == name {
			return "", malformed("a name twice")
		}
	}
	r.names = append(r.names, nameSeen{hash, name})
	if r.space() != ':' {
		return "", malformed("not JSON")
	}
	r.pos++
	r.space()
	return name, nil
}

func (r *reader) array(depth int) error {
	if depth > maxDepth {
		return malformed("JSON too deep")
	}
	r.pos++
	if r.space() == ']' {
		r.pos++
		return nil
	}
	for {
		if err := r.value(depth); err != nil {
			return err
		}
		if done, err := r.next(']'); done || err != nil {
			return err
		}
	}
}

// next reads the comma before another element, or the bracket after the last.
func (r *reader) next(end byte) (done bool, err error) {
	c := r.space()
	if c != ',' && c != end {
		return false, malformed("not JSON")
	}
	r.pos++
	if c == ',' {
		r.space()
	}
	return c == end, nil
}

// quoted reads a string and gives it with its quotes and escapes.
func (r *reader) quoted() (string, error) {
	start := r.pos
	for r.pos++; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; {
		case c == '"':
			r.pos++
			return r.text[start:r.pos], nil
		case c < ' ':
			return "", malformed("control character in JSON text")
		case c == '\\':
			_, size := unescape(r.text[r.pos:])
			if size == 0 {
				return "", malformed("wrong escape in JSON text")
			}
			r.pos += size - 1
		}
	}
	return "", malformed("not JSON")
}

// number reads a number by the grammar of RFC 8259 §6.
func (r *reader) number() error {
	if r.text[r.pos] == '-' {
		r.pos++
	}
	leading := r.pos
	if n := r.digits(); n == 0 || n > 1 && r.text[leading] == '0' {
		return malformed("not a JSON number")
	}
	if r.pos < len(r.text) && r.text[r.pos] == '.' {
		r.pos++
		if r.digits() == 0 {
			return malformed("not a JSON number")
		}
	}
	if r.pos < len(r.text) && r.text[r.pos]|0x20 == 'e' {
		r.pos++
		if r.pos < len(r.text) && (r.text[r.pos] == '+' || r.text[r.pos] == '-') {
			r.pos++
		}
		if r.digits() == 0 {
			return malformed("not a JSON number")
		}
	}
	return nil
}

func (r *reader) digits() (n int) {
	for r.pos < len(r.text) && isDigit(r.text[r.pos]) {
		r.pos++
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// unquote gives the text of a string that has been read, without a copy unless it has escapes.
func unquote(raw string) string {
	inner := raw[1 : len(raw)-1]
	first := strings.IndexByte(inner, '\\')
	if first < 0 {
		return inner
	}
	text := make([]byte, 0, len(inner))
	for text = append(text, inner[:first]...); first < len(inner); {
		if inner[first] != '\\' {
			text = append(text, inner[first])
			first++
			continue
		}
		char, size := unescape(inner[first:])
		text = utf8.AppendRune(text, char)
		first += size
	}
	return string(text)
}

// unescape reads the escape that text starts with: its character and its length in bytes, 0 where
// it is none. Half a surrogate pair is none: it is no character, and no UTF-8 could hold it.
func unescape(text string) (char rune, size int) {
	if len(text) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	char, ok := codeUnit(text)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(char) {
		return char, 6
	}
	low, ok := codeUnit(text[6:])
	if char = utf16.DecodeRune(char, low); !ok || char == utf8.RuneError {
		return 0, 0
	}
	return char, 12
}

// codeUnit reads \uXXXX.
func codeUnit(text string) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(text[2:6]) {
		digit := strings.IndexByte("0123456789abcdefABCDEF", c)
		if digit < 0 {
			return 0, false
		}
		if digit > 15 {
			digit -= 6 // upper case
		}
		unit = unit<<4 | rune(digit)
	}
	return unit, true
}
