package reference

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// headers are those that a client may rely on.
var headers = []string{
	"Allow", "Content-Language", "Content-Type", "Location", "Referrer-Policy", "Retry-After", "Vary", "Www-Authenticate",
	"X-Content-Type-Options", "X-Frame-Options",
}

// differences says where ours is not what Django's answer is.
func differences(ours, django *answer) (list []string) {
	say := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			list = append(list, fmt.Sprintf("%s\n    Doorward: %v\n    Django:   %v", what, got, want))
		}
	}
	say("status", ours.status, django.status)
	for _, name := range headers {
		say("header "+name, headerOf(ours, name), headerOf(django, name))
	}
	say("mails", fmt.Sprint(ours.mails), fmt.Sprint(django.mails))
	if strings.HasPrefix(django.header.Get("Content-Type"), "text/html") {
		return list // a page's words are its own
	}
	say("body", masked("", bodyOf(ours)), masked("", bodyOf(django)))
	return list
}

func headerOf(a *answer, name string) string {
	text := strings.Join(a.header.Values(name), ", ")
	if name != "Allow" && name != "Vary" { // Django writes them from sets
		return text
	}
	items := strings.Split(strings.ReplaceAll(text, " ", ""), ",")
	slices.Sort(items)
	return strings.Join(items, ",")
}

func bodyOf(a *answer) any {
	if v := decoded(a.body); v != nil {
		return v
	}
	return string(a.body)
}

var masks = []struct {
	name string
	is   *regexp.Regexp
}{
	{"TIME", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)},
	{"KEY", regexp.MustCompile(`^[0-9a-f]{40}$`)},
	{"ID", regexp.MustCompile(`^[0-9a-f]{32}$`)},
	{"LINK", regexp.MustCompile(`^[0-9a-z]{6}-[0-9a-f]{32}$`)}, // of a mail, where somebody takes it for his name
}

var parserWords = regexp.MustCompile(`parse error - .*`)

// masked replaces what is random or of its time, and words that are each server's own. name is
// the key that v stands under.
func masked(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		_, ofView := v["renders"] // what OPTIONS tells, whose description is of the view
		for key, value := range v {
			switch {
			case key == "exp" || key == "iat" || key == "refresh_exp":
				out[key] = "TIME"
			case key == "help_text" || key == "description" && ofView:
				out[key] = "WORDS"
			default:
				out[key] = masked(key, value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = masked(name, v[i])
		}
		return out
	case string:
		return maskedText(v)
	}
	return v
}

func maskedText(text string) any {
	if parts := strings.Split(text, "."); len(parts) == 3 {
		if header, payload := part(parts[0]), part(parts[1]); header != nil && payload != nil {
			return map[string]any{"JWT header": header, "JWT payload": masked("", payload)}
		}
	}
	for _, m := range masks {
		if m.is.MatchString(text) {
			return m.name
		}
	}
	return parserWords.ReplaceAllString(text, "parse error - WORDS")
}

func part(text string) any {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return decoded(raw)
}
