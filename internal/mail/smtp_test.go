package mail_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/mail"
	"doorward/internal/mail/mailtest"
)

// open is the transport of a mail_url.
func open(t testing.TB, url string) mail.Transport {
	t.Helper()
	transport, err := mail.Open(url, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open a transport: %v", err)
	}
	return transport
}

func TestSMTP(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server *mailtest.Server
		scheme string
		query  string // %s is the file with the server's certificate
		to     string
		want   string // in the answer of the row
		state  account.MailState
		secret bool // it came over TLS
	}{
		{"in clear on this machine", &mailtest.Server{}, "smtp", "", "ann@example.com", "250 taken as number 1", account.MailSent, false},
		{"STARTTLS where it is offered", &mailtest.Server{TLS: true}, "smtp", "", "ann@example.com", "250 taken", account.MailSent, true},
		{"STARTTLS that is checked", &mailtest.Server{TLS: true}, "smtp", "?ca_file=%s", "ann@example.com", "250 taken", account.MailSent, true},
		{"no TLS though it is offered", &mailtest.Server{TLS: true}, "smtp", "?tls=none", "ann@example.com", "250 taken", account.MailSent, false},
		{"STARTTLS that is wanted and not offered", &mailtest.Server{}, "smtp", "?tls=required", "ann@example.com", "offers no TLS", account.MailWaiting, false},
		{"TLS from the first byte", &mailtest.Server{Implicit: true}, "smtps", "?ca_file=%s", "ann@example.com", "250 taken", account.MailSent, true},
		{"a password", &mailtest.Server{TLS: true, User: "door", Password: "ward"}, "smtp", "", "ann@example.com", "250 taken", account.MailSent, true},
		{"letters that are not ASCII", &mailtest.Server{UTF8: true}, "smtp", "", "jörg@exämple.com", "250 taken", account.MailSent, false},
		{"letters that are not ASCII, to a server of old", &mailtest.Server{}, "smtp", "", "jörg@example.com", "SMTPUTF8", account.MailFailed, false},
		{"a domain that is not ASCII, to a server of old", &mailtest.Server{}, "smtp", "", "ann@exämple.com", "250 taken", account.MailSent, false},
		{"a header in an address", &mailtest.Server{}, "smtp", "", "ann@example.com\r\nBcc: eve@example.com", "line break", account.MailFailed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, engines["sqlite"](t))
			server := tt.server.Start(t)
			s := b.sender(t, open(t, server.URL(tt.scheme)+strings.ReplaceAll(tt.query, "%s", server.CA)))
			id := b.put(t, tt.to)
			s.Wake()
			await(t, "the mail is tried", 20*time.Second, func() bool { return b.row(t, id).Answer != "" })
			if m := b.row(t, id); m.State != tt.state || !strings.Contains(m.Answer, tt.want) {
				t.Fatalf("the row:\n got: state %d, %q\nwant: state %d, %q", m.State, m.Answer, tt.state, tt.want)
			}
			mails := server.Mails()
			if want := tt.state == account.MailSent; (len(mails) == 1) != want {
				t.Fatalf("got %d mails, want one: %v", len(mails), want)
			}
			if len(mails) == 0 {
				return
			}
			m := mails[0]
			if m.TLS != tt.secret || m.User != server.User {
				t.Errorf("got TLS %v and user %q, want %v and %q", m.TLS, m.User, tt.secret, server.User)
			}
			if m.From != "noreply@example.com" || m.To != account.ASCIIDomain(tt.to) || m.UTF8 != strings.HasPrefix(tt.to, "jörg") {
				t.Errorf("the envelope: got from %q to %q, UTF-8 %v", m.From, m.To, m.UTF8)
			}
			for name, want := range map[string]string{
				"From": `"Doorward" <noreply@example.com>`, "Subject": "Activate your account", "Auto-Submitted": "auto-generated",
				"To": "<" + account.ASCIIDomain(tt.to) + ">",
			} {
				if got := m.Header(name); got != want {
					t.Errorf("%s:\n got: %q\nwant: %q", name, got, want)
				}
			}
			if m.Header("Date") == "" || !strings.HasSuffix(m.ID(), "@example.com>") || !strings.Contains(m.Header("Content-Type"), "multipart/alternative") {
				t.Errorf("the mail:\n%s", m.Source)
			}
		})
	}
}

func TestACertificateThatNobodySignedIsRefused(t *testing.T) {
	b := newBox(t, engines["sqlite"](t))
	server, other := (&mailtest.Server{TLS: true}).Start(t), (&mailtest.Server{TLS: true}).Start(t)
	s := b.sender(t, open(t, server.URL("smtp")+"?ca_file="+other.CA))
	id := b.put(t, "ann@example.com")
	s.Wake()
	await(t, "the mail is tried", 20*time.Second, func() bool { return b.row(t, id).Answer != "" })
	if m := b.row(t, id); m.State != account.MailWaiting || !strings.Contains(m.Answer, "certificate") {
		t.Errorf("got state %d, %q", m.State, m.Answer)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	b := newBox(t, engines["sqlite"](t))
	server := (&mailtest.Server{}).Start(t)
	s := b.sender(t, open(t, server.URL("smtp")))
	for _, to := range addresses(40) {
		b.put(t, to)
	}
	s.Flush(t.Context())
	if mails, dials := len(server.Mails()), server.Connections(); mails != 40 || dials > 4 {
		t.Errorf("got %d mails over %d connections, want 40 over a few", mails, dials)
	}
}

func TestParametersOfAMailURL(t *testing.T) {
	for _, url := range []string{
		"smtp://mail.example.com?tls=maybe", "smtps://mail.example.com?tls=none", "smtp://mail.example.com?colour=red",
		"smtp://mail.example.com?ca_file=/nowhere/ca.pem", "pigeon:",
	} {
		if _, err := mail.Open(url, false, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: got a transport", url)
		}
	}
}
