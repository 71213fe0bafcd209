package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"doorward/internal/config"
	"doorward/internal/server"
)

type checkCmd struct {
	Production bool `help:"Judge as in production, whatever the mode is."`
}

// finding is one line of a check.
type finding struct {
	Verdict string `json:"verdict"` // pass, note or stop
	What    string `json:"what"`
	Remedy  string `json:"remedy,omitempty"`
}

// Run prints what is right and wrong. It fails when something must be mended before the server can be trusted.
func (k *checkCmd) Run(c *console) error {
	if k.Production {
		off := false
		c.cli.Dev = &off
	}
	findings := k.look(c)
	stops := 0
	for _, f := range findings {
		if f.Verdict == "stop" {
			stops++
		}
	}
	if c.cli.JSON {
		if err := json.NewEncoder(c.out).Encode(findings); err != nil {
			return err
		}
	} else {
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, f := range findings {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.Verdict, f.What, f.Remedy)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if stops > 0 {
		return errSaid
	}
	return nil
}

func (k *checkCmd) look(c *console) []finding {
	cfg, err := c.load()
	var faults config.Faults
	if errors.As(err, &faults) {
		var found []finding
		for _, f := range faults {
			found = append(found, finding{"stop", f.What + ": " + f.Why, f.Try})
		}
		return found
	}
	if err != nil {
		return []finding{{"stop", err.Error(), ""}}
	}
	mode := "development mode: loopback only, mail is caught"
	if cfg.Production() {
		mode = "production mode"
	}
	found := []finding{{"pass", "the configuration is understood", ""}, {"pass", mode, ""}}
	for _, w := range cfg.Warnings() {
		found = append(found, finding{"note", w.What + ": " + w.Why, w.Try})
	}
	if cfg.PublicURL != "" && !strings.HasPrefix(cfg.PublicURL, "https://") && cfg.Production() {
		found = append(found, finding{"note", "public_url is not https", "tokens in transit need TLS: put a proxy with TLS in front"})
	}
	return append(found, k.database(cfg)...)
}

func (k *checkCmd) database(cfg *config.Config) []finding {
	pending, err := server.Pending(context.Background(), cfg)
	switch {
	case err != nil:
		what, remedy, _ := strings.Cut(explain(err), "\n")
		return []finding{{"stop", "database: " + what, strings.Join(strings.Fields(remedy), " ")}}
	case len(pending) > 0:
		return []finding{{"note", fmt.Sprintf("the database lacks %d migrations", len(pending)), "doorward migrate (serve does it too)"}}
	}
	return []finding{{"pass", "the database answers and its schema is up to date", ""}}
}
