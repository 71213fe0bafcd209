package main

import (
	"context"
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
	rows := make([][]string, len(steps))
	for i, s := range steps {
		rows[i] = []string{s.Step, "ok", fmt.Sprintf("%.1f ms", s.Milliseconds)}
		if m.Plan {
			rows[i] = []string{s.Step, "pending"}
		}
	}
	if err := c.result(steps, rows); err != nil {
		return err
	}
	if len(steps) == 0 {
		c.say("nothing to do: the schema is up to date")
	}
	return nil
}
