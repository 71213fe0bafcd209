//go:build linux

package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// pace is how long and how often things are measured.
type pace struct {
	Repeats int           `json:"repeats"`
	Warm    time.Duration `json:"warm_ns"`
	Window  time.Duration `json:"window_ns"`
	Paced   time.Duration `json:"paced_ns"` // a window of reads at a fixed rate
	Users   int           `json:"users"`    // that read
	Ending  int           `json:"ending"`   // sessions that are signed out
	Storm   int           `json:"storm"`    // sign-ins at once
	Patient time.Duration `json:"patient_ns"`
	Starts  int           `json:"starts"` // a repeat
	Grown   int           `json:"grown"`  // users of the large database; full only
	Hot     int           `json:"hot"`    // users whose memory is counted; full only
	Rest    time.Duration `json:"rest_ns"`
}

var (
	shortPace = pace{
		Repeats: 1, Warm: 200 * time.Millisecond, Window: 400 * time.Millisecond, Paced: 800 * time.Millisecond,
		Users: 64, Ending: 48, Storm: 48, Patient: 4 * time.Second, Starts: 2,
	}
	usualPace = pace{
		Repeats: 3, Warm: time.Second, Window: 3 * time.Second, Paced: 8 * time.Second,
		Users: 1000, Ending: 600, Storm: 256, Patient: 15 * time.Second, Starts: 5,
	}
	fullPace = pace{
		Repeats: 5, Warm: 2 * time.Second, Window: 5 * time.Second, Paced: 10 * time.Second,
		Users: 1000, Ending: 1000, Storm: 256, Patient: 15 * time.Second, Starts: 10,
		Grown: 1_000_000, Hot: 100_000, Rest: 60 * time.Second,
	}
)

// options are the command line.
type options struct {
	pace
	mode    string // short, usual, full
	engine  string // sqlite, postgres, both
	only    []string
	out     string
	json    string
	dir     string
	url     string
	pid     int
	token   string
	profile string
	level   string
}

func parseOptions(args []string, talk io.Writer) (*options, error) {
	o := &options{pace: usualPace, mode: "usual"}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(talk)
	short := f.Bool("short", false, "everything once, in under a minute; the figures mean little")
	full := f.Bool("full", false, "longer, and with a million users")
	only := f.String("only", "", "measure only these `NAMES`, with commas between: "+strings.Join(workloadNames(), ", "))
	f.StringVar(&o.engine, "engine", "both", "sqlite, postgres or both")
	f.StringVar(&o.out, "out", "", "write the Markdown tables to `FILE` too")
	f.StringVar(&o.json, "json", "", "write the figures as JSON to `FILE`")
	f.StringVar(&o.dir, "dir", "", "make the databases under `DIR` (default: the system's folder for temporary files)")
	f.StringVar(&o.url, "url", "", "measure the server at this `URL` on this machine, which gets new accounts")
	f.StringVar(&o.token, "token", "", "with --url: read with this access `TOKEN` of /v1/, and open no accounts; only me, junk and the rulers are measured then")
	f.IntVar(&o.pid, "pid", 0, "its process, whose CPU is counted")
	f.StringVar(&o.profile, "profile", "", "write flame graphs, CPU and heap profiles of the server to `DIR`, and measure nothing")
	f.StringVar(&o.level, "log-level", "info", "what the server logs: info is one line a request")
	window := f.Duration("window", 0, "length of a window, instead of the mode's own")
	repeats := f.Int("repeats", 0, "number of repeats, instead of the mode's own")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag", f.Arg(0))
	}
	switch {
	case *short && *full:
		return nil, fmt.Errorf("--short and --full do not go together")
	case *short:
		o.mode, o.pace = "short", shortPace
	case *full:
		o.mode, o.pace = "full", fullPace
	}
	if *window > 0 {
		o.Window, o.Warm, o.Paced = *window, min(o.Warm, *window), min(o.Paced, 2**window)
	}
	if *repeats > 0 {
		o.Repeats = *repeats
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	return o, o.check()
}

func (o *options) check() error {
	if !slices.Contains([]string{engineSQLite, enginePostgres, "both"}, o.engine) {
		return fmt.Errorf("--engine takes sqlite, postgres or both, not %q", o.engine)
	}
	if (o.url == "") != (o.pid == 0) {
		return fmt.Errorf("--url and --pid go together: without the process there is no CPU to count")
	}
	if o.token != "" && o.url == "" {
		return fmt.Errorf("--token goes with --url")
	}
	if o.profile != "" && o.url != "" {
		return fmt.Errorf("--profile builds a server of its own, so it does not go with --url")
	}
	for _, name := range o.only {
		if !slices.Contains(workloadNames(), name) {
			return fmt.Errorf("--only: there is no %q; there are %s", name, strings.Join(workloadNames(), ", "))
		}
	}
	return nil
}

// wants reports whether a workload is to be run.
func (o *options) wants(w *workload) bool {
	switch {
	case o.token != "" && !w.reads:
		return false
	case len(o.only) > 0:
		return slices.Contains(o.only, w.name) && (o.url == "" || !w.own)
	case o.url != "" && w.own:
		return false
	}
	return o.mode == "full" || !w.full
}
