// Package web turns HTTP into routes: the route table, limits, access, the request log and the
// counters. It knows no dialect's words: a Dialect says how a path answers.
package web

import (
	"context"
	"net/http"

	"doorward/internal/account"
	"doorward/internal/language"
)

// Access is who may call a route. The zero value is refused when the table is built.
type Access uint8

// The access rules.
const (
	_            Access = iota
	Anyone              // with or without a token; a bad token may still be refused, as the dialect has it
	SignedIn            // a good token
	SecondFactor        // a good token that was verified with a second factor
	Staff               // a good token of somebody who is staff
	Superuser           // a good token of a superuser
)

// Handler answers one route: it decodes, calls one method of the service, encodes. The error it
// returns is turned into an answer by the route's dialect; nothing may have been written then.
type Handler func(w http.ResponseWriter, r *Request) error

// Route is one row of the route table.
type Route struct {
	Op     string // the name: in the index, metrics, OpenAPI, and what path overrides are keyed by
	Method string
	Path   string // below the mount's prefix, as net/http writes patterns: "user/view/", "users/{id}/"
	Also   string // another pattern that answers the same; "": none
	Access Access
	Needs  account.Needs // what who comes in must have besides
	// About says that the path names somebody, and that the handler holds to Reach in calling him up.
	About bool
	Reach account.Reach
	// Open says that the handler has an answer for nobody, too: an operator may open the route to anyone.
	Open bool
	// Others is the rule of the path's methods that no route has; 0: the strictest of its routes'.
	Others Access
	// Hidden answers 404 instead of 403 to who is signed in and may not come in.
	Hidden bool
	// Anonymous says that the route looks at no credentials, not even bad ones: signing in.
	Anonymous bool
	// Fresh asks for rows instead of remembered state: passwords, e-mail, factors, sessions, deletion, staff.
	Fresh bool
	// SaysHead lists HEAD among the methods of a path that refuses it, as a view of Django's does that brings its own list.
	SaysHead bool
	// NoHead says that HEAD is no GET here, as in Django's function views.
	NoHead  bool
	Input   []Field // the members of the body
	Handler Handler

	// Query are the parameters that the address may carry.
	Query []Field
	// Output are the members of the answer to who is let in, and Status is that answer's; 0: it has not been
	// said which. A list of such answers is Many.
	Output []Field
	Status int
	Many   bool

	// Told are the members of the body that OPTIONS tells to r, nil for none; where it is nil, Input is told.
	Told func(r *Request) []Field

	// NoSuffix answers a path with a format suffix as one that is not there.
	NoSuffix bool
	// Undescribed keeps Doc from OPTIONS, where the original's view has no doc string.
	Undescribed bool

	View string // what the resource is called: Django's view name, "User Create"
	Doc  string // what it does, for people: Django's doc string of the view
}

// Kind is the type of a field.
type Kind uint8

// The kinds of fields.
const (
	Text Kind = iota
	Email
	Secret // text that is never shown: a password
	Integer
	Boolean
	Related // another row, by what it is called; it is shown, and never taken
	Link    // the address of what the body is about
	Moment  // a time by RFC 3339, in answers
	Unread  // text as it was sent, which the handler judges alone; of what is no text whatever stands for it
)

// Field describes one member of a body: validation, OPTIONS and OpenAPI follow from it.
type Field struct {
	Name     string
	Label    string // as Django shows it: "Email address"
	Help     string
	Kind     Kind
	Required bool
	ReadOnly bool
	Null     bool // null is a value
	Blank    bool // the empty text is a value
	Max      int  // longest text, in characters; 0: unbounded
	Min      int  // shortest text, in characters, that is not blank, or least integer; 0: any
	// Taken reports whether the value belongs to somebody else already; nil: it need not be unique.
	Taken func(ctx context.Context, value string) (bool, error)
	// TakenText says so.
	TakenText string
	// Spec is the declaration of a field that is not built in; nil: it is.
	Spec *account.FieldSpec
	// Fields are the members of an object: a profile; nil: it is none.
	Fields []Field
	Many   bool // a list of such values
	// Valid is the rule of the text's own syntax; nil: there is none. InvalidText says that it is broken.
	Valid       func(value string) bool
	InvalidText string
	// Check gives what is wrong with a value that all other rules let pass; nil: nothing is.
	Check func(r *Request, value string) ([]string, error)
}

// Request is a request on its way through a route.
type Request struct {
	*http.Request
	Route *Route
	Mount *Mount
	// Who is asking; nil for nobody.
	Who *account.Principal
}

// Authenticator finds out who is asking.
type Authenticator interface {
	// Authenticate returns nil and no error when the request carries no credentials of its kind.
	// fresh asks for rows instead of remembered state.
	Authenticate(r *http.Request, fresh bool) (*account.Principal, error)
	// Challenge is the value of WWW-Authenticate.
	Challenge() string
}

// Dialect says how the paths of a mount answer.
type Dialect interface {
	// View makes the handler of one path from its routes, one a method.
	View(m *Mount, routes []*Route) http.Handler
	// NotFound answers a path of the mount that no route has.
	NotFound(w http.ResponseWriter, r *http.Request)
	// Refuse answers a request that is stopped before any view (a Host that is not ours), or that
	// ended in a panic.
	Refuse(w http.ResponseWriter, r *http.Request, status int, reason string)
	// Headers sets what every answer of the mount carries, and is called for redirects.
	Headers(h http.Header)
	// Slash reports whether a path without its slash at the end is redirected to the one with it.
	Slash() bool
	// Rewrite gives another request to look for when no route has this one's path (a format
	// suffix); nil when there is none.
	Rewrite(r *http.Request) *http.Request
}

// Mount is a dialect at a prefix.
type Mount struct {
	Name    string
	Prefix  string // "/api/"
	Dialect Dialect
	Routes  []Route
	Schemes []Scheme // the ways of saying who is asking, the first one first
}

// Path is the path of the route named op, or "" when the mount has none.
func (m *Mount) Path(op string) string {
	for i := range m.Routes {
		if m.Routes[i].Op == op {
			return m.Prefix + m.Routes[i].Path
		}
	}
	return ""
}

// Asking is the context of a call that may cause a mail: it says who asks.
func (r *Request) Asking() context.Context {
	return account.Asking(r.Context(), account.Asker{Origin: BaseURL(r.Request), Languages: language.Accepted(r.Header.Get("Accept-Language"))})
}
