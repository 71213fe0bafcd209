package server

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/password"
	"doorward/internal/token"
)

// plan is what a server will serve: a configuration, or a set of Django settings, understood.
type plan struct {
	url       string
	model     *account.Model
	root      token.Secret // before the database's instance goes in
	secret    token.Secret
	fallbacks []token.Secret
	hosts     []string
	mounts    []mountPlan
	noBackup  bool // before a migration
}

// planOf understands a configuration with serve's own defaults.
func planOf(cfg *config.Config, root, secret token.Secret) (*plan, error) {
	p := &plan{url: cfg.DatabaseURL, root: root, secret: secret, hosts: cfg.Hosts()}
	for _, text := range cfg.SecretKeyFallbacks {
		p.fallbacks = append(p.fallbacks, token.SecretFrom([]byte(text)))
	}
	var err error
	if p.model, err = modelOf(&cfg.User); err != nil {
		return nil, err
	}
	if err := declare(p.model, cfg); err != nil {
		return nil, err
	}
	mounts := cfg.Mounts
	if mounts == nil {
		mounts = map[string]config.Mount{}
		for _, name := range Mounted(cfg) {
			mounts[name] = config.Mount{}
		}
	}
	p.model = withAll(p.model, mounts)
	for _, name := range slices.Sorted(maps.Keys(mounts)) {
		m, err := mountOf(name, mounts[name], p.model)
		if err != nil {
			return nil, err
		}
		c := mounts[name]
		if err := m.setRestAuth(&c.RestAuth, cfg.PublicURL, p.model); err != nil {
			return nil, err
		}
		m.setCookies(cfg.PublicURL, c.FrontendURL)
		if err := m.setPair(&c.TokenCookies); err != nil {
			return nil, err
		}
		m.setShared(p.secret, p.fallbacks)
		p.mounts = append(p.mounts, m)
	}
	return p, nil
}

var uniqueness = map[string]account.Uniqueness{"": account.Folded, "folded": account.Folded, "exact": account.Exact, "no": account.NotUnique}

func modelOf(u *config.User) (*account.Model, error) {
	if u.Table != "" {
		if m := django.ModelOf(u.Table); m != nil {
			return m, nil
		}
		return nil, fmt.Errorf("[user] table %q is not known\n  this version adopts %s\n  try: leave [user] table out for Doorward's own table",
			u.Table, strings.Join(django.Tables(), ", "))
	}
	login := account.Email
	if u.Login == string(account.Username) {
		login = account.Username
	}
	return account.OwnModel(login, uniqueness[u.EmailUnique]), nil
}

var signings = map[string]account.Signing{"per-user": account.PerUser, "shared": account.Shared, "published": account.Published}

var rules = map[string]password.Rule{
	"similarity": password.Similarity, "length": password.MinLength, "common": password.Common, "numeric": password.Numeric,
}

// mountOf is the preset of a mount with what the configuration says on top.
func mountOf(name string, c config.Mount, model *account.Model) (mountPlan, error) {
	if c.Preset == "" {
		c.Preset = name
	}
	preset, ok := presets[c.Preset]
	if !ok {
		return mountPlan{}, fmt.Errorf("[mounts.%s] names the preset %q, which is not known\n  there are: %s\n  try: preset = \"tag1\"",
			name, c.Preset, strings.Join(Presets(), ", "))
	}
	m := mountPlan{
		name: name, preset: preset, prefix: preset.prefix, policy: preset.policy, claims: preset.claims, noun: preset.noun,
		header: "JWT", jwt: django.DefaultSimpleJWT(), paths: c.Paths, access: c.Access, modern: c.Generation != "classic", noStore: true,
		auth: preset.auth, languages: c.Languages == nil || *c.Languages,
	}
	if c.Prefix != "" {
		m.prefix = c.Prefix
	}
	if c.Claims != "" {
		m.claims = c.Claims
	}
	if c.Noun != "" {
		m.noun = c.Noun
	}
	if preset.policy.Tokens.Typed != nil { // presets are shared
		typed := *preset.policy.Tokens.Typed
		m.policy.Tokens.Typed = &typed
	}
	m.policy.Mount, m.policy.Login = name, model.Login
	m.declared = model.Claims()
	if err := m.setRights(&c, model); err != nil {
		return m, err
	}
	if preset.login != "" && !model.Django {
		m.policy.Login = preset.login
	}
	m.policy.Rules = rulesOf(&c)
	if err := m.setProfile(&c, model); err != nil {
		return m, err
	}
	if err := m.setMail(&c); err != nil {
		return m, err
	}
	if err := m.setDjoser(&c.Djoser, model); err != nil {
		return m, err
	}
	// In a table of Django's the key is one that Django signs with too.
	m.policy.Tokens.Foreign = model.Django && !preset.policy.Tokens.Rotating
	if err := m.setTokens(&c, model.Django); err != nil {
		return m, err
	}
	if err := m.setREST(&c.REST); err != nil {
		return m, err
	}
	if on(c.SignupPrivacy) {
		if err := m.setPrivacy(c.Preset, model); err != nil {
			return m, err
		}
	}
	return m, m.setSimple(&c, model)
}

// setProfile says which kind of profile the mount serves.
func (m *mountPlan) setProfile(c *config.Mount, model *account.Model) error {
	m.profile = cmp.Or(c.Profile, m.preset.profile)
	switch {
	case c.Profile != "" && m.preset.profile == "":
		return fmt.Errorf("[mounts.%s] has profile = %q, which does not go with this preset\n  it serves no profiles\n  try: preset = \"profiles\"", m.name, c.Profile)
	case m.profile != "" && model.Profile(m.profile) == nil:
		return fmt.Errorf("[mounts.%s] serves the profile %q, which is not declared\n  a profile has the fields that the configuration gives it\n"+
			"  try: [profile.fields.location]", m.name, m.profile)
	}
	return nil
}

func (m *mountPlan) setTokens(c *config.Mount, adopted bool) error {
	t := &m.policy.Tokens
	if c.Signing != "" {
		t.Signing = signings[c.Signing]
	}
	if t.Typed == nil && (t.Signing == account.Published) != t.Rotating || t.Typed != nil && t.Signing == account.PerUser {
		return fmt.Errorf("[mounts.%s] signing = %q does not go with this preset\n  its tokens are %s\n  try: leave signing out",
			m.name, c.Signing, signable(t))
	}
	if c.AccessLifetimeSeconds != 0 {
		t.Access = time.Duration(c.AccessLifetimeSeconds) * time.Second
	}
	if c.RefreshLifetimeSeconds != 0 {
		t.Refresh = time.Duration(c.RefreshLifetimeSeconds) * time.Second
	}
	if c.AllowRefresh != nil {
		t.Renewable = *c.AllowRefresh && !t.Rotating
	}
	// The Django whose table this is signs tokens too.
	t.Foreign = adopted && !t.Rotating
	return nil
}

// setMail says which mails the mount sends, and where their links lead.
func (m *mountPlan) setMail(c *config.Mount) error {
	p := &m.policy.Mail
	p.UseOrigin = true // in development, where nothing else is said
	if u, err := url.Parse(c.FrontendURL); err == nil && u.Host != "" {
		p.Protocol, p.Domain = u.Scheme, u.Host+strings.TrimSuffix(u.Path, "/")
	}
	p.SiteName = cmp.Or(c.SiteName, p.SiteName)
	p.ActivationURL = cmp.Or(c.ActivationURL, p.ActivationURL)
	p.PasswordResetURL = cmp.Or(c.PasswordResetURL, p.PasswordResetURL)
	p.LoginResetURL = cmp.Or(c.LoginResetURL, p.LoginResetURL)
	if c.Mails == nil {
		return nil
	}
	for _, name := range c.Mails {
		if !slices.Contains(m.preset.mails, name) {
			return fmt.Errorf("[mounts.%s] mails names %q, which nothing in this preset sends\n  it sends %s\n  try: leave it out",
				m.name, name, cmp.Or(strings.Join(m.preset.mails, ", "), "none of that list"))
		}
	}
	p.Activation, p.Confirmation = slices.Contains(c.Mails, "activation"), slices.Contains(c.Mails, "confirmation")
	p.PasswordChanged, p.LoginChanged = slices.Contains(c.Mails, "password_changed"), slices.Contains(c.Mails, "login_changed")
	return nil
}

// setCookies says how the cookies of the mount travel, and whose pages may write by them.
func (m *mountPlan) setCookies(public, frontend string) {
	m.cookies.Secure = strings.HasPrefix(public, "https://")
	for _, text := range []string{public, frontend} {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			m.cookies.Trusted = append(m.cookies.Trusted, u.Scheme+"://"+strings.ToLower(u.Host))
		}
	}
}

// signable says how the tokens of a mount can be signed.
func signable(t *account.Tokens) string {
	switch {
	case t.Typed != nil:
		return "shared or published"
	case t.Rotating:
		return "published"
	}
	return "per-user or shared"
}

func rulesOf(c *config.Mount) password.Rules {
	r := password.DefaultRules()
	if c.PasswordMinLength != 0 {
		r.MinLength = c.PasswordMinLength
	}
	if c.PasswordRules != nil {
		r.Order = nil
		for _, name := range c.PasswordRules {
			r.Order = append(r.Order, rules[name])
		}
	}
	return r
}

// planOfCondition is what a contract transcript asks for: its preset alone, with Django's
// defaults, and tokens that Django signed accepted.
func (p *plan) planOfCondition(c *django.Condition) *plan {
	q := &plan{url: p.url, model: p.model, root: p.root, secret: p.secret, fallbacks: p.fallbacks, hosts: p.hosts}
	if c.Scratch {
		q.model = c.Model
	}
	preset := presets[c.Preset]
	if q.model = preset.withProfile(q.model); q.model != nil && c.Policy.Emails.Verify != account.NotVerified {
		q.model = withKind(q.model, account.VerifiedEmails())
	}
	if c.SecretKey != "" {
		q.secret, q.fallbacks = token.SecretFrom([]byte(c.SecretKey)), nil
	}
	if c.Hosts != nil {
		q.hosts = c.Hosts
	}
	throttle := throttleOf(c.Anonymous, c.Known) // all views share the count of one user or address
	for _, place := range append([]django.Place{{Preset: c.Preset, Paths: without(c.Without)}}, c.Beside...) {
		m := mountOfCondition(c, place)
		m.throttle = throttle
		m.setShared(q.secret, q.fallbacks)
		q.mounts = append(q.mounts, m)
	}
	if c.Preset == "simplejwt" || c.Preset == "accounts" {
		tried := q.mounts[0]
		tried.preset, tried.prefix, tried.auth, tried.paths = sample, sample.prefix, sample.auth, nil
		q.mounts = append(q.mounts, tried)
	}
	return q
}

// mountOfCondition is one of the mounts that a condition asks for.
func mountOfCondition(c *django.Condition, place django.Place) mountPlan {
	preset := presets[place.Preset]
	m := mountPlan{
		name: place.Preset, preset: preset, prefix: preset.prefix, policy: c.Policy, claims: c.Claims, noun: c.Model.Noun,
		header: c.Prefix, modern: c.Modern, jwt: c.SimpleJWT, auth: preset.auth, recorded: true, languages: c.Locale,
		djoser: djoserOf(&c.Djoser), signsIn: c.Djoser.SignsIn, paths: place.Paths, profile: preset.profile,
		tokenCookie: c.TokenCookie, pageSize: c.PageSize,
	}
	if c.Auth != nil {
		m.auth = c.Auth
	}
	m.rest.setCondition(c)
	if preset.restAuth {
		m.signsIn = c.RestAuth.Session
	}
	if m.policy.Emails.Verify != account.NotVerified {
		m.policy.Mail.VerifyURL = m.confirmURL("")
	}
	return m
}

// without are the paths of a mount that lacks these operations.
func without(ops []string) map[string]string {
	paths := map[string]string{}
	for _, op := range ops {
		paths[op] = ""
	}
	return paths
}
