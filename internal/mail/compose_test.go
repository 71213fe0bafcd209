package mail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/mail"
)

var occasions = []account.Occasion{
	account.ActivationMail, account.ConfirmationMail, account.PasswordResetMail,
	account.PasswordChangedMail, account.LoginResetMail, account.LoginChangedMail,
	account.AddressChangedMail, account.AddressTakenMail,
	account.PasswordChangedMail, account.LoginResetMail, account.LoginChangedMail, account.VerifyEmailMail,
}

func ann() *account.User {
	return &account.User{ID: 7, Username: "ann", Email: "ann@example.com", FirstName: "Ann", LastName: "O'Neill"}
}

func policy() *account.Policy {
	return &account.Policy{Mail: account.MailPolicy{
		ActivationURL: "#/activate/{uid}/{token}", PasswordResetURL: "/reset/{uid}/{token}/", LoginResetURL: "https://other.example.com/{uid}/{token}",
		VerifyURL: "verify/{key}/",
	}}
}

// compose writes a mail, or fails the test.
func compose(t *testing.T, o mail.ComposerOptions, p *account.Policy, n *account.Notice) account.Message {
	t.Helper()
	c, err := mail.NewComposer(o)
	if err != nil {
		t.Fatalf("read the templates: %v", err)
	}
	m, err := c.Compose(p, n)
	if err != nil {
		t.Fatalf("compose: %v", err)
	}
	return m
}

func TestEveryOccasionHasItsMail(t *testing.T) {
	for _, lang := range []string{"en", "de", "fa"} {
		for _, occasion := range occasions {
			n := &account.Notice{Occasion: occasion, User: ann(), UID: "Nw", Token: "abc-0123", Asker: account.Asker{Languages: []string{lang}}}
			m := compose(t, mail.ComposerOptions{PublicURL: "https://accounts.example.com"}, policy(), n)
			name := lang + " " + string(occasion)
			if m.From != "noreply@accounts.example.com" || m.To != "ann@example.com" || !strings.HasSuffix(m.ID, "@accounts.example.com") {
				t.Errorf("%s: from %q, to %q, id %q", name, m.From, m.To, m.ID)
			}
			if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n{%") || !strings.Contains(m.Subject, "accounts.example.com") {
				t.Errorf("%s: the subject is %q", name, m.Subject)
			}
			for part, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
				if len(text) < 80 || strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "%(") {
					t.Errorf("%s: the %s:\n%s", name, part, text)
				}
			}
			link := map[account.Occasion]string{
				account.ActivationMail: "https://accounts.example.com/#/activate/Nw/abc-0123", account.LoginResetMail: "https://other.example.com/Nw/abc-0123",
				account.PasswordResetMail: "https://accounts.example.com/reset/Nw/abc-0123/", account.VerifyEmailMail: "https://accounts.example.com/verify/abc-0123/",
			}[occasion]
			if link != "" && (!strings.Contains(m.Text, "\n"+link+"\n") || !strings.Contains(m.HTML, `href="`+link+`"`)) {
				t.Errorf("%s: the link %s is missing:\n%s\n%s", name, link, m.Text, m.HTML)
			}
			if link == "" && strings.Contains(m.Text, "://") {
				t.Errorf("%s: there should be no link:\n%s", name, m.Text)
			}
		}
	}
}

func TestWhereLinksLead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      mail.ComposerOptions
		mail   account.MailPolicy
		origin string
		want   string // "": it cannot be composed
	}{
		{"the public address", mail.ComposerOptions{PublicURL: "https://a.example/app/"}, account.MailPolicy{}, "", "https://a.example/app/x/Nw/t"},
		{"not where the request came to", mail.ComposerOptions{PublicURL: "https://a.example"}, account.MailPolicy{}, "https://evil.example", "https://a.example/x/Nw/t"},
		{"nor outside development, whatever the mount says", mail.ComposerOptions{PublicURL: "https://a.example"}, account.MailPolicy{UseOrigin: true}, "https://evil.example", "https://a.example/x/Nw/t"},
		{"where the request came to, in development", mail.ComposerOptions{Development: true}, account.MailPolicy{UseOrigin: true}, "http://127.0.0.1:8000", "http://127.0.0.1:8000/x/Nw/t"},
		{"the front end", mail.ComposerOptions{PublicURL: "https://a.example"}, account.MailPolicy{Protocol: "http", Domain: "app.example:3000"}, "", "http://app.example:3000/x/Nw/t"},
		{"the front end in development, with the request's protocol", mail.ComposerOptions{Development: true}, account.MailPolicy{Domain: "app.example", UseOrigin: true}, "http://127.0.0.1:8000", "http://app.example/x/Nw/t"},
		{"the front end alone", mail.ComposerOptions{}, account.MailPolicy{Domain: "app.example"}, "", "https://app.example/x/Nw/t"},
		{"nowhere", mail.ComposerOptions{}, account.MailPolicy{}, "https://evil.example", ""},
	} {
		tt.mail.ActivationURL = "x/{uid}/{token}"
		c, err := mail.NewComposer(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		n := &account.Notice{Occasion: account.ActivationMail, User: ann(), UID: "Nw", Token: "t", Asker: account.Asker{Origin: tt.origin}}
		m, err := c.Compose(&account.Policy{Mail: tt.mail}, n)
		if (err == nil) != (tt.want != "") || !strings.Contains(m.Text, tt.want) || strings.Contains(m.Text+m.HTML, "evil") {
			t.Errorf("%s: want %q, got error %v and\n%s", tt.name, tt.want, err, m.Text)
		}
		if (c.Check(&tt.mail) == nil) != (tt.want != "") {
			t.Errorf("%s: check says %v", tt.name, c.Check(&tt.mail))
		}
	}
}

func TestNobodysNameBeginsALineOrATag(t *testing.T) {
	u := ann()
	u.Username = "ann\r\nBcc: eve@example.com\n\nhttp://evil.example <script>%(site_name)s"
	p := policy()
	p.Mail.SiteName = "Site\r\nX-Evil: 1"
	m := compose(t, mail.ComposerOptions{PublicURL: "https://a.example"}, p, &account.Notice{Occasion: account.PasswordResetMail, User: u})
	if strings.ContainsAny(m.Subject, "\r\n") || strings.Contains(m.Text, "\nBcc") || strings.Contains(m.HTML, "<script>") ||
		!strings.Contains(m.HTML, "&lt;script&gt;%(site_name)s") {
		t.Errorf("subject %q\n%s\n%s", m.Subject, m.Text, m.HTML)
	}
}

// folder makes a folder of templates.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// djoserActivation has what djoser's own templates use.
const djoserActivation = `{% load i18n %}
{% block subject %}
{% blocktrans %}Account activation on {{ site_name }}{% endblocktrans %}
{% endblock subject %}

{% block text_body %}
{% blocktrans %}You get this from {{ site_name }}.{% endblocktrans %}

{% trans "Please go to the following page:" %}
{{ protocol }}://{{ domain }}/{{ url|safe }}
{# nobody sees this #}
{% comment %} {% nor %} this {% endcomment %}
{% if user.first_name %}{{ user.first_name|upper }}{% else %}you{% endif %} {{ uid }} {{ token }}
{% endblock text_body %}

{% block html_body %}<b>{{ user.get_full_name }}</b> <a href="{{ protocol }}://{{ domain }}/{{ url|safe }}">{{ user }}</a>{% include "foot.html" %}{% endblock html_body %}`

func TestTemplatesOfAnOperator(t *testing.T) {
	files := map[string]string{
		"email/activation.html": djoserActivation, "foot.html": `<i>{{ domain }}</i>`,
		"de/confirmation.html": `{% block subject %}Servus{% endblock %}{% block text_body %}Hallo {{ user }}, alles ist bereit.{% endblock %}`,
		"registration/password_reset_email.html": `{% load i18n %}{% autoescape off %}{{ email }}
{{ protocol }}://{{ domain }}{% url 'password_reset_confirm' uidb64=uid token=token %}{% endautoescape %}`,
		"registration/password_reset_subject.txt": "{% load i18n %}{% autoescape off %}Reset on {{ site_name }}\n{% endautoescape %}",
	}
	o := mail.ComposerOptions{PublicURL: "https://a.example", Templates: folder(t, files)}
	p := policy()
	p.Mail.SiteName = "A & B"
	notice := func(occasion account.Occasion, languages ...string) account.Message {
		return compose(t, o, p, &account.Notice{Occasion: occasion, User: ann(), UID: "Nw", Token: "t-1", Asker: account.Asker{Languages: languages}})
	}
	for _, tt := range []struct {
		name, got, want string
	}{
		{"djoser's subject", notice(account.ActivationMail).Subject, "Account activation on A & B"},
		{"djoser's text", notice(account.ActivationMail).Text, "You get this from A & B.\n\nPlease go to the following page:\nhttps://a.example/#/activate/Nw/t-1\n\nANN Nw t-1\n"},
		{"djoser's HTML", notice(account.ActivationMail).HTML, `<b>Ann O&#39;Neill</b> <a href="https://a.example/#/activate/Nw/t-1">ann</a><i>a.example</i>`},
		{"a language's own", notice(account.ConfirmationMail, "de-AT", "fr").Text, "Hallo ann, alles ist bereit.\n"},
		{"which has no HTML", notice(account.ConfirmationMail, "de").HTML, ""},
		{"others have ours", notice(account.ConfirmationMail, "xx").Subject, "Your account on A & B is active"},
		{"Django's subject", notice(account.PasswordResetMail).Subject, "Reset on A & B"},
		{"Django's text", notice(account.PasswordResetMail).Text, "ann@example.com\nhttps://a.example/reset/Nw/t-1/\n"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s:\n got: %q\nwant: %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{% block text_body %}\n{{ password }}{% endblock %}":   "line 2: {{ password }} is not known",
		"{% block text_body %}{{ user|linebreaks }}":            `the filter "linebreaks" is not known`,
		"{% block text_body %}{% for a in b %}{% endfor %}":     "{% for %} is not known",
		"{% block text_body %}hello":                            "{% endblock %} is missing",
		"{% block text_body %}{% if a == b %}{% endif %}":       "{% if a == b %} is not known",
		"{% block text_body %}{{ user ":                         "{{ without }}",
		"{% block text_body %}{% include \"no.html\" %}":        `includes "no.html", which is not there`,
		"{% block text_body %}{% include \"../secret\" %}":      "is no name of a template",
		"{% include \"email/activation.html\" %}":               "include each other",
		"{% extends \"base.html\" %}":                           "{% extends %} is not known",
		"just text":                                             "has none of the blocks",
		"{% block text_body %}{% comment %}":                    "{% endcomment %} is missing",
		"{% block text_body %}{% blocktrans %}a{% endblock %}":  "has a tag inside",
		"{% block text_body %}{% trans user %}{% endblock %}":   "takes a text in quotes",
		"{% block text_body %}{{ url|default:x }}{% endblock%}": "takes a text in quotes",
		"{% endblock %}":                                        "is not known",
	} {
		_, err := mail.NewComposer(mail.ComposerOptions{Templates: folder(t, map[string]string{"email/activation.html": text})})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "email/activation.html") {
			t.Errorf("%q:\n got: %v\nwant: %s", text, err, want)
		}
	}
	if _, err := mail.NewComposer(mail.ComposerOptions{Templates: "/nowhere"}); err == nil {
		t.Error("a folder that is not there is taken")
	}
}
