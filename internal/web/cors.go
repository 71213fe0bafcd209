package web

import (
	"net/http"
	"slices"
)

// CORS says which pages of other origins may read answers. Credentials are never allowed: tokens
// travel in a header that a page sets itself. The zero value is off.
type CORS struct {
	Origins []string // "https://app.example.com", or "*" for any
}

// apply sets the headers of r's origin, and answers a preflight (Fetch Standard §3.2). It reports
// whether the request is answered.
func (c *CORS) apply(w http.ResponseWriter, r *http.Request) bool {
	if len(c.Origins) == 0 {
		return false
	}
	h := w.Header()
	origin := r.Header.Get("Origin")
	switch {
	case slices.Contains(c.Origins, "*"):
		h.Set("Access-Control-Allow-Origin", "*")
	case origin != "" && slices.Contains(c.Origins, origin):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	default:
		h.Add("Vary", "Origin")
		return false
	}
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	if r.Method != http.MethodOptions || origin == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
