package language

import (
	"slices"
	"strings"
	"testing"
)

func TestAccepted(t *testing.T) {
	for _, tt := range []struct{ header, want string }{
		{"", ""},
		{"fr", "fr"},
		{"de-CH, fr;q=0.5", "de-ch fr"},
		{"fr;q=0.5, de", "de fr"},
		{"en;q=0.1,de;q=0.9,fr;q=0.9", "de fr en"},
		{"*", ""},
		{"fr;q=0", ""},
		{"fr;q=2", ""},
		{"fr;q=x", ""},
		{"fr;x=1", ""},
		{"a b", ""},
		{"fr,,de", ""},
		{"zh-Hans-CN", "zh-hans-cn"},
		{"fr;q=0.12345", ""},
		{"fr;q=-1", ""},
		{"fr;q=.5", "fr"},
		{strings.Repeat("fr,", 200) + "fr", ""},
		{"abcdefghi", ""},
		{"1a", ""},
	} {
		if got := strings.Join(Accepted(tt.header), " "); got != tt.want {
			t.Errorf("%q:\n got: %q\nwant: %q", tt.header, got, tt.want)
		}
	}
}

func TestPick(t *testing.T) {
	for _, tt := range []struct{ tags, want string }{
		{"", "en"},
		{"xx", "en"},
		{"de", "de"},
		{"de-ch fr", "de"},
		{"xx fr", "fr"},
		{"DE_at", "de"},
		{"pt", "pt-br"},
		{"pt-pt", "pt-br"},
		{"pt-br", "pt-br"},
		{"en-gb de", "en"},
		{"cnr-latn", "me"},
		{"sr-me", "me"},
	} {
		if got := Pick(strings.Fields(tt.tags), Default); got != tt.want {
			t.Errorf("%q:\n got: %q\nwant: %q", tt.tags, got, tt.want)
		}
	}
}

func TestSay(t *testing.T) {
	for _, tt := range []struct{ lang, text, want string }{
		{"fr", "This field is required.", "Ce champ est obligatoire."},
		{"fr", "This password is too short. It must contain at least 8 characters.", "Ce mot de passe est trop court. Il doit contenir au minimum 8 caractères."},
		{"fr", "The password is too similar to the username.", "Le mot de passe est trop semblable au champ « nom d’utilisateur »."},
		{"de", "This field is required.", "Dieses Feld ist erforderlich."},
		{"en", "This field is required.", "This field is required."},
		{"fr", "Invalid password.", "Invalid password."}, // recorded so
		{"fr", "No active account found with the given credentials", "No active account found with the given credentials"},
		{"xx", "This field is required.", "This field is required."},
	} {
		if got := Say(tt.lang, tt.text); got != tt.want {
			t.Errorf("%s %q:\n got: %q\nwant: %q", tt.lang, tt.text, got, tt.want)
		}
	}
}

// TestCatalogues holds that all say the same things, with the same places.
func TestCatalogues(t *testing.T) {
	if got := len(catalogues()); got != 13 {
		t.Errorf("got %d languages, want 13", got)
	}
	all := map[string]bool{}
	for _, texts := range catalogues() {
		for english := range texts {
			all[english] = true
		}
	}
	for lang, texts := range catalogues() {
		for english := range all {
			said := texts[english]
			if said == "" {
				t.Errorf("%s has no words for %q", lang, english)
				continue
			}
			for _, place := range []string{"%(site_name)s", "%(user)s", "{limit}", "{label}"} {
				if strings.Count(english, place) != strings.Count(said, place) {
					t.Errorf("%s loses %s: %q", lang, place, said)
				}
			}
			if strings.ContainsAny(said, "<>&\r\n") {
				t.Errorf("%s has mark-up in %q", lang, said)
			}
		}
	}
	if list := Known(); list[0] != Default || !slices.Contains(list, "pt-br") {
		t.Errorf("known: %q", list)
	}
}

func FuzzAccepted(f *testing.F) {
	for _, seed := range []string{"fr", "de-CH, fr;q=0.5", "*;q=0.1", "en;q=1.000", ",", ";"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, tag := range Accepted(header) {
			if !isTag(tag) || tag == "*" || !strings.Contains(strings.ToLower(header), tag) {
				t.Errorf("%q gave the tag %q", header, tag)
			}
		}
		if lang := Pick(Accepted(header), Default); !slices.Contains(Known(), lang) {
			t.Errorf("%q gave the language %q", header, lang)
		}
		_ = Say("fr", header)
	})
}
