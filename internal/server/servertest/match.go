package servertest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// vars are what earlier steps captured.
type vars map[string]any

// patterns are the words of expectations that stand for many values.
var patterns = map[string]string{
	"jwt":      `[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`,
	"datetime": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)`,
	"uuid":     `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "hex32": `[0-9a-f]{32}`, "hex40": `[0-9a-f]{40}`,
	"uid": `[A-Za-z0-9_-]+`, "token": `[0-9a-z]{1,13}-[0-9a-z]{1,64}`, "base32": `[A-Z2-7]+`, "static": `[a-z2-7]{7,8}`,
	"key": `[-:\w]+`, "HEX32": `[0-9A-F]{32}`, "str": `(?s:.*)`, "digits": `\d+`, "any": `(?s:.*)`,
}

var variable = regexp.MustCompile(`\{\{([^{}]+)\}\}`)

// lookup resolves a name: a captured value, or one changed by tamper: or upper:.
func (v vars) lookup(name string) (any, error) {
	if value, ok := v[name]; ok {
		return value, nil
	}
	how, rest, _ := strings.Cut(name, ":")
	value, ok := v[rest]
	text := fmt.Sprint(value)
	switch {
	case ok && how == "upper":
		return strings.ToUpper(text), nil
	case ok && how == "tamper": // the first character of the signature, or of the whole
		i := strings.LastIndexAny(text, ".-") + 1
		if strings.Contains(text, ".") {
			i = strings.LastIndexByte(text, '.') + 1
		}
		other := "A"
		if text[i] == 'A' {
			other = "B"
		}
		return text[:i] + other + text[i+1:], nil
	}
	return nil, fmt.Errorf("no variable %q", name)
}

// fill replaces the variables in v; one that stands alone keeps its type.
func (v vars) fill(in any) (any, error) {
	switch in := in.(type) {
	case string:
		if m := variable.FindStringSubmatch(in); m != nil && m[0] == in {
			return v.lookup(m[1])
		}
		return v.text(in)
	case []any:
		out := make([]any, len(in))
		for i := range in {
			var err error
			if out[i], err = v.fill(in[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := map[string]any{}
		for name := range in {
			var err error
			if out[name], err = v.fill(in[name]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return in, nil
}

func (v vars) text(in string) (string, error) {
	var failed error
	out := variable.ReplaceAllStringFunc(in, func(m string) string {
		value, err := v.lookup(m[2 : len(m)-2])
		if err != nil {
			failed = err
		}
		return fmt.Sprint(value)
	})
	return out, failed
}

// match compares an expectation with what came: all keys and no others, lists in order.
func (v vars) match(want, got any, path string) error {
	switch want := want.(type) {
	case string:
		return v.matchText(want, got, path)
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: want an object, got %v", path, got)
		}
		for name := range g {
			if _, ok := want[name]; !ok {
				return fmt.Errorf("%s: unexpected key %q = %v", path, name, g[name])
			}
		}
		for name, w := range want {
			value, ok := g[name]
			if !ok {
				return fmt.Errorf("%s: key %q is missing, got %v", path, name, got)
			}
			if err := v.match(w, value, path+"."+name); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return fmt.Errorf("%s: want %v, got %v", path, want, got)
		}
		for i := range want {
			if err := v.match(want[i], g[i], fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	}
	if !same(want, got) {
		return fmt.Errorf("%s: want %v, got %v", path, want, got)
	}
	return nil
}

// same compares scalars; numbers may come as float64 (from typed data) or as written.
func same(want, got any) bool {
	if w, ok := want.(float64); ok {
		n, ok := got.(json.Number)
		return ok && n.String() == strconv.FormatFloat(w, 'f', -1, 64)
	}
	return reflect.DeepEqual(want, got)
}

func (v vars) matchText(want string, got any, path string) error {
	m := variable.FindStringSubmatch(want)
	if m != nil && m[0] == want {
		switch {
		case m[1] == "any":
			return nil
		case m[1] == "int":
			if n, ok := got.(json.Number); !ok || strings.ContainsAny(n.String(), ".eE") {
				return fmt.Errorf("%s: want an integer, got %v", path, got)
			}
			return nil
		case patterns[m[1]] == "":
			value, err := v.lookup(m[1])
			if err != nil || !same(value, got) {
				return fmt.Errorf("%s: want %v (%s), got %v", path, value, want, got)
			}
			return nil
		}
	}
	text, ok := got.(string)
	if !ok {
		return fmt.Errorf("%s: want %q, got %v", path, want, got)
	}
	expr, err := v.expression(want)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !expr.MatchString(text) {
		return fmt.Errorf("%s: want %q, got %q", path, want, text)
	}
	return nil
}

func (v vars) expression(want string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`\A`)
	pos := 0
	for _, m := range variable.FindAllStringSubmatchIndex(want, -1) {
		b.WriteString(regexp.QuoteMeta(want[pos:m[0]]))
		name := want[m[2]:m[3]]
		if p := patterns[name]; p != "" {
			b.WriteString("(?:" + p + ")")
		} else {
			value, err := v.lookup(name)
			if err != nil {
				return nil, err
			}
			b.WriteString(regexp.QuoteMeta(fmt.Sprint(value)))
		}
		pos = m[1]
	}
	b.WriteString(regexp.QuoteMeta(want[pos:]) + `\z`)
	return regexp.Compile(b.String())
}

var pathPart = regexp.MustCompile(`\.([^.\[\]]+)|\[(-?\d+)\]`)

// at follows a path such as $.users[0].id.
func at(doc any, path string) (any, error) {
	for _, m := range pathPart.FindAllStringSubmatch(strings.TrimPrefix(path, "$"), -1) {
		switch v := doc.(type) {
		case map[string]any:
			value, ok := v[m[1]]
			if !ok {
				return nil, fmt.Errorf("no %s in %v", path, doc)
			}
			doc = value
		case []any:
			i, err := strconv.Atoi(m[2])
			if err != nil || i < 0 || i >= len(v) {
				return nil, fmt.Errorf("no %s in %v", path, doc)
			}
			doc = v[i]
		default:
			return nil, fmt.Errorf("no %s in %v", path, doc)
		}
	}
	return doc, nil
}
