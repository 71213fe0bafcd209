package drf

import (
	"strconv"
	"strings"
	"time"

	"doorward/internal/pattern"
)

// inferred is the value that the text of an element stands for (XMLParser._type_convert): nothing, a moment, a whole
// number, a decimal one, or else itself. Only digits of ASCII are digits.
func inferred(s string) value {
	if s == "" {
		return value{kind: null}
	}
	v := value{kind: text, text: s}
	if at, ok := pythonMoment(s); ok {
		v = value{kind: instant, text: at}
	} else if n, ok := pythonInt(s); ok {
		v = value{kind: integer, text: n}
	} else if n, ok := pythonDecimal(s); ok {
		v = value{kind: precise, text: n}
	}
	v.written = s
	return v
}

var momentForm = pattern.Of(`^(\d{4})-(\d{1,2})-( \d|\d{1,2})\s+(\d{1,2}):(\d{1,2}):(\d{1,2})$`)

// pythonMoment reads "2011-12-25 12:45:00" as Python's strptime does, and prints it as str.
func pythonMoment(s string) (string, bool) {
	m := momentForm().FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(strings.TrimSpace(m[i+1]))
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	exact := t.Year() == n[0] && int(t.Month()) == n[1] && t.Day() == n[2] && t.Hour() == n[3] && t.Minute() == n[4] && t.Second() == n[5]
	return t.Format(time.DateTime), exact && n[0] > 0
}

var intForm = pattern.Of(`^[+-]?\d+(_\d+)*$`)

// pythonInt reads a whole number as Python's int does, and prints it as str.
func pythonInt(s string) (string, bool) {
	s = strip(s)
	if !intForm().MatchString(s) {
		return "", false
	}
	digits := strings.ReplaceAll(strings.TrimLeft(s, "+-"), "_", "")
	if len(digits) > maxDigits {
		return "", false
	}
	digits = strings.TrimLeft(digits, "0")
	switch {
	case digits == "":
		return "0", true
	case s[0] == '-':
		return "-" + digits, true
	}
	return digits, true
}

var decimalForm = pattern.Of(`(?i)^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d{1,18})?|inf(inity)?|s?nan\d*)$`)

// pythonDecimal reads a number as Python's Decimal does. It is left as it was written, without underscores.
func pythonDecimal(s string) (string, bool) {
	s = strings.ReplaceAll(strip(s), "_", "")
	return s, decimalForm().MatchString(s)
}
