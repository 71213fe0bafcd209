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
	path     string // as the table has it, wildcards and all
	segments []string
	mount    *Mount // nil for operations
	view     http.Handler
	meter    *meter
}

func (t *table) add(e *entry) error {
	if !strings.Contains(e.path, "{") {
		if t.fixed[e.path] != nil {
			return fmt.Errorf("two mounts have the path %s", e.path)
		}
		if t.fixed == nil {
			t.fixed = map[string]*entry{}
		}
		t.fixed[e.path] = e
		return nil
	}
	e.segments = strings.Split(e.path, "/")
	for _, other := range t.patterns {
		if other.path == e.path {
			return fmt.Errorf("two mounts have the path %s", e.path)
		}
	}
	t.patterns = append(t.patterns, e)
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

// match compares segment by segment: {name} takes one that is not empty, {name...} the rest.
func (e *entry) match(r *http.Request, path string) bool {
	var values [4][2]string
	n := 0
	rest := path
	for i, want := range e.segments {
		name, wild := strings.CutPrefix(want, "{")
		name, tail := strings.CutSuffix(strings.TrimSuffix(name, "}"), "...")
		got, after, more := strings.Cut(rest, "/")
		switch {
		case tail:
			got, more, after = rest, false, ""
		case !wild && got != want, wild && got == "", more != (i < len(e.segments)-1):
			return false
		}
		if wild && n < len(values) {
			values[n] = [2]string{name, got}
			n++
		}
		rest = after
	}
	for _, v := range values[:n] {
		if r != nil {
			r.SetPathValue(v[0], v[1])
		}
	}
	return true
}
