package drf

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/web"
)

var pipelineRoutes = []web.Route{
	{Op: "me", Method: "GET", Path: "me/", Access: web.SignedIn, Handler: hello, View: "User Instance"},
	{Op: "me-put", Method: "PUT", Path: "me/", Access: web.SignedIn, Handler: echo, Input: testFields[:3], Fresh: true},
	{Op: "me-patch", Method: "PATCH", Path: "me/", Access: web.SignedIn, Handler: echo, Input: testFields},
	{Op: "me-delete", Method: "DELETE", Path: "me/", Access: web.SignedIn, Handler: func(w http.ResponseWriter, _ *web.Request) error { return NoContent(w) }},
	{Op: "create", Method: "POST", Path: "create/", Access: web.Anyone, Handler: echo, Input: []web.Field{
		{Name: "email", Kind: web.Email, Label: "Email address", Required: true, Max: 255},
		{Name: "id", Kind: web.Integer, Label: "ID", ReadOnly: true, Max: 3},
		{Name: "new_password", Kind: web.Secret, Required: true, Help: "A good one."},
		{Name: "news", Kind: web.Boolean},
		{Name: "name"},
	}, View: "User Create", Doc: "Signs up."},
	{Op: "login", Method: "POST", Path: "login/", Access: web.Anyone, Anonymous: true, Handler: hello},
	{Op: "logout", Method: "POST", Path: "logout/all/", Access: web.SignedIn, Handler: hello, View: "Logout All"},
	{Op: "list", Method: "GET", Path: "users/", Access: web.SignedIn, Handler: hello},
	{Op: "sign-up", Method: "POST", Path: "users/", Access: web.Anyone, Handler: hello},
}

const (
	notGiven   = `{"detail":"Authentication credentials were not provided."}`
	badToken   = `{"detail":"Invalid token."}`
	notAllowed = `{"detail":"You do not have permission to perform this action."}`
)

func TestAViewTakesDRFsStepsInOrder(t *testing.T) {
	const ann, wrong = "Key ann", "Key wrong"
	tests := []struct {
		name, method, target string
		key, accept          string // "-": none
		want                 string
		allow                string
	}{
		{"a good key gets in", "GET", "me/", ann, "-", `200 {"hello":true}`, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"no key does not", "GET", "me/", "-", "-", "401 " + notGiven, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"nor does a bad one", "GET", "me/", wrong, "-", "401 " + badToken, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"an unknown scheme is no key", "GET", "me/", "Bearer x", "-", "401 " + notGiven, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"a route that wants it fresh says so", "PUT", "me/", "Key fresh", "-", `400 {"email":["This field is required."],"password":["This field is required."]}`, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"other routes do not", "GET", "me/", "Key fresh", "-", "401 " + badToken, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"HEAD is GET without a body", "HEAD", "me/", ann, "-", "200", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"HEAD is refused without a body", "HEAD", "me/", "-", "-", "401", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"no content has no body", "DELETE", "me/", ann, "-", "204", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"a method without a route is 405 for who may come in", "POST", "me/", ann, "-", `405 {"detail":"Method \"POST\" not allowed."}`, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"and 401 for others", "POST", "me/", "-", "-", "401 " + notGiven, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"permission goes before the method", "GET", "logout/all/", "-", "-", "401 " + notGiven, "POST, OPTIONS"},
		{"a good key reaches the method", "GET", "logout/all/", ann, "-", `405 {"detail":"Method \"GET\" not allowed."}`, "POST, OPTIONS"},
		{"HEAD without GET is 405", "HEAD", "logout/all/", ann, "-", "405", "POST, OPTIONS"},
		{"OPTIONS asks for the same permission", "OPTIONS", "logout/all/", "-", "-", "401 " + notGiven, "POST, OPTIONS"},
		{"where anyone may come in it is 405 at once", "GET", "create/", "-", "-", `405 {"detail":"Method \"GET\" not allowed."}`, "POST, OPTIONS"},
		{"a bad key is refused there too", "GET", "create/", wrong, "-", "401 " + badToken, "POST, OPTIONS"},
		{"a method nobody knows is 405 as well", "BREW", "create/", "-", "-", `405 {"detail":"Method \"BREW\" not allowed."}`, "POST, OPTIONS"},
		{"of two routes the open one is open", "POST", "users/", "-", "-", `200 {"hello":false}`, "GET, POST, HEAD, OPTIONS"},
		{"the strict one settles what neither has", "PUT", "users/", "-", "-", "401 " + notGiven, "GET, POST, HEAD, OPTIONS"},
		{"a bad key is refused where anyone may come in", "POST", "create/", wrong, "-", "401 " + badToken, "POST, OPTIONS"},
		{"a view that looks at no key takes a bad one", "POST", "login/", wrong, "-", `200 {"hello":false}`, "POST, OPTIONS"},
		{"and does not know a good one", "POST", "login/", ann, "-", `200 {"hello":false}`, "POST, OPTIONS"},
		{"nor does it for other methods", "GET", "login/", wrong, "-", `405 {"detail":"Method \"GET\" not allowed."}`, "POST, OPTIONS"},
		{"negotiation goes before the key", "GET", "me/", wrong, "application/xml", `406 {"detail":"Could not satisfy the request Accept header."}`, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"an unknown format goes before the key", "GET", "me/?format=xml", wrong, "-", `404 {"detail":"Not found."}`, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"a browser gets JSON for now", "GET", "me/", ann, "text/html", `200 {"hello":true}`, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
		{"blanks are asked for", "GET", "me/", ann, "application/json; indent=4", "200 {\n    \"hello\": true\n}", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"},
	}
	s := New(Options{Authenticators: []web.Authenticator{keys{`Key realm="api"`}, keys{"Other"}}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := recorder{ask(s, pipelineRoutes, tt.method, "/api/"+tt.target, "", "Authorization", tt.key, "Accept", tt.accept)}
			in := strings.Join([]string{tt.method, tt.target, tt.key, tt.accept}, " ")
			if got := w.answer(); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", in, got, tt.want)
			}
			if got := w.Header().Get("Allow"); got != tt.allow {
				t.Errorf("%s: Allow is %q, want %q", in, got, tt.allow)
			}
			if got, want := w.Header().Get("WWW-Authenticate") != "", w.Code == 401; got != want {
				t.Errorf("%s: %d with a challenge: %v", in, w.Code, got)
			}
		})
	}
}

func TestWhatA401Becomes(t *testing.T) {
	first := func(challenge string) []web.Authenticator {
		return []web.Authenticator{keys{challenge}, keys{"Second"}}
	}
	tests := []struct {
		name           string
		authenticators []web.Authenticator
		key            string
		want, header   string
	}{
		{"the first challenge goes with it", first("First"), "-", "401 " + notGiven, "First"},
		{"whatever was wrong", first("First"), "Key wrong", "401 " + badToken, "First"},
		{"it is 403 when the first has none", first(""), "-", "403 " + notGiven, ""},
		{"whatever was wrong then", first(""), "Key wrong", "403 " + badToken, ""},
		{"without authenticators nobody is asked for a key", nil, "-", "403 " + notAllowed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := recorder{ask(New(Options{Authenticators: tt.authenticators}), pipelineRoutes, "GET", "/api/me/", "", "Authorization", tt.key)}
			if got, header := w.answer(), w.Header().Get("WWW-Authenticate"); got != tt.want || header != tt.header {
				t.Errorf("%s\n got %s, %q\nwant %s, %q", tt.key, got, header, tt.want, tt.header)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	secure := map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
	tests := []struct {
		name           string
		options        Options
		method, target string
		want           map[string]string // "": absent
	}{
		{"a view, classic", Options{}, "GET", "users/", map[string]string{"Content-Type": "application/json", "Content-Length": "63", "Vary": "Accept", "Cross-Origin-Opener-Policy": "", "Cache-Control": ""}},
		{"a view, modern", Options{Modern: true}, "GET", "users/", map[string]string{"Content-Type": "application/json", "Vary": "Accept", "Cross-Origin-Opener-Policy": "same-origin"}},
		{"a view that is not to be stored", Options{NoStore: true}, "POST", "users/", map[string]string{"Cache-Control": "no-store"}},
		{"HEAD keeps the length", Options{}, "HEAD", "users/", map[string]string{"Content-Length": "63"}},
		{"no content has no type", Options{Authenticators: []web.Authenticator{keys{}}}, "DELETE", "me/", map[string]string{"Content-Type": "", "Content-Length": ""}},
		{"no view, classic", Options{NoStore: true}, "GET", "nothing/", map[string]string{"Content-Type": "text/html", "Content-Length": "178", "Allow": "", "Vary": "", "Cache-Control": "no-store"}},
		{"no view, modern", Options{Modern: true}, "GET", "nothing/", map[string]string{"Content-Type": "text/html; charset=utf-8", "Cross-Origin-Opener-Policy": "same-origin"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(New(tt.options), pipelineRoutes, tt.method, "/api/"+tt.target, "", "Authorization", "Key ann")
			for _, want := range []map[string]string{secure, tt.want} {
				for name, value := range want {
					if got := w.Header().Get(name); got != value {
						t.Errorf("%s %s: %s is %q, want %q", tt.method, tt.target, name, got, value)
					}
				}
			}
		})
	}
}

func TestWhatIsNotFoundOrRefused(t *testing.T) {
	s := New(Options{})
	if w := ask(s, nil, "GET", "/x/", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "<h1>Not Found</h1><p>The requested resource was not found on this server.</p>") {
		t.Errorf("GET /x/\n got %d %s", w.Code, w.Body)
	}
	if w := ask(s, nil, "HEAD", "/x/", ""); w.Code != 404 || w.Body.Len() > 0 {
		t.Errorf("HEAD /x/\n got %d %s", w.Code, w.Body)
	}
	w := newRecorder()
	s.Refuse(w, httptest.NewRequest("GET", "/", nil), 431, "Request header is too long.")
	if got, want := w.answer(), `431 {"detail":"Request header is too long."}`; got != want || w.Header().Get("X-Frame-Options") != "DENY" {
		t.Errorf("Refuse\n got %s %v\nwant %s", got, w.Header(), want)
	}
	if !s.Slash() {
		t.Error("Slash() = false, want true")
	}
}

func TestOPTIONSTellsTheFields(t *testing.T) {
	const media = `"renders":["application/json","text/html"],"parses":["application/json","application/x-www-form-urlencoded","multipart/form-data"]`
	const create = `{"email":{"type":"email","required":true,"read_only":false,"label":"Email address","max_length":255},` +
		`"id":{"type":"integer","required":false,"read_only":true,"label":"ID"},` +
		`"new_password":{"type":"string","required":true,"read_only":false,"label":"New password","help_text":"A good one."},` +
		`"news":{"type":"boolean","required":false,"read_only":false,"label":"News"},` +
		`"name":{"type":"string","required":false,"read_only":false,"label":"Name"}}`
	const me = `{"id":{"type":"integer","required":false,"read_only":true,"label":"Id"},` +
		`"email":{"type":"email","required":true,"read_only":false,"label":"Email","max_length":20},` +
		`"password":{"type":"string","required":true,"read_only":false,"label":"Password"}}`
	tests := []struct{ name, target, want string }{
		{"of POST", "create/", `200 {"name":"User Create","description":"Signs up.",` + media + `,"actions":{"POST":` + create + `}}`},
		{"of PUT, never of PATCH", "me/", `200 {"name":"User Instance","description":"",` + media + `,"actions":{"PUT":` + me + `}}`},
		{"unless there are none", "logout/all/", `200 {"name":"Logout All","description":"",` + media + `}`},
	}
	s := New(Options{Authenticators: []web.Authenticator{keys{"Key"}}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := recorder{ask(s, pipelineRoutes, "OPTIONS", "/api/"+tt.target, "", "Authorization", "Key ann")}
			if got := w.answer(); got != tt.want {
				t.Errorf("OPTIONS %s\n got %s\nwant %s", tt.target, got, tt.want)
			}
		})
	}
}

func TestErrorsOfHandlers(t *testing.T) {
	busy := &account.Error{Problems: []account.Problem{{Code: account.Busy}}, RetryAfter: 1200 * time.Millisecond}
	tests := []struct {
		name   string
		err    error
		want   string
		header string // Retry-After
		faults int
	}{
		{"one field", Invalid("current_password", "Invalid password."), `400 {"current_password":["Invalid password."]}`, "", 0},
		{"no field", NonField("Unable to log in with provided credentials."), `400 {"non_field_errors":["Unable to log in with provided credentials."]}`, "", 0},
		{"a bare list", Bare("Unable to create account."), `400 ["Unable to create account."]`, "", 0},
		{"a sentence", Detail(429, "Request was throttled."), `429 {"detail":"Request was throttled."}`, "", 0},
		{"no body", Empty(400), "400", "", 0},
		{"401 of a handler", NotAuthenticated(), "401 " + notGiven, "", 0},
		{"a header", &Failure{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, "429", "7", 0},
		{"a refusal that the site has a word for", &account.Error{Problems: []account.Problem{{Code: account.WrongPassword}}}, `400 {"detail":"wrong"}`, "", 0},
		{"a busy server", busy, `503 {"detail":"The server is busy, try again later."}`, "2", 0},
		{"a refusal without words is a fault", &account.Error{Problems: []account.Problem{{Code: account.TokenForged}}}, `500 {"detail":"Internal server error."}`, "", 1},
		{"a fault is told once, and not to the client", errors.New("secret dsn"), `500 {"detail":"Internal server error."}`, "", 1},
		{"a body that is no JSON is a fault", &Failure{Status: 400, Body: 1.5}, `500 {"detail":"Internal server error."}`, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			faults := 0
			s := New(Options{
				Authenticators: []web.Authenticator{keys{"Key"}},
				Words:          Words{account.WrongPassword: {Field: OnDetail, Text: "wrong"}},
				Fault:          func(http.ResponseWriter, *http.Request, error) { faults++ },
			})
			fail := []web.Route{{Method: "GET", Path: "x/", Access: web.Anyone, Handler: func(http.ResponseWriter, *web.Request) error { return tt.err }}}
			w := recorder{ask(s, fail, "GET", "/api/x/", "")}
			if got, header := w.answer(), w.Header().Get("Retry-After"); got != tt.want || header != tt.header || faults != tt.faults {
				t.Errorf("%v\n got %s, Retry-After %q, %d faults\nwant %s, %q, %d", tt.err, got, header, faults, tt.want, tt.header, tt.faults)
			}
		})
	}
}

func TestAnErrorAfterTheAnswerBeganIsOnlyTold(t *testing.T) {
	faults := 0
	s := New(Options{Fault: func(http.ResponseWriter, *http.Request, error) { faults++ }})
	late := []web.Route{{Method: "GET", Path: "x/", Access: web.Anyone, Handler: func(w http.ResponseWriter, _ *web.Request) error {
		return errors.Join(JSON(w, 200, "fine"), errors.New("too late"))
	}}}
	if w := (recorder{ask(s, late, "GET", "/api/x/", "")}); w.answer() != `200 "fine"` || faults != 1 {
		t.Errorf("got %s and %d faults, want 200 and one", w.answer(), faults)
	}
}

func TestThroughARealServer(t *testing.T) {
	s := New(Options{Authenticators: []web.Authenticator{keys{"Key"}}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(s, pipelineRoutes, w, r) }))
	defer server.Close()
	tests := []struct {
		name, method string
		status       int
		length       int64
		contentType  string
	}{
		{"GET has its length", "GET", 200, 14, "application/json"},
		{"HEAD has the length of GET", "HEAD", 200, 14, "application/json"},
		{"no content has none", "DELETE", 204, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(tt.method, server.URL+"/api/me/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Key ann")
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if got := answer.Header.Get("Content-Type"); answer.StatusCode != tt.status || answer.ContentLength != tt.length || got != tt.contentType {
				t.Errorf("%s me/\n got %d, %d bytes, %q\nwant %d, %d, %q", tt.method, answer.StatusCode, answer.ContentLength, got, tt.status, tt.length, tt.contentType)
			}
		})
	}
}
