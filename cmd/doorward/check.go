package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"doorward/internal/config"
	"doorward/internal/server"
)

type checkCmd struct {
	Production     bool   `help:"Judge as in production, whatever the mode is." xor:"what"`
	DjangoSettings string `help:"Print the doorward.toml of a Django's settings (JSON; - reads them from standard input)." placeholder:"FILE" xor:"what"`
	Preset         string `help:"What the settings are of: accounts, djoser, djoser1, events, profiles, restauth, simplejwt, tag1 or userapi." placeholder:"NAME" enum:",accounts,djoser,djoser1,events,profiles,restauth,simplejwt,tag1,userapi" default:""`
	Generation     string `help:"Of the Django that is left: classic or modern." placeholder:"NAME" enum:"classic,modern" default:"modern"`
}

// finding is one line of a check.
type finding struct {
	Verdict string `json:"verdict"` // pass, note or stop
	What    string `json:"what"`
	Remedy  string `json:"remedy"`
}

// Run prints what is right and wrong. It fails when something must be mended before the server can be trusted.
func (k *checkCmd) Run(c *console) error {
	if k.DjangoSettings != "" {
		return k.translate(c)
	}
	if k.Production {
		off := false
		c.cli.Dev = &off
	}
	findings := k.look(c)
	stops := 0
	var rows [][]string
	for _, f := range findings {
		rows = append(rows, []string{f.Verdict, f.What})
		if f.Remedy != "" {
			rows = append(rows, []string{"", "try: " + f.Remedy})
		}
		if f.Verdict == "stop" {
			stops++
		}
	}
	if err := c.result(findings, rows); err != nil {
		return err
	}
	if stops > 0 {
		return errSaid
	}
	return nil
}

// findingOf reads an error text of up to three lines: what, why, and what to try.
func findingOf(verdict, text string) finding {
	what, remedy, _ := strings.Cut(text, "\n  try: ")
	return finding{verdict, strings.ReplaceAll(what, "\n  ", ": "), remedy}
}

func (k *checkCmd) look(c *console) []finding {
	cfg, err := c.load()
	var faults config.Faults
	if errors.As(err, &faults) {
		var found []finding
		for _, f := range faults {
			found = append(found, findingOf("stop", f.Error()))
		}
		return found
	}
	if err != nil {
		return []finding{findingOf("stop", explain(err))}
	}
	mode := "development mode: loopback only, mail is caught"
	if cfg.Production() {
		mode = "production mode"
	}
	found := []finding{{"pass", "the configuration is understood", ""}, {"pass", mode, ""}}
	for _, w := range cfg.Warnings() {
		found = append(found, findingOf("note", w.Error()))
	}
	if cfg.PublicURL != "" && !strings.HasPrefix(cfg.PublicURL, "https://") && cfg.Production() {
		found = append(found, finding{"note", "public_url is not https", "tokens in transit need TLS: put a proxy with TLS in front, or set tls.cert and tls.key"})
	}
	found = append(found, longLives(cfg)...)
	if loose, err := server.Loosened(cfg); err == nil { // what is wrong with the mounts is said below
		for _, text := range loose {
			found = append(found, findingOf("note", text))
		}
	}
	if cfg.TLS.On() {
		found = append(found, c.certificate(cfg)...)
	}
	if cfg.MailURL == "" && cfg.Production() {
		found = append(found, finding{"note", "no mail is sent: nobody can set a new password by himself", `mail_url = "smtps://USER:PASSWORD@smtp.example.com"`})
	}
	return append(found, k.database(cfg)...)
}

// longLives notes mounts whose access tokens hardly end, which nobody has without asking for it.
func longLives(cfg *config.Config) (found []finding) {
	const long = 30 * 24 * 60 * 60
	for _, name := range slices.Sorted(maps.Keys(cfg.Mounts)) {
		if n := cfg.Mounts[name].AccessLifetimeSeconds; n > long {
			found = append(found, finding{
				"note", fmt.Sprintf("access tokens of [mounts.%s] live for %d days", name, n/(24*60*60)),
				"a shorter access_lifetime_seconds, and refresh tokens: who copies a token has the account for so long",
			})
		}
	}
	return found
}

// certificate judges the files that were read a moment ago, when the configuration was.
func (c *console) certificate(cfg *config.Config) (found []finding) {
	if text := cfg.OpenKey(); text != "" {
		found = append(found, findingOf("note", text))
	}
	pair, err := cfg.Certificate()
	if err != nil {
		return append(found, findingOf("stop", err.Error()))
	}
	const soon = 14 * 24 * time.Hour
	until := pair.Leaf.NotAfter
	what := "the TLS certificate is good until " + until.UTC().Format(time.DateOnly)
	if until.Before(c.now().Add(soon)) {
		return append(found, finding{"note", what, "renew it: the files are read again every minute"})
	}
	return append(found, finding{"pass", what, ""})
}

func (k *checkCmd) database(cfg *config.Config) []finding {
	pending, err := server.Pending(context.Background(), cfg)
	switch {
	case err != nil:
		return []finding{findingOf("stop", explain(err))}
	case len(pending) > 0:
		return []finding{{"note", fmt.Sprintf("the database lacks %d migrations", len(pending)), "doorward migrate (serve does it too)"}}
	}
	found := []finding{{"pass", "the database answers and its schema is up to date", ""}}
	clear, err := server.KeepsClearTokens(context.Background(), cfg)
	switch {
	case err != nil:
		return append(found, findingOf("stop", explain(err)))
	case clear:
		found = append(found, finding{
			"note", "opaque tokens lie in clear in the table authtoken_token, which is Django's: a copy of the database signs in with them",
			"leave the opaque authenticator out once no client uses it",
		})
	}
	return found
}
