package reference

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// request is one that both peers get. {{name}} in it is what the peer itself said earlier.
type request struct {
	method, path string
	headers      map[string]string
	kind         string         // json, form, multipart; "": raw
	fields       map[string]any // of a body
	raw          string
	keep         string // a name for what the answer says: keep.access, keep.refresh, keep.auth_token
}

// answer is what a peer said.
type answer struct {
	status int
	header http.Header
	body   []byte
	mails  []letter
	// again says that the mailed token in the request had been used.
	again bool
}

// letter is a mail, as far as it is contract.
type letter struct {
	to, from, link string
}

// do sends a request and remembers what the answer says.
func (p *peer) do(t *testing.T, q *request) *answer {
	t.Helper()
	kind, body := p.body(t, q)
	r, err := http.NewRequestWithContext(t.Context(), q.method, p.url+p.fill(q.path), body)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range q.headers {
		r.Header.Set(name, p.fill(value))
	}
	res, err := p.client.Do(r)
	if err != nil {
		t.Fatalf("%s: %s %s: %v", p.name, q.method, q.path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %s %s: %v", p.name, q.method, q.path, err)
	}
	text = bytes.ReplaceAll(text, []byte(p.host()), []byte("HOST"))
	if to := res.Header.Get("Location"); to != "" {
		res.Header.Set("Location", strings.ReplaceAll(to, p.host(), "HOST"))
	}
	a := &answer{status: res.StatusCode, header: res.Header, body: text, mails: p.letters(t)}
	if token, ok := q.fields["token"].(string); ok {
		a.again = p.used[p.fill(token)]
		p.used[p.fill(token)] = a.again || res.StatusCode == http.StatusNoContent
	}
	if q.keep != "" {
		p.remember(q.keep, decoded(text))
	}
	return a
}

// remember keeps the texts of an answer under their names, those of the objects in it too.
func (p *peer) remember(keep string, said any) {
	object, _ := said.(map[string]any)
	for name, v := range object {
		if s, ok := v.(string); ok {
			p.vars[keep+"."+name] = s
		}
		p.remember(keep, v)
	}
}

var variable = regexp.MustCompile(`\{\{([^{}]+)\}\}`)

// fill puts in what the peer said. What it never said stays as it is written, alike for both.
func (p *peer) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-2]
		if base, ok := strings.CutPrefix(name, "tampered:"); ok {
			return tampered(p.vars[base])
		}
		if v, ok := p.vars[name]; ok {
			return v
		}
		return m
	})
}

// tampered changes one character of a token's signature.
func tampered(token string) string {
	i := strings.LastIndexAny(token, ".-") + 1
	if i >= len(token) {
		return token + "x"
	}
	other := "b"
	if token[i] == 'b' {
		other = "c"
	}
	return token[:i] + other + token[i+1:]
}

func (p *peer) filled(v any) any {
	switch v := v.(type) {
	case string:
		return p.fill(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = p.filled(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = p.filled(v[name])
		}
		return out
	}
	return v
}

func (p *peer) body(t *testing.T, q *request) (kind string, body io.Reader) {
	t.Helper()
	fields, _ := p.filled(q.fields).(map[string]any)
	switch q.kind {
	case "json":
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return "application/json", bytes.NewReader(text)
	case "form":
		form := url.Values{}
		for name, v := range flat(fields) {
			form.Set(name, formText(v))
		}
		return "application/x-www-form-urlencoded", strings.NewReader(form.Encode())
	case "multipart":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		fields = flat(fields)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if err := w.WriteField(name, formText(fields[name])); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return w.FormDataContentType(), &b
	}
	if q.raw == "" {
		return "", nil
	}
	return "", strings.NewReader(p.fill(q.raw))
}

// flat names the members of objects as a form does: profile.title.
func flat(fields map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range fields {
		object, ok := v.(map[string]any)
		if !ok || len(object) == 0 {
			out[name] = v
			continue
		}
		for inner, v := range flat(object) {
			out[name+"."+inner] = v
		}
	}
	return out
}

// formText writes a value as a form has it.
func formText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v) // of a value that came from here
	return string(text)
}

var link = regexp.MustCompile(`(\S*?)/([A-Za-z0-9_=-]+)/([0-9a-z]+-[0-9a-f]+)`)

// letters reads the mails that are new, and remembers the last link's parts.
func (p *peer) letters(t *testing.T) (list []letter) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.mails, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(f); err != nil { // Django calls two of a second alike now and then
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: a mail that cannot be read: %v\n%s", p.name, err, text)
		}
		l := letter{to: bare(m.Header.Get("To")), from: bare(m.Header.Get("From"))}
		if parts := link.FindStringSubmatch(plain(t, textproto.MIMEHeader(m.Header), m.Body)); parts != nil {
			l.link = strings.ReplaceAll(parts[1], p.host(), "HOST") + "/UID/TOKEN"
			p.vars["mail.uid"], p.vars["mail.token"] = parts[2], parts[3]
		}
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b letter) int { return strings.Compare(a.to+a.link, b.to+b.link) })
	return list
}

func bare(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		return a.Address
	}
	return address
}

// plain is the first text/plain part of a mail.
func plain(t *testing.T, header textproto.MIMEHeader, body io.Reader) string {
	t.Helper()
	if strings.EqualFold(header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatalf("a mail without parts: %v", err)
		}
		return plain(t, part.Header, part)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decoded reads JSON with its numbers as they are written; what is no JSON is nil.
func decoded(text []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}
