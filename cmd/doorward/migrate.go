package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"doorward/internal/server"
	"doorward/internal/store"
)

type migrateCmd struct {
	Plan     bool   `help:"Print what would be done, and do nothing."`
	Backup   string `help:"Write a backup first, if there is anything to do." placeholder:"FILE"`
	NoBackup bool   `help:"Make no backup of an SQLite file first."`
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
	} else if err := server.Migrate(ctx, cfg, server.MigrateOptions{Backup: m.Backup, None: m.NoBackup}, func(a store.Applied) {
		steps = append(steps, step{a.String(), milli(a.Took)})
	}); err != nil {
		return m.explain(err)
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
	switch isFile := strings.HasPrefix(cfg.DatabaseURL, "sqlite:"); {
	case len(steps) == 0:
		c.say("nothing to do: the schema is up to date")
	case !isFile && !m.Plan && m.Backup == "":
		c.say("PostgreSQL is not backed up by itself; migrate --backup FILE does it first")
	}
	return nil
}

func (m *migrateCmd) explain(err error) error {
	if errors.Is(err, store.ErrExists) {
		return &coded{exitConflict, m.Backup + " is there already\n  a backup does not overwrite, and nothing was migrated\n  try: another name"}
	}
	return err
}
