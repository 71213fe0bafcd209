// Package language owns which languages Doorward speaks, how a request asks for one, and the
// catalogues: what a text is in another language. As in gettext, the English text is the key, so
// what has no translation is said in English.
package language

import (
	"embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Default is the language of the keys.
const Default = "en"

//go:embed catalogues/*.json
var files embed.FS

// catalogues are texts by language and English text. They never change. Who needs none pays for none.
var catalogues = sync.OnceValue(read)

// read takes every catalogue in: a file is a language, named by its tag in lower case.
func read() map[string]map[string]string {
	entries, err := files.ReadDir("catalogues")
	if err != nil {
		panic("language: " + err.Error())
	}
	all := map[string]map[string]string{}
	for _, e := range entries {
		text, err := files.ReadFile("catalogues/" + e.Name())
		texts := map[string]string{}
		if err == nil {
			err = json.Unmarshal(text, &texts)
		}
		if err != nil {
			panic("language: " + e.Name() + ": " + err.Error())
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = texts
	}
	return all
}

// Known lists the languages, English first.
func Known() []string {
	list := []string{Default}
	for name := range catalogues() {
		list = append(list, name)
	}
	slices.Sort(list[1:])
	return list
}

// Translate gives an English text in a language of Known; where that has no words for it, the text itself.
func Translate(lang, text string) string {
	if t := catalogues()[lang][text]; t != "" {
		return t
	}
	return text
}

// pattern is a text with places: "at least {limit} characters".
type pattern struct {
	english string
	text    *regexp.Regexp
	names   []string
}

// patterns are the keys with places, of all catalogues.
var patterns = sync.OnceValue(readPatterns)

func readPatterns() []pattern {
	place := regexp.MustCompile(`\\\{([a-z_]+)\\\}`)
	seen := map[string]bool{}
	var list []pattern
	for _, texts := range catalogues() {
		for english := range texts {
			if seen[english] || !strings.Contains(english, "{") {
				continue
			}
			seen[english] = true
			p := pattern{english: english}
			quoted := regexp.QuoteMeta(english)
			for _, m := range place.FindAllStringSubmatch(quoted, -1) {
				p.names = append(p.names, "{"+m[1]+"}")
			}
			p.text = regexp.MustCompile(`^` + place.ReplaceAllString(quoted, `(.{1,100}?)`) + `$`)
			list = append(list, p)
		}
	}
	return list
}

// Say is Translate for a text whose places are filled in already: what fills them is translated too.
func Say(lang, text string) string {
	if t := catalogues()[lang][text]; t != "" || catalogues()[lang] == nil || len(text) > maxSaid {
		return Translate(lang, text)
	}
	for _, p := range patterns() {
		m := p.text.FindStringSubmatch(text)
		said := catalogues()[lang][p.english]
		if m == nil || said == "" {
			continue
		}
		var pairs []string
		for i, name := range p.names {
			pairs = append(pairs, name, Translate(lang, m[i+1]))
		}
		return strings.NewReplacer(pairs...).Replace(said)
	}
	return text
}

// maxSaid is the longest text that may have places, in bytes: what a client sent may stand in it.
const maxSaid = 500

// RightToLeft reports how a language is written.
func RightToLeft(lang string) bool { return lang == "fa" }

// aliases are the same language under another tag.
var aliases = map[string]string{"cnr": "me", "sr-me": "me", "in": "id"}

// Pick is the first of some tags that is known, exactly or by its language alone ("de-CH" is "de"),
// or as a country's variant of it ("pt" is "pt-br"), as Django picks; fallback when there is none.
func Pick(tags []string, fallback string) string {
	for _, tag := range tags {
		if lang := find(strings.ToLower(strings.ReplaceAll(tag, "_", "-"))); lang != "" {
			return lang
		}
	}
	return fallback
}

func find(tag string) string {
	if other := aliases[tag]; other != "" {
		tag = other
	}
	base, _, _ := strings.Cut(tag, "-")
	if other := aliases[base]; other != "" {
		base = other
	}
	for _, name := range []string{tag, base} {
		if _, ok := catalogues()[name]; ok || name == Default {
			return name
		}
	}
	for _, name := range Known() {
		if strings.HasPrefix(name, base+"-") {
			return name
		}
	}
	return ""
}
