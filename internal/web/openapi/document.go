// Package openapi describes route tables as OpenAPI 3.1 does: what is data in a route stands in the
// document, and nothing else (https://spec.openapis.org/oas/v3.1.1.html). It reads tables and serves nothing.
package openapi

import (
	"net/http"
	"strconv"
	"strings"

	"doorward/internal/account"
	"doorward/internal/pattern"
	"doorward/internal/web"
)

// Document is the whole description.
type Document struct {
	OpenAPI    string          `json:"openapi"`
	Info       Info            `json:"info"`
	Servers    []Server        `json:"servers,omitempty"`
	Tags       []Tag           `json:"tags"`
	Paths      map[string]Path `json:"paths"`
	Components Components      `json:"components"`
}

// Info says what is described.
type Info struct {
	Title   string `json:"title"`
	Version string `json:"version"`
}

// Server is where it answers.
type Server struct {
	URL string `json:"url"`
}

// Tag is a mount.
type Tag struct {
	Name string `json:"name"`
}

// Path has the operations of a path, by method in lower case.
type Path map[string]*Operation

// Operation is one route.
type Operation struct {
	Tags        []string              `json:"tags"`
	Summary     string                `json:"summary,omitempty"`
	OperationID string                `json:"operationId"`
	Parameters  []Parameter           `json:"parameters,omitempty"`
	RequestBody *Body                 `json:"requestBody,omitempty"`
	Responses   map[string]*Response  `json:"responses"`
	Security    []map[string][]string `json:"security"`
	// Op is the route's name, and Access who may call it: "anyone", "signed-in", "staff".
	Op     string `json:"x-op"`
	Access string `json:"x-access"`
}

// Parameter is a part of the address.
type Parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"` // "path" or "query"
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Schema      *Schema `json:"schema"`
}

// Body is the body of a request.
type Body struct {
	Required bool             `json:"required,omitempty"`
	Content  map[string]Media `json:"content"`
}

// Media is a body in one media type.
type Media struct {
	Schema *Schema `json:"schema"`
}

// Response is an answer, or the reference to one.
type Response struct {
	Ref         string            `json:"$ref,omitempty"`
	Description string            `json:"description,omitempty"`
	Headers     map[string]Header `json:"headers,omitempty"`
	Content     map[string]Media  `json:"content,omitempty"`
}

// Header is a header of an answer.
type Header struct {
	Description string  `json:"description"`
	Schema      *Schema `json:"schema"`
}

// Components are what others refer to.
type Components struct {
	Schemas         map[string]*Schema   `json:"schemas"`
	Responses       map[string]*Response `json:"responses"`
	SecuritySchemes map[string]*Security `json:"securitySchemes"`
}

// Security is a way of saying who is asking.
type Security struct {
	Type        string `json:"type"` // "http" or "apiKey"
	Scheme      string `json:"scheme,omitempty"`
	In          string `json:"in,omitempty"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
}

// Options say what no route table knows.
type Options struct {
	Version string // of the program
	URL     string // where it answers; "": not said
}

// New describes mounts.
func New(mounts []web.Mount, o Options) *Document {
	d := &Document{
		OpenAPI: "3.1.1", Info: Info{"Doorward", o.Version}, Tags: []Tag{}, Paths: map[string]Path{},
		Components: Components{Schemas: map[string]*Schema{}, Responses: map[string]*Response{}, SecuritySchemes: map[string]*Security{}},
	}
	if o.URL != "" {
		d.Servers = []Server{{o.URL}}
	}
	for i := range mounts {
		d.mount(&mounts[i])
	}
	return d
}

// describer describes the routes of one mount.
type describer struct {
	*Components
	mount *web.Mount
	wire  web.Wire
}

func (d *Document) mount(m *web.Mount) {
	d.Tags = append(d.Tags, Tag{m.Name})
	one := describer{Components: &d.Components, mount: m, wire: web.Wire{Takes: []string{jsonMedia}, Refuses: jsonMedia}}
	if wired, ok := m.Dialect.(web.Wired); ok {
		one.wire = wired.Wire()
	}
	one.common()
	for i := range m.Routes {
		r := &m.Routes[i]
		path := wildcard().ReplaceAllString(m.Prefix+r.Path, "{$1}")
		if d.Paths[path] == nil {
			d.Paths[path] = Path{}
		}
		d.Paths[path][strings.ToLower(r.Method)] = one.operation(r)
	}
}

const jsonMedia = "application/json"

// segmentTypes are the types of what wildcards take, by how they end.
var segmentTypes = map[string]string{"": "string", "...": "string", ":int": "integer"}

// wildcard is what net/http's patterns have in the place of a part of a path.
var wildcard = pattern.Of(`\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.|:int)?\}`)

// The answers that routes of a mount have in common.
var refusals = []struct {
	status int
	name   string
	text   string
}{
	{http.StatusBadRequest, "Invalid", "Something is wrong with what was sent."},
	{http.StatusUnauthorized, "Unauthorized", "It is not known who is asking."},
	{http.StatusForbidden, "Forbidden", "Who is asking may not do this."},
	{http.StatusNotFound, "NotFound", "There is no such thing, or not for who is asking."},
	{http.StatusServiceUnavailable, "Busy", "The server is busy, or its database is away: ask again."},
}

// common fills in the components of the mount.
func (d *describer) common() {
	refusal := d.mount.Name + ".Refusal"
	d.Schemas[refusal] = way{answer: true}.object(d.wire.Refusal)
	invalid := refusal
	if d.wire.ByField {
		invalid = d.mount.Name + ".Invalid"
		d.Schemas[invalid] = &Schema{
			Type:        "object",
			Description: "What is wrong, by member: a list of texts for each; of an object, an object of such lists.",
		}
	}
	for _, r := range refusals {
		schema := refusal
		if r.status == http.StatusBadRequest {
			schema = invalid
		}
		response := &Response{Description: r.text, Content: map[string]Media{d.wire.Refuses: {&Schema{Ref: "#/components/schemas/" + schema}}}}
		if r.status == http.StatusServiceUnavailable {
			response.Headers = map[string]Header{"Retry-After": {"Seconds to wait.", &Schema{Type: "integer"}}}
		}
		d.Responses[d.mount.Name+"."+r.name] = response
	}
	for _, s := range d.mount.Schemes {
		d.SecuritySchemes[d.mount.Name+"."+s.Name] = securityOf(s)
	}
}

func securityOf(s web.Scheme) *Security {
	word := strings.ToLower(s.Word)
	switch {
	case s.Header == "":
		return &Security{Type: "apiKey", In: "cookie", Name: s.Cookie}
	case s.Header == "Authorization" && (word == "bearer" || word == "basic"):
		return &Security{Type: "http", Scheme: word}
	}
	return &Security{Type: "apiKey", In: "header", Name: s.Header, Description: "The value is " + s.Word + " and the token, with a space between."}
}

var accessNames = map[web.Access]string{web.Anyone: "anyone", web.SignedIn: "signed-in", web.Staff: "staff", web.Superuser: "superuser"}

func (d *describer) operation(r *web.Route) *Operation {
	return &Operation{
		Tags: []string{d.mount.Name}, Summary: r.Doc, OperationID: d.operationID(r),
		Parameters: parameters(r), RequestBody: d.body(r), Responses: d.responses(r), Security: d.security(r),
		Op: r.Op, Access: accessNames[r.Access],
	}
}

// operationID tells the routes of all mounts apart: a name may answer several methods.
func (d *describer) operationID(r *web.Route) string {
	return d.mount.Name + "." + r.Op + "." + strings.ToLower(r.Method)
}

func parameters(r *web.Route) (all []Parameter) {
	for _, match := range wildcard().FindAllStringSubmatch(r.Path, -1) {
		all = append(all, Parameter{Name: match[1], In: "path", Required: true, Schema: &Schema{Type: segmentTypes[match[2]]}})
	}
	for i := range r.Query {
		f := r.Query[i]
		help := f.Help
		f.Help, f.Label = "", ""
		all = append(all, Parameter{Name: f.Name, In: "query", Description: help, Required: f.Required, Schema: way{}.member(&f)})
	}
	return all
}

// by is who reads the answer of a route.
func by(r *web.Route) account.Access {
	if r.Access >= web.Staff {
		return account.Staff
	}
	return account.Self
}

func (d *describer) body(r *web.Route) *Body {
	if len(r.Input) == 0 {
		return nil
	}
	schema := way{partial: r.Method == http.MethodPatch, strict: d.wire.Strict, by: by(r)}.object(r.Input)
	name := d.operationID(r)
	d.Schemas[name] = schema
	b := &Body{Required: len(schema.Required) > 0, Content: map[string]Media{}}
	for _, media := range d.wire.Takes {
		b.Content[media] = Media{&Schema{Ref: "#/components/schemas/" + name}}
	}
	return b
}

func (d *describer) responses(r *web.Route) map[string]*Response {
	all := map[string]*Response{}
	status, done := "2XX", &Response{Description: "It was done."}
	if r.Status != 0 {
		status, done.Description = strconv.Itoa(r.Status), http.StatusText(r.Status)
	}
	if r.Output != nil {
		schema := way{answer: true, by: by(r)}.object(r.Output)
		if r.Many {
			schema = &Schema{Type: "array", Items: schema}
		}
		done.Content = map[string]Media{jsonMedia: {schema}}
	}
	all[status] = done
	for _, refusal := range refusals {
		if refuses(r, refusal.status) {
			all[strconv.Itoa(refusal.status)] = &Response{Ref: "#/components/responses/" + d.mount.Name + "." + refusal.name}
		}
	}
	return all
}

// refuses reports whether a route may answer with a status, as far as its data tells.
func refuses(r *web.Route, status int) bool {
	switch status {
	case http.StatusBadRequest:
		return len(r.Input)+len(r.Query) > 0
	case http.StatusUnauthorized:
		return !r.Anonymous
	case http.StatusForbidden:
		return r.Access == web.Staff
	case http.StatusNotFound:
		return r.Hidden || strings.Contains(r.Path, "{")
	}
	return true
}

// security are the ways of which one lets in; an empty one is that of nobody.
func (d *describer) security(r *web.Route) []map[string][]string {
	all := []map[string][]string{}
	if r.Anonymous {
		return all
	}
	for _, s := range d.mount.Schemes {
		all = append(all, map[string][]string{d.mount.Name + "." + s.Name: {}})
	}
	if r.Access == web.Anyone {
		all = append(all, map[string][]string{})
	}
	return all
}
