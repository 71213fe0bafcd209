package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Options are how a Site treats every request.
type Options struct {
	Mounts []Mount
	// Operations are paths beside the mounts, such as /healthz: plain handlers with any method.
	Operations map[string]http.Handler
	// Fallback answers paths under no mount.
	Fallback Dialect
	// Hosts are the names that the server answers to; empty: none.
	Hosts []string
	// Proxies is how many proxies stand before the server and can be believed.
	Proxies int
	CORS    CORS
	Metrics *Metrics
	Log     *slog.Logger
	// ShowPaths logs the paths that no route has as they are. Somebody's mistake may have put a
	// secret into one, so without it only the words of the route table are shown.
	ShowPaths bool
	// HSTS asks browsers to come by TLS only from then on, where TLS is ours.
	HSTS bool
	// Now is the time that durations are measured with.
	Now func() time.Time
}

// Site serves a set of mounts.
type Site struct {
	options Options
	lines   LineHandler
	hosts   hosts
	table   table
	words   map[string]bool // all segments of the table's paths
	unknown *meter
}

// NewSite builds the route table. An error says what is wrong with it.
func NewSite(o Options) (*Site, error) {
	s := &Site{options: o, lines: linesOf(o.Log), hosts: newHosts(o.Hosts), words: map[string]bool{}, unknown: o.Metrics.meter("", "none")}
	// The longest prefix goes first, for dialectOf. Views point at their mounts, which stay where they are from here on.
	s.options.Mounts = slices.Clone(o.Mounts)
	slices.SortStableFunc(s.options.Mounts, func(a, b Mount) int { return len(b.Prefix) - len(a.Prefix) })
	for i := range s.options.Mounts {
		if err := s.mount(&s.options.Mounts[i]); err != nil {
			return nil, err
		}
	}
	for path, h := range o.Operations {
		if err := s.add(&entry{path: path, view: h, meter: o.Metrics.meter("", path)}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Site) add(e *entry) error {
	for word := range strings.SplitSeq(e.path, "/") {
		s.words[word] = true
	}
	return s.table.add(e)
}

// Mounts are the mounts with their routes, those of the longest prefix first. They are for reading.
func (s *Site) Mounts() []Mount { return s.options.Mounts }

func (s *Site) mount(m *Mount) error {
	var paths []string
	views := map[string][]*Route{}
	taken := map[string]string{}
	m.Routes = slices.Clone(m.Routes) // their handlers change
	for i := range m.Routes {
		route := &m.Routes[i]
		if err := route.check(); err != nil {
			return fmt.Errorf("mount %s: %w", m.Name, err)
		}
		path := m.Prefix + route.Path
		what := route.Method + " " + path
		if other, ok := taken[what]; ok {
			return fmt.Errorf("mount %s: two routes answer %s\n  they are %s and %s\n  try: another path in [mounts.%s.paths], or \"\" for none",
				m.Name, what, other, route.Op, m.Name)
		}
		taken[what] = route.Op
		route.Handler = noted(route, s.options.Metrics.meter(m.Name, route.Op))
		for _, path := range route.paths(m) {
			if views[path] == nil {
				paths = append(paths, path)
			}
			views[path] = append(views[path], route)
		}
	}
	for _, path := range paths {
		// What no route is called for, such as OPTIONS, counts as the path's first.
		e := &entry{path: path, mount: m, view: m.Dialect.View(m, views[path]), meter: s.options.Metrics.meter(m.Name, views[path][0].Op)}
		if err := s.add(e); err != nil {
			return fmt.Errorf("mount %s: %w", m.Name, err)
		}
	}
	return nil
}

// paths are where a route of m answers.
func (r *Route) paths(m *Mount) []string {
	if r.Also == "" {
		return []string{m.Prefix + r.Path}
	}
	return []string{m.Prefix + r.Path, m.Prefix + r.Also}
}

func (r *Route) check() error {
	switch {
	case r.Access < Anyone || r.Access > Superuser:
		return fmt.Errorf("route %s %s has no access rule", r.Method, r.Path)
	case r.Op == "" || r.Method == "" || r.Handler == nil:
		return fmt.Errorf("route %s %s is incomplete", r.Method, r.Path)
	}
	return nil
}

// Values of headers that never change, shared by all answers.
var (
	noSniff    = []string{"nosniff"}
	sameOrigin = []string{"same-origin"}
	frameDeny  = []string{"DENY"}
	byTLSOnly  = []string{"max-age=31536000; includeSubDomains"} // RFC 6797 §6.1, for a year
)

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, start: s.options.Now(), meter: s.unknown}
	x.ID, x.Path, x.Client = newID(), r.URL.Path, clientAddr(r, s.options.Proxies)
	x.id[0] = x.ID
	s.options.Metrics.inFlight.Inc()
	defer s.finish(x, r)
	r.URL.Scheme = "" // what a request line in absolute form says
	if r.TLS != nil || s.options.Proxies > 0 && r.Header.Get("X-Forwarded-Proto") == "https" {
		r.URL.Scheme = "https"
	}
	h := x.Header()
	h["X-Request-Id"] = x.id[:]
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = sameOrigin
	h["X-Frame-Options"] = frameDeny
	if r.TLS != nil && s.options.HSTS { // a proxy that has the TLS says this itself
		h["Strict-Transport-Security"] = byTLSOnly
	}
	if !s.hosts.allow(r.Host) {
		s.dialectOf(r.URL.Path).Refuse(x, r, http.StatusBadRequest, "Invalid Host header.")
		return
	}
	if s.options.CORS.apply(x, r) {
		return
	}
	s.serve(x, r)
}

func (s *Site) serve(x *exchange, r *http.Request) {
	e := s.table.find(r, r.URL.Path)
	if e == nil {
		s.missing(x, r)
		return
	}
	if e.segments != nil {
		if s.rewritten(x, r, e.mount) { // a wildcard takes no format suffix
			return
		}
		x.Path = e.path // what stands in the place of a wildcard may be a secret
	}
	x.meter = e.meter
	e.view.ServeHTTP(x, r)
}

// missing answers a path that the table does not have: with its slash, in another spelling, or not at all.
func (s *Site) missing(x *exchange, r *http.Request) {
	path := r.URL.Path
	if !strings.HasSuffix(path, "/") {
		if e := s.table.find(nil, path+"/"); e != nil && e.mount != nil && e.mount.Dialect.Slash() {
			if e.segments != nil && s.rewritten(x, r, e.mount) { // a wildcard takes no format suffix
				return
			}
			x.Path, x.meter = strings.TrimSuffix(e.path, "/"), e.meter
			e.mount.Dialect.Headers(x.Header())
			redirect(x, r)
			return
		}
	}
	x.Path = s.shown(path)
	d := s.dialectOf(path)
	if !s.rewrite(x, r, d) {
		d.NotFound(x, r)
	}
}

// rewritten answers the request that the dialect of m makes of r, if it does.
func (s *Site) rewritten(x *exchange, r *http.Request, m *Mount) bool {
	return m != nil && s.rewrite(x, r, m.Dialect)
}

// rewrite answers the request that d makes of r, and reports whether there is one that d has a view for.
func (s *Site) rewrite(x *exchange, r *http.Request, d Dialect) bool {
	other := d.Rewrite(r)
	if other == nil {
		return false
	}
	e := s.table.find(other, other.URL.Path)
	if e == nil || e.mount == nil || e.mount.Dialect != d {
		return false
	}
	x.Path, x.meter = e.path, e.meter
	e.view.ServeHTTP(x, other)
	return true
}

// shown is a path that no route has, as the log may show it.
func (s *Site) shown(path string) string {
	if s.options.ShowPaths {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if !s.words[segment] {
			segments[i] = "…"
		}
	}
	return strings.Join(segments, "/")
}

// redirect sends the client to the path with its slash, whatever the method (Django's
// CommonMiddleware), by path alone: no host that a header could have named.
func redirect(w http.ResponseWriter, r *http.Request) {
	to := r.URL.EscapedPath() + "/"
	if strings.HasPrefix(to, "//") { // a browser would read a host there
		to = "/%2F" + to[2:]
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusMovedPermanently)
}

func (s *Site) dialectOf(path string) Dialect {
	for i := range s.options.Mounts {
		if m := &s.options.Mounts[i]; m.Prefix != "/" && strings.HasPrefix(path, m.Prefix) {
			return m.Dialect
		}
	}
	return s.options.Fallback
}

// finish answers a panic, counts and logs.
func (s *Site) finish(x *exchange, r *http.Request) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			s.options.Metrics.inFlight.Dec()
			panic(p)
		}
		s.options.Log.Error("panic", "id", x.ID, "op", x.Op, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if x.Status == 0 {
			s.dialectOf(r.URL.Path).Refuse(x, r, http.StatusInternalServerError, "Internal server error.")
		}
	}
	if x.gone {
		x.Status = statusGone
	}
	end := s.options.Now()
	s.options.Metrics.inFlight.Dec()
	x.meter.count(x.Status, end.Sub(x.start))
	s.log(x, r, end)
}

// statusGone is what the log and the counters say where the client went away before it had its
// answer: 499, as nginx has it.
const statusGone = 499

// Fault logs an error of ours, once, with the request's id. What failed because the client went
// away is nobody's fault.
func Fault(log *slog.Logger, w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(w)
	if x == nil {
		x = &exchange{}
	}
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		x.gone = true
		return
	}
	log.Error("fault", "id", x.ID, "op", x.Op, "error", err)
}
