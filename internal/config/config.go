// Package config owns what an operator can set, where it comes from (doorward.toml, environment,
// flags), and whether it makes sense. It leaves alone what the settings do: which presets and
// routes exist, how mail is sent and what a key is used for belongs to whoever is given a Config.
package config

import (
	"net/url"
	"slices"
	"strings"
)

// Config is everything that can be set, by the names of doorward.toml: DatabaseURL is database_url,
// CORS.Origins is cors.origins. It holds secrets; printed or logged it redacts them.
type Config struct {
	Addr               string // host:port
	Dev                bool
	DatabaseURL        string // "sqlite:PATH", "postgres://…" or "postgresql://…"
	SecretKey          string // what Django shares; "": derived from the root key
	SecretKeyFallbacks []string
	KeyFile            string // holds the root key, see RootKey
	MailURL            string // smtp://, smtps://, file:DIR, log:, catch:; "": not said (production only)
	PublicURL          string // where people reach the server: "https://example.com", or with a path
	AllowedHosts       []string
	TrustedProxies     int // how many entries at the right of X-Forwarded-For are ours
	DrainSeconds       int
	// ConnectionsPerClient bounds what one address may have open at once; 0: nothing does. It holds for
	// nobody on this machine, and not behind TrustedProxies, where all clients are one peer.
	ConnectionsPerClient int
	H2C                  bool // takes HTTP/2 without TLS too, from a proxy that speaks it

	TLS      TLS
	CORS     CORS
	Metrics  Metrics
	Log      Log
	Password Password
	Mail     Mail
	User     User
	// Fields are those declared of the user, Profiles the kinds of profile, in their order.
	Fields   []Field
	Profiles []Profile

	// Mounts by name. Nil means every preset at its usual path; otherwise there are these and no more.
	Mounts map[string]Mount

	sources map[string]string // key to "doorward.toml:12", "DOORWARD_ADDR" or "--addr"
}

// CORS says which pages of other origins may call: "*", or "https://app.example.com".
type CORS struct{ Origins []string }

// Metrics guards /metrics. Without a token it answers to loopback only.
type Metrics struct{ Token string }

// Log says how to log: Format is auto, text or json; Level is debug, info, warn or error.
type Log struct{ Format, Level string }

// Password is the cost of Argon2id and the queue before it. Slots 0 is one a core.
type Password struct{ MemoryKiB, Time, Slots, QueueSeconds int }

// Mail says how mails look. Templates is a folder; Language is that of who asks for none that is known.
type Mail struct{ From, Templates, Language string }

// User says which table holds people and what of it is theirs alone.
type User struct {
	Table       string // "": Doorward's own
	Login       string // email or username
	EmailUnique string // folded, exact or no
}

// Mount is a preset at a prefix with its policy. A zero field is the preset's own value.
type Mount struct {
	Preset                 string // Load puts the mount's name here when nothing is said
	Prefix                 string // begins and ends with "/"
	Generation             string // classic or modern
	Signing                string // per-user, shared or published
	AccessLifetimeSeconds  int
	RefreshLifetimeSeconds int
	AllowRefresh           *bool
	Claims                 string
	PasswordRules          []string          // of similarity, length, common, numeric; nil: all; empty: none
	PasswordMinLength      int               // 0: 8
	Paths                  map[string]string // route name to path below the prefix; "" unmounts the route
	Profile                string            // the kind of profile that it serves
	Access                 map[string]string // route name, or method and route name, to the name of a rule
	GroupClaims            bool              // access tokens say the groups of their user
	PermissionClaims       bool              // and all permissions that he has
	Noun                   string            // what messages call a user
	Languages              *bool             // refusals follow Accept-Language; nil: they do
	FrontendURL            string            // where links in mails lead; "": public_url
	SiteName               string            // what mails call the site
	ActivationURL          string            // the shape of a link: "activate/{uid}/{token}"
	PasswordResetURL       string
	LoginResetURL          string
	Mails                  []string // of activation, confirmation, password_changed, login_changed; nil: the preset's
	SignupPrivacy          *bool    // a sign-up does not tell whether an address has an account; nil: it does
	Djoser                 Djoser   // so do those of djoser
	Tokens                 Tokens   // its keys stand among the mount's own
	REST                   REST     // so do those of REST framework
	RestAuth               RestAuth // and those of django-rest-auth
	TokenCookies           TokenCookies
}

// Default gives what holds when nothing is set. Its Dev is false: only Load knows whether nothing
// was set.
func Default() *Config {
	return &Config{
		Addr:                 "127.0.0.1:8000",
		DatabaseURL:          "sqlite:doorward.db",
		KeyFile:              "doorward.key",
		DrainSeconds:         15,
		ConnectionsPerClient: 512,
		Log:                  Log{Format: "auto", Level: "info"},
		Password:             Password{MemoryKiB: 19456, Time: 2, QueueSeconds: 5},
		User:                 User{Login: "email", EmailUnique: "folded"},
	}
}

// Production reports whether the server faces other people. There is development and production,
// and nothing between.
func (c *Config) Production() bool { return !c.Dev }

// Source tells where a key such as "cors.origins" was set: "doorward.toml:12", "DOORWARD_ADDR" or
// "--addr". It is "" for a default.
func (c *Config) Source(key string) string { return c.sources[key] }

// Hosts lists the names the server answers to, in lower case and as Django writes them:
// ".example.com" is that name and all below it, an IPv6 address is in brackets.
func (c *Config) Hosts() []string {
	var hosts []string
	add := func(names ...string) {
		for _, name := range names {
			if name = strings.ToLower(name); name != "" && !slices.Contains(hosts, name) {
				hosts = append(hosts, name)
			}
		}
	}
	add(c.AllowedHosts...)
	if u, err := url.Parse(c.PublicURL); err == nil {
		add(bracketed(u.Hostname()))
	}
	if c.Dev {
		add("localhost", ".localhost", "127.0.0.1", "[::1]")
	}
	return hosts
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
