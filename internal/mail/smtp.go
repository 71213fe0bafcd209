package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"doorward/internal/account"
	"doorward/internal/pattern"
)

// How long a server may take for a step. One delivery as a whole has DeliveryTimeout.
const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 20 * time.Second
	dataTimeout   = 30 * time.Second // until the last dot is answered
	quitTimeout   = time.Second
	idleTimeout   = 10 * time.Second // then a connection that is kept is closed
	maxUses       = 100              // mails over one connection
)

// smtpTransport hands mails to one server, over connections that are kept for a while.
type smtpTransport struct {
	host, addr string
	name       string // what we call ourselves
	implicit   bool   // TLS from the first byte: smtps
	startTLS   bool   // refuse to go on without
	loopback   bool   // nobody listens between: clear text and any certificate will do
	config     *tls.Config
	user, pass string

	mu     sync.Mutex
	idle   []*session
	closed bool
}

// newSMTP understands smtp://USER:PASSWORD@HOST:PORT?tls=none&ca_file=PATH. TLS is used when it is
// offered, and demanded of servers on other machines; tls=none turns it off.
func newSMTP(u *url.URL) (*smtpTransport, error) {
	t := &smtpTransport{host: u.Hostname(), implicit: u.Scheme == "smtps", name: "localhost"}
	port := u.Port()
	t.user = u.User.Username()
	t.pass, _ = u.User.Password()
	switch {
	case port != "":
	case t.implicit:
		port = "465"
	case t.user != "":
		port = "587"
	default:
		port = "25"
	}
	t.addr, t.loopback = net.JoinHostPort(t.host, port), isLoopback(t.host)
	t.startTLS = !t.implicit && !t.loopback
	t.config = &tls.Config{ServerName: t.host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.loopback}
	if name, err := os.Hostname(); err == nil && hostName().MatchString(name) {
		t.name = name
	}
	for key, values := range u.Query() {
		value := values[0]
		switch {
		case key == "ca_file":
			pem, err := os.ReadFile(value)
			if err != nil {
				return nil, fmt.Errorf("read the ca_file of mail_url: %w", err)
			}
			t.config.RootCAs, t.config.InsecureSkipVerify = x509.NewCertPool(), false
			if !t.config.RootCAs.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("the ca_file of mail_url, %s, has no certificate in it", value)
			}
		case key == "tls" && value == "none" && !t.implicit:
			t.startTLS, t.config = false, nil
		case key == "tls" && value == "required" && !t.implicit:
			t.startTLS = true
		default:
			return nil, fmt.Errorf("mail_url has the parameter %q, which is not known or has no such value\n  there are: tls=none, tls=required, ca_file=PATH", key)
		}
	}
	return t, nil
}

var hostName = pattern.Of(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// Local implements Transport.
func (t *smtpTransport) Local() bool { return false }

// Close says goodbye on the connections that are kept.
func (t *smtpTransport) Close() error {
	t.mu.Lock()
	idle := t.idle
	t.idle, t.closed = nil, true
	t.mu.Unlock()
	for _, s := range idle {
		s.quit()
	}
	return nil
}

// Send implements Transport.
func (t *smtpTransport) Send(ctx context.Context, o *Outgoing) (answer string, err error) {
	text, err := o.render()
	if err != nil {
		return "", err
	}
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return "", &Failure{Reason: "the sender's address cannot be read", Final: true}
	}
	s, err := t.session(ctx)
	if err != nil {
		return "", err
	}
	answer, err = s.deliver(ctx, account.ASCIIDomain(from.Address), account.ASCIIDomain(o.To), text)
	if s.broken {
		s.close()
	} else {
		t.keep(s)
	}
	return answer, err
}

// session takes a connection that is kept and still alive, or makes one.
func (t *smtpTransport) session(ctx context.Context) (*session, error) {
	for {
		t.mu.Lock()
		if len(t.idle) == 0 {
			t.mu.Unlock()
			return t.dial(ctx)
		}
		s := t.idle[len(t.idle)-1]
		t.idle = t.idle[:len(t.idle)-1]
		t.mu.Unlock()
		s.leave.Stop()
		if s.uses++; s.uses > maxUses {
			s.quit()
			continue
		}
		if err := s.step(ctx, answerTimeout, s.client.Reset); err == nil {
			return s, nil
		}
		s.close() // the server ended it, as it may
		if ctx.Err() != nil {
			return nil, &Failure{Reason: "the server did not answer in time", Server: true}
		}
	}
}

// keep puts a connection aside for the next mail.
func (t *smtpTransport) keep(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.idle) >= maxConnections {
		go s.quit()
		return
	}
	t.idle = append(t.idle, s)
	s.leave = time.AfterFunc(idleTimeout, func() {
		t.mu.Lock()
		for i, other := range t.idle {
			if other == s {
				t.idle = append(t.idle[:i], t.idle[i+1:]...)
				t.mu.Unlock()
				s.quit()
				return
			}
		}
		t.mu.Unlock() // somebody took it
	})
}

// session is a connection to the server. After a step that failed for the network it is broken.
type session struct {
	conn   net.Conn
	client *smtp.Client
	uses   int
	leave  *time.Timer
	broken bool
}

// dial connects and gets ready to send: greeting, TLS, authentication. Whatever fails here fails
// for every mail.
func (t *smtpTransport) dial(ctx context.Context) (*session, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, &Failure{Reason: err.Error(), Server: true}
	}
	s := &session{conn: conn}
	for _, step := range []struct {
		name string
		f    func() error
	}{
		{"greeting", func() (err error) {
			if t.implicit {
				conn = tls.Client(conn, t.config)
			}
			s.client, err = smtp.NewClient(conn, t.host)
			return err
		}},
		{"EHLO", func() error { return s.client.Hello(t.name) }},
		{"STARTTLS", func() error { return t.encrypt(s) }},
		{"AUTH", func() error { return t.authenticate(s) }},
	} {
		if err := s.step(ctx, answerTimeout, step.f); err != nil {
			s.close()
			return nil, &Failure{Reason: step.name + ": " + reasonOf(err), Server: true}
		}
	}
	return s, nil
}

// encrypt goes over to TLS where the server offers it.
func (t *smtpTransport) encrypt(s *session) error {
	if t.implicit || t.config == nil {
		return nil
	}
	if offered, _ := s.client.Extension("STARTTLS"); !offered {
		if t.startTLS {
			return errors.New("the server offers no TLS; mail_url with ?tls=none goes without, in clear text")
		}
		return nil
	}
	return s.client.StartTLS(t.config)
}

// authenticate signs in with the best way that the server offers. Without TLS a password goes to
// this machine only.
func (t *smtpTransport) authenticate(s *session) error {
	if t.user == "" {
		return nil
	}
	_, offered := s.client.Extension("AUTH")
	_, encrypted := s.client.TLSConnectionState()
	clear := encrypted || t.loopback
	has := func(name string) bool { return strings.Contains(" "+strings.ToUpper(offered)+" ", " "+name+" ") }
	switch {
	case has("SCRAM-SHA-256"):
		return s.client.Auth(smtp.ScramSHA256Auth(t.user, t.pass))
	case has("PLAIN") && clear:
		return s.client.Auth(smtp.PlainAuth("", t.user, t.pass, t.host, t.loopback))
	case has("LOGIN") && clear:
		return s.client.Auth(smtp.LoginAuth(t.user, t.pass, t.host, t.loopback))
	case has("CRAM-MD5"):
		return s.client.Auth(smtp.CRAMMD5Auth(t.user, t.pass))
	}
	return fmt.Errorf("the server offers no way of signing in that is safe here (it offers %q)", offered)
}

// deliver sends one mail.
func (s *session) deliver(ctx context.Context, from, to string, text []byte) (answer string, err error) {
	international := !isASCII(from) || !isASCII(to)
	if offered, _ := s.client.Extension("SMTPUTF8"); international && !offered {
		return "", &Failure{Reason: "the server takes no addresses with letters that are not ASCII (SMTPUTF8)", Final: true}
	}
	s.client.SkipSMTPUTF8(!international)
	if err := s.step(ctx, answerTimeout, func() error { return s.client.Mail("<" + from + ">") }); err != nil {
		return "", s.refused("MAIL", err)
	}
	if err := s.step(ctx, answerTimeout, func() error { return s.client.Rcpt("<" + to + ">") }); err != nil {
		return "", s.refused("RCPT", err)
	}
	err = s.step(ctx, dataTimeout, func() error {
		w, err := s.client.Data()
		if err != nil {
			return err
		}
		if _, err = w.Write(text); err != nil {
			return err
		}
		err = w.Close()
		if closer, ok := w.(*smtp.DataCloser); ok {
			answer = closer.ServerResponse()
		}
		return err
	})
	if err != nil {
		return "", s.refused("DATA", err)
	}
	return "250 " + answer, nil
}

// refused turns the failure of a step into one that says whether to try again. A server that
// refused goes on listening; the next mail begins with RSET.
func (s *session) refused(step string, err error) error {
	f := &Failure{Reason: step + ": " + reasonOf(err)}
	var reply *textproto.Error
	switch {
	case !errors.As(err, &reply):
		f.Server = true
	case reply.Code == 421, reply.Code == 452, reply.Code == 530, reply.Code == 534, reply.Code == 535, reply.Code == 538:
		f.Server = true // it closes, is full, or wants us to sign in (RFC 5321 §4.2.3, RFC 4954 §6)
		s.broken = true
	case reply.Code >= 500:
		f.Final = true
	case step == "MAIL":
		f.Server = true
	}
	return f
}

// step runs f, which waits for the server, no longer than d and ctx allow.
func (s *session) step(ctx context.Context, d time.Duration, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	// What reads or writes after that fails at once: no clock is needed to be in the past.
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })
	err := f()
	if !stop() {
		s.broken = true
		if err != nil {
			return errors.New("the server did not answer in time")
		}
	}
	var reply *textproto.Error
	if err != nil && !errors.As(err, &reply) {
		s.broken = true
	}
	return err
}

func reasonOf(err error) string {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return fmt.Sprintf("%03d %s", reply.Code, reply.Msg)
	}
	return err.Error()
}

// quit says goodbye, if the server listens, and closes.
func (s *session) quit() {
	_ = s.step(context.Background(), quitTimeout, s.client.Quit) // it is closed either way
	s.close()
}

func (s *session) close() { _ = s.conn.Close() }

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}
