package account

import (
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzValidEmail(f *testing.F) {
	v := vectors(f)
	for text := range v.Emails {
		f.Add(text)
	}
	for text := range v.NormalizeEmail {
		f.Add(text)
	}
	f.Add("x@GİTHUB.com")
	f.Add("a@J\u030Caz.com")
	f.Add("a@[::1]\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<10 {
			return
		}
		start := time.Now()
		valid := ValidEmail(text)
		const most = 20 * time.Millisecond
		if time.Since(start) > most && fastest(text) > most {
			t.Errorf("ValidEmail(%q) takes more than %v", text, most)
		}
		kept := NormalizeEmail(text)
		if again := NormalizeEmail(kept); again != kept {
			t.Errorf("NormalizeEmail(%q) = %q, and of that %q", text, kept, again)
		}
		if folded := FoldEmail(kept); FoldEmail(folded) != folded || utf8.ValidString(text) && FoldEmail(text) != folded && valid {
			t.Errorf("FoldEmail(%q) = %q, of the normalised %q, and of itself %q", text, FoldEmail(text), folded, FoldEmail(folded))
		}
		if valid && (!utf8.ValidString(text) || !isText(text)) {
			t.Errorf("ValidEmail(%q) = true, want false for what is no text", text)
		}
		if valid && !ValidEmail(kept) && isASCII(text) {
			t.Errorf("ValidEmail(%q) = false, want true for what is kept of the valid %q", kept, text)
		}
	})
}

func isASCII(text string) bool {
	for _, c := range []byte(text) {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
