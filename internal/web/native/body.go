package native

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorward/internal/web"
)

// decode reads the members that r's route takes. All of them are texts; names are compared
// letter for letter, and one that the route does not know is refused by name.
func decode(r *web.Request) (map[string]string, error) {
	body, err := readBody(r.Request)
	if err != nil {
		return nil, err
	}
	members, err := parse(body)
	if err != nil {
		return nil, err
	}
	return judge(r.Route.Input, members)
}

func readBody(r *http.Request) ([]byte, error) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		media, _, err := mime.ParseMediaType(kind)
		if err != nil || (media != "application/json" && !strings.HasSuffix(media, "+json")) {
			return nil, &problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Detail: "Send application/json."}
		}
	}
	body, err := web.ReadBody(r)
	switch {
	case errors.Is(err, web.ErrBodyTooLarge):
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Detail: "The body is larger than 64 KiB."}
	case err != nil:
		return nil, &problem{Status: http.StatusBadRequest, Code: "body_cut_short", Detail: "The body did not arrive whole."}
	}
	return body, nil
}

// parse reads a JSON object. Of two members with one name the last counts, as in every dialect.
func parse(body []byte) (map[string]json.RawMessage, error) {
	if len(strings.TrimSpace(string(body))) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	if !utf8.Valid(body) {
		return nil, malformed("The body is not UTF-8.")
	}
	if deep(body) {
		return nil, malformed("The body is nested too deeply.")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		var wrong *json.UnmarshalTypeError
		if err == nil || errors.As(err, &wrong) {
			return nil, malformed("The body is not a JSON object.")
		}
		return nil, malformed("The body is not JSON: " + err.Error() + ".")
	}
	if len(members) > web.MaxMembers {
		return nil, malformed("The body has too many members.")
	}
	return members, nil
}

// deep reports whether JSON nests deeper than web.MaxDepth; of broken JSON it may say either.
func deep(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > web.MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func judge(fields []web.Field, members map[string]json.RawMessage) (map[string]string, error) {
	p := &problem{Status: http.StatusBadRequest, Code: "invalid_request"}
	in := p.collect(fields, members)
	if len(p.Errors) > 0 {
		return nil, p.sorted()
	}
	return in, nil
}

// collect takes the texts of fields from members; what is left of these nobody knows.
func (p *problem) collect(fields []web.Field, members map[string]json.RawMessage) map[string]string {
	in := map[string]string{}
	for _, f := range fields {
		raw, ok := members[f.Name]
		delete(members, f.Name)
		if !ok {
			if f.Required {
				p.add(f.Name, "required", 0)
			}
			continue
		}
		text, ok := textOf(raw)
		if !ok {
			p.add(f.Name, "not_text", 0)
			continue
		}
		in[f.Name] = text
	}
	for name := range members {
		p.add(name, "unknown", 0)
	}
	return in
}

// textOf reads a JSON text without null characters. Half a surrogate pair is no character either:
// encoding/json reads each as U+FFFD, and passwords that differ would be equal.
func textOf(raw json.RawMessage) (string, bool) {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", false
	}
	return *text, strings.IndexByte(*text, 0) < 0 && !halfPair(string(raw))
}

// halfPair looks through a text as it is written, which encoding/json has read, for an escape of
// half a pair without the other half.
func halfPair(raw string) bool {
	high := false // the escape before this was the first half
	for i := 0; i < len(raw); i++ {
		var unit uint64
		if raw[i] == '\\' {
			if i++; raw[i] == 'u' {
				unit, _ = strconv.ParseUint(raw[i+1:i+5], 16, 16)
				i += 4
			}
		}
		if low := 0xDC00 <= unit && unit <= 0xDFFF; low != high {
			return true
		}
		high = 0xD800 <= unit && unit < 0xDC00
	}
	return false // the closing quote was no second half
}

func missing(field string) error {
	p := &problem{Status: http.StatusBadRequest, Code: "invalid_request"}
	p.add(field, "required", 0)
	return p
}

func malformed(detail string) error {
	return &problem{Status: http.StatusBadRequest, Code: "malformed_body", Detail: detail}
}
