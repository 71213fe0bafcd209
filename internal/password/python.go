package password

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What follows is Python's idea of text (3.11: Unicode 14; Go's tables are of Unicode 15, which adds
// characters and changes none of those here).

// lower is Python's str.lower: the full mapping of Unicode, in which the capital I with a dot
// becomes two characters and a capital sigma at the end of a word a final one
// (SpecialCasing.txt, the two entries that hang on no language).
func lower(s string) string {
	if !strings.ContainsAny(s, "İΣ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == 'İ':
			b.WriteString("i\u0307")
		case c == 'Σ' && endsWord(s[:i], s[i+len("Σ"):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(c))
		}
	}
	return b.String()
}

// endsWord reports Final_Sigma (The Unicode Standard, table 3-17): a cased letter before and none
// after, whatever case-ignorable characters stand between.
func endsWord(before, after string) bool {
	notIgnored := func(c rune) bool { return !caseIgnorable(c) }
	i := strings.LastIndexFunc(before, notIgnored)
	if i < 0 || !startsCased(before[i:]) {
		return false
	}
	i = strings.IndexFunc(after, notIgnored)
	return i < 0 || !startsCased(after[i:])
}

func startsCased(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return unicode.In(c, unicode.Lower, unicode.Upper, unicode.Title,
		unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable is the property Case_Ignorable: marks, formats, modifiers, and the Word_Break
// classes MidLetter, MidNumLet and Single_Quote.
func caseIgnorable(c rune) bool {
	return unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:·\u0387\u055f\u05f4‘’․‧︓﹒﹕＇．：", c)
}

// strip is Python's str.strip, which takes the four separator controls for blanks too.
func strip(s string) string {
	return strings.TrimFunc(s, func(c rune) bool {
		return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f
	})
}

// notOfWord is Python's \W: letters, numbers of all kinds and the underscore are of words, and
// combining marks are not.
func notOfWord(c rune) bool {
	return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c)
}

// otherDigits are the digits outside Nd, such as ² and ⑦. Made with Python 3.11 from
//
//	[c for c in range(0x110000) if chr(c).isdigit() and unicodedata.category(chr(c)) != 'Nd']
var otherDigits = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00b2, 0x00b3, 1},
		{0x00b9, 0x00b9, 1},
		{0x1369, 0x1371, 1},
		{0x19da, 0x19da, 1},
		{0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1},
		{0x2080, 0x2089, 1},
		{0x2460, 0x2468, 1},
		{0x2474, 0x247c, 1},
		{0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1},
		{0x24f5, 0x24fd, 1},
		{0x24ff, 0x24ff, 1},
		{0x2776, 0x277e, 1},
		{0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32: []unicode.Range32{
		{0x10a40, 0x10a43, 1},
		{0x10e60, 0x10e68, 1},
		{0x11052, 0x1105a, 1},
		{0x1f100, 0x1f10a, 1},
	},
	LatinOffset: 2,
}
