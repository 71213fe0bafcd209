//go:build linux

package main

import (
	"context"
	"fmt"
)

// workload is one thing that is measured.
type workload struct {
	name string
	own  bool // it needs a server and a database of our making
	full bool // it takes long: with --full, or when it is named
	// reads says that it needs no account but those that are signed in.
	reads bool
	run   func(b *bench, ctx context.Context, s *scene) error
}

// workloads in their order: those that leave the server as they found it come first.
var workloads = []workload{
	{name: "start", own: true, run: (*bench).measureStart},
	{name: "idle", own: true, run: (*bench).measureIdle},
	{name: "rulers", reads: true, run: (*bench).measureRulers},
	{name: "me", reads: true, run: (*bench).measureMe},
	{name: "junk", reads: true, run: (*bench).measureJunk},
	{name: "refresh", run: (*bench).measureRefresh},
	{name: "sign-in", run: (*bench).measureSignIn},
	{name: "sign-up", run: (*bench).measureSignUp},
	{name: "storm", run: (*bench).measureStorm},
	{name: "me-in-storm", run: (*bench).measurePaced},
	{name: "flood-in-storm", run: (*bench).measureFlood},
	{name: "sign-out", run: (*bench).measureSignOut},
	{name: "rest", own: true, run: (*bench).measureRest},
	{name: "fields", own: true, run: (*bench).measureFields},
	{name: "django", own: true, run: (*bench).measureDjango},
	{name: "hot", own: true, full: true, run: (*bench).measureHot},
	{name: "growth", own: true, full: true, run: (*bench).measureGrowth},
}

func workloadNames() (names []string) {
	for i := range workloads {
		names = append(names, workloads[i].name)
	}
	return names
}

// scene is what the workloads of one engine act in.
type scene struct {
	engine string
	world  *world // nil: the user's own server
	target func() *target
	people *people
}

// measureEngine runs every workload that was asked for on one engine.
func (b *bench) measureEngine(ctx context.Context, engine string) error {
	b.say("%s: making the world", engine)
	s, err := b.newScene(ctx, engine)
	if err != nil {
		return err
	}
	if b.profile != "" {
		return b.takeProfiles(ctx, s)
	}
	for i := range workloads {
		w := &workloads[i]
		if !b.wants(w) {
			continue
		}
		if err := b.settle(ctx, s.target()); err != nil {
			return err
		}
		if err := w.run(b, ctx, s); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	if s.world == nil {
		return nil
	}
	return s.world.stop()
}

func (b *bench) newScene(ctx context.Context, engine string) (*scene, error) {
	s := &scene{engine: engine}
	if b.url != "" {
		return s, b.visit(ctx, s)
	}
	w, err := b.newWorld(ctx, engine)
	if err != nil {
		return nil, err
	}
	b.worlds = append(b.worlds, w)
	s.world, s.target = w, w.target
	s.people, err = b.populate(ctx, w, b.crowds(0))
	return s, err
}

// beside is a measurer of a ruler under reads with tokens of its kind, as many as we have readers.
func (b *bench) beside(ctx context.Context, name string) (measurer, error) {
	t, err := b.ruler(ctx, name)
	if err != nil {
		return nil, err
	}
	key := needsToken(name)
	reqs := make([][]byte, b.Users)
	for i := range reqs {
		reqs[i] = request("GET", t.host, "/v1/me", "", "Authorization: Bearer "+signToken(key, i))
	}
	return b.load(t, b.Warm, func() *stream { return cycle("me", t, readers, 200, reqs) }), nil
}

const readers = 16 // connections of everything that reads

// cycle is a stream that sends the same requests again and again.
func cycle(name string, t *target, width, want int, reqs [][]byte) *stream {
	i := 0
	return &stream{name: name, addr: t.addr, width: width, want: want, next: func(*conn) []byte {
		i++
		return reqs[i%len(reqs)]
	}}
}

// each builds a request for every session.
func each(list []session, build func(session) []byte) (reqs [][]byte) {
	for _, s := range list {
		reqs = append(reqs, build(s))
	}
	return reqs
}
