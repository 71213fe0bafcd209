package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorward/internal/server"
	"doorward/internal/store"
)

type migrateCmd struct {
	Plan bool `help:"Print what would be done, and do nothing."`
}

// step is one migration as this command prints it.
type step struct {
	Step         string  `json:"step"`
	Milliseconds float64 `json:"milliseconds"`
}

// Run brings the schema up to date, and prints each step.
func (m *migrateCmd) Run(c *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	ctx := context.Background()
	steps := []step{}
	if m.Plan {
		pending, err := server.Pending(ctx, cfg)
		if err != nil {
			return err
		}
		for _, p := range pending {
			steps = append(steps, step{Step: p.String()})
		}
	} else if err := server.Migrate(ctx, cfg, func(a store.Applied) {
		steps = append(steps, step{a.String(), float64(a.Took) / float64(time.Millisecond)})
	}); err != nil {
		return err
	}
	if c.cli.JSON {
		return json.NewEncoder(c.out).Encode(steps)
	}
	for _, s := range steps {
		if m.Plan {
			fmt.Fprintf(c.out, "%s  pending\n", s.Step)
		} else {
			fmt.Fprintf(c.out, "%s  ok  %.1f ms\n", s.Step, s.Milliseconds)
		}
	}
	if len(steps) == 0 {
		c.say("nothing to do: the schema is up to date")
	}
	return nil
}
