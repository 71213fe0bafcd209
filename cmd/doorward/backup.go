package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"doorward/internal/config"
	"doorward/internal/server"
	"doorward/internal/store"
)

type backupCmd struct {
	File  string `arg:"" help:"Where the backup goes."`
	Force bool   `help:"Overwrite a file that is there." short:"f"`
}

// backedUp is a backup as this command prints it.
type backedUp struct {
	File         string           `json:"file"`
	Bytes        int64            `json:"bytes"`
	Began        string           `json:"began"`
	Engine       store.Engine     `json:"engine"`
	Schema       int64            `json:"schema"`
	Rows         map[string]int64 `json:"rows"`
	Missing      string           `json:"missing"`
	Milliseconds float64          `json:"milliseconds"`
}

// Run writes a backup while others read and write, and prints what is in it.
func (b *backupCmd) Run(c *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	about, err := server.Backup(ctx, cfg, b.File, b.Force)
	if err != nil {
		return b.explain(cfg, err)
	}
	info, err := os.Stat(b.File)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, n := range about.Rows {
		total += n
	}
	out := backedUp{b.File, info.Size(), at(about.Began), about.Engine, about.Schema, about.Rows, about.Missing, milli(about.Took)}
	err = c.result(out, [][]string{
		{"file", out.File},
		{"bytes", strconv.FormatInt(out.Bytes, 10)},
		{"began", out.Began},
		{"engine", string(out.Engine)},
		{"schema", strconv.FormatInt(out.Schema, 10)},
		{"tables", strconv.Itoa(len(out.Rows))},
		{"rows", strconv.FormatInt(total, 10)},
		{"took", fmt.Sprintf("%.1f ms", out.Milliseconds)},
	})
	if about.Missing != "" {
		c.say("not in it: table %s and all others that are not Doorward's; pg_dump is for those", about.Missing)
	}
	c.say("not in it: the root key (%s); keep a copy of it, elsewhere", cfg.KeyFile)
	return err
}

func (b *backupCmd) explain(cfg *config.Config, err error) error {
	switch {
	case errors.Is(err, store.ErrExists):
		return &coded{exitConflict, b.File + " is there already\n  a backup does not overwrite\n  try: another name, or --force"}
	case errors.Is(err, fs.ErrNotExist) && isMissing(cfg.DatabaseURL):
		return &coded{exitNotFound, "there is no database to back up\n  " + strings.TrimPrefix(cfg.DatabaseURL, "sqlite:") +
			" does not exist\n  try: --database-url, or --config"}
	}
	return err
}

type restoreCmd struct {
	File  string `arg:"" help:"A file that doorward backup made."`
	Force bool   `help:"Replace what the database holds; it is kept aside." short:"f"`
}

// restored is a restore as this command prints it.
type restored struct {
	Database     string       `json:"database"`
	From         string       `json:"from"`
	Began        string       `json:"began"`
	Engine       store.Engine `json:"engine"`
	Schema       int64        `json:"schema"`
	Migrated     []string     `json:"migrated"`
	Users        int64        `json:"users"`
	Aside        string       `json:"aside"`
	Left         []string     `json:"not_restored"`
	Milliseconds float64      `json:"milliseconds"`
}

// Run makes the database what the backup holds, and says what everybody must know.
func (r *restoreCmd) Run(c *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	begin := c.now()
	done, err := server.Restore(ctx, cfg, r.File, begin, r.Force)
	if err != nil {
		return r.explain(cfg, err)
	}
	out := restored{
		Database: databaseName(cfg), From: r.File, Began: at(done.Began), Engine: done.Engine, Schema: done.Schema,
		Migrated: []string{}, Users: done.Users, Aside: done.Aside, Left: append([]string{}, done.Left...), Milliseconds: milli(c.now().Sub(begin)),
	}
	for _, m := range done.Migrated {
		out.Migrated = append(out.Migrated, m.String())
	}
	err = c.result(out, [][]string{
		{"database", out.Database},
		{"as of", out.Began},
		{"made on", string(out.Engine)},
		{"migrated", strings.Join(out.Migrated, ", ")},
		{"users", strconv.FormatInt(out.Users, 10)},
		{"kept aside", out.Aside},
		{"took", fmt.Sprintf("%.1f ms", out.Milliseconds)},
	})
	if len(out.Left) > 0 {
		c.say("not restored: %s; they are not Doorward's", strings.Join(out.Left, ", "))
	}
	c.say("Everybody is signed out, everywhere: no token from before is good.")
	c.say("Passwords are those of %s; what was changed later is undone, accounts deleted later are back.", out.Began)
	return err
}

func (r *restoreCmd) explain(cfg *config.Config, err error) error {
	name := databaseName(cfg)
	var bad *store.NotBackupError
	switch {
	case errors.As(err, &bad):
		what, why, _ := strings.Cut(bad.Error(), ": ")
		if why != "" {
			what += "\n  " + strings.Join(strings.Fields(why), " ")
		}
		return &coded{exitFailed, what + "\n  try: another backup; the database is as it was"}
	case errors.Is(err, store.ErrOthers):
		_, tables, _ := strings.Cut(err.Error(), ": ")
		return &coded{exitConflict, name + " holds tables that are not Doorward's\n  a restore replaces the file, and with it " + shorten(tables) +
			"\n  try: move the file away, then restore; the backup has every table that its file had"}
	case errors.Is(err, store.ErrExists):
		return &coded{exitConflict, name + " holds something already\n  a restore replaces all of it\n  try: --force (what is there is kept aside)"}
	case errors.Is(err, store.ErrLocked):
		return &coded{exitConflict, "this database is in use\n  a doorward serve, or another restore, has " + name + "\n  try: stop it, restore, start it again"}
	case errors.Is(err, store.ErrNodes):
		return &coded{exitConflict, "this database is in use\n  another doorward is connected, and would go on with its keys\n  try: stop every node, restore, start them again"}
	case errors.Is(err, fs.ErrNotExist):
		if _, missing := os.Stat(r.File); missing != nil {
			return &coded{exitNotFound, "there is no backup " + r.File + "\n  try: doorward restore FILE, as doorward backup FILE made it"}
		}
	}
	return err
}

// shorten cuts a long list of tables.
func shorten(list string) string {
	const most = 60
	if len(list) <= most {
		return list
	}
	return list[:strings.LastIndex(list[:most], ",")+1] + " …"
}

func databaseName(cfg *config.Config) string {
	if path, isFile := strings.CutPrefix(cfg.DatabaseURL, "sqlite:"); isFile {
		return path
	}
	return "PostgreSQL"
}

func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// untilSignal is a context that Ctrl-C ends, so that a command can clean up.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a signal does what it does by default
	return ctx, stop
}
