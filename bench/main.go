//go:build linux

// Command bench measures what a request costs Doorward, beside rulers: small servers of net/http
// that do only the part of the work nobody can leave out. It owns the load, the clocks and the
// report; it leaves the server alone, and sees it as any client does. What it knows of the inside
// is how to put a million users into a database (seed.go).
//
//	go run ./bench --short            everything once, in under a minute; the figures mean little
//	go run ./bench                    minutes; medians of three repeats
//	go run ./bench --full             with a million users; the better part of an hour
//	go run ./bench --only me,refresh --engine sqlite --out docs/figures.md
//	go run ./bench backup --users 1000000    backup and restore, on both engines and between them
//	go run ./bench --url http://127.0.0.1:8000 --pid 4711    your own server (it gets new accounts)
//	go run ./bench --url … --pid … --token eyJ…              the same, reading with your own token only
//	go run ./bench --profile DIR      flame graphs and profiles
//
// CPU is the process's own accounting (/proc), PostgreSQL's beside the server's. The server has
// one core and the load another. Linux only; all traffic stays on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// clock is the time of the whole program, and began is when it started.
var (
	clock = time.Now
	began = clock()
)

// nanos is the time since the start, in nanoseconds.
func nanos() int64 { return int64(clock().Sub(began)) }

func main() { os.Exit(start(os.Args[1:], os.Stdout, os.Stderr)) }

// start runs the command and returns its exit code. The program starts itself again as a ruler
// and to seed a database, so that neither shares a process with the load.
func start(args []string, out, talk io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	switch {
	case len(args) == 2 && args[0] == "ruler":
		err = serveRuler(ctx, args[1], out)
	case len(args) > 0 && args[0] == "seed":
		err = runSeed(ctx, args[1:])
	case len(args) > 0 && args[0] == "backup":
		err = runBackups(ctx, args[1:], out, talk)
	default:
		err = runBench(ctx, args, out, talk)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(talk, "interrupted")
	default:
		fmt.Fprintln(talk, "bench:", err)
	}
	return 1
}

func runBench(ctx context.Context, args []string, out, talk io.Writer) (err error) {
	o, err := parseOptions(args, talk)
	if err != nil {
		return err
	}
	b := &bench{options: o, talk: talk}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, engine := range b.engines {
		if err := b.measureEngine(ctx, engine); err != nil {
			// What was measured until here is still worth its paper.
			return errors.Join(fmt.Errorf("%s: %w", engine, err), b.report(out))
		}
	}
	return b.report(out)
}
