package server

import (
	"context"
	"os"
	"strings"
	"time"

	"doorward/internal/config"
	"doorward/internal/store"
	"doorward/internal/token"
)

// Backup writes what a configured database holds into a file; see store.DB.Backup. A database that is
// missing is an os.ErrNotExist.
func Backup(ctx context.Context, cfg *config.Config, path string, replace bool) (about store.Backup, err error) {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return about, err
	}
	if name, isFile := strings.CutPrefix(p.url, "sqlite:"); isFile {
		if _, err := os.Stat(name); err != nil {
			return about, err
		}
	}
	err = withDatabase(ctx, p, func(db *store.DB) (err error) {
		about, err = db.Backup(ctx, path, replace)
		return err
	})
	return about, err
}

// Restore makes a configured database what a backup holds; see store.Restore.
func Restore(ctx context.Context, cfg *config.Config, from string, now time.Time, replace bool) (*store.Restored, error) {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return nil, err
	}
	return store.Restore(ctx, &store.RestoreOptions{From: from, URL: p.url, Model: p.model, Now: now, Replace: replace})
}
