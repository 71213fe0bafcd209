package drf

import (
	"net/http"
	"sync"

	"doorward/internal/language"
)

// contentLanguage is the header of an answer in each language there is.
var contentLanguage = sync.OnceValue(func() map[string][]string {
	headers := map[string][]string{language.Default: {language.Default}}
	for _, lang := range language.Known() {
		headers[lang] = []string{lang}
	}
	return headers
})

func spoken(r *http.Request) string {
	return language.Pick(language.Accepted(r.Header.Get("Accept-Language")), language.Default)
}

// inLanguage says the texts of a refusal in the language of who asks.
func (s *Site) inLanguage(r *http.Request, body any) any {
	lang := language.Default
	if s.Languages {
		lang = spoken(r)
	}
	if lang == language.Default {
		return body
	}
	return said(lang, body)
}

// said translates texts and lists of them, and leaves the names of members alone.
func said(lang string, v any) any {
	switch v := v.(type) {
	case string:
		return language.Say(lang, v)
	case []string:
		list := make([]string, len(v))
		for i, text := range v {
			list[i] = language.Say(lang, text)
		}
		return list
	case Object:
		o := make(Object, len(v))
		for i, m := range v {
			o[i] = Member{m.Name, said(lang, m.Value)}
		}
		return o
	case []Object:
		list := make([]Object, len(v))
		for i, o := range v {
			list[i], _ = said(lang, o).(Object)
		}
		return list
	}
	return v
}
