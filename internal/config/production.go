package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
)

// Warnings lists what is accepted in development and would be refused in production, such as a
// short key. There are none in production. What is missing is no warning: development needs less.
func (c *Config) Warnings() []Fault {
	if c.Production() {
		return nil
	}
	k := checker{cfg: c}
	k.weaknesses()
	return k.faults
}

// loopback keeps development, which gives mail and clock to whoever asks, on this machine.
func (k *checker) loopback() {
	host, port, err := net.SplitHostPort(k.cfg.Addr)
	if err != nil || isLoopback(host) {
		return
	}
	k.refuseWith("addr", "development mode listens on loopback only", shown(k.cfg.Addr)+" lets others in",
		"doorward serve --addr 127.0.0.1:"+port+", or DOORWARD_DEV=0 with public_url and a key")
}

// required are the things that production cannot do without.
func (k *checker) required() {
	c := k.cfg
	if c.PublicURL == "" && len(c.AllowedHosts) == 0 && !k.faults.about("allowed_hosts") {
		k.refuse("public_url", "production needs to know its own name", "neither public_url nor allowed_hosts is set", "https://example.com")
	}
	if _, err := os.Stat(c.KeyFile); !errors.Is(err, fs.ErrNotExist) {
		return // readable or not: keyFile has judged
	}
	const remedy = "doorward serve --dev  (makes doorward.key), or: openssl rand -base64 32 > "
	switch {
	case k.faults.about("secret_key"):
	case c.SecretKey == "":
		k.refuseWith("key_file", "there is no key to sign with", "secret_key is not set and "+c.KeyFile+" is not there", remedy+c.KeyFile)
	case c.Source("key_file") != "":
		k.refuseWith("key_file", "key file "+c.KeyFile+" is not there", "only a key file that nobody named may be missing beside secret_key",
			remedy+c.KeyFile)
	}
}

// weaknesses are things that work and should not.
func (k *checker) weaknesses() {
	c := k.cfg
	const try = "openssl rand -base64 48"
	if why := weakness(c.SecretKey); c.SecretKey != "" && why != "" {
		k.refuseWith("secret_key", "secret_key is too weak for production", why, try)
	}
	for _, key := range c.SecretKeyFallbacks { // whoever guesses one signs in as anybody; Django's security.W025
		if why := weakness(key); why != "" {
			k.refuseWith("secret_key_fallbacks", "one of secret_key_fallbacks is too weak for production", why, "remove it")
		}
	}
	if slices.Contains(c.AllowedHosts, "*") {
		k.refuse("allowed_hosts", `allowed_hosts should not be "*" in production`, "any name would do, also an attacker's", "example.com")
	}
	k.keyFileMode()
	k.passwordCost()
}

func (k *checker) keyFileMode() {
	name := k.cfg.KeyFile
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows" {
		return
	}
	k.refuseWith("key_file", "key file "+name+" is open to others",
		fmt.Sprintf("its mode is %04o: group or others have a share in it", info.Mode().Perm()), "chmod 600 "+name)
}

// argon2Floors are the least costs that OWASP's Password Storage Cheat Sheet calls equal, with the
// dearest memory first.
var argon2Floors = []struct{ memoryKiB, time int }{{47104, 1}, {19456, 2}, {12288, 3}, {9216, 4}, {7168, 5}}

func (k *checker) passwordCost() {
	cost := k.cfg.Password
	const why = "below OWASP's floors a stolen database is cheap to guess at"
	for _, floor := range argon2Floors {
		if cost.MemoryKiB < floor.memoryKiB {
			continue
		}
		if cost.Time < floor.time {
			k.refuse("password.time", fmt.Sprintf("password.time should be at least %d with %d KiB", floor.time, cost.MemoryKiB),
				why, fmt.Sprint(floor.time))
		}
		return
	}
	k.refuse("password.memory_kib", "password.memory_kib should be at least 7168", why, "19456")
}

const contractKey = "latchkey-contract-secret-key-not-for-production-0123456789" // published with the transcripts

// weakness says what is wrong with a signing key without showing any of it, or "". That five
// different characters are wanted is Django's security.W009.
func weakness(key string) string {
	const least, different = 32, 5
	seen := map[rune]bool{}
	for _, r := range key {
		seen[r] = true
	}
	folded := strings.ToLower(strings.TrimSpace(key))
	switch {
	case slices.Contains([]string{"changeme", "change-me", "secret", "password", "insecure"}, folded):
		return "it is a placeholder"
	case strings.HasPrefix(folded, "django-insecure-"):
		return "it is a key that Django made for development"
	case folded == contractKey:
		return "it is the published key of the contract tests"
	case len(key) < least:
		return fmt.Sprintf("it has %d characters, and %d are wanted", len(key), least)
	case len(seen) < different:
		return "it repeats a few characters"
	}
	return ""
}
