package server

import (
	"context"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorward/internal/mail"
	"doorward/internal/pattern"
)

//go:embed devmail.html
var devMailFile embed.FS

var devMailPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("devmail.html").Funcs(template.FuncMap{
		"clock": func(t time.Time) string { return t.UTC().Format("15:04:05") },
	}).ParseFS(devMailFile, "devmail.html"))
})

// The policies of the pages. A mail's own styles hold, its scripts never run, and it reaches nobody.
const (
	devMailPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	caughtPolicy  = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox"
)

// caught is a mail as /dev/mail shows it.
type caught struct {
	ID       int64     `json:"id"`
	To       string    `json:"to"`
	From     string    `json:"from"`
	Subject  string    `json:"subject"`
	Occasion string    `json:"occasion"`
	Created  time.Time `json:"created"`
	Text     string    `json:"text"`
	HTML     string    `json:"html"`
	Links    []string  `json:"links"`
	Codes    []string  `json:"codes"`
}

// code is a number to be typed in somewhere.
var code = pattern.Of(`(?m)(?:^|[\s:])(\d{3} ?\d{3}|\d{8})(?:[\s.]|$)`)

func shownMail(m *mail.Caught) caught {
	c := caught{
		ID: m.ID, To: m.To, From: m.From, Subject: m.Subject, Occasion: string(m.Occasion), Created: m.Created.UTC(),
		Text: m.Text, HTML: m.HTML, Links: m.Links(), Codes: []string{},
	}
	if c.Links == nil {
		c.Links = []string{}
	}
	for _, found := range code().FindAllStringSubmatch(m.Text, -1) {
		c.Codes = append(c.Codes, strings.ReplaceAll(found[1], " ", ""))
	}
	return c
}

func shownMails(list []mail.Caught) []caught {
	shown := []caught{}
	for i := range list {
		shown = append(shown, shownMail(&list[i]))
	}
	return shown
}

// devMail serves the mails that were caught: /dev/mail, /dev/mail/wait, /dev/mail/ID and its parts.
func (s *Server) devMail(w http.ResponseWriter, r *http.Request) {
	rest := strings.Trim(strings.TrimPrefix(r.URL.Path, "/dev/mail"), "/")
	number, part, _ := strings.Cut(rest, "/")
	id, err := strconv.ParseInt(number, 10, 64)
	query := r.URL.Query()
	switch {
	case rest == "" && r.Method == http.MethodDelete:
		s.catcher.Clear()
		w.WriteHeader(http.StatusNoContent)
	case rest == "clear" && r.Method == http.MethodPost: // a page's form knows no DELETE
		s.catcher.Clear()
		http.Redirect(w, r, "/dev/mail", http.StatusSeeOther)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", "GET, DELETE")
		reply(w, http.StatusMethodNotAllowed, map[string]any{"error": "there are GET /dev/mail and DELETE /dev/mail"})
	case rest == "":
		s.listMails(w, r, query, 0)
	case rest == "wait":
		s.waitForMail(w, r, query)
	case err == nil:
		s.showMail(w, r, id, part)
	default:
		reply(w, http.StatusNotFound, map[string]any{"error": "there are /dev/mail, /dev/mail/wait and /dev/mail/ID"})
	}
}

// wantsPage reports whether a person asks, by a browser.
func wantsPage(r *http.Request) bool {
	switch r.URL.Query().Get("format") {
	case "json":
		return false
	case "html":
		return true
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// listMails lists mails, the latest first: ?to= those to an address, ?after= those after an id.
func (s *Server) listMails(w http.ResponseWriter, r *http.Request, query url.Values, open int64) {
	after, _ := strconv.ParseInt(query.Get("after"), 10, 64) // what is no number leaves nothing out
	list := shownMails(s.catcher.Mails(query.Get("to"), after))
	if !wantsPage(r) {
		reply(w, http.StatusOK, map[string]any{"messages": list})
		return
	}
	page := struct {
		Mails []caught
		Open  *caught
		To    string
	}{Mails: list, To: query.Get("to")}
	for i := range list {
		if list[i].ID == open || open == 0 && i == 0 {
			page.Open = &list[i]
		}
	}
	pageHeaders(w.Header(), "text/html; charset=utf-8", devMailPolicy)
	if err := devMailPage().Execute(w, page); err != nil {
		s.log.Debug("the page of mails was cut off", "error", err)
	}
}

// The longest wait for a mail, and the usual one. An answer has writeTimeout.
const (
	maxMailWait   = 15 * time.Second
	usualMailWait = 5 * time.Second
)

// waitForMail answers once there is a mail: ?to=, ?after=, ?timeout= in seconds.
func (s *Server) waitForMail(w http.ResponseWriter, r *http.Request, query url.Values) {
	wait := usualMailWait
	if text := query.Get("timeout"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || seconds < 0 || seconds > maxMailWait.Seconds() {
			reply(w, http.StatusBadRequest, map[string]any{"error": "timeout is a number of seconds, 15 at most"})
			return
		}
		wait = time.Duration(seconds * float64(time.Second))
	}
	after, _ := strconv.ParseInt(query.Get("after"), 10, 64)
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	list := s.catcher.Wait(ctx, query.Get("to"), after)
	status := http.StatusOK
	if len(list) == 0 {
		status = http.StatusNotFound
	}
	reply(w, status, map[string]any{"messages": shownMails(list)})
}

// showMail shows one mail, or its part: html, text, source.
func (s *Server) showMail(w http.ResponseWriter, r *http.Request, id int64, part string) {
	m, ok := s.catcher.Mail(id)
	switch {
	case !ok:
		reply(w, http.StatusNotFound, map[string]any{"error": "there is no such mail, or no more"})
	case part == "" && wantsPage(r):
		s.listMails(w, r, url.Values{}, id)
	case part == "":
		reply(w, http.StatusOK, shownMail(&m))
	case part == "html":
		pageHeaders(w.Header(), "text/html; charset=utf-8", caughtPolicy)
		_, _ = w.Write([]byte(`<base target="_blank">` + m.HTML)) // a client that is gone needs no answer
	case part == "text":
		pageHeaders(w.Header(), "text/plain; charset=utf-8", caughtPolicy)
		_, _ = w.Write([]byte(m.Text))
	case part == "source":
		pageHeaders(w.Header(), "text/plain; charset=utf-8", caughtPolicy)
		_, _ = w.Write(m.Source)
	default:
		reply(w, http.StatusNotFound, map[string]any{"error": "a mail has html, text and source"})
	}
}

func pageHeaders(h http.Header, media, policy string) {
	h.Set("Content-Type", media)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // links in mails are secrets
	h.Set("Cache-Control", "no-store")
}
