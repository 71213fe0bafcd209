package drf

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"doorward/internal/web"
)

// Named is a route in an index.
type Named struct{ Name, Op string }

// Index answers with the addresses of routes, by their names; the address of one that the mount
// lacks is "". The format that the client asked for is asked for again in each of them.
func Index(names []string) web.Handler {
	all := make([]Named, len(names))
	for i, name := range names {
		all[i] = Named{name, name}
	}
	return IndexOf(all...)
}

// IndexOf is Index where the names are others than the routes'.
func IndexOf(list ...Named) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		all := make(Object, len(list))
		for i, n := range list {
			all[i] = Member{n.Name, ""}
			if path := r.Mount.Path(n.Op); path != "" {
				all[i].Value = web.BaseURL(r.Request) + inFormat(path, r.Request)
			}
		}
		return JSON(w, http.StatusOK, all)
	}
}

// Address is where the route op shows the row of an id, in the format that the client asked for; "" when the mount
// lacks the route.
func Address(r *web.Request, op string, id int64) string {
	path := r.Mount.Path(op)
	if path == "" {
		return ""
	}
	path = strings.Replace(path, "{id}", strconv.FormatInt(id, 10), 1)
	return web.BaseURL(r.Request) + inFormat(path, r.Request)
}

// inFormat adds the format of r to a path: as a suffix, as a query, or as both.
func inFormat(path string, r *http.Request) string {
	if s := suffix(r); s != "" {
		path = strings.TrimSuffix(path, "/") + "." + s
	}
	if format, ok := queryFormat(r); ok {
		path += "?" + url.Values{"format": {format}}.Encode()
	}
	return path
}
