package config

import (
	"slices"
	"strconv"
	"strings"
)

// setting is a key and the field it fills: a *string, *bool, **bool, *int, **int, *[]string,
// *map[string]string or *scalar. The field's type decides how a value is read.
type setting struct {
	key  string
	into any
}

func (c *Config) settings() []setting {
	return []setting{
		{"addr", &c.Addr},
		{"dev", &c.Dev},
		{"database_url", &c.DatabaseURL},
		{"secret_key", &c.SecretKey},
		{"secret_key_fallbacks", &c.SecretKeyFallbacks},
		{"key_file", &c.KeyFile},
		{"mail_url", &c.MailURL},
		{"public_url", &c.PublicURL},
		{"allowed_hosts", &c.AllowedHosts},
		{"trusted_proxies", &c.TrustedProxies},
		{"drain_seconds", &c.DrainSeconds},
		{"connections_per_client", &c.ConnectionsPerClient},
		{"h2c", &c.H2C},
		{"tls.cert", &c.TLS.Cert},
		{"tls.key", &c.TLS.Key},
		{"cors.origins", &c.CORS.Origins},
		{"metrics.token", &c.Metrics.Token},
		{"log.format", &c.Log.Format},
		{"log.level", &c.Log.Level},
		{"password.memory_kib", &c.Password.MemoryKiB},
		{"password.time", &c.Password.Time},
		{"password.slots", &c.Password.Slots},
		{"password.queue_seconds", &c.Password.QueueSeconds},
		{"mail.from", &c.Mail.From},
		{"mail.templates", &c.Mail.Templates},
		{"mail.language", &c.Mail.Language},
		{"user.table", &c.User.Table},
		{"user.login", &c.User.Login},
		{"user.email_unique", &c.User.EmailUnique},
	}
}

func (m *Mount) settings() []setting {
	return append([]setting{
		{"preset", &m.Preset},
		{"prefix", &m.Prefix},
		{"generation", &m.Generation},
		{"signing", &m.Signing},
		{"access_lifetime_seconds", &m.AccessLifetimeSeconds},
		{"refresh_lifetime_seconds", &m.RefreshLifetimeSeconds},
		{"allow_refresh", &m.AllowRefresh},
		{"claims", &m.Claims},
		{"password_rules", &m.PasswordRules},
		{"password_min_length", &m.PasswordMinLength},
		{"paths", &m.Paths},
		{"profile", &m.Profile},
		{"access", &m.Access},
		{"group_claims", &m.GroupClaims},
		{"permission_claims", &m.PermissionClaims},
		{"noun", &m.Noun},
		{"languages", &m.Languages},
		{"frontend_url", &m.FrontendURL},
		{"site_name", &m.SiteName},
		{"activation_url", &m.ActivationURL},
		{"password_reset_url", &m.PasswordResetURL},
		{"login_reset_url", &m.LoginResetURL},
		{"mails", &m.Mails},
		{"signup_privacy", &m.SignupPrivacy},
	}, slices.Concat(m.Djoser.settings(), m.Tokens.settings(), m.REST.settings(), m.RestAuth.settings(), m.TokenCookies.settings())...)
}

// secretKeys are never shown; of secretURLs the password isn't.
var (
	secretKeys = []string{"secret_key", "secret_key_fallbacks", "metrics.token"}
	secretURLs = []string{"database_url", "mail_url", "public_url"}
)

// path is a key in its parts.
type path []string

// String quotes the parts that TOML would want quoted, so that no two paths look the same.
func (p path) String() string {
	parts := make([]string, len(p))
	for i, part := range p {
		if parts[i] = part; !bare(part) {
			parts[i] = strconv.Quote(part)
		}
	}
	return strings.Join(parts, ".")
}

func bare(part string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}
	return part != "" && !strings.ContainsFunc(part, odd)
}

func keysOf(settings []setting, prefix string) []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = prefix + s.key
	}
	return keys
}

// isSection reports whether a TOML table may stand at p.
func isSection(p path) bool {
	if p[0] == "mounts" {
		return len(p) <= 2
	}
	return len(p) == 1 && slices.Contains(sections(), p[0]) || isDeclaration(p)
}

func sections() []string {
	names := []string{"mounts", defaultProfile, "profiles"}
	for _, s := range new(Config).settings() {
		if section, _, ok := strings.Cut(s.key, "."); ok && !slices.Contains(names, section) {
			names = append(names, section)
		}
	}
	return names
}
