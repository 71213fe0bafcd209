package servertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"doorward/internal/config"
)

// FileMail is a change for Start: mails go into a folder, where a replay reads them.
func FileMail(t testing.TB) func(*config.Config) {
	folder := t.TempDir()
	return func(c *config.Config) { c.MailURL = "file:" + folder }
}

// ExpectMail is one mail that a step must cause.
type ExpectMail struct {
	To      any     `json:"to"`
	From    *string `json:"from"`
	Subject any     `json:"subject"`
	Link    string  `json:"link_regex"`
}

// expectMails are the mails of a step: a list, or one. Said says that there must be these and no more.
type expectMails struct {
	said bool
	list []ExpectMail
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *expectMails) UnmarshalJSON(raw []byte) error {
	e.said = true
	if json.Unmarshal(raw, &e.list) == nil {
		return nil
	}
	e.list = make([]ExpectMail, 1)
	return json.Unmarshal(raw, &e.list[0])
}

// readMail is a mail with its parts as text.
type readMail struct {
	header mail.Header
	text   string
}

// mails reads the folder, the oldest first; nil where mails go elsewhere.
func (s *Server) mails(t testing.TB) (all []readMail) {
	t.Helper()
	folder, ok := strings.CutPrefix(s.Config.MailURL, "file:")
	if !ok {
		return nil
	}
	names, err := filepath.Glob(filepath.Join(folder, "*.eml")) // in order: a name begins with the time
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		m, err := parseMail(name)
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		all = append(all, m)
	}
	return all
}

func parseMail(name string) (m readMail, err error) {
	file, err := os.Open(name)
	if err != nil {
		return m, err
	}
	defer file.Close()
	parsed, err := mail.ReadMessage(file)
	if err != nil {
		return m, err
	}
	m.header = parsed.Header
	kind, params, err := mime.ParseMediaType(m.header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		m.text, err = partText(parsed.Body, m.header.Get("Content-Transfer-Encoding"))
		return m, err
	}
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		text, err := partText(part, part.Header.Get("Content-Transfer-Encoding"))
		if err != nil {
			return m, err
		}
		m.text += text + "\n"
	}
}

func partText(r io.Reader, encoding string) (string, error) {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// addresses are those of a header, bare.
func (m *readMail) addresses(name string) []any {
	list, err := m.header.AddressList(name)
	if err != nil {
		return nil
	}
	all := make([]any, len(list))
	for i, a := range list {
		all[i] = a.Address
	}
	return all
}

// judgeMails holds a step's mails against what came, in order.
func (p *player) judgeMails(want []ExpectMail, got []readMail) error {
	if len(got) != len(want) {
		return fmt.Errorf("mail: want %d, got %d", len(want), len(got))
	}
	for i, w := range want {
		m := got[i]
		where := fmt.Sprintf("mail[%d]", i)
		if err := p.vars.match(w.To, m.addresses("To"), where+".to"); err != nil {
			return err
		}
		if from := m.addresses("From"); w.From != nil && (len(from) != 1 || from[0] != *w.From) {
			return fmt.Errorf("%s: want from %s, got %v", where, *w.From, from)
		}
		if w.Link == "" {
			continue
		}
		expr, err := regexp.Compile(w.Link)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if !expr.MatchString(m.text) {
			return fmt.Errorf("%s: want a link like %s, got %q", where, w.Link, m.text)
		}
	}
	return nil
}

// captured finds the value of a capture: "$.path", "mail:regex", "header:Name:regex", "field:name" or "re:$.path:regex".
func (p *player) captured(source string, r *Reply, mails []readMail) (any, error) {
	how, rest, _ := strings.Cut(source, ":")
	switch how {
	case "mail":
		var texts []string
		for _, m := range mails {
			texts = append(texts, m.text)
		}
		return first(rest, strings.Join(texts, "\n"))
	case "header":
		name, expr, _ := strings.Cut(rest, ":")
		return first(expr, strings.Join(r.Header.Values(name), "\n"))
	case "field":
		value, ok := formFields(r.Body)[rest]
		if !ok {
			return nil, fmt.Errorf("no field %s", rest)
		}
		return value, nil
	case "re":
		path, expr, _ := strings.Cut(rest, ":")
		v, err := at(decoded(r.Body), path)
		if err != nil {
			return nil, err
		}
		return first(expr, fmt.Sprint(v))
	}
	return at(decoded(r.Body), source)
}

func first(expr, text string) (any, error) {
	e, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	m := e.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("nothing like %s in %q", expr, text)
	}
	return m[len(m)-1], nil
}
