package server

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/web"
	"doorward/internal/web/restauth"
	"doorward/internal/web/simplejwt"
)

// restPlaces are where django-rest-auth's views stand below a path.
func restPlaces(below string) []place {
	return []place{
		{op: "rest_login", path: below + "login/"},
		{op: "rest_logout", path: below + "logout/"},
		{op: "rest_user_details", path: below + "user/"},
		{op: "rest_password_change", path: below + "password/change/"},
		{op: "rest_password_reset", path: below + "password/reset/"},
		{op: "rest_password_reset_confirm", path: below + "password/reset/confirm/"},
	}
}

// restPlan is what a mount with django-rest-auth's views is beside its policy.
type restPlan struct {
	restauth.Options
	registration bool
	signsUp      bool // opens a session of cookies for who registers
	pair         simplejwt.CookieOptions
	expirations  bool // of its tokens, with a sign-in
}

// restAuth makes the views.
func (m *mountPlan) restAuth(accounts *account.Service) *restauth.Views {
	o := m.rest.Options
	o.Cookies = m.cookies
	if m.signsIn {
		o.Sessions = m.sessions(accounts)
	}
	if m.rest.signsUp {
		o.SignUp = m.sessions(accounts)
	}
	if cookie := m.jwtCookie(accounts); cookie != nil {
		o.Cookie = cookie
	}
	o.Modern = m.modern
	if m.preset.newer {
		o.Newer = m.newer(accounts)
	}
	return restauth.New(accounts, &m.policy, o)
}

func buildRestAuth(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: &restauth.Site{Site: m.site(accounts, log), Cookies: m.cookies}}
	views := m.restAuth(accounts)
	mount.Routes = append(views.Routes(), m.pairRoutes(accounts)...)
	if m.rest.registration {
		mount.Routes = append(mount.Routes, views.Registration()...)
	}
	return mount
}

// The page that mails lead to.
const (
	confirmOp   = "account_confirm_email"
	confirmPath = "registration/account-confirm-email/{key}/"
)

// confirmURL is the shape of a link to the mount's own page. public is where the server is reached, told where the
// mount's other links lead elsewhere.
func (m *mountPlan) confirmURL(public string) string {
	path := strings.TrimPrefix(m.prefix, "/") + cmp.Or(m.paths[confirmOp], confirmPath)
	if public != "" && m.policy.Mail.Domain != "" {
		return strings.TrimSuffix(public, "/") + "/" + path
	}
	return path
}

// withKind is a model with a kind of profile, where it has none of that name.
func withKind(m *account.Model, kind account.ProfileKind) *account.Model {
	if m.Profile(kind.Name) != nil {
		return m
	}
	with := *m
	with.Profiles = append(slices.Clone(m.Profiles), kind)
	return &with
}

var verifications = map[string]account.Verification{
	"none": account.NotVerified, "optional": account.VerifyLater, "mandatory": account.VerifyFirst,
}

// verification is what a mount does about addresses. A preset without registration does nothing.
func (p *preset) verification(c *config.RestAuth) account.Verification {
	if v, ok := verifications[c.EmailVerification]; ok {
		return v
	}
	if c.Registration != nil && !*c.Registration {
		return account.NotVerified
	}
	return p.policy.Emails.Verify
}

var signInBys = map[string]account.SignInBy{
	"login": account.ByLogin, "username": account.ByName, "email": account.ByAddress, "either": account.ByEither,
}

// setRestAuth says what a configuration asks of django-rest-auth.
func (m *mountPlan) setRestAuth(c *config.RestAuth, public string, model *account.Model) error {
	if !m.preset.restAuth {
		if c.Set() {
			return fmt.Errorf("[mounts.%s] has settings that do not go with this preset\n  it has none of django-rest-auth's views\n  try: preset = \"restauth\"", m.name)
		}
		return nil
	}
	p := &m.policy
	m.rest.registration = m.preset.registers && (c.Registration == nil || *c.Registration)
	if !m.preset.registers && (on(c.Registration) || c.EmailVerification != "") {
		return fmt.Errorf("[mounts.%s] has settings of registration, which do not go with this preset\n  people register elsewhere in it\n  try: preset = \"restauth\"", m.name)
	}
	if c.SignInGives != "" {
		p.Entry.Opaque, p.Entry.Bare = c.SignInGives == "key", c.SignInGives == "session"
	}
	if p.Entry.Bare && !(m.preset.newer && m.signsIn) {
		return fmt.Errorf("[mounts.%s] sign_in_gives = \"session\" opens no session\n  it is for preset = \"djrestauth\"\n  try: session_on_login = true, too", m.name)
	}
	if by, ok := signInBys[c.SignInBy]; ok {
		p.Entry.By = by
	}
	if p.Emails.Verify = m.preset.verification(c); p.Emails.Verify == account.VerifyFirst && !m.rest.registration {
		return fmt.Errorf("[mounts.%s] email_verification = \"mandatory\" does not go with registration = false\n  nobody could confirm his address\n  try: registration = true", m.name)
	}
	p.Emails.Life = time.Duration(c.EmailKeySeconds) * time.Second
	p.Entry.FoldNames = model.Django && m.rest.registration // as allauth beside us has it
	p.Links.Base36 = m.preset.newer && m.rest.registration
	p.Entry.LogoutKeeps = c.LogoutEnds != nil && !*c.LogoutEnds
	m.rest.AskPassword = on(c.OldPassword)
	m.rest.NeedEmail = p.Emails.Verify == account.VerifyFirst || c.EmailRequired == nil || *c.EmailRequired
	m.rest.NeedName = c.UsernameRequired == nil || *c.UsernameRequired
	m.rest.Verified, m.rest.ByGet = c.EmailConfirmedURL, on(c.EmailConfirmOnGet)
	m.rest.signsUp = m.signsIn && p.Emails.Verify != account.VerifyFirst
	if p.Emails.Verify != account.NotVerified {
		p.Mail.VerifyURL = cmp.Or(c.EmailConfirmURL, m.confirmURL(public))
	}
	if !p.Entry.Opaque && slices.Equal(m.auth, []string{django.AuthOpaque, django.AuthDRFJWT}) { // whose challenge goes first
		m.auth = []string{django.AuthDRFJWT, django.AuthOpaque}
	}
	if m.preset.newer {
		m.challengeFirst()
	}
	if p.Entry.Opaque && !slices.Contains(m.auth, django.AuthOpaque) { // a key that nothing takes signs nobody in
		m.auth = append(slices.Clone(m.auth), django.AuthOpaque)
	}
	return nil
}

// setCondition says what a set of Django settings asks of it.
func (r *restPlan) setCondition(c *django.Condition) {
	a := &c.RestAuth
	r.registration, r.signsUp = a.Registration, a.SignUp
	r.setPair(&a.Cookies)
	r.AskPassword, r.NeedEmail, r.NeedName, r.Verified, r.ByGet = a.AskPassword, a.NeedEmail, a.NeedName, a.Verified, a.ByGet
}

// restAuth writes what a set of Django settings says of django-rest-auth.
func (t *Translation) restAuth(m *config.Mount, base, want *mountPlan) {
	if !base.preset.restAuth {
		return
	}
	c, w := &m.RestAuth, &want.policy
	yes, no := true, false
	if w.Entry.Opaque != base.policy.Entry.Opaque {
		c.SignInGives = map[bool]string{true: "key", false: "jwt"}[w.Entry.Opaque]
	}
	if w.Entry.Bare {
		c.SignInGives = "session"
	}
	if base.preset.newer {
		t.pair(m, want)
	}
	if want.rest.AskPassword {
		c.OldPassword = &yes
	}
	c.LogoutEnds = &no
	if !base.preset.registers {
		return
	}
	if w.Entry.By != base.policy.Entry.By {
		c.SignInBy = nameOf(signInBys, w.Entry.By)
	}
	if !want.rest.registration {
		c.Registration = &no
		return
	}
	if w.Emails.Verify != base.policy.Emails.Verify {
		c.EmailVerification = nameOf(verifications, w.Emails.Verify)
	}
	for _, s := range []struct {
		into       **bool
		base, want bool
	}{
		{&c.EmailRequired, true, want.rest.NeedEmail},
		{&c.UsernameRequired, true, want.rest.NeedName},
		{&c.EmailConfirmOnGet, false, want.rest.ByGet},
	} {
		if s.want != s.base {
			*s.into = &s.want
		}
	}
	c.EmailConfirmedURL = want.rest.Verified
	if w.Emails.Life != 3*day {
		t.seconds(&c.EmailKeySeconds, "email_key_lifetime_seconds", 0, w.Emails.Life, oneYear)
	}
	if want.policy.Emails.Verify != account.NotVerified {
		t.note("who is verified: confirmed addresses are not taken from account_emailaddress; docs/dialects/restauth.md has the statement that does")
	}
}

// withAll is a model with what the mounts of a configuration keep beside their users.
func withAll(model *account.Model, mounts map[string]config.Mount) *account.Model {
	for _, name := range slices.Sorted(maps.Keys(mounts)) {
		m := mounts[name]
		preset := presets[cmp.Or(m.Preset, name)] // one that is not known is refused elsewhere
		if model = preset.withProfile(model); preset.verification(&m.RestAuth) != account.NotVerified {
			model = withKind(model, account.VerifiedEmails())
		}
	}
	return model
}
