package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/mail"
	"doorward/internal/store"
	"doorward/internal/token"
	"doorward/internal/web"
)

// Mounted names the mounts of a configuration, in order.
func Mounted(cfg *config.Config) []string {
	if cfg.Mounts != nil {
		return slices.Sorted(maps.Keys(cfg.Mounts))
	}
	var names []string
	for _, name := range Presets() {
		if p := presets[name]; p.mounted && (p.profile == "" || slices.ContainsFunc(cfg.Profiles, func(k config.Profile) bool { return k.Name == p.profile })) {
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

// Pending lists the migrations that a configured database lacks, and checks that all can be
// mounted. It leaves nothing behind: an SQLite file that is missing lacks every one.
func Pending(ctx context.Context, cfg *config.Config) (pending []store.Migration, err error) {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return nil, err
	}
	if err := rehearse(cfg, p); err != nil {
		return nil, err
	}
	path, isFile := strings.CutPrefix(p.url, "sqlite:")
	if _, err := os.Stat(path); isFile && errors.Is(err, os.ErrNotExist) {
		folder, err := os.MkdirTemp(filepath.Dir(path), ".doorward-plan-") // fails where the file could not be made either
		if err != nil {
			return nil, fmt.Errorf("the database %s cannot be made: %w", path, err)
		}
		defer os.RemoveAll(folder)
		p.url = "sqlite:" + filepath.Join(folder, "empty.db")
	}
	err = withDatabase(ctx, p, func(db *store.DB) (err error) {
		pending, err = db.Pending(ctx)
		return err
	})
	return pending, err
}

// KeepsClearTokens reports whether the opaque tokens of a configured database lie in a table of Django's, in clear.
func KeepsClearTokens(ctx context.Context, cfg *config.Config) (clear bool, err error) {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil || !p.model.Django {
		return false, err
	}
	err = withDatabase(ctx, p, func(db *store.DB) error {
		clear = db.KeepsClearTokens()
		return nil
	})
	return clear, err
}

// rehearse mounts a plan over nothing: what is wrong with its routes shows without a database.
func rehearse(cfg *config.Config, p *plan) error {
	return rehearseWith(cfg, p, func(*web.Site) error { return nil })
}

// rehearseWith hands what was mounted to f.
func rehearseWith(cfg *config.Config, p *plan, f func(*web.Site) error) error {
	s := &Server{cfg: cfg, log: slog.New(slog.DiscardHandler), registry: prometheus.NewRegistry()}
	s.requests = web.NewMetrics(s.registry)
	accounts := account.New(account.Options{Store: nothing{model: p.model}, Root: token.NewRoot(token.NewSecret(), "")})
	defer accounts.Close()
	site, err := s.site(&world{plan: p, accounts: accounts})
	if err != nil {
		return err
	}
	composer, err := composerOf(cfg)
	if err != nil {
		return err
	}
	if cfg.MailURL != "" {
		if err := mail.Check(cfg.MailURL); err != nil {
			return fmt.Errorf("mail_url cannot be used\n  %w\n  try: mail_url = \"smtp://mail.example.com\"", err)
		}
	}
	return errors.Join(checkMail(composer, p), f(site))
}

// nothing is a store that knows its model, and must not be read.
type nothing struct {
	account.Store
	model *account.Model
}

// Model implements account.Store.
func (n nothing) Model() *account.Model { return n.model }

// MigrateOptions say what is done before a migration.
type MigrateOptions struct {
	// Backup is the file of a backup that is made first, on either engine; "": none but the one that an SQLite
	// file gets beside itself.
	Backup string
	// None leaves that one out.
	None bool
}

// Migrate brings the schema of a configured database up to date, and reports each step.
func Migrate(ctx context.Context, cfg *config.Config, o MigrateOptions, report func(store.Applied)) error {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return err
	}
	p.noBackup = o.None || o.Backup != ""
	return withDatabase(ctx, p, func(db *store.DB) error {
		if o.Backup != "" {
			if err := backupFirst(ctx, db, o.Backup, report); err != nil {
				return err
			}
		}
		return db.Migrate(ctx, report)
	})
}

func backupFirst(ctx context.Context, db *store.DB, path string, report func(store.Applied)) error {
	pending, err := db.Pending(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	about, err := db.Backup(ctx, path, false)
	if err == nil {
		report(store.Applied{Backup: path, Took: about.Took})
	}
	return err
}

// UndoFields takes the last n changes back that declared fields made; see store.DB.Undo.
func UndoFields(ctx context.Context, cfg *config.Config, n int, report func(store.Applied)) error {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return err
	}
	return withDatabase(ctx, p, func(db *store.DB) error { return db.Undo(ctx, n, report) })
}

// DropFields deletes what fields held that are declared no more; see store.DB.DropHidden.
func DropFields(ctx context.Context, cfg *config.Config, report func(store.Applied)) error {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return err
	}
	return withDatabase(ctx, p, func(db *store.DB) error {
		return errors.Join(db.Migrate(ctx, report), db.DropHidden(ctx, report)) // a field that is gone since is hidden first
	})
}

func withDatabase(ctx context.Context, p *plan, f func(*store.DB) error) error {
	db, err := store.Open(ctx, store.Options{URL: p.url, Model: p.model, NoBackup: p.noBackup})
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

// Operator is the policy that commands act under: the first mount's, with what the table signs in by. Whom an
// operator adds is let in at once, as by Django's createsuperuser, and an operator is told what is taken.
func (s *Server) Operator() *account.Policy {
	p := s.home.plan.mounts[0].policy
	p.Login = s.home.plan.model.Login
	p.Mail.Activation, p.PrivateSignUp = false, false
	return &p
}
