// Package wording reads and writes texts in the part of Django's template language that mails use. It
// knows no mails: who sends one gives the values.
package wording

import (
	"errors"
	"fmt"
	"html"
	"strings"
)

// A template is written in the part of Django's template language that mails use: {{ name }},
// {{ name|filter }}, {% block %}, {% include %}, {% trans %}, {% blocktrans %}, {% if %},
// {% autoescape %}, {% url %}, {% load %} and {% comment %}. So the templates that an operator wrote
// for djoser work. What is not known is refused when the templates are read, not when a mail is sent.

// Values are what a template may name.
type Values struct {
	Texts map[string]string           // "site_name", "user", "user.email" …
	Say   func(english string) string // a text in the reader's language
}

// Node is a part of a template. escape says that the text around is HTML.
type Node interface {
	write(b *strings.Builder, v *Values, escape bool)
}

type (
	literal  string
	variable struct {
		name    string
		filters []filter
	}
	filter struct{ name, argument string }
	// phrase is a text that has translations; names are those of its %(name)s.
	phrase struct {
		english string
		names   []string
	}
	choice struct {
		name       string
		not        bool
		then, less []Node
	}
	block struct {
		name string
		body []Node
	}
	escaping struct {
		on   bool
		body []Node
	}
)

func (n literal) write(b *strings.Builder, _ *Values, _ bool) { b.WriteString(string(n)) }

func (n variable) write(b *strings.Builder, v *Values, escape bool) {
	text := v.Texts[n.name]
	for _, f := range n.filters {
		switch f.name {
		case "safe":
			escape = false
		case "escape", "force_escape":
			escape = true
		case "default":
			if text == "" {
				text = f.argument
			}
		case "lower":
			text = strings.ToLower(text)
		case "upper":
			text = strings.ToUpper(text)
		}
	}
	b.WriteString(escaped(text, escape))
}

func (n phrase) write(b *strings.Builder, v *Values, escape bool) {
	var pairs []string
	for _, name := range n.names {
		pairs = append(pairs, "%("+name+")s", escaped(v.Texts[name], escape))
	}
	b.WriteString(strings.NewReplacer(pairs...).Replace(v.Say(n.english)))
}

func (n choice) write(b *strings.Builder, v *Values, escape bool) {
	body := n.then
	if (v.Texts[n.name] != "") == n.not {
		body = n.less
	}
	writeAll(b, body, v, escape)
}

func (n block) write(b *strings.Builder, v *Values, escape bool) { writeAll(b, n.body, v, escape) }

func (n escaping) write(b *strings.Builder, v *Values, escape bool) {
	writeAll(b, n.body, v, escape && n.on)
}

func writeAll(b *strings.Builder, nodes []Node, v *Values, escape bool) {
	for _, n := range nodes {
		n.write(b, v, escape)
	}
}

func escaped(text string, escape bool) string {
	if escape {
		return html.EscapeString(text)
	}
	return text
}

// parser reads one template.
type parser struct {
	pieces  []piece
	include func(name string) ([]Node, error)
}

// piece is a text, or what stands in {{ }} or {% %}.
type piece struct {
	kind byte // 't', 'v' or '%'
	text string
	line int
}

// maxTemplate bounds a template, in bytes.
const maxTemplate = 256 << 10

// Parse reads a template; include reads what it includes.
func Parse(text string, include func(name string) ([]Node, error)) ([]Node, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("is larger than %d bytes", maxTemplate)
	}
	pieces, err := split(text)
	if err != nil {
		return nil, err
	}
	p := &parser{pieces: pieces, include: include}
	nodes, end, err := p.until()
	if err == nil && end != "" {
		err = errors.New("an end tag without its beginning: " + end)
	}
	return nodes, err
}

// split cuts a template at its braces. {# #} goes away.
func split(text string) ([]piece, error) {
	var pieces []piece
	line := 1
	for text != "" {
		at := strings.IndexByte(text, '{')
		for at >= 0 && (at+1 == len(text) || !strings.ContainsRune("{%#", rune(text[at+1]))) {
			next := strings.IndexByte(text[at+1:], '{')
			if next < 0 {
				at = -1
			} else {
				at += 1 + next
			}
		}
		if at < 0 {
			return append(pieces, piece{'t', text, line}), nil
		}
		if at > 0 {
			pieces = append(pieces, piece{'t', text[:at], line})
			line += strings.Count(text[:at], "\n")
		}
		open := text[at+1]
		closing := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[open]
		end := strings.Index(text[at+2:], closing)
		if end < 0 {
			return nil, fmt.Errorf("line %d: {%c without %s", line, open, closing)
		}
		inner := text[at+2 : at+2+end]
		if open == '{' {
			open = 'v'
		}
		if open != '#' {
			pieces = append(pieces, piece{open, strings.TrimSpace(inner), line})
		}
		line += strings.Count(inner, "\n")
		text = text[at+2+end+2:]
	}
	return pieces, nil
}

// until reads nodes up to one of the end tags, which it returns; "" is the end of the template.
func (p *parser) until(ends ...string) (nodes []Node, end string, err error) {
	for len(p.pieces) > 0 {
		next := p.pieces[0]
		p.pieces = p.pieces[1:]
		var n Node
		switch next.kind {
		case 't':
			n = literal(next.text)
		case 'v':
			n, err = readVariable(next.text)
		default:
			tag, _, _ := strings.Cut(next.text, " ")
			for _, e := range ends {
				if tag == e {
					return nodes, tag, nil
				}
			}
			n, err = p.tag(tag, strings.TrimSpace(strings.TrimPrefix(next.text, tag)))
		}
		if err != nil && !strings.HasPrefix(err.Error(), "line ") { // of a block: it knows its own
			err = fmt.Errorf("line %d: %w", next.line, err)
		}
		if err != nil {
			return nil, "", err
		}
		if n != nil {
			nodes = append(nodes, n)
		}
	}
	if len(ends) > 0 {
		return nil, "", fmt.Errorf("{%% %s %%} is missing", ends[len(ends)-1])
	}
	return nodes, "", nil
}

// names are the variables that a template may use: djoser's, Django's, and the parts of the user.
var names = map[string]bool{
	"user": true, "user.username": true, "user.email": true, "user.first_name": true, "user.last_name": true, "user.name": true,
	"user.get_username": true, "user.get_full_name": true, "user.get_short_name": true, "user.pk": true, "user.id": true,
	"email": true, "site_name": true, "domain": true, "protocol": true, "url": true, "uid": true, "token": true,
	"link": true, "language": true, "direction": true,
}

func readVariable(text string) (Node, error) {
	parts := strings.Split(text, "|")
	v := variable{name: strings.TrimSpace(parts[0])}
	if !names[v.name] {
		return nil, fmt.Errorf("{{ %s }} is not known", v.name)
	}
	for _, part := range parts[1:] {
		name, argument, _ := strings.Cut(strings.TrimSpace(part), ":")
		switch name {
		case "safe", "escape", "force_escape", "lower", "upper":
		case "default":
			var ok bool
			if argument, ok = unquote(argument); !ok {
				return nil, errors.New("default takes a text in quotes")
			}
		default:
			return nil, fmt.Errorf("the filter %q is not known", name)
		}
		v.filters = append(v.filters, filter{name, argument})
	}
	return v, nil
}

func unquote(text string) (string, bool) {
	if len(text) >= 2 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1], true
	}
	return "", false
}

// tag reads what {% tag argument %} begins.
func (p *parser) tag(tag, argument string) (Node, error) {
	switch tag {
	case "load": // i18n is always there
		return nil, nil
	case "comment":
		return nil, p.skip()
	case "block":
		body, _, err := p.until("endblock")
		return block{argument, body}, err
	case "autoescape":
		body, _, err := p.until("endautoescape")
		return escaping{argument != "off", body}, err
	case "include":
		name, ok := unquote(argument)
		if !ok {
			return nil, errors.New("{% include %} takes a name in quotes")
		}
		body, err := p.include(name)
		return block{"", body}, err
	case "trans", "translate":
		text, ok := unquote(argument)
		if !ok {
			return nil, fmt.Errorf("{%% %s %%} takes a text in quotes", tag)
		}
		return phrase{english: text}, nil
	case "blocktrans", "blocktranslate":
		return p.phrase("end"+tag, strings.Contains(argument, "trimmed"))
	case "url": // a page of Django's: ours is the link's own path
		return block{"", []Node{literal("/"), variable{name: "url"}}}, nil
	case "if":
		return p.choice(argument)
	}
	return nil, fmt.Errorf("the tag {%% %s %%} is not known", tag)
}

// skip leaves out everything up to the end of a comment.
func (p *parser) skip() error {
	for len(p.pieces) > 0 {
		next := p.pieces[0]
		p.pieces = p.pieces[1:]
		if next.kind == '%' && next.text == "endcomment" {
			return nil
		}
	}
	return errors.New("{% endcomment %} is missing")
}

// phrase reads the text of a {% blocktrans %}: its variables become %(name)s, as gettext has them.
func (p *parser) phrase(end string, trimmed bool) (Node, error) {
	var text strings.Builder
	var n phrase
	for len(p.pieces) > 0 {
		next := p.pieces[0]
		p.pieces = p.pieces[1:]
		switch {
		case next.kind == 't':
			text.WriteString(next.text)
		case next.kind == 'v':
			if !names[next.text] {
				return nil, fmt.Errorf("{{ %s }} is not known", next.text)
			}
			text.WriteString("%(" + next.text + ")s")
			n.names = append(n.names, next.text)
		case next.text == end:
			n.english = text.String()
			if trimmed {
				n.english = strings.Join(strings.Fields(n.english), " ")
			}
			return n, nil
		default:
			return nil, fmt.Errorf("{%% %s %%} has a tag inside: %s", strings.TrimPrefix(end, "end"), next.text)
		}
	}
	return nil, fmt.Errorf("{%% %s %%} is missing", end)
}

func (p *parser) choice(condition string) (Node, error) {
	name, not := strings.CutPrefix(condition, "not ")
	c := choice{name: strings.TrimSpace(name), not: not}
	if !names[c.name] {
		return nil, fmt.Errorf("{%% if %s %%} is not known: it takes a name, or not and a name", condition)
	}
	var end string
	var err error
	if c.then, end, err = p.until("else", "endif"); err == nil && end == "else" {
		c.less, _, err = p.until("endif")
	}
	return c, err
}

// Blocks finds the blocks of a template by name, also those inside others.
func Blocks(nodes []Node, into map[string][]Node) {
	for _, n := range nodes {
		switch n := n.(type) {
		case block:
			if n.name != "" {
				into[n.name] = n.body
			}
			Blocks(n.body, into)
		case escaping:
			Blocks(n.body, into)
		}
	}
}

// Render writes nodes out; escape says that they are HTML.
func Render(nodes []Node, v *Values, escape bool) string {
	var b strings.Builder
	writeAll(&b, nodes, v, escape)
	return b.String()
}
