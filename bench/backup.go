//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
)

// backups measures `doorward backup` and `doorward restore` on a crowd of users, on both engines and between them.
type backups struct {
	*bench
	users int
	out   io.Writer
}

// runBackups is the subcommand: bench backup [--users N] [--dir DIR].
func runBackups(ctx context.Context, args []string, out, talk io.Writer) (err error) {
	f := flag.NewFlagSet("backup", flag.ContinueOnError)
	users := f.Int("users", 1_000_000, "`number` of users")
	dir := f.String("dir", "", "`folder` for the databases, on a disk rather than in memory")
	if err := f.Parse(args); err != nil {
		return err
	}
	b := &backups{bench: &bench{options: &options{dir: *dir, engine: "both", mode: "full"}, talk: talk}, users: *users, out: out}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	return b.measure(ctx)
}

func (b *backups) path(name string) string { return filepath.Join(b.folder, name) }

// measure backs up what it restored, so that every way is gone once.
func (b *backups) measure(ctx context.Context) error {
	seeded := "sqlite:" + b.path("seeded.db")
	if err := b.seed(ctx, seeded); err != nil {
		return err
	}
	cluster, err := b.postgres(ctx)
	if err != nil {
		return err
	}
	first, err := cluster.database(ctx)
	if err != nil {
		return err
	}
	second, err := cluster.database(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "| %d users | seconds | CPU seconds | PostgreSQL's | peak MiB |\n|---|---|---|---|---|\n", b.users)
	for _, step := range []struct{ what, command, url, file string }{
		{"backup of SQLite", "backup", seeded, b.path("sqlite.backup")},
		{"restore into SQLite", "restore", "sqlite:" + b.path("restored.db"), b.path("sqlite.backup")},
		{"restore of that into PostgreSQL", "restore", first, b.path("sqlite.backup")},
		{"backup of PostgreSQL", "backup", first, b.path("postgres.backup")},
		{"restore into PostgreSQL", "restore", second, b.path("postgres.backup")},
		{"restore of that into SQLite", "restore", "sqlite:" + b.path("moved.db"), b.path("postgres.backup")},
	} {
		if err := b.step(ctx, step.what, step.command, step.url, step.file); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func (b *backups) seed(ctx context.Context, url string) (err error) {
	db, err := store.Open(ctx, store.Options{URL: url, Model: account.OwnModel(account.Email, account.Folded)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx, nil); err != nil {
		return err
	}
	return crowd{"reader", b.users}.insert(ctx, db)
}

func (b *backups) step(ctx context.Context, what, command, url, file string) error {
	cmd := exec.CommandContext(ctx, b.binary, command, "--json", "--quiet", file)
	cmd.Dir, cmd.Stderr = b.folder, b.talk
	cmd.Env = append(plainEnvironment(), "DOORWARD_DEV=1", "DOORWARD_DATABASE_URL="+url, "TMPDIR="+b.folder)
	begin := clock()
	before, err := cpuOfFamily(b.cluster.server.pid())
	if err != nil {
		return err
	}
	text, err := cmd.Output()
	took := clock().Sub(begin)
	if err != nil {
		return err
	}
	var said struct {
		Users int            `json:"users"`
		Rows  map[string]int `json:"rows"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	if got := said.Users + said.Rows["users"]; got != b.users {
		return fmt.Errorf("it has %d users, not %d", got, b.users)
	}
	after, err := cpuOfFamily(b.cluster.server.pid())
	if err != nil {
		return err
	}
	use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	fmt.Fprintf(b.out, "| %s | %.1f | %.1f | %.1f | %d |\n", what, took.Seconds(), cpu.Seconds(), max(after-before, 0).Seconds(), use.Maxrss>>10)
	if info, err := os.Stat(file); err == nil && command == "backup" {
		fmt.Fprintf(b.talk, "%s: %d MiB\n", filepath.Base(file), info.Size()>>20)
	}
	return nil
}
