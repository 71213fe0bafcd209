package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"doorward/internal/config"
	"doorward/internal/server"
	"doorward/internal/store"
)

type serveCmd struct{}

// Run starts the server and stops it at the first signal; a second one ends the process.
func (*serveCmd) Run(c *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from then on a signal does what it does by default
	ln, err := listen(cfg.Addr)
	if err != nil {
		return err
	}
	defer ln.Close()
	journal := newJournal(c.err, cfg.Log)
	defer journal.Close()
	log := journal.Logger()
	made := isMissing(cfg.DatabaseURL)
	srv, err := server.New(ctx, cfg, server.Options{Now: c.now, Log: log, Version: version, Threads: true, Applied: func(a store.Applied) {
		log.Info("migrated", "step", a.String())
	}})
	if err != nil {
		return err
	}
	defer srv.Close()
	if err := srv.Lock(); err != nil {
		if errors.Is(err, store.ErrLocked) {
			return errors.New("this database is served already\n  another doorward serve has it open\n  try: stop that one, or start in another folder")
		}
		return err
	}
	if text := cfg.OpenKey(); text != "" {
		log.Warn(text)
	}
	defer onHangUp(func() {
		if err := srv.ReloadCertificate(); err != nil {
			log.Error("the certificate stays as it was", "error", err)
		}
	})()
	c.banner(cfg, ln, log, made)
	return srv.Serve(ctx, ln)
}

// onHangUp calls f at every SIGHUP, until stop.
func onHangUp(f func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range signals {
			f()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}

// firstCall is a command that adds a user, where a mount that is known for it has it at its usual path.
func firstCall(cfg *config.Config, base string) string {
	for _, name := range server.Mounted(cfg) {
		m := cfg.Mounts[name]
		at := base + server.Prefix(cfg, name)
		switch preset := cmp.Or(m.Preset, name); {
		case m.Paths != nil:
		case preset == "v1":
			return "curl " + at + `sign-up --json '{"email": "you@example.com", "password": "correct-horse-9"}'`
		case preset == "accounts" && !slices.Contains(server.Mounted(cfg), "v1"):
			return "curl " + at + `signup/ --json '{"name": "You", "email": "you@example.com", "phone": "1234567890", ` +
				`"password": "correct-horse-9", "confirm_password": "correct-horse-9"}'`
		case preset == "tag1" && len(server.Mounted(cfg)) == 1:
			return "curl " + at + `user/create/ --data "email=you@example.com&password=correct-horse-9"`
		case preset == "userapi" && len(server.Mounted(cfg)) == 1 && len(cfg.Profiles) == 0:
			return "curl " + at + `users/ --json '{"email": "you@example.com", "password": "correct-horse-9", "profile": {"title": "Ms", ` +
				`"dob": "1990-02-28", "address": "1 High Street", "country": "Wales", "city": "Cardiff", "zip": "CF101"}}'`
		}
	}
	return ""
}

func listen(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return ln, err
	}
	host, port, _ := net.SplitHostPort(addr)
	next := "8001"
	if port == next {
		next = "8002"
	}
	return nil, fmt.Errorf("port %s is in use\n  another program listens on %s\n  try: doorward serve --addr %s", port, addr, net.JoinHostPort(host, next))
}

func isMissing(databaseURL string) bool {
	path, isFile := strings.CutPrefix(databaseURL, "sqlite:")
	if !isFile {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// banner tells a person where to start. A log collector gets one line instead.
func (c *console) banner(cfg *config.Config, ln net.Listener, log *slog.Logger, made bool) {
	if c.cli.Quiet || !isTerminal(c.err) && !cfg.Dev {
		log.Info("listening", "addr", ln.Addr().String(), "version", version)
		return
	}
	base := "http://" + ln.Addr().String()
	if cfg.TLS.On() {
		base = "https://" + ln.Addr().String()
	}
	mode, database := "production", cfg.DatabaseURL
	if cfg.Dev {
		mode = "development mode"
	}
	if path, isFile := strings.CutPrefix(database, "sqlite:"); isFile {
		if database = path; made {
			database += " (new)"
		}
	} else {
		database = "PostgreSQL"
	}
	fmt.Fprintf(c.err, "Doorward %s   %s   %s\n\n", version, mode, database)
	if first := firstCall(cfg, base); first != "" {
		fmt.Fprintf(c.err, "  Start here     %s\n", first)
	}
	for _, name := range server.Mounted(cfg) {
		fmt.Fprintf(c.err, "  %-14s %s%s\n", name, base, server.Prefix(cfg, name))
	}
	fmt.Fprintf(c.err, "  Public keys    %s/.well-known/jwks.json\n", base)
	if cfg.Dev {
		fmt.Fprintf(c.err, "  Caught mail    %s/dev/mail\n\n", base)
		fmt.Fprintf(c.err, "  Not for production: run `doorward check --production`.\n")
	} else {
		fmt.Fprintf(c.err, "\n  The first superuser: doorward user add --superuser EMAIL\n")
	}
	for _, warning := range cfg.Warnings() {
		fmt.Fprintf(c.err, "  Note: %s\n", strings.ReplaceAll(warning.Error(), "\n", " "))
	}
	fmt.Fprintf(c.err, "  Ctrl-C stops.\n\n")
}
