package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"doorward/internal/config"
	"doorward/internal/server"
	"doorward/internal/store"
)

type migrateCmd struct {
	Plan     bool   `help:"Print what would be done, and do nothing." xor:"what"`
	Backup   string `help:"Write a backup first, if there is anything to do." placeholder:"FILE" xor:"back,drop"`
	NoBackup bool   `help:"Make no backup of an SQLite file first."`
	Back     int    `help:"Take back the last N changes that declared fields made; data stays." placeholder:"N" xor:"what,back"`
	Drop     bool   `help:"Delete hidden columns and tables of fields that are declared no more, with their data." xor:"what,drop"`
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
	if m.Back < 0 {
		return usageError(fmt.Sprintf("--back goes from 1 on\n  it is %d\n  try: doorward migrate --back 1", m.Back))
	}
	ctx := context.Background()
	steps := []step{}
	migrate := func(ctx context.Context, cfg *config.Config, report func(store.Applied)) error {
		return server.Migrate(ctx, cfg, server.MigrateOptions{Backup: m.Backup, None: m.NoBackup}, report)
	}
	switch {
	case m.Back > 0:
		migrate = func(ctx context.Context, cfg *config.Config, report func(store.Applied)) error {
			return server.UndoFields(ctx, cfg, m.Back, report)
		}
	case m.Drop:
		migrate = server.DropFields
	}
	if m.Plan {
		pending, err := server.Pending(ctx, cfg)
		if err != nil {
			return err
		}
		for _, p := range pending {
			steps = append(steps, step{Step: p.String()})
		}
	} else if err := migrate(ctx, cfg, func(a store.Applied) {
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
	if m.Back > 0 {
		c.say("while a field is declared, the next start brings it back: take it out of doorward.toml too")
	}
	return nil
}

func (m *migrateCmd) explain(err error) error {
	if errors.Is(err, store.ErrExists) {
		return &coded{exitConflict, m.Backup + " is there already\n  a backup does not overwrite, and nothing was migrated\n  try: another name"}
	}
	return err
}
