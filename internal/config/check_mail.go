package config

import (
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"

	"doorward/internal/pattern"
)

// mailNames are the mails that a mount may send without being asked.
var mailNames = []string{"activation", "confirmation", "password_changed", "login_changed"}

var languageTag = pattern.Of(`^[a-z]{2,3}(-[a-z]{2,8})?$`)

func (k *checker) mail() {
	m := &k.cfg.Mail
	if _, err := netmail.ParseAddress(m.From); m.From != "" && (err != nil || strings.ContainsAny(m.From, "\r\n")) {
		k.refuse("mail.from", "mail.from should be an address, with a name or without", shown(m.From)+" is none", "Example <noreply@example.com>")
	}
	if m.Language != "" && !languageTag().MatchString(m.Language) {
		k.refuse("mail.language", "mail.language should be the tag of a language", shown(m.Language)+" is none", "de")
	}
}

func (k *checker) mountMail(prefix string, m Mount) {
	for _, name := range m.Mails {
		if !slices.Contains(mailNames, name) {
			k.refuse(prefix+"mails", prefix+"mails takes "+strings.Join(mailNames, ", "), shown(name)+" is none of them", "activation")
		}
	}
	u, err := url.Parse(m.FrontendURL)
	if m.FrontendURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || !validHost(bracketed(u.Hostname())) || u.User != nil ||
		strings.ContainsAny(m.FrontendURL, "?#")) {
		k.refuse(prefix+"frontend_url", prefix+"frontend_url should be an absolute http or https URL", "without user, query and fragment",
			"https://app.example.com")
	}
	if len([]rune(m.SiteName)) > 80 || strings.ContainsAny(m.SiteName, "\r\n") {
		k.refuse(prefix+"site_name", prefix+"site_name should be a few words", "it is "+shown(m.SiteName), "Example")
	}
	for _, shape := range []struct{ key, value string }{
		{"activation_url", m.ActivationURL}, {"password_reset_url", m.PasswordResetURL}, {"login_reset_url", m.LoginResetURL},
	} {
		if shape.value != "" && !validShape(shape.value) {
			k.refuse(prefix+shape.key, prefix+shape.key+" should be a path with {uid} and {token} in it", "it is "+shown(shape.value),
				"activate/{uid}/{token}")
		}
	}
}

// validShape reports whether a link can be made of text: it names both parts, once, and no white space.
func validShape(text string) bool {
	return strings.Count(text, "{uid}") == 1 && strings.Count(text, "{token}") == 1 &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>"`, r) })
}
