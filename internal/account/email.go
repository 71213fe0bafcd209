package account

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The patterns of Django's EmailValidator (3.2.25, django/core/validators.py).
var (
	emailLocal = regexp.MustCompile("(?i)^(?:[-!#$%&'*+/=?^_`{}|~0-9A-Z]+(?:\\.[-!#$%&'*+/=?^_`{}|~0-9A-Z]+)*" +
		`|"(?:[\x01-\x08\x0b\x0c\x0e-\x1f!#-\[\]-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*")$`)
	emailDomain  = regexp.MustCompile(`(?i)^(?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z0-9-]{1,62}[A-Z0-9]$`)
	emailLiteral = regexp.MustCompile(`^\[([A-Fa-f0-9:.]+)\]$`)
)

// maxEmailChars is the longest address that any rule looks at (RFC 3696 §3, as Django has it).
const maxEmailChars = 320

// ValidEmail reports whether text is an e-mail address by Django's EmailValidator.
func ValidEmail(text string) bool {
	at := strings.LastIndexByte(text, '@')
	if at < 0 || len(text) > 4*maxEmailChars || utf8.RuneCountInString(text) > maxEmailChars {
		return false
	}
	local, domain := text[:at], text[at+1:]
	if !emailLocal.MatchString(local) {
		return false
	}
	if domain == "localhost" || validDomain(domain) {
		return true
	}
	ascii, err := idna.Punycode.ToASCII(domain)
	return err == nil && validDomain(ascii)
}

func validDomain(domain string) bool {
	if emailDomain.MatchString(domain) {
		return true
	}
	m := emailLiteral.FindStringSubmatch(domain)
	if m == nil {
		return false
	}
	_, err := netip.ParseAddr(m[1])
	return err == nil
}

// NormalizeEmail lowers the case of the domain and leaves the rest, as Django's create_user does.
func NormalizeEmail(text string) string {
	text = strings.TrimSpace(text)
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	return text[:at+1] + strings.ToLower(text[at+1:])
}

// FoldEmail is the text by which addresses in any spelling are the same: composed (NFC), lower case.
func FoldEmail(text string) string {
	return strings.ToLower(norm.NFC.String(text))
}

// NormalizeUsername composes compatible characters (NFKC), as Django does on creation.
func NormalizeUsername(text string) string { return norm.NFKC.String(text) }
