// Package drf does what Django REST framework does on the wire (3.14 on Django 3.2, and what 3.16
// on Django 4.2 answers differently): negotiation, authentication, permission, methods, bodies,
// validation, metadata, and the words of its errors. It leaves routes to web, rules to account, and
// everything that only one library says to that library's dialect.
package drf

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"doorward/internal/web"
)

// Options says how a site answers.
type Options struct {
	// Authenticators are asked in order. The challenge of the first one goes with every 401; where
	// there is none, or it is empty, a 401 becomes a 403.
	Authenticators []web.Authenticator
	// Modern answers as Django 4.2 and DRF 3.16 do.
	Modern bool
	// Suffixes takes the format suffixes of a DefaultRouter: users.json.
	Suffixes bool
	// XML takes and gives XML too, as djangorestframework-xml does beside the parsers and renderers of JSON.
	XML bool
	// NoStore forbids caches to keep answers.
	NoStore bool
	// Has asks what somebody may do, for routes that need it; nil: nobody has anything.
	Has web.Has
	// Throttle counts requests; nil: nobody does.
	Throttle *Throttle
	// Languages says refusals in the language that a request asks for.
	Languages bool
	// Words are the words for refusals that a handler returns without having explained them.
	Words Words
	// Fault is told of every error that is no refusal, once; nil tells nobody.
	Fault func(w http.ResponseWriter, r *http.Request, err error)
}

// Site is the dialect of one mount.
type Site struct {
	Options
	challenges [1]string // of the first authenticator, as the value of a header; "": none
}

var _ web.Dialect = (*Site)(nil)

// New makes a site.
func New(o Options) *Site {
	if o.Fault == nil {
		o.Fault = func(http.ResponseWriter, *http.Request, error) {}
	}
	s := &Site{Options: o}
	if len(o.Authenticators) > 0 {
		s.challenges[0] = o.Authenticators[0].Challenge()
	}
	return s
}

// Headers sets what every answer carries, redirects too: the headers of Django's middleware, and
// what keeps answers out of caches.
func (s *Site) Headers(h http.Header) {
	h["X-Frame-Options"] = frameDeny
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = sameOrigin
	if s.Modern {
		h["Cross-Origin-Opener-Policy"] = sameOrigin
	}
	if s.NoStore {
		h["Cache-Control"] = neverStored
	}
}

const notFoundPage = `<!doctype html>
<html lang="en">
<head>
  <title>Not Found</title>
</head>
<body>
  <h1>Not Found</h1><p>The requested resource was not found on this server.</p>
</body>
</html>
`

const badRequestPage = `<!doctype html>
<html lang="en">
<head>
  <title>Bad Request (400)</title>
</head>
<body>
  <h1>Bad Request (400)</h1><p></p>
</body>
</html>
`

// NotFound answers as Django does where no view is.
func (s *Site) NotFound(w http.ResponseWriter, r *http.Request) {
	s.Headers(w.Header())
	s.page(&answer{ResponseWriter: w, head: r.Method == http.MethodHead}, http.StatusNotFound, notFoundPage)
}

// page answers with a page of Django's.
func (s *Site) page(a *answer, status int, text string) {
	h := a.Header()
	h.Set("Content-Type", htmlMedia)
	if s.Modern {
		h.Set("Content-Type", htmlMedia+"; charset=utf-8")
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	a.WriteHeader(status)
	_, _ = a.Write([]byte(text))
}

// Refuse answers what a limit stopped before any view. A bad request gets Django's page.
func (s *Site) Refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	s.Headers(w.Header())
	a := &answer{ResponseWriter: w, head: r.Method == http.MethodHead}
	if status == http.StatusBadRequest {
		s.page(a, status, badRequestPage)
		return
	}
	_ = JSON(a, status, Object{{detailKey, reason}}) // a text always has JSON
}

// Slash is Django's APPEND_SLASH.
func (s *Site) Slash() bool { return true }

// Rewrite takes a format suffix off: /a/b.json is /a/b/ in JSON, with or without a slash behind.
// A format that nobody renders is rewritten as well, for the view then answers 404.
func (s *Site) Rewrite(r *http.Request) *http.Request {
	if !s.Suffixes || r.URL.RawPath != "" {
		return nil
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	dot := strings.LastIndexByte(path, '.')
	if dot < 1 || !isSuffix(path[dot+1:]) {
		return nil
	}
	other := withSuffix(r, strings.TrimSuffix(path[:dot], "/")+"/", path[dot+1:])
	if path[dot-1] == '/' { // only a router's root has its suffix behind the slash
		other = other.WithContext(context.WithValue(other.Context(), rootKey{}, true))
	}
	return other
}

// isSuffix is [a-z0-9]+ (rest_framework/urlpatterns.py).
func isSuffix(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
