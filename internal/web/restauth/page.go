package restauth

import (
	"errors"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Site is the dialect of a mount with registration: REST framework's, but for the page that mails lead to, which
// is Django's. Its path has a {key}.
type Site struct {
	*drf.Site
	Cookies drf.SessionOptions // of the page's form
}

// View implements web.Dialect.
func (s *Site) View(m *web.Mount, routes []*web.Route) http.Handler {
	if !strings.Contains(routes[0].Path, "{key}") {
		return s.Site.View(m, routes)
	}
	p := &page{site: s, mount: m, routes: map[string]*web.Route{}}
	for _, r := range routes {
		p.routes[r.Method] = r
	}
	return p
}

// page answers browsers. What changes something must come from its own form.
type page struct {
	site   *Site
	mount  *web.Mount
	routes map[string]*web.Route
}

const (
	csrfField = "csrfmiddlewaretoken"
	maxForm   = 8 << 10 // bytes
)

// ServeHTTP implements http.Handler.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	p.site.Headers(h)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if !drf.Safe(method) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if p.site.Cookies.Forged(r, r.PostFormValue(csrfField)) {
			h.Set("Content-Type", "text/html")
			write(w, http.StatusForbidden, "This form is not ours, or it is too old. Open the link of the mail again.", "")
			return
		}
	}
	route := p.routes[method]
	if route == nil {
		h.Set("Allow", "GET, POST, HEAD, OPTIONS")
		h.Set("Content-Length", "0")
		status := http.StatusMethodNotAllowed
		if method == http.MethodOptions {
			status = http.StatusOK
		}
		w.WriteHeader(status)
		return
	}
	if err := route.Handler(w, &web.Request{Request: r, Route: route, Mount: p.mount}); err != nil {
		p.fail(w, r, err)
	}
}

// fail answers an error. What is no refusal is a fault.
func (p *page) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *drf.Failure
	if !errors.As(drf.Words{}.Explain(err), &f) {
		p.site.Fault(w, r, err)
		p.site.Refuse(w, r, http.StatusInternalServerError, "Internal server error.")
		return
	}
	for name, values := range f.Header {
		w.Header()[name] = values
	}
	p.site.Refuse(w, r, f.Status, "Service temporarily unavailable, try again later.")
}

// What the page says.
const (
	badKey    = "This link is no longer good. It may have been used, or it is too old."
	goodKey   = "Confirm that the e-mail address to which this link was sent is yours."
	keyTaken  = "Your e-mail address is confirmed."
	pageTitle = "Confirm your e-mail address"
)

// write answers with a page: a sentence, and the button of a form where there is a token for it.
func write(w http.ResponseWriter, status int, text, token string) {
	form := ""
	if token != "" {
		form = `<form method="post"><input type="hidden" name="` + csrfField + `" value="` + html.EscapeString(token) +
			`"><button type="submit">Confirm</button></form>`
	}
	body := "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>" +
		pageTitle + "</title></head>\n<body><h1>" + pageTitle + "</h1><p>" + html.EscapeString(text) + "</p>" + form + "</body>\n</html>\n"
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a client that is gone needs no answer
}

// showKey shows the button, or, where the link alone is enough, takes the key.
func (v *Views) showKey(w http.ResponseWriter, r *web.Request) error {
	if v.ByGet && r.Method == http.MethodGet {
		return v.takeKey(w, r)
	}
	good, err := v.accounts.KnowsKey(r.Context(), v.policy, r.PathValue("key"))
	switch {
	case err != nil:
		return err
	case good:
		write(w, http.StatusOK, goodKey, v.Cookies.FormToken(w.Header(), r.Request))
	default:
		write(w, http.StatusOK, badKey, "")
	}
	return nil
}

// takeKey is the button.
func (v *Views) takeKey(w http.ResponseWriter, r *web.Request) error {
	err := v.accounts.VerifyEmail(r.Context(), v.policy, r.PathValue("key"))
	switch {
	case errors.Is(err, account.LinkToken) && r.Method == http.MethodGet:
		write(w, http.StatusOK, badKey, "")
	case errors.Is(err, account.LinkToken):
		write(w, http.StatusNotFound, badKey, "")
	case err != nil:
		return err
	case v.Verified == "":
		write(w, http.StatusOK, keyTaken, "")
	default:
		w.Header().Set("Location", v.Verified)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusFound)
	}
	return nil
}
