// Package mailtest is a small SMTP server for tests, with moods: it can be slow, refuse, put off,
// drip a byte at a time, hang up in the middle of a mail, and be well again.
package mailtest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Mood is how the server treats its clients.
type Mood int

// The moods.
const (
	Well      Mood = iota
	Refusing       // nobody listens
	Silent         // it takes connections, and says nothing
	Dripping       // a byte a second: a tarpit
	Slow           // a minute before each answer
	Busy           // 421 for everybody
	Deferring      // 451 for every recipient
	Rejecting      // 550 for every recipient
	Hanging        // it hangs up in the middle of a mail
	Undecided      // it takes a mail and hangs up before it says so
)

// Server is an SMTP server. Change its fields before Start only.
type Server struct {
	TLS      bool // offers STARTTLS
	Implicit bool // speaks TLS from the first byte
	UTF8     bool // offers SMTPUTF8
	// Lasting lets connections stay in the mood in which they came.
	Lasting  bool
	User     string
	Password string
	Addr     string
	CA       string // a file with the server's certificate

	t       testing.TB
	config  *tls.Config
	mu      sync.Mutex
	mood    Mood
	ln      net.Listener
	conns   map[net.Conn]bool
	mails   []Mail
	dials   int
	change  chan struct{} // closed when the mood changes
	running sync.WaitGroup
}

// Mail is one that the server took.
type Mail struct {
	From, To string
	UTF8     bool
	TLS      bool
	User     string // who had signed in
	At       time.Time
	Source   []byte
}

// ID is its Message-ID.
func (m *Mail) ID() string { return m.Header("Message-Id") }

// Header is one of its headers, decoded by nobody.
func (m *Mail) Header(name string) string {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Source))
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return parsed.Header.Get(name)
}

// Start listens on a port of this machine until the test ends.
func (s *Server) Start(t testing.TB) *Server {
	t.Helper()
	s.t, s.conns, s.change = t, map[net.Conn]bool{}, make(chan struct{})
	if s.TLS || s.Implicit {
		s.certify()
	}
	s.listen("127.0.0.1:0")
	t.Cleanup(s.stop)
	return s
}

// URL is a mail_url for this server; scheme is smtp or smtps.
func (s *Server) URL(scheme string) string {
	user := ""
	if s.User != "" {
		user = s.User + ":" + s.Password + "@"
	}
	return scheme + "://" + user + s.Addr
}

func (s *Server) listen(addr string) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Errorf("mailtest: listen: %v", err)
		return
	}
	s.ln, s.Addr = ln, ln.Addr().String()
	s.running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.dials++
			s.mu.Unlock()
			s.running.Go(func() { s.serve(conn) })
		}
	})
}

// Set changes the mood. Connections that are open feel it too; Refusing ends them.
func (s *Server) Set(m Mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.mood
	s.mood = m
	close(s.change)
	s.change = make(chan struct{})
	if m == Refusing && was != Refusing {
		_ = s.ln.Close()
		for conn := range s.conns {
			_ = conn.Close()
		}
	}
	if was == Refusing && m != Refusing {
		s.listen(s.Addr)
	}
}

func (s *Server) stop() {
	s.mu.Lock()
	_ = s.ln.Close()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mood = Refusing
	close(s.change)
	s.change = make(chan struct{})
	s.mu.Unlock()
	s.running.Wait()
}

// Mails are those that the server took, in order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Connections is how many there were.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

func (s *Server) now() (Mood, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mood, s.change
}

// mood is what this client feels.
func (c *client) mood() (Mood, chan struct{}) {
	mood, change := c.now()
	if c.Lasting && mood != Refusing {
		mood = c.came
	}
	return mood, change
}

// client is a connection.
type client struct {
	*Server
	conn net.Conn
	in   *bufio.Reader
	came Mood // when it was opened
	tls  bool
	user string
	mail Mail
}

func (s *Server) serve(raw net.Conn) {
	defer func() {
		_ = raw.Close()
		s.mu.Lock()
		delete(s.conns, raw)
		s.mu.Unlock()
	}()
	mood, _ := s.now()
	c := &client{Server: s, conn: raw, came: mood}
	if s.Implicit {
		c.conn, c.tls = tls.Server(raw, s.config), true
	}
	c.in = bufio.NewReader(c.conn)
	if mood == Busy {
		c.say("421 come back later")
		return
	}
	if !c.say("220 mailtest ESMTP") {
		return
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil || !c.obey(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

// say answers in the mood of the moment, and reports whether to go on.
func (c *client) say(line string) bool {
	text := []byte(line + "\r\n")
	for {
		mood, change := c.mood()
		var pause time.Duration
		part := text
		switch mood {
		case Refusing:
			return false
		case Silent:
			pause, part = time.Hour, nil
		case Slow:
			pause = time.Minute
		case Dripping:
			pause, part = time.Second, text[:1]
		}
		if pause > 0 {
			select {
			case <-change:
				continue // in another mood it goes on at once
			case <-time.After(pause):
			}
		}
		if _, err := c.conn.Write(part); err != nil {
			return false
		}
		if text = text[len(part):]; len(text) == 0 {
			return true
		}
	}
}

// obey does what a line says.
func (c *client) obey(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	mood, _ := c.mood()
	switch strings.ToUpper(verb) {
	case "EHLO":
		return c.hello()
	case "STARTTLS":
		if !c.say("220 go ahead") {
			return false
		}
		c.conn, c.tls = tls.Server(c.conn, c.config), true
		c.in = bufio.NewReader(c.conn)
		return true
	case "AUTH":
		return c.authenticate(rest)
	case "MAIL":
		if mood == Busy {
			c.say("421 going away")
			return false
		}
		if c.User != "" && c.user == "" {
			return c.say("530 sign in first")
		}
		c.mail = Mail{From: between(rest), UTF8: strings.Contains(rest, "SMTPUTF8"), TLS: c.tls, User: c.user}
		return c.say("250 ok")
	case "RCPT":
		c.mail.To = between(rest)
		switch mood {
		case Deferring:
			return c.say("451 try again later")
		case Rejecting:
			return c.say("550 no such user; see https://example.com/activate/secret")
		}
		return c.say("250 ok")
	case "DATA":
		return c.data()
	case "RSET", "NOOP":
		return c.say("250 ok")
	case "QUIT":
		c.say("221 bye")
		return false
	}
	return c.say("502 what?")
}

func (c *client) hello() bool {
	lines := []string{"mailtest"}
	if c.Server.TLS && !c.tls {
		lines = append(lines, "STARTTLS")
	}
	if c.UTF8 {
		lines = append(lines, "SMTPUTF8")
	}
	if c.User != "" {
		lines = append(lines, "AUTH PLAIN LOGIN")
	}
	lines = append(lines, "8BITMIME")
	for i, line := range lines {
		sign := "-"
		if i == len(lines)-1 {
			sign = " "
		}
		if !c.say("250" + sign + line) {
			return false
		}
	}
	return true
}

func (c *client) authenticate(rest string) bool {
	_, text, _ := strings.Cut(rest, " ")
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil || string(plain) != "\x00"+c.User+"\x00"+c.Password {
		return c.say("535 wrong")
	}
	c.user = c.User
	return c.say("235 welcome")
}

func (c *client) data() bool {
	if !c.say("354 go ahead") {
		return false
	}
	var text bytes.Buffer
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if mood, _ := c.mood(); mood == Hanging && text.Len() > 100 {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	c.mail.Source, c.mail.At = text.Bytes(), time.Now()
	c.mu.Lock()
	c.mails = append(c.mails, c.mail)
	n, mood := len(c.mails), c.Server.mood
	c.mu.Unlock()
	if mood == Undecided {
		return false
	}
	return c.say(fmt.Sprintf("250 taken as number %d", n))
}

func between(text string) string {
	_, text, _ = strings.Cut(text, "<")
	text, _, _ = strings.Cut(text, ">")
	return text
}

// certify makes a certificate for this machine that only who has CA trusts.
func (s *Server) certify() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mailtest"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.config = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.CA = filepath.Join(s.t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Text reads the plain part of a mail, decoded.
func (m *Mail) Text() string {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Source))
	if err != nil {
		return "unreadable: " + err.Error()
	}
	body, err := io.ReadAll(parsed.Body)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(body))
}
