package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"doorward/internal/pattern"
)

// The bounds of values whose field has no narrower ones.
const (
	maxText  = 255    // characters of one line
	maxLong  = 10_000 // characters of a long text
	maxURL   = 200    // as Django's URLField
	maxPhone = 32
	maxJSON  = 1 << 14 // bytes
)

// MaxLength is the longest text of the field, in characters; 0 for what is no text.
func (f *FieldSpec) MaxLength() int {
	if f.Max != nil && f.Kind.IsText() {
		return int(*f.Max)
	}
	switch f.Kind {
	case ShortText, Choice:
		return maxText
	case LongText:
		return maxLong
	case URL:
		return maxURL
	case PhoneNo:
		return maxPhone
	}
	return 0
}

// Judge says what is wrong with a value of the field, and how a good one is kept. Codes: Null, Blank,
// WrongType, Invalid, TooLong, TooShort, TooBig, TooSmall, TooManyDigits, TooManyPlaces, TooManyWhole,
// NotChoice, NoMatch. Whether somebody else has it is the table's to say.
func (f *FieldSpec) Judge(v Value) (Value, []Problem) {
	problem := func(c Code, limit int) []Problem { return []Problem{{Code: c, Field: f.Name, Limit: limit}} }
	if v.IsNull() {
		if !f.Null {
			return v, problem(Null, 0)
		}
		return v, nil
	}
	if v.kind != f.Kind.holds() {
		return v, problem(WrongType, 0)
	}
	switch f.Kind {
	case Integer:
		return v, f.judgeNumber(v.number, 0)
	case Decimal:
		return f.judgeDecimal(v.text)
	case Date:
		if t, err := time.Parse(time.DateOnly, v.text); err != nil || t.Year() < 1 {
			return v, problem(Invalid, 0)
		}
	case Timestamp:
		if year := v.Time().Year(); year < 1 || year > 9999 {
			return v, problem(Invalid, 0)
		}
	case JSON:
		var b bytes.Buffer
		if !isText(v.text) || json.Compact(&b, []byte(v.text)) != nil || !storableJSON(v.text) {
			return v, problem(Invalid, 0)
		}
		if b.Len() > maxJSON {
			return v, problem(TooLong, maxJSON)
		}
		return JSONValue(b.Bytes()), nil
	case Boolean:
	default:
		return v, f.judgeText(v.text)
	}
	return v, nil
}

// storableJSON reports whether PostgreSQL's jsonb, which a table of Django's has, takes a JSON text: no null character, no half of a
// surrogate pair, no number that no double holds.
func storableJSON(text string) bool {
	high := false // the escape before this was the first half of a pair
	for i := 0; i < len(text); i++ {
		var unit uint64
		if text[i] == '\\' {
			if i++; text[i] == 'u' {
				unit, _ = strconv.ParseUint(text[i+1:i+5], 16, 16)
				if i += 4; unit == 0 {
					return false
				}
			}
		}
		if low := 0xDC00 <= unit && unit <= 0xDFFF; low != high {
			return false
		}
		high = 0xD800 <= unit && unit < 0xDC00
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if n, ok := token.(json.Number); ok {
			if _, err := n.Float64(); err != nil {
				return false
			}
		}
	}
}

// holds is the kind of value that goes into the field.
func (k FieldKind) holds() valueKind {
	switch k {
	case Integer:
		return integerValue
	case Decimal:
		return decimalValue
	case Boolean:
		return booleanValue
	case Date:
		return dateValue
	case Timestamp:
		return timeValue
	case JSON:
		return jsonValue
	}
	return textValue
}

// judgeText gives all that is wrong, in the order of DRF: a model's validators, lengths, then form.
func (f *FieldSpec) judgeText(text string) (problems []Problem) {
	add := func(c Code, limit int) { problems = append(problems, Problem{Code: c, Field: f.Name, Limit: limit}) }
	if text == "" {
		if !f.Blank {
			add(Blank, 0)
		}
		return problems
	}
	if !isText(text) {
		add(Invalid, 0)
		return problems
	}
	if f.Kind == Choice {
		for _, c := range f.Choices {
			if c == text {
				return nil
			}
		}
		return []Problem{{Code: NotChoice, Field: f.Name, Label: text}}
	}
	if f.Pattern != nil && !f.Pattern.MatchString(text) {
		add(NoMatch, 0)
	}
	n := utf8.RuneCountInString(text)
	if most := f.MaxLength(); n > most {
		add(TooLong, most)
	}
	if f.Min != nil && int64(n) < *f.Min {
		add(TooShort, int(*f.Min))
	}
	if f.Kind == URL && !validURL(text) || f.Kind == PhoneNo && !validPhone(text) {
		add(Invalid, 0)
	}
	return problems
}

// judgeNumber compares a number that has a fraction of the sign of `fraction` beyond n.
func (f *FieldSpec) judgeNumber(n int64, fraction int) []Problem {
	switch {
	case f.Max != nil && (n > *f.Max || n == *f.Max && fraction > 0):
		return []Problem{{Code: TooBig, Field: f.Name, Limit: int(*f.Max)}}
	case f.Min != nil && (n < *f.Min || n == *f.Min && fraction < 0):
		return []Problem{{Code: TooSmall, Field: f.Name, Limit: int(*f.Min)}}
	}
	return nil
}

var decimalText = pattern.Of(`^([+-]?)([0-9]+)(?:\.([0-9]*))?$`)

// judgeDecimal keeps a decimal with as many places as the field has, so that equal ones are equal texts.
func (f *FieldSpec) judgeDecimal(text string) (Value, []Problem) {
	refuse := func(c Code, limit int) (Value, []Problem) {
		return Value{}, []Problem{{Code: c, Field: f.Name, Limit: limit}}
	}
	m := decimalText().FindStringSubmatch(text)
	if m == nil || len(text) > 1000 {
		return refuse(Invalid, 0)
	}
	sign, whole, places := m[1], strings.TrimLeft(m[2], "0"), m[3]
	switch { // the order of DRF's DecimalField.validate_precision
	case len(whole)+len(places) > f.Digits:
		return refuse(TooManyDigits, f.Digits)
	case len(places) > f.Places:
		return refuse(TooManyPlaces, f.Places)
	case len(whole) > f.Digits-f.Places:
		return refuse(TooManyWhole, f.Digits-f.Places)
	}
	kept := whole
	if kept == "" {
		kept = "0"
	}
	if f.Places > 0 {
		kept += "." + places + strings.Repeat("0", f.Places-len(places))
	}
	fraction := 0
	if strings.Trim(places, "0") != "" {
		fraction = 1
	}
	if sign == "-" && strings.Trim(whole+places, "0") != "" {
		kept, fraction = "-"+kept, -fraction
	}
	if f.Max != nil || f.Min != nil {
		n, err := strconv.ParseInt(strings.TrimSuffix(sign, "+")+"0"+whole, 10, 64)
		if err != nil { // beyond every bound
			n, _ = strconv.ParseInt(strings.TrimSuffix(sign, "+")+"9223372036854775807", 10, 64)
		}
		if problems := f.judgeNumber(n, fraction); problems != nil {
			return Value{}, problems
		}
	}
	return DecimalValue(kept), nil
}

var (
	dateText  = pattern.Of(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$`)
	stampText = pattern.Of(`^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6})[0-9]{0,6})?)?\s*(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$`)
)

// Parse reads a value of the field from a text, as a form, a command or the configuration has it, and
// reports false for one that is of another type. Texts are taken as they are, and nothing is judged yet.
// Dates and time stamps are read as Django reads them; without a zone a time is in UTC.
func (f *FieldSpec) Parse(text string) (Value, bool) {
	switch f.Kind {
	case Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		return IntegerValue(n), err == nil
	case Decimal:
		return DecimalValue(text), decimalText().MatchString(text)
	case Boolean:
		return BooleanValue(text == "true" || text == "1"), text == "true" || text == "false" || text == "1" || text == "0"
	case Date:
		t, ok := parseDate(text)
		return DateValue(t), ok
	case Timestamp:
		t, ok := parseStamp(text)
		return TimeValue(t), ok
	case JSON:
		return JSONValue([]byte(text)), json.Valid([]byte(text))
	}
	return TextValue(text), true
}

func parseDate(text string) (time.Time, bool) {
	m := dateText().FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-1-2", m[1]+"-"+strings.TrimPrefix(m[2], "0")+"-"+strings.TrimPrefix(m[3], "0"))
	return t, err == nil && t.Year() > 0
}

// parseStamp reads what django.utils.dateparse.parse_datetime reads.
func parseStamp(text string) (time.Time, bool) {
	m := stampText().FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	day, ok := parseDate(m[1])
	hour, _ := strconv.Atoi(m[2])
	minute, _ := strconv.Atoi(m[3])
	second, _ := strconv.Atoi("0" + m[4])
	micro, _ := strconv.Atoi((m[5] + "000000")[:6])
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(micro)*time.Microsecond)
	if zone := strings.ReplaceAll(m[6], ":", ""); zone != "" && zone != "Z" {
		hours, _ := strconv.Atoi(zone[1:3])
		minutes, _ := strconv.Atoi("0" + zone[3:])
		if hours > 23 || minutes > 59 {
			return time.Time{}, false
		}
		ahead := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if zone[0] == '-' {
			ahead = -ahead
		}
		t = t.Add(-ahead)
	}
	return t, t.Year() > 0 && t.Year() < 10000
}

// urlText is the pattern of Django's URLValidator (django/core/validators.py, 3.2), without the looks
// ahead and behind, which its parts here do without. It takes 20 ms to compile: whoever has such a
// field waits for it once.
var urlText = sync.OnceValue(func() *regexp.Regexp {
	const (
		letter = `a-z\x{a1}-\x{ffff}`
		inner  = letter + `0-9`
		label  = `[` + inner + `](?:[` + inner + `-]{0,61}[` + inner + `])?`
		tld    = `\.(?:[` + letter + `][` + letter + `-]{0,61}[` + letter + `]|xn--[a-z0-9]{0,58}[a-z0-9])\.?`
		octet  = `(?:0|25[0-5]|2[0-4][0-9]|1[0-9]?[0-9]?|[1-9][0-9]?)`
		host   = `(?:` + octet + `(?:\.` + octet + `){3}|\[([0-9a-f:.]+)\]|((?:` + label + `(?:\.` + label + `)*` + tld + `)|localhost))`
		space  = `\s\p{Z}\x{85}\x{1c}-\x{1f}\x{b}`
	)
	return regexp.MustCompile(`(?i)^(?:https?|ftps?)://(?:[^` + space + `:@/]+(?::[^` + space + `:@/]*)?@)?` + host +
		`(?::[0-9]{2,5})?(?:[/?#][^` + space + `]*)?$`)
})

// validURL is Django's URLValidator.
func validURL(text string) bool {
	m := urlText().FindStringSubmatch(text)
	if m == nil || len(m[2]) > 253 {
		return false
	}
	if m[1] == "" {
		return true
	}
	addr, err := netip.ParseAddr(m[1])
	return err == nil && addr.Is6() && addr.Zone() == ""
}

// validPhone takes 3 to 15 digits (ITU-T E.164 has at most 15), a plus in front, and what people put between.
func validPhone(text string) bool {
	digits := 0
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c == '+' && i == 0, strings.ContainsRune(" -./()", c) && i > 0, c == '(':
		default:
			return false
		}
	}
	return 3 <= digits && digits <= 15
}
