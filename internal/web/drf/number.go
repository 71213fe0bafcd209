package drf

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDigits is how long a whole number may be that Python reads (sys.int_info.default_max_str_digits).
const maxDigits = 4300

// number reads a number as Python's scanner does: the longest one that fits, what follows is
// somebody else's fault ("01" is 0 and extra data).
func (r *jsonReader) number() (value, error) {
	start, at := r.at, r.at
	if at < len(r.text) && r.text[at] == '-' {
		at++
	}
	digits := countDigits(r.text[at:])
	if digits == 0 {
		return value{}, r.fail("Expecting value", start)
	}
	if r.text[at] == '0' {
		digits = 1
	}
	at += digits
	whole := at
	if at < len(r.text) && r.text[at] == '.' {
		if n := countDigits(r.text[at+1:]); n > 0 {
			at += 1 + n
		}
	}
	if n := exponent(r.text[at:]); n > 0 {
		at += n
	}
	r.at = at
	if at > whole {
		return value{kind: float, text: pythonFloat(r.text[start:at])}, nil
	}
	if digits > maxDigits {
		return value{}, parseError(fmt.Sprintf("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; "+
			"use sys.set_int_max_str_digits() to increase the limit", maxDigits, digits))
	}
	if s := r.text[start:at]; s != "-0" {
		return value{kind: integer, text: s}, nil
	}
	return value{kind: integer, text: "0"}, nil
}

func countDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// exponent returns the length of the exponent that s begins with.
func exponent(s string) int {
	if s == "" || s[0]|0x20 != 'e' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '+' || s[n] == '-') {
		n++
	}
	digits := countDigits(s[n:])
	if digits == 0 {
		return 0
	}
	return n + digits
}

// pythonFloat prints the float written as s as Python's repr does: the shortest digits that name
// it, with an exponent below 1e-4 and from 1e16 on.
func pythonFloat(s string) string {
	f, _ := strconv.ParseFloat(s, 64) // out of range is infinite, as in Python
	short := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exp, found := strings.Cut(short, "e")
	if !found {
		return strings.ToLower(strings.TrimPrefix(short, "+")) // inf
	}
	if e, _ := strconv.Atoi(exp); e < -4 || e >= 16 {
		return mantissa + "e" + exp // both print at least two digits of it
	}
	fixed := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(fixed, ".") {
		fixed += ".0"
	}
	return fixed
}

// isSpace reports whether Python's str.strip removes c (str.isspace, Unicode 14).
func isSpace(c rune) bool {
	switch {
	case '\t' <= c && c <= '\r', 0x1C <= c && c <= ' ', c == 0x85, c == 0xA0:
		return true
	case c == 0x1680, 0x2000 <= c && c <= 0x200A, c == 0x2028, c == 0x2029, c == 0x202F, c == 0x205F, c == 0x3000:
		return true
	}
	return false
}

// strip is Python's str.strip.
func strip(s string) string { return strings.TrimFunc(s, isSpace) }
