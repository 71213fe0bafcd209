package config

import (
	"maps"
	"slices"
	"strings"
)

const tenYears = 10 * 365 * 24 * 60 * 60 // in seconds

var passwordRules = []string{"similarity", "length", "common", "numeric"}

// allSettings is settings with those of the mounts. The mounts' fields are copies: read, don't set.
func (c *Config) allSettings() []setting {
	list := c.settings()
	for _, name := range slices.Sorted(maps.Keys(c.Mounts)) {
		m := c.Mounts[name]
		for _, s := range m.settings() {
			list = append(list, setting{mountPrefix(name) + s.key, s.into})
		}
	}
	return list
}

func mountPrefix(name string) string { return path{"mounts", name}.String() + "." }

func (k *checker) mounts() {
	for _, name := range slices.Sorted(maps.Keys(k.cfg.Mounts)) {
		prefix, m := mountPrefix(name), k.cfg.Mounts[name]
		if !validMount(name) {
			key := strings.TrimSuffix(prefix, ".")
			k.refuseWith(key, "mount name "+shown(name)+" will not do", "a name is of a-z, 0-9, _ and -, 40 at most", "[mounts.my-app]")
		}
		k.choices(prefix, m.choices())
		k.ranges(prefix, m.ranges())
		k.mountPaths(prefix, m)
		k.djoser(prefix, &m.Djoser)
		k.tokens(prefix, &m.Tokens)
		k.rest(prefix, &m.REST)
		k.restAuth(prefix, &m.RestAuth)
		k.tokenCookies(prefix, &m.TokenCookies)
		k.passwordRules(prefix, m)
		k.mountMail(prefix, m)
		if len([]rune(m.Noun)) > 40 || strings.ContainsAny(m.Noun, "\r\n") {
			k.refuse(prefix+"noun", prefix+"noun should be a word or two", "it is "+shown(m.Noun), "user")
		}
	}
}

func (m Mount) choices() []choice {
	var list []choice
	if m.Generation != "" {
		list = append(list, choice{"generation", m.Generation, []string{"classic", "modern"}})
	}
	if m.Signing != "" {
		list = append(list, choice{"signing", m.Signing, []string{"per-user", "shared", "published"}})
	}
	return append(append(list, m.Djoser.choices()...), slices.Concat(m.Tokens.choices(), m.REST.choices(), m.RestAuth.choices(), m.TokenCookies.choices())...)
}

func (m Mount) ranges() []bounds {
	return append([]bounds{
		{"access_lifetime_seconds", m.AccessLifetimeSeconds, 0, tenYears},
		{"refresh_lifetime_seconds", m.RefreshLifetimeSeconds, 0, tenYears},
		{"password_min_length", m.PasswordMinLength, 0, 128},
	}, slices.Concat(m.Djoser.ranges(), m.Tokens.ranges(), m.RestAuth.ranges())...)
}

func (k *checker) mountPaths(prefix string, m Mount) {
	if m.Prefix != "" && !validPrefix(m.Prefix) {
		k.refuse(prefix+"prefix", prefix+"prefix should be a path that begins and ends with /", "it is "+shown(m.Prefix),
			betterPrefix(m.Prefix))
	}
	for _, route := range slices.Sorted(maps.Keys(m.Paths)) {
		if below := m.Paths[route]; !validPath(below) {
			k.refuse(prefix+"paths", prefix+"paths takes paths below the prefix, without / in front",
				shown(below)+" of "+shown(route)+" is none", route+"=users/")
		}
	}
}

func betterPrefix(prefix string) string {
	better := "/" + strings.Trim(prefix, "/") + "/"
	if validPrefix(better) {
		return better
	}
	return "/api/"
}

func (k *checker) passwordRules(prefix string, m Mount) {
	for _, rule := range m.PasswordRules {
		if !slices.Contains(passwordRules, rule) {
			k.refuse(prefix+"password_rules", prefix+"password_rules takes "+strings.Join(passwordRules, ", "),
				shown(rule)+" is none of them", strings.Join(passwordRules, ","))
		}
	}
}
