package drf

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"unicode/utf8"
)

var (
	errNames   = parseError(fmt.Sprintf("More than %d names", maxNames))
	errNotUTF8 = parseError("The body is not UTF-8")
)

// readForm reads application/x-www-form-urlencoded as Django's QueryDict does: fields part at
// ampersands only, blank values count, what is no escape stands for itself. Text that is not UTF-8
// is refused where Django would put in replacement characters, which make passwords equal.
func readForm(body []byte) (value, error) {
	form := value{kind: object}
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		if len(form.members) == maxNames {
			return value{}, errNames
		}
		name, v, _ := strings.Cut(pair, "=")
		name, v = unescape(name), unescape(v)
		if !utf8.ValidString(name) || !utf8.ValidString(v) {
			return value{}, errNotUTF8
		}
		form.members = append(form.members, member{name, value{kind: text, text: v}})
	}
	return form, nil
}

// unescape undoes the escapes of a form or a query, as Python's unquote_plus does.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		}
		if c == '%' && i+2 < len(s) {
			high, ok1 := hexDigit(s[i+1])
			low, ok2 := hexDigit(s[i+2])
			if ok1 && ok2 {
				c = byte(high<<4 | low)
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// readMultipart reads multipart/form-data (RFC 7578). Files come after the fields, as a file
// outranks a field of its name. Where Django makes the best of a broken body, it is refused.
func readMultipart(body []byte, media mediaType) (value, error) {
	boundary, ok := media.get("boundary")
	if !ok {
		boundary = "None"
	}
	if !ok || !validBoundary(boundary) {
		return value{}, parseError("Invalid boundary in multipart: " + boundary)
	}
	form := value{kind: object}
	var files []member
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF { // a wrapped one is an end where none should be
			form.members = append(form.members, files...)
			return form, nil
		}
		if err != nil {
			return value{}, parseError("The body breaks off")
		}
		m, err := readPart(part)
		switch {
		case err != nil:
			return value{}, err
		case len(form.members)+len(files) == maxNames:
			return value{}, errNames
		case m.value.kind == file:
			files = append(files, m)
		case m.value.kind == text:
			form.members = append(form.members, m)
		}
	}
}

// readPart reads one part. The kind of its value is absent when it is neither a field nor a file.
func readPart(part *multipart.Part) (member, error) {
	content, err := io.ReadAll(part)
	if err != nil {
		return member{}, parseError("The body breaks off")
	}
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name, ok := params["name"]
	if err != nil || !ok {
		return member{}, nil
	}
	m := member{name: strings.TrimSpace(name)}
	if filename, isFile := params["filename"]; isFile {
		if filename != "" {
			m.value = value{kind: file}
		}
		return m, nil
	}
	if strings.EqualFold(strings.TrimSpace(part.Header.Get("Content-Transfer-Encoding")), "base64") {
		if plain, err := base64.StdEncoding.DecodeString(string(content)); err == nil {
			content = plain
		}
	}
	if !utf8.ValidString(m.name) || !utf8.Valid(content) {
		return member{}, errNotUTF8
	}
	m.value = value{kind: text, text: string(content)}
	return m, nil
}

// validBoundary is Python's cgi.valid_boundary.
func validBoundary(s string) bool {
	if s == "" || len(s) > 201 || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
