// Package mail writes mails and sends them: templates, the sender job over the outbox, and the
// ways out (SMTP, a folder, the log, memory). It leaves alone who gets a mail and why, which is
// account's to say, and the rows, which are the store's.
package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"doorward/internal/account"
)

// Outgoing is a mail on its way out.
type Outgoing struct {
	account.Message
	Row      int64 // its id in the outbox
	Occasion account.Occasion
	Created  time.Time
}

// Transport is a way out. Its methods may be called from several goroutines.
type Transport interface {
	// Send hands a mail over, and returns what the other side said. An error that is a *Failure
	// says whether to try again; all others are worth another try.
	Send(ctx context.Context, o *Outgoing) (answer string, err error)
	// Local reports that sending waits for nobody else: a folder, memory.
	Local() bool
	Close() error
}

// Failure is why a mail was not taken.
type Failure struct {
	Reason string
	// Final says that another try would end the same: the mail is given up.
	Final bool
	// Server says that other mails would fare no better now: it is not about this one.
	Server bool
}

func (f *Failure) Error() string { return f.Reason }

// Open makes the transport of a mail_url. development lets the log show links.
func Open(mailURL string, development bool, log *slog.Logger) (Transport, error) {
	scheme, rest, _ := strings.Cut(mailURL, ":")
	switch scheme {
	case "file":
		return NewFolder(rest)
	case "log":
		return &logTransport{log: log, links: development}, nil
	case "catch":
		return NewCatcher(), nil
	case "smtp", "smtps":
		u, err := url.Parse(mailURL)
		if err != nil {
			return nil, errors.New("mail_url is no URL") // without its text: it may hold a password
		}
		return newSMTP(u)
	}
	return nil, errors.New("mail_url is of no known kind")
}

// Check says what is wrong with a mail_url, and opens nothing.
func Check(mailURL string) error {
	if !strings.HasPrefix(mailURL, "smtp") {
		return nil // config has judged
	}
	u, err := url.Parse(mailURL)
	if err != nil {
		return errors.New("mail_url is no URL")
	}
	_, err = newSMTP(u)
	return err
}

// render writes a mail as RFC 5322 has it, with lines that end in CR LF.
func (o *Outgoing) render() ([]byte, error) {
	if o.To == "" || strings.ContainsAny(o.To+o.From+o.Subject+o.ID, "\r\n\x00") {
		return nil, &Failure{Reason: "an address or the subject has a line break in it, or nothing", Final: true}
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, &Failure{Reason: "the sender's address cannot be read: " + err.Error(), Final: true}
	}
	from.Address = account.ASCIIDomain(from.Address)
	m.FromMailAddress(from)
	m.ToMailAddress(&netmail.Address{Address: account.ASCIIDomain(o.To)})
	m.Subject(o.Subject)
	m.SetMessageIDWithValue(o.ID)
	m.SetDateWithValue(o.Created.UTC())
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers from machines
	m.SetBodyString(gomail.TypeTextPlain, o.Text)
	if o.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, o.HTML)
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, &Failure{Reason: fmt.Sprintf("the mail cannot be written: %v", err), Final: true}
	}
	return b.Bytes(), nil
}
