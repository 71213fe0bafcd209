package mail

import (
	"crypto/rand"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"doorward/internal/account"
	"doorward/internal/language"
	"doorward/internal/mail/wording"
)

// ComposerOptions say what the words of mails depend on, beside the mount's policy.
type ComposerOptions struct {
	Templates string // a folder whose files go before the ones inside; "": there is none
	PublicURL string // where people reach the server; "": not said
	From      string // RFC 5322; "": noreply at the public address
	Language  string // of who asks for none that is known
	// Development lets links follow the request's own Host, where a policy says so.
	Development bool
}

// Composer writes mails: it implements account.Composer.
type Composer struct {
	o         ComposerOptions
	public    *url.URL // nil: not said
	templates *templates
}

// NewComposer reads the templates. An error says which file and line is wrong.
func NewComposer(o ComposerOptions) (*Composer, error) {
	c := &Composer{o: o}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Host == "" {
			return nil, errors.New("the public URL is not complete")
		}
		c.public = u
	}
	var err error
	c.templates, err = readTemplates(o.Templates)
	return c, err
}

// Check says what keeps a mount's mails from being written.
func (c *Composer) Check(p *account.MailPolicy) error {
	from := c.from(p, "localhost")
	if _, err := netmail.ParseAddress(from); err != nil {
		return fmt.Errorf("mails cannot come from %q: %w", from, err)
	}
	if _, domain := c.site(p, account.Asker{}); domain == "" && !c.followsOrigin(p) {
		return errors.New("links in mails need an address to lead to: public_url, or a frontend_url of the mount")
	}
	return nil
}

// Compose implements account.Composer.
func (c *Composer) Compose(p *account.Policy, n *account.Notice) (account.Message, error) {
	t := c.templates.of(n.Occasion, c.language(n))
	if t == nil {
		return account.Message{}, fmt.Errorf("there is no template for the occasion %q", n.Occasion)
	}
	v, err := c.values(&p.Mail, n)
	if err != nil {
		return account.Message{}, err
	}
	m := account.Message{
		From: c.from(&p.Mail, v.Texts["domain"]), To: n.User.Email,
		Subject: oneLine(wording.Render(t.subject, v, false), maxSubject),
		Text:    tidy(wording.Render(t.text, v, false)),
		HTML:    strings.TrimSpace(wording.Render(t.html, v, true)),
	}
	sender, err := netmail.ParseAddress(m.From)
	if err != nil {
		return account.Message{}, fmt.Errorf("the address that mails come from: %w", err)
	}
	address := account.ASCIIDomain(sender.Address)
	m.ID = strings.ToLower(rand.Text()) + address[strings.LastIndexByte(address, '@'):]
	return m, nil
}

// language is the user's, the request's, or the default.
func (c *Composer) language(n *account.Notice) string {
	return language.Pick(slices.Concat([]string{n.User.Language}, n.Asker.Languages, []string{c.o.Language}), language.Default)
}

// followsOrigin reports whether a mount's links may lead where the request came to.
func (c *Composer) followsOrigin(p *account.MailPolicy) bool { return p.UseOrigin && c.o.Development }

// site is where links lead: what the mount says, else, in development, where the request came to,
// else the public address.
func (c *Composer) site(p *account.MailPolicy, asker account.Asker) (protocol, domain string) {
	protocol, domain = p.Protocol, p.Domain
	base := c.public
	if c.followsOrigin(p) {
		if u, err := url.Parse(asker.Origin); err == nil && u.Host != "" {
			base = u
		}
	}
	if base == nil {
		base = &url.URL{Scheme: "https"}
	}
	if domain == "" {
		domain = base.Host + strings.TrimSuffix(base.Path, "/")
	}
	if protocol == "" {
		protocol = base.Scheme
	}
	return protocol, domain
}

// from is the mount's sender, the server's, or one at the site.
func (c *Composer) from(p *account.MailPolicy, domain string) string {
	switch {
	case p.From != "":
		return p.From
	case c.o.From != "":
		return c.o.From
	case c.public != nil:
		domain = c.public.Host
	}
	host := (&url.URL{Host: strings.Split(domain, "/")[0]}).Hostname()
	if host == "" || strings.Contains(host, ":") {
		host = "localhost"
	}
	return "noreply@" + host
}

// values are what the templates may name, in texts of one line each.
func (c *Composer) values(p *account.MailPolicy, n *account.Notice) (*wording.Values, error) {
	protocol, domain := c.site(p, n.Asker)
	path, err := pathOf(p, n)
	if err != nil {
		return nil, err
	}
	link := path
	if path != "" && !strings.HasPrefix(path, "https://") && !strings.HasPrefix(path, "http://") {
		if domain == "" {
			return nil, errors.New("the link has no address to lead to")
		}
		link = protocol + "://" + domain + "/" + path
	}
	lang, u := c.language(n), n.User
	site := p.SiteName
	if site == "" {
		site = domain
	}
	login := u.Username
	if login == "" {
		login = u.Email
	}
	full := strings.TrimSpace(u.FirstName + " " + u.LastName)
	texts := map[string]string{
		"user": login, "user.get_username": login, "user.username": u.Username, "user.email": u.Email, "email": u.Email,
		"user.first_name": u.FirstName, "user.get_short_name": u.FirstName, "user.last_name": u.LastName, "user.name": u.Name,
		"user.get_full_name": full, "user.id": strconv.FormatInt(u.ID, 10), "user.pk": strconv.FormatInt(u.ID, 10),
		"site_name": site, "domain": domain, "protocol": protocol, "url": path, "link": link, "uid": n.UID, "token": n.Token,
		"language": lang, "direction": "ltr",
	}
	if language.RightToLeft(lang) {
		texts["direction"] = "rtl"
	}
	for name, text := range texts {
		texts[name] = oneLine(text, maxValue)
	}
	return &wording.Values{Texts: texts, Say: func(english string) string { return language.Translate(lang, english) }}, nil
}

// pathOf is the link below the site; "" for a mail that has none.
func pathOf(p *account.MailPolicy, n *account.Notice) (string, error) {
	shape, ok := map[account.Occasion]string{
		account.ActivationMail: p.ActivationURL, account.PasswordResetMail: p.PasswordResetURL, account.LoginResetMail: p.LoginResetURL,
		account.VerifyEmailMail: p.VerifyURL,
	}[n.Occasion]
	if !ok {
		return "", nil
	}
	if shape == "" {
		return "", fmt.Errorf("a mount sends the mail %s and does not say where its link leads", n.Occasion)
	}
	return strings.TrimPrefix(strings.NewReplacer("{uid}", n.UID, "{token}", n.Token, "{key}", n.Token).Replace(shape), "/"), nil
}

// The longest texts, in bytes: a link is shorter, and nobody's name needs more.
const (
	maxSubject = 200
	maxValue   = 2000
)

// oneLine makes a text one line, so that no name begins a line, or a header, of its own.
func oneLine(text string, limit int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }), " ")
	if text = strings.TrimSpace(text); len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// tidy takes out what a template's tags leave behind: spaces at the ends, blank lines in a row.
func tidy(text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if line != "-- " { // a signature begins so (RFC 3676 §4.3)
			line = strings.TrimRight(line, " \t")
		}
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
