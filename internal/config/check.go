package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Check reports everything that is wrong with c, whose fields may have been set by hand. It looks
// at the key file. `doorward check --production` asks it about a copy whose Dev is false.
func (c *Config) Check() Faults {
	k := checker{cfg: c}
	k.run()
	return k.faults
}

// checker collects faults. What was refused on its way in is not judged again: its field holds a
// default that the operator never chose.
type checker struct {
	cfg         *Config
	faults      Faults
	modeUnknown bool // whether it is production cannot be told
}

func (k *checker) run() {
	c := k.cfg
	k.addr()
	k.databaseURL()
	k.mailURL()
	k.mail()
	k.publicURL()
	k.hosts()
	k.origins()
	k.table()
	k.choices("", c.choices())
	k.ranges("", c.ranges())
	k.mounts()
	k.fields()
	k.keyFile()
	k.tls()
	if k.modeUnknown {
		return
	}
	if c.Dev {
		k.loopback()
		return
	}
	k.required()
	k.weaknesses()
}

// refuse adds a fault about key; better is a value that would do, as a variable would say it.
func (k *checker) refuse(key, what, why, better string) {
	k.refuseWith(key, what, why, k.remedy(key, better))
}

func (k *checker) refuseWith(key, what, why, try string) {
	if !k.faults.about(key) {
		k.faults = append(k.faults, Fault{key, k.cfg.Source(key), what, why, try})
	}
}

func (k *checker) remedy(key, better string) string {
	for _, s := range k.cfg.allSettings() {
		if s.key == key {
			return remedy(s, k.cfg.Source(key), better)
		}
	}
	return ""
}

type choice struct {
	key, value string
	of         []string
}

func (c *Config) choices() []choice {
	return []choice{
		{"log.format", c.Log.Format, []string{"auto", "text", "json"}},
		{"log.level", c.Log.Level, []string{"debug", "info", "warn", "error"}},
		{"user.login", c.User.Login, []string{"email", "username"}},
		{"user.email_unique", c.User.EmailUnique, []string{"folded", "exact", "no"}},
	}
}

func (k *checker) choices(prefix string, list []choice) {
	for _, ch := range list {
		if slices.Contains(ch.of, ch.value) {
			continue
		}
		better := nearest(ch.value, ch.of)
		if better == "" {
			better = ch.of[0]
		}
		k.refuse(prefix+ch.key, prefix+ch.key+" should be one of "+strings.Join(ch.of, ", "), "it is "+shown(ch.value), better)
	}
}

type bounds struct {
	key              string
	value, low, high int
}

func (c *Config) ranges() []bounds {
	return []bounds{
		{"trusted_proxies", c.TrustedProxies, 0, 10},
		{"drain_seconds", c.DrainSeconds, 0, 3600},
		{"connections_per_client", c.ConnectionsPerClient, 0, 1 << 20},
		{"password.memory_kib", c.Password.MemoryKiB, 8, 4 << 20},
		{"password.time", c.Password.Time, 1, 100},
		{"password.slots", c.Password.Slots, 0, 1024},
		{"password.queue_seconds", c.Password.QueueSeconds, 1, 600},
	}
}

func (k *checker) ranges(prefix string, list []bounds) {
	for _, b := range list {
		if b.value < b.low || b.value > b.high {
			k.refuse(prefix+b.key, fmt.Sprintf("%s should be from %d to %d", prefix+b.key, b.low, b.high),
				fmt.Sprintf("it is %d", b.value), strconv.Itoa(min(max(b.value, b.low), b.high)))
		}
	}
}

func (k *checker) addr() {
	_, port, err := net.SplitHostPort(k.cfg.Addr)
	if n, bad := strconv.ParseUint(port, 10, 16); err == nil && bad == nil && strconv.FormatUint(n, 10) == port {
		return
	}
	k.refuse("addr", "addr should be an address and a port to listen on", "it is "+shown(k.cfg.Addr), "127.0.0.1:8000")
}

// databaseURL and mailURL show no value: a misspelled URL may have its password anywhere.
func (k *checker) databaseURL() {
	raw := k.cfg.DatabaseURL
	scheme, rest, _ := strings.Cut(raw, ":")
	switch scheme {
	case "sqlite":
		if rest == "" || strings.HasPrefix(rest, "//") {
			k.refuse("database_url", "database_url names no file", "after sqlite: comes a path, without slashes of a host", "sqlite:doorward.db")
		}
	case "postgres", "postgresql":
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" && !u.Query().Has("host") {
			k.refuse("database_url", "database_url is no complete URL", "it needs a host, and %40 for an @ in a password",
				"postgres://user@localhost/doorward")
		}
	default:
		k.refuse("database_url", "database_url is of no known kind", "it begins with neither sqlite: nor postgres://", "sqlite:doorward.db")
	}
}

func (k *checker) mailURL() {
	raw := k.cfg.MailURL
	scheme, rest, _ := strings.Cut(raw, ":")
	switch scheme {
	case "smtp", "smtps":
		if u, err := url.Parse(raw); err != nil || u.Hostname() == "" {
			k.refuse("mail_url", "mail_url is no complete URL", "it needs a host, and %40 for an @ in a name or password",
				scheme+"://mail.example.com")
		}
	case "file":
		if strings.TrimLeft(rest, "/") == "" {
			k.refuse("mail_url", "mail_url names no folder", "after file: comes a path", "file:mail")
		}
	case "log", "catch":
		if rest != "" || !strings.HasSuffix(raw, ":") {
			k.refuse("mail_url", "mail_url says too much or too little", scheme+": stands alone, with its colon", scheme+":")
		}
	default:
		if raw != "" {
			k.refuse("mail_url", "mail_url is of no known kind", "it begins with none of smtp:// smtps:// file: log: catch:",
				"smtp://mail.example.com")
		}
	}
}

func (k *checker) publicURL() {
	raw := k.cfg.PublicURL
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && validHost(bracketed(u.Hostname())) && u.User == nil &&
		!strings.ContainsAny(raw, "?#") {
		return
	}
	k.refuse("public_url", "public_url should be an absolute http or https URL", "without user, query and fragment", "https://example.com")
}

func (k *checker) hosts() {
	for _, host := range k.cfg.AllowedHosts {
		if host != "*" && !validHost(strings.TrimPrefix(host, ".")) {
			k.refuse("allowed_hosts", "allowed_hosts takes names without scheme, port and path", shown(host)+" is none", "example.com")
		}
	}
}

func (k *checker) origins() {
	for _, origin := range k.cfg.CORS.Origins {
		u, err := url.Parse(origin)
		if origin == "*" || err == nil && u.Scheme != "" && validHost(bracketed(u.Hostname())) && origin == u.Scheme+"://"+strings.ToLower(u.Host) {
			continue
		}
		k.refuse("cors.origins", "cors.origins takes * or origins without a path, as a browser sends them",
			shown(origin)+" is none", "https://app.example.com")
	}
}

func (k *checker) table() {
	name := k.cfg.User.Table
	if name == "" || tableName().MatchString(name) {
		return
	}
	k.refuse("user.table", "user.table should be the name of a table", shown(name)+" is none", "auth_user")
}
