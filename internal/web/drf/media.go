package drf

import "strings"

// The media types that views render and parse, in DRF's order.
const (
	jsonMedia      = "application/json"
	htmlMedia      = "text/html"
	xmlMedia       = "application/xml" // where a site speaks XML
	formMedia      = "application/x-www-form-urlencoded"
	multipartMedia = "multipart/form-data"
)

// mediaType is a media type with its parameters, as headers write it (rest_framework/utils/mediatypes.py).
type mediaType struct {
	main, sub string
	params    []param
}

type param struct{ name, value string }

// parseMedia never fails: what is no media type matches none.
func parseMedia(header string) mediaType {
	full, rest := cutParam(header)
	var m mediaType
	m.main, m.sub, _ = strings.Cut(strings.ToLower(full), "/")
	for rest != "" {
		var p string
		p, rest = cutParam(rest)
		if name, v, ok := strings.Cut(p, "="); ok {
			m.params = append(m.params, param{strings.ToLower(strings.TrimSpace(name)), unquote(strings.TrimSpace(v))})
		}
	}
	return m
}

// cutParam splits at the first semicolon outside quotes.
func cutParam(s string) (first, rest string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"' && (i == 0 || s[i-1] != '\\'):
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return strings.TrimSpace(s[:i]), s[i+1:]
		}
	}
	return strings.TrimSpace(s), ""
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s[1 : len(s)-1])
}

// get returns the parameter called name, the last one of twins, and whether there is one.
func (m mediaType) get(name string) (string, bool) {
	for i := len(m.params) - 1; i >= 0; i-- {
		if m.params[i].name == name {
			return m.params[i].value, true
		}
	}
	return "", false
}

// matches reports whether m, which may have wildcards, stands for plain.
func (m mediaType) matches(plain string) bool {
	main, sub, _ := strings.Cut(plain, "/")
	return (m.sub == "*" || m.sub == sub) && (m.main == "*" || m.main == main)
}

// precedence tells how specific m is: 0 for */* up to 3 for one with parameters. A lone q is not
// counted, and no q is ever weighed.
func (m mediaType) precedence() int {
	switch {
	case m.main == "*":
		return 0
	case m.sub == "*":
		return 1
	}
	for _, p := range m.params {
		if p.name != "q" {
			return 3
		}
	}
	return 2
}

// renders are the media types that answers come in, parses those of bodies.
func (s *Site) renders() (all []string) {
	for _, r := range s.renderers() {
		all = append(all, r.media)
	}
	return all
}

func (s *Site) parses() []string {
	all := []string{jsonMedia, formMedia, multipartMedia}
	if s.XML {
		all = append(all, xmlMedia)
	}
	return all
}
