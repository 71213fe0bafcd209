package server

import (
	"context"
	"errors"
	"maps"
	"slices"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/store"
)

// Mounted names the mounts of a configuration, in order.
func Mounted(cfg *config.Config) []string {
	if cfg.Mounts != nil {
		return slices.Sorted(maps.Keys(cfg.Mounts))
	}
	var names []string
	for _, name := range Presets() {
		if presets[name].mounted {
			names = append(names, name)
		}
	}
	return names
}

// Prefix is where a mount of a configuration stands.
func Prefix(cfg *config.Config, name string) string {
	m := cfg.Mounts[name]
	if m.Prefix != "" {
		return m.Prefix
	}
	if m.Preset != "" {
		name = m.Preset
	}
	return presets[name].prefix
}

// Pending lists the migrations that a configured database lacks, and checks the rest of the plan.
func Pending(ctx context.Context, cfg *config.Config) (pending []store.Migration, err error) {
	err = withDatabase(ctx, cfg, func(db *store.DB) (err error) {
		pending, err = db.Pending(ctx)
		return err
	})
	return pending, err
}

// Migrate brings the schema of a configured database up to date, and reports each step.
func Migrate(ctx context.Context, cfg *config.Config, report func(store.Applied)) error {
	return withDatabase(ctx, cfg, func(db *store.DB) error { return db.Migrate(ctx, report) })
}

func withDatabase(ctx context.Context, cfg *config.Config, f func(*store.DB) error) error {
	root, secret, err := secrets(cfg)
	if err != nil {
		return err
	}
	p, err := planOf(cfg, root, secret)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{URL: p.url, Model: p.model})
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

// Operator is the policy that commands act under: the first mount's.
func (s *Server) Operator() *account.Policy { return &s.home.plan.mounts[0].policy }
