// Package metrics shows numbers in Prometheus's text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). It keeps none but a histogram's: who
// counts keeps an atomic number of his own, and says here how it is read.
package metrics

import (
	"bytes"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The kinds of a family.
const (
	Counter   = "counter"
	Gauge     = "gauge"
	Histogram = "histogram"
	summary   = "summary"
)

// Registry is what one page shows. Its methods may be called from several goroutines.
type Registry struct {
	mu       sync.Mutex
	families map[string]family
	first    []func() // what is called before a page is written
}

// family are the numbers of one name.
type family struct {
	kind, help string
	write      func(*Family)
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry { return &Registry{families: map[string]family{}} }

// Add shows a family of a kind; write puts its numbers, for each page anew. A name that is there already
// panics.
func (r *Registry) Add(name, kind, help string, write func(*Family)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.families[name]; there {
		panic("metrics: " + name + " is there twice")
	}
	r.families[name] = family{kind, help, write}
}

// Value shows one number without labels.
func (r *Registry) Value(name, kind, help string, value func() float64) {
	r.Add(name, kind, help, func(f *Family) { f.Put("", value()) })
}

// Family is a family that is being written.
type Family struct {
	page *bytes.Buffer
	name string
}

// Put writes a number. Labels are what Labels gives, or "".
func (f *Family) Put(labels string, value float64) { f.put("", labels, value) }

func (f *Family) put(suffix, labels string, value float64) {
	f.page.WriteString(f.name + suffix)
	if labels != "" {
		f.page.WriteString("{" + labels + "}")
	}
	f.page.WriteString(" " + number(value) + "\n")
}

// number is a value, or a bound, as the format has it.
func number(v float64) string {
	if math.IsInf(v, 0) {
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', -1, 64), "inity") // +Inf, -Inf
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// Labels joins names and values in turn.
func Labels(pairs ...string) string {
	var text strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(pairs[i] + `="` + labelEscapes.Replace(pairs[i+1]) + `"`)
	}
	return text.String()
}

var helpEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`)

// ServeHTTP writes the page, its families in the order of their names. A family without numbers is left out.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.first {
		f()
	}
	var page, numbers bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(r.families)) {
		f := r.families[name]
		numbers.Reset()
		f.write(&Family{page: &numbers, name: name})
		if numbers.Len() > 0 {
			page.WriteString("# HELP " + name + " " + helpEscapes.Replace(f.help) + "\n# TYPE " + name + " " + f.kind + "\n")
			page.Write(numbers.Bytes())
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(page.Bytes())
}
