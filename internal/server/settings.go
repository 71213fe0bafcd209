package server

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/password"
)

// Translation is a configuration that does what a set of Django settings means.
type Translation struct {
	Config *config.Config
	// Notes say what an operator has to do besides; Warnings what the configuration cannot say.
	Notes, Warnings []string
}

// Translate gives the configuration of a server that behaves as a Django of these settings. The plan
// of the settings is the one that /dev/reset makes; a key is written where the preset says otherwise.
func Translate(d *django.Dump) (*Translation, error) {
	t := &Translation{Config: config.Default()}
	if d.Model.Django {
		t.Config.User.Table = d.Model.Table
	} else {
		t.Config.User.Login = string(d.Model.Login)
	}
	model, err := modelOf(&t.Config.User)
	if err != nil {
		return nil, err
	}
	if len(d.Beside) > 0 {
		t.profiles(d.Model)
		if err := declare(model, t.Config); err != nil {
			return nil, err
		}
	}
	base, err := mountOf(d.Preset, config.Mount{}, model)
	if err != nil {
		return nil, err
	}
	wanted := (&plan{model: model}).planOfCondition(d.Condition).mounts
	want := wanted[0]
	m := &config.Mount{Preset: d.Preset, Prefix: base.prefix}
	t.site(d)
	t.mount(m, &base, &want)
	t.tokens(m, &base, &want)
	t.mails(m, &base, &want)
	t.djoser(m, &base, &want)
	if login := want.policy.Login; login != base.policy.Login && d.Preset == "djoser" {
		if m.Djoser.Login = string(login); model.Django {
			t.warn("DJOSER.LOGIN_FIELD: addresses are not unique in table %s: of users who share one the oldest signs in; Django answers 500", model.Table)
		}
	}
	t.restAuth(m, &base, &want)
	if want.policy.AnyPassword {
		t.warn("a view of your own that signs people up may judge no password: here AUTH_PASSWORD_VALIDATORS does; password_rules = [] says otherwise")
	}
	if want.policy.Tokens.Typed != nil {
		t.typed(m, &base, &want)
		t.keys(m, "SIMPLE_JWT.SIGNING_KEY", "SIMPLE_JWT.VERIFYING_KEY", d.Policy.Tokens.Keys, want.jwt.Alg)
	} else {
		t.plain(m, &base, &want)
		t.keys(m, "the key of JWT_AUTH", "JWT_AUTH.JWT_PUBLIC_KEY", d.Policy.Tokens.Keys, want.jwt.Alg)
	}
	if model.Django && d.Djoser.Login != "" && d.Djoser.Login != want.policy.Login {
		t.warn("DJOSER.LOGIN_FIELD = %q without LoginFieldBackend signs nobody in, and is not carried over: users of table %s sign in with their %s",
			d.Djoser.Login, model.Table, base.policy.Login)
	}
	t.Config.Mounts = map[string]config.Mount{d.Preset: *m}
	for i, place := range d.Beside {
		if err := t.beside(place.Preset, &wanted[i+1], model); err != nil {
			return nil, err
		}
	}
	t.judge()
	return t, nil
}

func (t *Translation) warn(format string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
}

func (t *Translation) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// Text is the configuration file, with the notes on top. name is what it was translated of.
func (t *Translation) Text(name string) string {
	var b strings.Builder
	printable := func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}
	fmt.Fprintf(&b, "# Translated from %s. URLs are in no setting: compare prefix, and set [mounts.NAME.paths].\n", strings.Map(printable, name))
	for _, note := range t.Notes {
		fmt.Fprintf(&b, "# %s\n", strings.Map(printable, note))
	}
	return b.String() + t.Config.TOML()
}

// site takes what is of the whole server.
func (t *Translation) site(d *django.Dump) {
	c, s := t.Config, &d.Site
	if s.Secret {
		t.note("secret_key: set DOORWARD_SECRET_KEY to Django's SECRET_KEY")
	}
	if s.Fallbacks {
		t.note("secret_key_fallbacks: set DOORWARD_SECRET_KEY_FALLBACKS to Django's SECRET_KEY_FALLBACKS, with commas between")
	}
	if c.DatabaseURL = s.DatabaseURL; s.DatabaseHint != "" {
		t.note("database_url: set DOORWARD_DATABASE_URL to %s", s.DatabaseHint)
	}
	if c.MailURL = s.MailURL; s.MailHint != "" {
		t.note("mail_url: set DOORWARD_MAIL_URL to %s", s.MailHint)
	}
	if c.DatabaseURL == "" {
		c.DatabaseURL = config.Default().DatabaseURL
	}
	c.AllowedHosts, c.CORS.Origins = d.Hosts, s.Origins
	if !strings.HasPrefix(s.Language, "en") {
		c.Mail.Language = s.Language
	}
	if from := d.Policy.Mail.From; from != "webmaster@localhost" { // Django's default is nobody's
		c.Mail.From = from
	}
}

// mount takes what a mount of any kind has.
func (t *Translation) mount(m *config.Mount, base, want *mountPlan) {
	if !want.modern {
		m.Generation = "classic"
	}
	if want.claims != base.claims {
		m.Claims = want.claims
	}
	if want.noun != base.noun {
		m.Noun = want.noun
	}
	if want.languages != base.languages {
		m.Languages = &want.languages
	}
	if want.header != base.header && want.policy.Tokens.Typed == nil {
		m.REST.HeaderPrefix = want.header
	}
	served := base.auth
	if want.signsIn && !slices.Contains(served, django.AuthSession) {
		served = append(slices.Clip(served), django.AuthSession)
	}
	if !slices.Equal(want.auth, served) && base.auth != nil {
		m.REST.Authenticators = want.auth
	}
	if want.throttle != nil {
		m.REST.RateAnonymous, m.REST.RateUser = django.Rate(want.throttle.Anonymous).String(), django.Rate(want.throttle.User).String()
	}
	m.REST.PageSize = want.pageSize
	if len(want.paths) > 0 {
		m.Paths = want.paths
	}
	t.rules(m, &base.policy.Rules, &want.policy.Rules)
}

func (t *Translation) rules(m *config.Mount, base, want *password.Rules) {
	if !slices.Equal(want.Order, base.Order) {
		m.PasswordRules = []string{}
		for _, rule := range want.Order {
			m.PasswordRules = append(m.PasswordRules, nameOf(rules, rule))
		}
	}
	if slices.Contains(want.Order, password.MinLength) && want.MinLength != base.MinLength {
		if m.PasswordMinLength = want.MinLength; want.MinLength == 0 {
			t.warn("AUTH_PASSWORD_VALIDATORS: a min_length of 0 is not carried over: 8 is the least here unless you set another")
		}
	}
	if slices.Contains(want.Order, password.Similarity) && want.MaxSimilarity != base.MaxSimilarity {
		t.warn("AUTH_PASSWORD_VALIDATORS: a max_similarity of %v is not carried over: it is %v here", want.MaxSimilarity, base.MaxSimilarity)
	}
}

// nameOf is the name that a table of the configuration has for a value.
func nameOf[V comparable](table map[string]V, value V) string {
	for name, v := range table {
		if v == value && name != "" {
			return name
		}
	}
	return ""
}

func (t *Translation) mails(m *config.Mount, base, want *mountPlan) {
	b, w := &base.policy.Mail, &want.policy.Mail
	switch {
	case w.Domain != "":
		protocol := "http"
		if w.Protocol != "" {
			protocol = w.Protocol
		}
		m.FrontendURL = (&url.URL{Scheme: protocol, Host: w.Domain}).String()
	case w.Protocol != "":
		t.warn("DJOSER.EMAIL_FRONTEND_PROTOCOL is not carried over without a domain: set frontend_url")
	}
	m.SiteName = w.SiteName
	carry([]carried{
		{&m.ActivationURL, b.ActivationURL, w.ActivationURL},
		{&m.PasswordResetURL, b.PasswordResetURL, w.PasswordResetURL},
		{&m.LoginResetURL, b.LoginResetURL, w.LoginResetURL},
	})
	for _, s := range []struct {
		name string
		on   bool
	}{
		{"activation", w.Activation}, {"confirmation", w.Confirmation}, {"password_changed", w.PasswordChanged}, {"login_changed", w.LoginChanged},
	} {
		if s.on {
			m.Mails = append(m.Mails, s.name)
		}
	}
	switch changes := &want.policy.Changes; {
	case w.Activation && changes.LoginDeactivates:
		t.warn("DJOSER.SEND_ACTIVATION_EMAIL: in djoser 1 who changes his login name is inactive until he follows the link; here he stays active")
	case w.Activation && changes.AlwaysMail:
		t.warn("DJOSER.SEND_ACTIVATION_EMAIL: djoser 2.1 mails a link at every change of a profile; here a new address alone is mailed one")
	}
}

func (t *Translation) djoser(m *config.Mount, base, want *mountPlan) {
	c := &m.Djoser
	if base.preset.auth == nil { // SimpleJWT alone
		return
	}
	c.NamedBy = string(want.djoser.ID)
	if want.signsIn {
		c.Session = &want.signsIn
	}
	for _, s := range []struct {
		name string
		on   bool
	}{
		{"sign_up", want.djoser.RetypeNew},
		{"password", want.djoser.RetypePassword},
		{"login", want.djoser.RetypeLogin},
		{"password_reset", want.djoser.RetypeResetPassword},
		{"login_reset", want.djoser.RetypeResetLogin},
	} {
		if s.on {
			c.Retype = append(c.Retype, s.name)
		}
	}
	for _, s := range []struct {
		into       **bool
		base, want *bool
	}{
		{&c.HideUsers, &base.policy.Changes.HideUsers, &want.policy.Changes.HideUsers},
		{&c.SignOut, &base.policy.Changes.SignOut, &want.policy.Changes.SignOut},
		{&c.TellEmail, &base.policy.Links.TellUnknown, &want.policy.Links.TellUnknown},
	} {
		if *s.want != *s.base {
			*s.into = s.want
		}
	}
	if want.policy.Links.Timeout != 3*day {
		t.seconds(&c.LinkSeconds, "link_lifetime_seconds", base.policy.Links.Timeout, want.policy.Links.Timeout, oneYear)
	}
	if len(want.djoser.Permissions) > 0 {
		c.Permissions = map[string]string{}
	}
	for view, class := range want.djoser.Permissions {
		c.Permissions[view] = class.Name()
	}
}

// judge warns of values that Django takes and the configuration refuses.
func (t *Translation) judge() {
	for _, f := range t.Config.Check() {
		switch section, _, _ := strings.Cut(f.Key, "."); section {
		case "mounts", "cors", "mail", "mail_url", "database_url":
			t.warn("what was printed will be refused: %s", f.What)
		case "allowed_hosts":
			if !slices.Contains(t.Config.AllowedHosts, "*") {
				t.warn("what was printed will be refused: %s", f.What)
			}
		}
	}
}

// carried is a key of the configuration, with what it is when it is left out and what it should be.
type carried struct {
	into       *string
	base, want string
}

// carry sets those that are not as they should be.
func carry(keys []carried) {
	for _, k := range keys {
		if k.want != k.base {
			*k.into = k.want
		}
	}
}
