package drf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"doorward/internal/pattern"
)

// readXML reads one XML document as djangorestframework-xml 2.0 does: an element whose first child is called list-item is
// a list, another one with children is an object, and one without is a text, a number, a moment, or null where it is empty.
// Attributes and comments say nothing. It says what is wrong in expat's words, where the tokenizer of encoding/xml tells
// it apart. It is stricter in three things: a document type is refused, as are bytes that are no UTF-8, and depth and
// names (attributes too) are bounded.
func readXML(body []byte) (value, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if reason := badUTF8(body); reason != "" {
		return value{}, parseError(reason)
	}
	r := xmlReader{body: body, tokens: xml.NewDecoder(bytes.NewReader(body))}
	r.tokens.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // the header's charset goes before
	var root value
	for found := false; ; {
		token, err := r.next()
		switch {
		case err == io.EOF && found:
			return root, nil
		case err == io.EOF:
			return value{}, r.fail("no element found", len(body))
		case err != nil:
			return value{}, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if found {
				return value{}, r.fail("junk after document element", r.start)
			}
			if root, err = r.element(token); err != nil {
				return value{}, err
			}
			found = true
		case xml.CharData:
			if rest := bytes.TrimLeft(token, "\t\r\n "); len(rest) > 0 {
				return value{}, r.fail(outside(rest, found), r.start+len(token)-len(rest))
			}
		}
	}
}

// outside is what expat calls text before the document element, or behind it.
func outside(words []byte, behind bool) string {
	c, _ := utf8.DecodeRune(words)
	switch {
	case behind:
		return "junk after document element"
	case unicode.IsLetter(c) || c == '_' || c == ':':
		return "syntax error"
	}
	return "not well-formed (invalid token)"
}

type xmlReader struct {
	body         []byte
	tokens       *xml.Decoder
	start        int // of the token that was read last
	depth, names int
}

// fail says what is wrong at a byte offset; expat counts characters, from 0 in each line.
func (r *xmlReader) fail(what string, at int) error {
	before := r.body[:min(at, len(r.body))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return parseError(fmt.Sprintf("%s: line %d, column %d", what, line, column))
}

// next reads a token, and checks what encoding/xml lets pass.
func (r *xmlReader) next() (xml.Token, error) {
	r.start = int(r.tokens.InputOffset())
	token, err := r.tokens.Token()
	if err == io.EOF {
		return nil, err
	}
	if err != nil {
		return nil, r.broken(err)
	}
	switch token := token.(type) {
	case xml.Directive:
		return nil, r.fail("document types are forbidden", r.start)
	case xml.ProcInst:
		if token.Target == "xml" && r.start > 0 {
			return nil, r.fail("XML or text declaration not at start of entity", r.start)
		}
	case xml.CharData:
		if at := badReference(r.body[r.start:r.tokens.InputOffset()]); at >= 0 {
			return nil, r.fail("reference to invalid character number", r.start+at)
		}
	}
	return token, nil
}

var reference = pattern.Of(`&#(x?)([0-9a-fA-F]+);`)

// badReference returns where in a run of text a reference to what is no character stands, or -1. For half of a surrogate
// pair encoding/xml reads U+FFFD.
func badReference(raw []byte) int {
	if bytes.HasPrefix(raw, []byte("<![CDATA[")) {
		return -1
	}
	for _, at := range reference().FindAllSubmatchIndex(raw, -1) {
		base := 10
		if at[2] < at[3] {
			base = 16
		}
		c, err := strconv.ParseInt(string(raw[at[4]:at[5]]), base, 32)
		if err != nil || !isXML(rune(c)) {
			return at[0]
		}
	}
	return -1
}

// isXML reports whether XML 1.0 has the character c (section 2.2).
func isXML(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || ' ' <= c && c < 0xD800 || 0xE000 <= c && c < 0xFFFE || 0x10000 <= c && c <= unicode.MaxRune
}

// undefined is what encoding/xml says of an entity that nobody declared.
var undefined = pattern.Of(`^invalid character entity (&[^#;][^;]*;)`)

// broken puts an error of encoding/xml into expat's words.
func (r *xmlReader) broken(err error) error {
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		return r.fail("XML declaration not well-formed", r.start)
	}
	rest := r.body[r.start:]
	switch m := undefined().FindStringSubmatch(syntax.Msg); {
	case m != nil && bytes.Contains(rest, []byte(m[1])):
		return r.fail("undefined entity", r.start+bytes.Index(rest, []byte(m[1])))
	case strings.Contains(syntax.Msg, " closed by "):
		return r.fail("mismatched tag", r.start+len("</"))
	case strings.HasPrefix(syntax.Msg, "unexpected end element"):
		return r.fail("not well-formed (invalid token)", r.start+len("<"))
	case strings.HasPrefix(syntax.Msg, "illegal character code") && badReference(rest) >= 0:
		return r.fail("reference to invalid character number", r.start+badReference(rest))
	case syntax.Msg == "unexpected EOF in CDATA section":
		return r.fail("unclosed CDATA section", len(r.body))
	case syntax.Msg == "unexpected EOF" && len(rest) == 0:
		return r.fail("no element found", len(r.body))
	case syntax.Msg == "unexpected EOF":
		return r.fail("unclosed token", r.start)
	}
	return r.fail("not well-formed (invalid token)", int(r.tokens.InputOffset())-1)
}

// listItem is what the members of a list are called.
const listItem = "list-item"

// element reads what stands between the tags of an element, whose start was read.
func (r *xmlReader) element(tag xml.StartElement) (value, error) {
	if err := r.admit(tag); err != nil {
		return value{}, err
	}
	var words []byte
	var children []member
	for {
		token, err := r.next()
		if err != nil {
			return value{}, err // never io.EOF within an element
		}
		switch token := token.(type) {
		case xml.StartElement:
			v, err := r.element(token)
			if err != nil {
				return value{}, err
			}
			children = append(children, member{nameOf(token.Name), v})
		case xml.CharData:
			words = append(words, token...)
		case xml.EndElement:
			r.depth--
			if children == nil {
				return inferred(string(words)), nil
			}
			return container(children), nil
		}
	}
}

// admit checks the start of an element: its place, its namespace and its attributes.
func (r *xmlReader) admit(tag xml.StartElement) error {
	if r.depth++; r.depth > maxDepth {
		return r.fail(fmt.Sprintf("More than %d levels", maxDepth), r.start)
	}
	if r.names += 1 + len(tag.Attr); r.names > maxNames {
		return r.fail(fmt.Sprintf("More than %d names", maxNames), r.start)
	}
	if tag.Name.Space != "" && bytes.HasPrefix(r.body[r.start:], []byte("<"+tag.Name.Space+":")) { // not made a URI
		return r.fail("unbound prefix", r.start)
	}
	seen := map[xml.Name]bool{}
	for _, a := range tag.Attr {
		if seen[a.Name] {
			return r.fail("duplicate attribute", r.start)
		}
		seen[a.Name] = true
	}
	return nil
}

// nameOf is a name as Python's ElementTree has it.
func nameOf(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return "{" + n.Space + "}" + n.Local
}

// container is an element with children: a list, or an object whose twins the last one wins.
func container(children []member) value {
	v := value{kind: object, members: children}
	open, end := byte('{'), byte('}')
	if children[0].name == listItem {
		v = value{kind: list}
		open, end = '[', ']'
	}
	b := []byte{open}
	for i, c := range children {
		raw, ok := []byte("null"), true
		if c.value.kind != null {
			raw, ok = c.value.json()
		}
		if !ok {
			return v // no JSON
		}
		if i > 0 {
			b = append(b, ',')
		}
		if v.kind == object {
			b = append(appendText(b, c.name), ':')
		}
		b = append(b, raw...)
	}
	v.text = string(append(b, end))
	return v
}
