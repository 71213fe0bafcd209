package drf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// str reads a text, whose opening quote is next.
func (r *jsonReader) str() (string, error) {
	start := r.at
	r.at++
	var b strings.Builder // unused while there is no escape
	for plain := r.at; ; {
		switch c := r.peek(); {
		case r.at >= len(r.text):
			return "", r.fail("Unterminated string starting at", start)
		case c == '"':
			s := r.text[plain:r.at]
			r.at++
			if b.Len() == 0 {
				return s, nil
			}
			b.WriteString(s)
			return b.String(), nil
		case c < ' ':
			return "", r.fail("Invalid control character at", r.at)
		case c == '\\':
			b.WriteString(r.text[plain:r.at])
			if err := r.escape(&b, start); err != nil {
				return "", err
			}
			plain = r.at
		default:
			r.at++
		}
	}
}

// escapes are the letters behind a backslash but u, and what they mean.
const (
	escapes  = `"\/bfnrt`
	escapees = "\"\\/\b\f\n\r\t"
)

// escape reads what a backslash, which is next, begins; start is where the text began.
func (r *jsonReader) escape(b *strings.Builder, start int) error {
	r.at++
	if r.at >= len(r.text) {
		return r.fail("Unterminated string starting at", start)
	}
	c := r.text[r.at]
	if c == 'u' {
		return r.unicode(b)
	}
	i := strings.IndexByte(escapes, c)
	if i < 0 {
		return r.fail(`Invalid \escape`, r.at-1)
	}
	r.at++
	b.WriteByte(escapees[i])
	return nil
}

// unicode reads a \uXXXX escape, whose u is next, and the second half of a pair with it.
func (r *jsonReader) unicode(b *strings.Builder) error {
	c, ok := hex4(r.text[r.at+1:])
	if !ok {
		return r.fail(`Invalid \uXXXX escape`, r.at)
	}
	r.at += 5
	if rest := r.text[r.at:]; isHigh(c) && strings.HasPrefix(rest, `\u`) {
		if low, ok := hex4(rest[2:]); ok && isSurrogate(low) && !isHigh(low) {
			r.at += 6
			b.WriteRune((c-0xD800)<<10 + (low - 0xDC00) + 0x10000)
			return nil
		}
	}
	if isSurrogate(c) {
		b.Write(appendSurrogate(nil, c))
		return nil
	}
	b.WriteRune(c)
	return nil
}

// hex4 reads the four digits that s begins with. Nothing behind them is an error too, as in Python,
// which sees it before the missing quote.
func hex4(s string) (c rune, ok bool) {
	if len(s) < 5 {
		return 0, false
	}
	for i := range 4 {
		digit, ok := hexDigit(s[i])
		if !ok {
			return 0, false
		}
		c = c<<4 | digit
	}
	return c, true
}

func hexDigit(c byte) (digit rune, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

func isSurrogate(c rune) bool { return 0xD800 <= c && c <= 0xDFFF }
func isHigh(c rune) bool      { return 0xD800 <= c && c <= 0xDBFF }

// appendSurrogate appends half of a pair, which Python's text can hold and UTF-8 cannot, as the
// three bytes that UTF-8 would have for it. Validation refuses such text; see surrogate.
func appendSurrogate(b []byte, c rune) []byte {
	return append(b, 0xED, byte(0x80|c>>6&0x3F), byte(0x80|c&0x3F))
}

// surrogate returns the first lone surrogate of s, or 0.
func surrogate(s string) rune {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == 0xED && s[i+1] >= 0xA0 {
			return 0xD000 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F)
		}
	}
	return 0
}

// characters counts as Python's len does: a lone surrogate is one.
func characters(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// badUTF8 says in Python's words what keeps b from being UTF-8; "" when nothing does.
func badUTF8(b []byte) string {
	if utf8.Valid(b) {
		return ""
	}
	at := 0
	for {
		c, n := utf8.DecodeRune(b[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	n, why := brokenSequence(b[at:])
	if n == 1 {
		return fmt.Sprintf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", b[at], at, why)
	}
	return fmt.Sprintf("'utf-8' codec can't decode bytes in position %d-%d: %s", at, at+n-1, why)
}

// brokenSequence tells how many bytes of b, which begins with no character, belong together
// (Unicode 15 table 3-7), and what Python calls it.
func brokenSequence(b []byte) (n int, why string) {
	want, low, high := 0, byte(0x80), byte(0xBF) // bytes to follow, bounds of the first of them
	switch c := b[0]; {
	case c < 0xC2 || c > 0xF4:
		return 1, "invalid start byte"
	case c < 0xE0:
		want = 1
	case c < 0xF0:
		want = 2
	default:
		want = 3
	}
	switch b[0] {
	case 0xE0:
		low = 0xA0
	case 0xED:
		high = 0x9F
	case 0xF0:
		low = 0x90
	case 0xF4:
		high = 0x8F
	}
	for n = 1; n <= want; n++ {
		if n == len(b) {
			return n, "unexpected end of data"
		}
		if b[n] < low || b[n] > high {
			break
		}
		low, high = 0x80, 0xBF
	}
	return n, "invalid continuation byte"
}
