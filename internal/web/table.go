package web

import (
	"fmt"
	"net/http"
	"strings"
)

// table finds the view of a path. It neither cleans paths nor adds slashes: what a path without
// a view gets is for its dialect to say, and http.ServeMux would redirect it.
type table struct {
	fixed    map[string]*entry
	patterns []*entry
}

// entry is one path of the table.
type entry struct {
	path     string    // as the table has it, wildcards and all
	segments []segment // nil: the path has no wildcards
	mount    *Mount    // nil for operations
	view     http.Handler
	meter    *meter
}

// segment is a word of a pattern, or the name of a wildcard.
type segment struct {
	text       string
	wild, rest bool
	digits     bool   // "{id:int}" takes digits alone, as Django's <int:id>
	start      string // what the rest begins with: "create{more...}"
}

// maxWild is how many wildcards a path may have.
const maxWild = 4

func (t *table) add(e *entry) error {
	if !strings.ContainsAny(e.path, "{}") {
		if other := t.fixed[e.path]; other != nil {
			return e.collides(other)
		}
		if t.fixed == nil {
			t.fixed = map[string]*entry{}
		}
		t.fixed[e.path] = e
		return nil
	}
	for _, other := range t.patterns {
		if other.path == e.path {
			return e.collides(other)
		}
	}
	if err := e.split(); err != nil {
		return err
	}
	t.patterns = append(t.patterns, e)
	return nil
}

func (e *entry) collides(other *entry) error {
	whose, name := "an operation", "NAME"
	if other.mount != nil {
		whose = "that of mount " + other.mount.Name
	}
	if e.mount != nil {
		name = e.mount.Name
	}
	return fmt.Errorf("two mounts have the path %s\n  it is %s already\n  try: prefix = \"/%s/\"   in [mounts.%s]", e.path, whose, name, name)
}

// split takes the path of a pattern apart.
func (e *entry) split() error {
	words := strings.Split(e.path, "/")
	wild := 0
	for i, word := range words {
		start := ""
		if i == len(words)-1 && strings.HasSuffix(word, "...}") {
			start, word = word[:max(0, strings.IndexByte(word, '{'))], word[max(0, strings.IndexByte(word, '{')):]
		}
		name, ok := strings.CutPrefix(word, "{")
		name, closed := strings.CutSuffix(name, "}")
		name, digits := strings.CutSuffix(name, ":int")
		name, rest := strings.CutSuffix(name, "...")
		ok = ok && closed && name != ""
		if ok {
			wild++
		}
		odd := strings.ContainsAny(name, "{}.:") || rest && (digits || i < len(words)-1)
		if ok && odd || !ok && strings.ContainsAny(word, "{}") || wild > maxWild {
			return fmt.Errorf("path %s: a wildcard is a whole segment, {name}, {name:int}, or {name...} at the end, maybe behind a word, and there are %d at most", e.path, maxWild)
		}
		if !ok {
			name = word
		}
		e.segments = append(e.segments, segment{name, ok, ok && rest, ok && digits, start})
	}
	return nil
}

// find returns the entry of a path, or nil, and sets the path values of r unless r is nil. A
// fixed path goes before a pattern, an earlier pattern before a later one.
func (t *table) find(r *http.Request, path string) *entry {
	if e := t.fixed[path]; e != nil {
		return e
	}
	for _, e := range t.patterns {
		if e.match(r, path) {
			return e
		}
	}
	return nil
}

// match compares segment by segment: {name} takes one that is neither empty nor a step in the path, {name:int} one of digits, {name...} the rest.
func (e *entry) match(r *http.Request, path string) bool {
	var values [maxWild][2]string
	n := 0
	for i, want := range e.segments {
		got, after, more := strings.Cut(path, "/")
		switch {
		case want.rest && !strings.HasPrefix(path, want.start):
			return false
		case want.rest:
			got = path[len(want.start):]
		case want.digits && strings.Trim(got, "0123456789") != "":
			return false
		case !want.wild && got != want.text, want.wild && (got == "" || got == "." || got == ".."), more != (i < len(e.segments)-1):
			return false
		}
		if want.wild {
			values[n] = [2]string{want.text, got}
			n++
		}
		path = after
	}
	for _, v := range values[:n] {
		if r != nil {
			r.SetPathValue(v[0], v[1])
		}
	}
	return true
}
