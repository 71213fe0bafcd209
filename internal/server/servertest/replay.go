package servertest

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"maps"
	"math"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// Replay puts s in the condition of a transcript and plays its steps; ours are the steps that we
// answer in our own way.
func Replay(t *testing.T, s *Server, tr *Transcript, ours []Divergence) {
	t.Helper()
	p := &player{server: s, vars: vars{"base": s.URL, "host": strings.TrimPrefix(s.URL, "http://")}, key: signingKey(tr)}
	head := map[string]any{"dialect": tr.Dialect, "variant": tr.Variant, "user_model": tr.Model, "settings": tr.Settings}
	if tr.Setup != nil {
		head["setup"] = tr.Setup
	}
	if r := s.Send(t, "POST", "/dev/reset", head); r.Status != http.StatusNoContent {
		t.Fatalf("reset for %s: %d %s", tr.file, r.Status, r.Body)
	}
	for _, step := range tr.Steps {
		for _, d := range ours {
			if d.File == tr.file && d.Step == step.ID {
				step.Expect, step.Capture = d.Expect, nil
			}
		}
		if err := p.play(t, &step); err != nil {
			t.Errorf("%s step %s: %v", tr.file, step.ID, err)
		}
	}
}

func signingKey(tr *Transcript) string {
	var settings struct {
		Secret    string `json:"SECRET_KEY"`
		SimpleJWT struct {
			Signing string `json:"SIGNING_KEY"`
		} `json:"SIMPLE_JWT"`
		DRFJWT struct {
			Private string `json:"JWT_PRIVATE_KEY"`
		} `json:"JWT_AUTH"`
	}
	_ = json.Unmarshal(tr.Settings, &settings) // a transcript without settings has no key
	return cmp.Or(settings.SimpleJWT.Signing, settings.DRFJWT.Private, settings.Secret)
}

type player struct {
	server *Server
	vars   vars
	key    string
}

func (p *player) play(t *testing.T, step *Step) error {
	if step.WaitS > 0 {
		p.server.Turn(t, time.Duration(step.WaitS*float64(time.Second)))
	}
	if step.Request == nil {
		return nil
	}
	before := len(p.server.mails(t))
	r, err := p.send(t, step.Request)
	if err != nil {
		return err
	}
	if err := p.judge(t, &step.Expect, r); err != nil {
		return fmt.Errorf("%s %s: %w", step.Request.Method, step.Request.Path, err)
	}
	mails := p.server.mails(t)[before:]
	if step.Mails.said {
		if err := p.judgeMails(step.Mails.list, mails); err != nil {
			return fmt.Errorf("%s %s: %w", step.Request.Method, step.Request.Path, err)
		}
	}
	for name, source := range step.Capture {
		v, err := p.captured(source, r, mails)
		if err != nil {
			return fmt.Errorf("capture %s: %w", name, err)
		}
		p.vars[name] = v
	}
	return nil
}

// Turn turns the server's clock by d.
func (s *Server) Turn(t testing.TB, d time.Duration) {
	t.Helper()
	if r := s.Send(t, "POST", "/dev/clock", map[string]any{"advance_seconds": d.Seconds()}); r.Status != http.StatusOK {
		t.Fatalf("turn the clock: %d %s", r.Status, r.Body)
	}
}

func (p *player) send(t *testing.T, q *Request) (*Reply, error) {
	kind, body, err := p.body(q)
	if err != nil {
		return nil, err
	}
	var headers []string
	if kind != "" {
		headers = append(headers, "Content-Type", kind)
	}
	for name, value := range q.Headers {
		text, err := p.vars.text(value)
		if err != nil {
			return nil, err
		}
		headers = append(headers, name, text)
	}
	path, err := p.vars.text(q.Path)
	if err != nil {
		return nil, err
	}
	return p.server.Do(t, q.Method, path, body, headers...), nil
}

func (p *player) body(q *Request) (kind string, body io.Reader, err error) {
	switch {
	case q.JSON != nil:
		v, err := p.vars.fill(decoded(q.JSON))
		if err != nil {
			return "", nil, err
		}
		text, err := json.Marshal(v)
		return "application/json", bytes.NewReader(text), err
	case q.Form != nil:
		form := url.Values{}
		for name, v := range q.Form {
			filled, err := p.vars.fill(v)
			if err != nil {
				return "", nil, err
			}
			form.Set(name, fmt.Sprint(filled))
		}
		return "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), nil
	case q.Multipart != nil:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name, v := range q.Multipart {
			filled, err := p.vars.fill(v)
			if err != nil {
				return "", nil, err
			}
			_ = w.WriteField(name, fmt.Sprint(filled)) // a buffer takes all
		}
		return w.FormDataContentType(), &b, w.Close()
	case q.Raw != nil:
		text, err := p.vars.text(*q.Raw)
		return "", strings.NewReader(text), err
	case q.RawBase64 != nil:
		return "", bytes.NewReader(q.RawBase64), nil
	}
	return "", nil, nil
}

func (p *player) judge(t *testing.T, want *Expect, got *Reply) error {
	if got.Status != want.Status {
		return fmt.Errorf("status: want %d, got %d %s", want.Status, got.Status, got.Body)
	}
	for name, value := range want.Headers {
		if err := p.header(name, value, got.Header); err != nil {
			return err
		}
	}
	if want.JSON != nil {
		if !json.Valid(got.Body) {
			return fmt.Errorf("body: want JSON, got %q", got.Body)
		}
		if err := p.vars.match(decoded(want.JSON), decoded(got.Body), "$"); err != nil {
			return err
		}
	}
	if err := matchCookies(want.Cookies, got.Header); err != nil {
		return err
	}
	if names := formFields(got.Body); want.Fields != nil && !slices.Equal(slices.Sorted(maps.Keys(names)), slices.Sorted(slices.Values(want.Fields))) {
		return fmt.Errorf("fields: want %q, got %q", want.Fields, names)
	}
	if want.Empty && len(got.Body) > 0 {
		return fmt.Errorf("body: want none, got %q", got.Body)
	}
	if want.Text != nil {
		if err := p.vars.match(*want.Text, string(got.Body), "text"); err != nil {
			return err
		}
	}
	for path, w := range want.JWT {
		v, err := at(decoded(got.Body), path)
		if err != nil {
			return err
		}
		if err := p.token(t, &w, fmt.Sprint(v)); err != nil {
			return err
		}
	}
	return nil
}

var (
	formInput = regexp.MustCompile(`<(?:input|select|textarea|button)\b[^>]*>`)
	inputName = regexp.MustCompile(`\bname="([^"]*)"`)
	inputText = regexp.MustCompile(`\bvalue="([^"]*)"`)
)

// formFields are the fields of the forms of a page, with their values.
func formFields(page []byte) map[string]string {
	fields := map[string]string{}
	for _, tag := range formInput.FindAllString(string(page), -1) {
		if name := inputName.FindStringSubmatch(tag); name != nil {
			value := append(inputText.FindStringSubmatch(tag), "", "")[1]
			fields[name[1]] = html.UnescapeString(value)
		}
	}
	return fields
}

// matchCookies holds that an answer sets and deletes these cookies and no others.
func matchCookies(want *ExpectCookies, got http.Header) error {
	if want == nil {
		return nil
	}
	set, deleted := []string{}, []string{}
	for _, line := range got.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if want, ok := want.Attributes[c.Name]; ok && attributes(line) != want {
			return fmt.Errorf("cookie %s: want %q, got %q", c.Name, want, attributes(line))
		}
		switch {
		case err != nil:
			return fmt.Errorf("cookie %q: %w", line, err)
		case c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Year() <= 1970:
			deleted = append(deleted, c.Name)
		default:
			set = append(set, c.Name)
		}
	}
	for what, lists := range map[string][2][]string{"set": {want.Set, set}, "deleted": {want.Deleted, deleted}} {
		sort.Strings(lists[0])
		sort.Strings(lists[1])
		if strings.Join(lists[0], " ") != strings.Join(lists[1], " ") {
			return fmt.Errorf("cookies %s: want %q, got %q", what, lists[0], lists[1])
		}
	}
	return nil
}

// attributes are those of a Set-Cookie line, sorted, but for Expires.
func attributes(line string) string {
	all := strings.Split(line, "; ")[1:]
	all = slices.DeleteFunc(all, func(a string) bool { return strings.HasPrefix(a, "Expires=") })
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func (p *player) header(name string, want *string, got http.Header) error {
	values := got.Values(name)
	if want == nil {
		if len(values) > 0 {
			return fmt.Errorf("header %s: want none, got %q", name, values)
		}
		return nil
	}
	if len(values) == 0 {
		return fmt.Errorf("header %s: want %q, got none", name, *want)
	}
	text := strings.Join(values, ", ")
	if strings.EqualFold(name, "Allow") { // Django writes it from a set
		return p.vars.match(sorted(*want), sorted(text), "header Allow")
	}
	return p.vars.match(*want, text, "header "+name)
}

func sorted(list string) string {
	items := strings.Split(strings.ReplaceAll(list, " ", ""), ",")
	sort.Strings(items)
	return strings.Join(items, ",")
}

// token checks a JWT with nothing of ours: the judge must not be the judged.
func (p *player) token(t *testing.T, want *ExpectJWT, text string) error {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return fmt.Errorf("not a token: %q", text)
	}
	header, claims := decodedPart(parts[0]), decodedPart(parts[1])
	if err := p.vars.match(want.Header, header, "jwt header"); err != nil {
		return err
	}
	if err := p.vars.match(want.Claims, claims, "jwt claims"); err != nil {
		return err
	}
	if want.Lifetime != 0 {
		exp, err := at(claims, "$.exp")
		if err != nil {
			return err
		}
		seconds, _ := exp.(json.Number).Float64()
		now := float64(p.server.now(t).Unix())
		if math.Abs(seconds-now-want.Lifetime) > 5 {
			return fmt.Errorf("jwt lifetime: want %v s, got %v s", want.Lifetime, seconds-now)
		}
	}
	if want.Signed && !p.signed(header, parts) {
		return fmt.Errorf("jwt signature does not verify with the settings' key")
	}
	return nil
}

// signed verifies a signature of the algorithms that transcripts have.
func (p *player) signed(header any, parts []string) bool {
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	message := []byte(parts[0] + "." + parts[1])
	alg, _ := at(header, "$.alg")
	switch alg {
	case "HS256", "HS512":
		hash := sha256.New
		if alg == "HS512" {
			hash = sha512.New
		}
		mac := hmac.New(hash, []byte(p.key))
		mac.Write(message)
		return hmac.Equal(mac.Sum(nil), signature)
	case "RS256":
		block, _ := pem.Decode([]byte(p.key))
		if block == nil {
			return false
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		private, ok := key.(*rsa.PrivateKey)
		sum := sha256.Sum256(message)
		return err == nil && ok && rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

func (s *Server) now(t testing.TB) time.Time {
	var shown struct {
		Now time.Time `json:"now"`
	}
	s.Do(t, "GET", "/dev/clock", nil).JSON(t, &shown)
	return shown.Now
}

func decodedPart(part string) any {
	text, _ := base64.RawURLEncoding.DecodeString(part)
	return decoded(text)
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
