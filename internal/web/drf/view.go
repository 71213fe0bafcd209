package drf

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
)

// view answers one path.
type view struct {
	site   *Site
	mount  *web.Mount
	routes []*web.Route
	allow  []string // the value of Allow
	// others is for the methods that no route has, OPTIONS among them: as strict as the strictest.
	others web.Route
}

// View implements web.Dialect.
func (s *Site) View(m *web.Mount, routes []*web.Route) http.Handler {
	v := &view{site: s, mount: m, routes: routes, others: web.Route{Anonymous: true}}
	for _, r := range routes {
		access := r.Access
		if r.Others != 0 {
			access = r.Others
		}
		v.others.Access = max(v.others.Access, access)
		v.others.Needs = account.Needs{
			Permission: cmp.Or(v.others.Needs.Permission, r.Needs.Permission), Group: cmp.Or(v.others.Needs.Group, r.Needs.Group),
		}
		v.others.Anonymous = v.others.Anonymous && r.Anonymous
		if v.others.View == "" {
			if v.others.View = r.View; !r.Undescribed {
				v.others.Doc = r.Doc
			}
		}
	}
	v.allow = []string{strings.Join(v.methods(), ", ")}
	return v
}

// methods lists what the path takes, in the order of Django's http_method_names.
func (v *view) methods() []string {
	var have []string
	for _, method := range []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead,
	} {
		if v.find(method) != nil || method == http.MethodHead && v.routes[0].SaysHead {
			have = append(have, method)
		}
	}
	return append(have, http.MethodOptions)
}

// find returns the route for a method, or nil. HEAD is GET's.
func (v *view) find(method string) *web.Route {
	head := method == http.MethodHead
	if head {
		method = http.MethodGet
	}
	for _, r := range v.routes {
		if r.Method == method && !(head && r.NoHead) {
			return r
		}
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (v *view) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v.site.Suffixes && suffix(r) != "" && (v.routes[0].NoSuffix || r.Context().Value(rootKey{}) != nil && v.routes[0].Path != "") {
		v.site.NotFound(w, r)
		return
	}
	a := &answer{ResponseWriter: w, head: r.Method == http.MethodHead}
	h := a.Header()
	v.site.Headers(h)
	h["Allow"] = v.allow
	vary := varyAccept
	if v.site.Languages {
		vary = varyLanguage
		h["Content-Language"] = contentLanguage()[spoken(r)]
	}
	if said := h["Vary"]; said != nil { // Origin, by CORS
		vary = append(said, vary...)
	}
	h["Vary"] = vary
	if err := v.serve(a, r); err != nil {
		v.site.fail(a, r, err)
	}
}

// serve takes DRF's steps in DRF's order (APIView.dispatch): the body is the handler's to read.
func (v *view) serve(a *answer, r *http.Request) error {
	if v.site.XML {
		r = r.WithContext(context.WithValue(r.Context(), xmlKey{}, true))
	}
	if err := v.site.negotiate(a, r); err != nil {
		return err
	}
	route := v.find(r.Method)
	rules := route
	if route == nil {
		rules = &v.others
	}
	who, err := v.site.authenticate(a.Header(), r, rules)
	if err != nil {
		return err
	}
	if err := v.site.permit(r.Context(), rules, who); err != nil {
		if rules.Hidden && who != nil && isFailure(err) {
			return NotFound()
		}
		return err
	}
	if err := v.site.Throttle.judge(a, who); err != nil {
		return err
	}
	switch {
	case route != nil:
		return route.Handler(a, &web.Request{Request: r, Route: route, Mount: v.mount, Who: who})
	case r.Method == http.MethodOptions:
		return JSON(a, http.StatusOK, v.metadata(&web.Request{Request: r, Mount: v.mount, Who: who}))
	}
	return Detail(http.StatusMethodNotAllowed, `Method "`+r.Method+`" not allowed.`)
}

// isFailure reports whether err is an answer, and no fault.
func isFailure(err error) bool {
	var f *Failure
	return errors.As(err, &f)
}

// authenticate asks one authenticator after the other. h is the answer's, for what the sessions say to
// the browser.
func (s *Site) authenticate(h http.Header, r *http.Request, rules *web.Route) (*account.Principal, error) {
	if rules.Anonymous {
		return nil, nil
	}
	for _, a := range s.Authenticators {
		who, err := a.Authenticate(r, rules.Fresh)
		if sessions, ok := a.(*Sessions); ok && errors.Is(err, errDeadSession) {
			sessions.Drop(h, r)
			continue
		}
		if who != nil || err != nil {
			return who, err
		}
	}
	return nil, nil
}

// permit reports with an error who may not come in. Where nobody could show credentials, there is
// no use in asking for them (APIView.permission_denied).
func (s *Site) permit(ctx context.Context, rules *web.Route, who *account.Principal) error {
	admitted, err := rules.Admits(ctx, s.Has, who)
	switch {
	case err != nil, admitted:
		return err
	case who == nil && len(s.Authenticators) > 0:
		return NotAuthenticated()
	}
	return PermissionDenied()
}

// fail answers an error. What is no refusal is a fault.
func (s *Site) fail(a *answer, r *http.Request, err error) {
	var f *Failure
	if !errors.As(err, &f) && !errors.As(s.Words.Explain(err), &f) {
		s.Fault(a, r, err)
		f = Detail(http.StatusInternalServerError, "Internal server error.")
	}
	if a.began {
		return // too late for another answer
	}
	h := a.Header()
	for name, values := range f.Header {
		h[name] = values
	}
	status := f.Status
	if status == http.StatusUnauthorized && h["Www-Authenticate"] == nil {
		status = s.challenge(h)
	}
	if err := JSON(a, status, s.inLanguage(r, f.Body)); err != nil {
		s.Fault(a, r, err)
		_ = JSON(a, http.StatusInternalServerError, Object{{detailKey, "Internal server error."}})
	}
}

// challenge sets WWW-Authenticate, and returns the status that goes with it.
func (s *Site) challenge(h http.Header) int {
	if s.challenges[0] == "" {
		return http.StatusForbidden
	}
	h["Www-Authenticate"] = s.challenges[:]
	return http.StatusUnauthorized
}
