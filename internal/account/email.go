package account

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"doorward/internal/pattern"
)

// The patterns of Django's EmailValidator (3.2.25, django/core/validators.py), with the letters
// spelled out: ignoring case lets a few through there that are no ASCII, such as the Kelvin sign.
var (
	emailLocal = pattern.Of("^(?:[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+(?:\\.[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+)*" +
		`|"(?:[\x01-\x08\x0b\x0c\x0e-\x1f!#-\[\]-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*")$`)
	emailDomain  = pattern.Of(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{1,62}[A-Za-z0-9]$`)
	emailLiteral = pattern.Of(`^\[([A-Fa-f0-9:.]+)\]$`)
)

// maxEmailChars is the longest address that any rule looks at (RFC 3696 §3, as Django has it).
const maxEmailChars = 320

// ValidEmail reports whether text is an e-mail address by Django's EmailValidator.
func ValidEmail(text string) bool {
	at := strings.LastIndexByte(text, '@')
	if at < 0 || len(text) > 4*maxEmailChars || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxEmailChars {
		return false
	}
	local, domain := text[:at], text[at+1:]
	if !emailLocal().MatchString(local) {
		return false
	}
	if domain == "localhost" || validDomain(domain) {
		return true
	}
	ascii, err := idna.Punycode.ToASCII(domain)
	return err == nil && validDomain(ascii)
}

func validDomain(domain string) bool {
	if emailDomain().MatchString(domain) {
		return true
	}
	m := emailLiteral().FindStringSubmatch(domain)
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
	return text[:at+1] + lower(text[at+1:])
}

// lower keeps the dot of a capital I, as Python and IDNA do: without it the text would name another
// domain (SpecialCasing.txt).
func lower(text string) string { return strings.ToLower(strings.ReplaceAll(text, "İ", "i\u0307")) }

// FoldEmail is the text by which addresses in any spelling are the same: composed (NFC), lower
// case, and composed again, since some letters are so in lower case only (J and a caron).
func FoldEmail(text string) string {
	return norm.NFC.String(lower(norm.NFC.String(text)))
}

// NormalizeUsername composes compatible characters (NFKC), as Django does on creation.
func NormalizeUsername(text string) string { return norm.NFKC.String(text) }

// username is Django's UnicodeUsernameValidator (django/contrib/auth/validators.py): Python's \w is
// letters, digits and numbers of all scripts, marks left out, and the underscore.
var username = pattern.Of(`^[\p{L}\p{N}_.@+-]+$`)

// ValidUsername reports whether text is a user name by Django's UnicodeUsernameValidator.
func ValidUsername(text string) bool { return username().MatchString(text) }

// ASCIIDomain is an address with its domain as mail servers take it, in punycode. The local part,
// and what is no address, stays as it is.
func ASCIIDomain(email string) string {
	at := strings.LastIndexByte(email, '@')
	if ascii, err := idna.Punycode.ToASCII(lower(email[at+1:])); at >= 0 && err == nil {
		return email[:at+1] + ascii
	}
	return email
}
