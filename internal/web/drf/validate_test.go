package drf

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"doorward/internal/web"
)

// testFields are the fields of the view that testdata/bodies.json was taken from.
var testFields = []web.Field{
	{Name: "id", Kind: web.Integer, ReadOnly: true},
	{Name: "email", Kind: web.Email, Required: true, Max: 20, Taken: taken, TakenText: "user with this email address already exists."},
	{Name: "password", Kind: web.Secret, Required: true},
	{Name: "nick", Max: 5},
	{Name: "bio", Blank: true},
	{Name: "note", Null: true},
	{Name: "age", Kind: web.Integer},
	{Name: "news", Kind: web.Boolean},
	{Name: "terms", Kind: web.Boolean, Null: true},
}

func taken(_ context.Context, value string) (bool, error) {
	return value == "taken@example.com" || value == "odd", nil
}

// echo answers with what it read, in the order of the fields.
func echo(w http.ResponseWriter, r *web.Request) error {
	v, err := Read(r)
	if err != nil {
		return err
	}
	o := Object{}
	for _, f := range r.Route.Input {
		switch {
		case !v.Has(f.Name):
		case v.Null(f.Name):
			o = append(o, Member{f.Name, nil})
		case f.Kind == web.Integer:
			o = append(o, Member{f.Name, v.Int(f.Name)})
		case f.Kind == web.Boolean:
			o = append(o, Member{f.Name, v.Bool(f.Name)})
		default:
			o = append(o, Member{f.Name, v.Text(f.Name)})
		}
	}
	return JSON(w, http.StatusOK, o)
}

var echoRoutes = []web.Route{
	{Op: "post", Method: "POST", Path: "echo/", Access: web.Anyone, Input: testFields, Handler: echo},
	{Op: "put", Method: "PUT", Path: "echo/", Access: web.Anyone, Input: testFields, Handler: echo},
	{Op: "patch", Method: "PATCH", Path: "echo/", Access: web.Anyone, Input: testFields, Handler: echo},
}

func TestBodiesAreReadAsByDRF(t *testing.T) {
	s := New(Options{})
	for _, tt := range recorded[struct {
		Name, Method, Body, Base64, Want string
		Type                             *string
		Status                           int
	}](t, "bodies.json") {
		t.Run(tt.Name, func(t *testing.T) {
			contentType := "-"
			if tt.Type != nil {
				contentType = *tt.Type
			}
			in := body(t, tt.Body, tt.Base64)
			w := ask(s, echoRoutes, tt.Method, "/api/echo/", in, "Content-Type", contentType)
			if got := w.Body.String(); w.Code != tt.Status || got != tt.Want {
				t.Errorf("%s %s %q\n got %d %s\nwant %d %s", tt.Method, contentType, in, w.Code, got, tt.Status, tt.Want)
			}
		})
	}
}

// Where we read bodies otherwise than DRF, on purpose.
func TestBodiesThatDRFWouldTake(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	many := strings.Repeat("a=1&", 201)
	parts := strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n", 201) + "--x--\r\n"
	tests := []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"64 KiB are read", "application/json", `{"email":5` + strings.Repeat(" ", 64<<10-11) + "}", 400, `{"email":["Enter a valid email address."],"password":["This field is required."]}`},
		{"a byte more is too much", "application/json", `{"email":5` + strings.Repeat(" ", 64<<10-10) + "}", 413, `{"detail":"Request body is larger than 64 KiB."}`},
		{"another charset is no media type of ours", "application/json; charset=latin-1", "{}", 415, `{"detail":"Unsupported media type \"application/json; charset=latin-1\" in request."}`},
		{"escapes of a form must be UTF-8", form, "email=%ff", 400, `{"detail":"Form parse error - The body is not UTF-8"}`},
		{"bytes of a form must be UTF-8", form, "email=\xff", 400, `{"detail":"Form parse error - The body is not UTF-8"}`},
		{"a form has 200 names at most", form, many, 400, `{"detail":"Form parse error - More than 200 names"}`},
		{"so does multipart", "multipart/form-data; boundary=x", parts, 400, `{"detail":"Multipart form parse error - More than 200 names"}`},
		{"multipart that breaks off is refused", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na", 400, `{"detail":"Multipart form parse error - The body breaks off"}`},
		{"multipart without a part is refused", "multipart/form-data; boundary=x", "abc", 400, `{"detail":"Multipart form parse error - The body breaks off"}`},
		{"multipart must be UTF-8", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n\xff\r\n--x--\r\n", 400, `{"detail":"Multipart form parse error - The body is not UTF-8"}`},
		{"deep JSON is refused", "application/json", strings.Repeat("[", 21), 400, `{"detail":"JSON parse error - More than 20 levels: line 1 column 21 (char 20)"}`},
		{"a number beyond 64 bits is none", "application/json", `{"email":"a@example.com","password":"p","age":99999999999999999999}`, 400, `{"age":["A valid integer is required."]}`},
	}
	s := New(Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(s, echoRoutes, "POST", "/api/echo/", tt.body, "Content-Type", tt.contentType)
			if got := w.Body.String(); w.Code != tt.status || got != tt.want {
				t.Errorf("%s %.60q\n got %d %s\nwant %d %s", tt.contentType, tt.body, w.Code, got, tt.status, tt.want)
			}
		})
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
func (b broken) Close() error             { return nil }

func TestABodyThatCannotBeRead(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"breaks off", errors.New("connection reset"), `400 {"detail":"Malformed request."}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := http.NewRequest("POST", "/api/echo/", broken{tt.err})
			w := newRecorder()
			serve(New(Options{}), echoRoutes, w, r)
			if got := w.answer(); got != tt.want {
				t.Errorf("a body that %s\n got %s\nwant %s", tt.name, got, tt.want)
			}
		})
	}
}

func TestAFaultWhileAskingForUniquenessIsNoAnswer(t *testing.T) {
	down := errors.New("database is down")
	fields := []web.Field{{Name: "email", Kind: web.Email, Taken: func(context.Context, string) (bool, error) { return false, down }}}
	doc := document{top: value{kind: object, members: []member{{"email", value{kind: text, text: "a@example.com"}}}}}
	if _, err := validate(&web.Request{Request: httptest.NewRequest("POST", "/", nil)}, doc, fields, false); !errors.Is(err, down) {
		t.Errorf("validate with a store that is down: %v, want %v", err, down)
	}
}

func TestUniquenessIsNotAskedOfWhatNoColumnHolds(t *testing.T) {
	for _, email := range []string{"a\x00@example.com", "\xed\xa0\x80@example.com", strings.Repeat("a", 20) + "@example.com", "", " "} {
		f := web.Field{Name: "email", Kind: web.Email, Max: 20, Taken: func(_ context.Context, v string) (bool, error) {
			t.Errorf("%q: the store was asked for %q", email, v)
			return false, nil
		}}
		if _, _, err := check(&web.Request{Request: httptest.NewRequest("POST", "/", nil)}, &f, value{kind: text, text: email}); err != nil {
			t.Errorf("check(%q): %v", email, err)
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "%", "%4", "a=%zz&+=+", "&&==", "a=%ff", "email=a%40example.com&password=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := readForm([]byte(s))
		if err == nil && len(v.members) > maxNames {
			t.Errorf("readForm(%q) has %d names", s, len(v.members))
		}
		_, _ = validate(&web.Request{Request: httptest.NewRequest("POST", "/", nil)}, document{v, true}, testFields, false)
	})
}

func FuzzMultipart(f *testing.F) {
	f.Add("x", "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n--x--\r\n")
	f.Add("x", "--x\r\nContent-Disposition: form-data; name=email; filename=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--x--")
	f.Add(" ", "-- \n\n")
	f.Fuzz(func(t *testing.T, boundary, s string) {
		v, err := readMultipart([]byte(s), parseMedia(`multipart/form-data; boundary="`+boundary+`"`))
		if err == nil && len(v.members) > maxNames {
			t.Errorf("readMultipart(%q) has %d names", s, len(v.members))
		}
		_, _ = validate(&web.Request{Request: httptest.NewRequest("POST", "/", nil)}, document{v, true}, testFields, true)
	})
}
