package drf

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// renderer is one way to write an answer.
type renderer struct{ media, format string }

// renderers are DRF's defaults, in its order, and behind them what a site adds.
var renderers = []renderer{{jsonMedia, "json"}, {htmlMedia, "api"}}

var withXML = append(slices.Clone(renderers), renderer{xmlMedia, "xml"})

func (s *Site) renderers() []renderer {
	if s.XML {
		return withXML
	}
	return renderers
}

// suffixKey is where Rewrite leaves the format that a path asked for.
type suffixKey struct{}

// rootKey is where Rewrite notes that the path must be that of a mount's root.
type rootKey struct{}

// xmlKey is where a view notes that its site reads XML.
type xmlKey struct{}

// speaksXML reports whether the site that serves r reads XML.
func speaksXML(r *http.Request) bool { return r.Context().Value(xmlKey{}) != nil }

// suffix returns the format that the path asked for, or "".
func suffix(r *http.Request) string {
	s, _ := r.Context().Value(suffixKey{}).(string)
	return s
}

// withSuffix returns r at another path, with a format that outranks its query.
func withSuffix(r *http.Request, path, format string) *http.Request {
	u := *r.URL
	u.Path, u.RawPath = path, ""
	r = r.WithContext(context.WithValue(r.Context(), suffixKey{}, format))
	r.URL = &u
	return r
}

// negotiate chooses how r is answered (rest_framework/negotiation.py). It fails with 404 for a
// format that nobody renders, and with 406.
func (s *Site) negotiate(a *answer, r *http.Request) error {
	accept, asked := r.Header["Accept"]
	plain := !asked || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == jsonMedia)
	if plain && r.URL.RawQuery == "" && suffix(r) == "" {
		return nil // what nearly all clients ask
	}
	choice := s.renderers()
	if format := wanted(r); format != "" {
		if choice = byFormat(choice, format); choice == nil {
			return NotFound()
		}
	}
	if !asked {
		accept = []string{"*/*"}
	}
	best, media, ok := choose(choice, strings.Join(accept, ","))
	if !ok {
		return Detail(http.StatusNotAcceptable, "Could not satisfy the request Accept header.")
	}
	a.html, a.xml = best.media == htmlMedia, best.media == xmlMedia
	a.indent = indent(media)
	return nil
}

// wanted returns the format that the path or the query asks for.
func wanted(r *http.Request) string {
	if s := suffix(r); s != "" {
		return s
	}
	format, _ := queryFormat(r)
	return format
}

// queryFormat returns the last ?format= of the query, and whether there is one.
func queryFormat(r *http.Request) (format string, ok bool) {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if name, v, _ := strings.Cut(pair, "="); unescape(name) == "format" {
			format, ok = unescape(v), true
		}
	}
	return format, ok
}

func byFormat(all []renderer, format string) []renderer {
	for i := range all {
		if all[i].format == format {
			return all[i : i+1]
		}
	}
	return nil
}

// choose finds the renderer for an Accept header: the most specific media types go first, among
// equals the order of the renderers decides.
func choose(choice []renderer, accept string) (best renderer, media mediaType, ok bool) {
	var types []mediaType
	for token := range strings.SplitSeq(accept, ",") {
		types = append(types, parseMedia(token))
	}
	for precedence := 3; precedence >= 0; precedence-- {
		for _, candidate := range choice {
			for _, media := range types {
				if media.precedence() == precedence && media.matches(candidate.media) {
					return candidate, media, true
				}
			}
		}
	}
	return renderer{}, mediaType{}, false
}

// indent returns how many blanks "application/json; indent=4" asks for: at most 8, 0 for compact.
func indent(media mediaType) int {
	blanks, _ := media.get("indent")
	n, err := strconv.Atoi(blanks)
	if err != nil {
		return 0
	}
	return max(0, min(n, 8))
}
