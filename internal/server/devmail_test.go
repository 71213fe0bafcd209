package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/mail"
)

// caughtServer is a server in development that caught two mails.
func caughtServer(t *testing.T) (*Server, func(method, path, accept string) (*http.Response, string)) {
	t.Helper()
	cfg := config.Default()
	dir := t.TempDir()
	cfg.DatabaseURL, cfg.KeyFile = "sqlite:"+filepath.Join(dir, "doorward.db"), filepath.Join(dir, "doorward.key")
	cfg.Dev, cfg.MailURL = true, "file:"+filepath.Join(dir, "mail")
	s, err := New(t.Context(), cfg, Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	catch(t, s, "ann@example.com", "Open https://example.com/a/Mg/abc-123 or https://example.com/b\nCode: 493 021\n")
	catch(t, s, "bob@example.com", "Nothing to do, since 2026.\n")
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, func(method, path, accept string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, h.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
}

// catch sends a mail the way that a sender does.
func catch(t *testing.T, s *Server, to, text string) {
	t.Helper()
	_, err := s.transport.Send(context.Background(), &mail.Outgoing{
		Message: account.Message{
			ID: to, From: "noreply@example.com", To: to, Subject: "Hello <" + to + ">", Text: text,
			HTML: "<p>" + text + "</p><script>alert(1)</script>",
		},
		Occasion: account.ActivationMail, Created: time.Unix(1790000000, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCaughtMail(t *testing.T) {
	_, ask := caughtServer(t)
	for _, tt := range []struct {
		name, method, path, accept string
		status                     int
		want                       []string // in this order, in the answer
		not                        string
	}{
		{"all of them, the latest first", "GET", "/dev/mail", "*/*", 200, []string{`"id":2`, `"to":"bob@example.com"`, `"codes":[]`, `"id":1`, `"to":"ann@example.com"`}, ""},
		{"those to an address", "GET", "/dev/mail?to=ANN@example.com&format=json", "text/html", 200, []string{`"id":1`, `"links":["https://example.com/a/Mg/abc-123","https://example.com/b"]`, `"codes":["493021"]`}, "bob@"},
		{"those after an id", "GET", "/dev/mail?after=1", "*/*", 200, []string{`"id":2`}, `"id":1`},
		{"one that is there already", "GET", "/dev/mail/wait?to=ann@example.com", "*/*", 200, []string{`"id":1`}, "bob@"},
		{"one that does not come", "GET", "/dev/mail/wait?to=eve@example.com&timeout=0.05", "*/*", 404, []string{`"messages":[]`}, ""},
		{"a wait of a minute", "GET", "/dev/mail/wait?timeout=60", "*/*", 400, []string{"15 at most"}, ""},
		{"one by its id", "GET", "/dev/mail/1", "*/*", 200, []string{`"occasion":"activation"`}, "bob@"},
		{"its HTML", "GET", "/dev/mail/1/html", "text/html", 200, []string{`<base target="_blank">`, "<p>Open"}, ""},
		{"its text", "GET", "/dev/mail/1/text", "*/*", 200, []string{"Open https://example.com/a/Mg/abc-123"}, "<p>"},
		{"its source", "GET", "/dev/mail/1/source", "*/*", 200, []string{"Message-ID: <ann@example.com>", "multipart/alternative"}, ""},
		{"a part that it has not", "GET", "/dev/mail/1/x", "*/*", 404, nil, ""},
		{"one that is not there", "GET", "/dev/mail/3", "*/*", 404, nil, ""},
		{"no path of ours", "GET", "/dev/mail/x", "*/*", 404, nil, ""},
		{"a method of another", "PUT", "/dev/mail", "*/*", 405, nil, ""},
		{"the page", "GET", "/dev/mail", "text/html,*/*", 200, []string{"<!doctype html>", "Hello &lt;bob@example.com&gt;", "Hello &lt;ann@example.com&gt;", "<h2>Hello &lt;bob@example.com&gt;"}, "<script"},
		{"the page of one", "GET", "/dev/mail/1", "text/html", 200, []string{"<h2>Hello &lt;ann@example.com&gt;", `class="go" href="https://example.com/a/Mg/abc-123"`, "<code>493021</code>", `src="/dev/mail/1/html"`}, "<script"},
		{"the page's button", "POST", "/dev/mail/clear", "text/html", 303, nil, ""},
		{"none", "GET", "/dev/mail", "*/*", 200, []string{`{"messages":[]}`}, ""},
		{"the page of none", "GET", "/dev/mail", "text/html", 200, []string{"No mail yet"}, ""},
		{"forgetting them again", "DELETE", "/dev/mail", "*/*", 204, nil, ""},
	} {
		res, body := ask(tt.method, tt.path, tt.accept)
		if res.StatusCode != tt.status {
			t.Errorf("%s: got %d %s, want %d", tt.name, res.StatusCode, body, tt.status)
		}
		rest := body
		for _, want := range tt.want {
			at := strings.Index(rest, want)
			if at < 0 {
				t.Errorf("%s: %q is not there, or not in order:\n%s", tt.name, want, body)
				break
			}
			rest = rest[at:]
		}
		if tt.not != "" && strings.Contains(body, tt.not) {
			t.Errorf("%s: %q should not be there:\n%s", tt.name, tt.not, body)
		}
		if strings.Contains(tt.path, "/1/html") && !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: a mail's scripts could run", tt.name)
		}
	}
}

func TestSomebodyWaitsForAMail(t *testing.T) {
	s, ask := caughtServer(t)
	done := make(chan []string)
	go func() {
		_, body := ask("GET", "/dev/mail/wait?to=new@example.com&timeout=15", "*/*")
		var got struct{ Messages []struct{ To string } }
		_ = json.Unmarshal([]byte(body), &got) // nothing in it fails below
		var to []string
		for _, m := range got.Messages {
			to = append(to, m.To)
		}
		done <- to
	}()
	catch(t, s, "other@example.com", "x")
	catch(t, s, "new@example.com", "x")
	if got, want := <-done, []string{"new@example.com"}; !slices.Equal(got, want) {
		t.Errorf("got mails to %q, want %q", got, want)
	}
}
