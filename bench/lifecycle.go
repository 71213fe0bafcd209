//go:build linux

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// measureStart measures the time from exec to the first 200, on the database that is there.
func (b *bench) measureStart(ctx context.Context, s *scene) error {
	const most = 30 // ms
	ours := func(ctx context.Context) (sample, error) {
		return b.starts(func() (time.Duration, error) { return s.world.restart(ctx) })
	}
	ruler := func(ctx context.Context) (sample, error) {
		return b.starts(func() (time.Duration, error) {
			begin := nanos()
			c, _, err := b.startRuler(ctx, bareNone)
			if err != nil {
				return 0, err
			}
			took := time.Duration(nanos() - begin)
			return took, c.stop(syscall.SIGTERM)
		})
	}
	p, err := b.repeat(ctx, ours, ruler)
	if err != nil {
		return err
	}
	r := &row{Engine: s.engine, Workload: "start", What: fmt.Sprintf("start to first 200, %d users", b.population(s)), Unit: "ms", Than: bareNone}
	p.fill(r)
	if s.engine == engineSQLite {
		r.judge("≤ 30 ms", r.Ours.Median <= most)
	}
	b.add(r)
	return nil
}

func (b *bench) population(s *scene) int {
	return len(s.people.readers) + len(s.people.ending) + len(s.people.callers)
}

// starts is the median of some starts.
func (b *bench) starts(start func() (time.Duration, error)) (sample, error) {
	var took []float64
	for range b.Starts {
		t, err := start()
		if err != nil {
			return sample{}, err
		}
		took = append(took, milliseconds(t))
	}
	return sample{value: spreadOf(took).Median}, nil
}

const mostIdle = 20 // MiB

// measureIdle measures the memory of a server that has just started.
func (b *bench) measureIdle(ctx context.Context, s *scene) error {
	p := &pairs{}
	for range b.Repeats {
		if _, err := s.world.restart(ctx); err != nil {
			return err
		}
		if err := b.settle(ctx, s.target()); err != nil {
			return err
		}
		mib, err := s.target().pss()
		if err != nil {
			return err
		}
		p.ours = append(p.ours, sample{value: mib})
	}
	r := &row{Engine: s.engine, Workload: "idle", What: "idle memory at start", Unit: "MiB PSS"}
	p.fill(r)
	r.judge("≤ 20 MiB", r.Ours.Median <= mostIdle)
	if s.world.cluster != nil {
		if mib, err := pssOfFamily(s.world.cluster.server.pid()); err == nil {
			r.Note = fmt.Sprintf("PostgreSQL's own %.1f MiB are not in it", mib)
		}
	}
	b.add(r)
	return nil
}

// measureRest measures the memory after everything else, and once nobody has signed in for a while.
func (b *bench) measureRest(ctx context.Context, s *scene) error {
	mib, err := s.target().pss()
	if err != nil {
		return err
	}
	r := &row{Engine: s.engine, Workload: "rest", What: "memory after the run", Unit: "MiB PSS"}
	(&pairs{ours: []sample{{value: mib}}}).fill(r)
	b.add(r)
	if b.Rest == 0 {
		return nil
	}
	if mib, err = b.pssAfter(ctx, s.target(), b.Rest); err != nil {
		return err
	}
	r = &row{Engine: s.engine, Workload: "rest", What: fmt.Sprintf("idle memory %v after the last sign-in", b.Rest), Unit: "MiB PSS"}
	(&pairs{ours: []sample{{value: mib}}}).fill(r)
	r.judge("≤ 20 MiB", mib <= mostIdle)
	b.add(r)
	return nil
}

func (b *bench) pssAfter(ctx context.Context, t *target, d time.Duration) (float64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(d):
	}
	return t.pss()
}

// measureHot measures what each user costs whose token the server has seen.
func (b *bench) measureHot(ctx context.Context, s *scene) error {
	hot := max(b.Hot, 10*b.Users)
	w, err := b.newWorld(ctx, s.engine)
	if err != nil {
		return err
	}
	b.worlds = append(b.worlds, w)
	people, err := b.populate(ctx, w, []crowd{{"reader", hot}})
	if err != nil {
		return err
	}
	t := w.target()
	o := &signOut{bench: b, t: t}
	reqs := each(people.readers, func(x session) []byte { return v1.meRequest(t.host, x.access) })
	// Load of any kind makes the heap grow; that is not the users'.
	if _, err := b.load(t, b.Warm, func() *stream { return cycle("me", t, readers, 200, reqs[:len(reqs)/100+1]) })(ctx); err != nil {
		return err
	}
	before, err := b.pssAfter(ctx, t, time.Second)
	if err != nil {
		return err
	}
	if _, err := o.all(ctx, o.list("me", readers, 200, reqs)); err != nil {
		return err
	}
	after, err := b.pssAfter(ctx, t, b.Rest)
	if err != nil {
		return err
	}
	r := &row{
		Engine: s.engine, Workload: "hot", What: fmt.Sprintf("memory a hot user, of %d", hot), Unit: "bytes",
		Target: "≤ 64 bytes beside its cached answers, which are bounded",
		Note:   fmt.Sprintf("%.1f MiB before, %.1f after each was seen once", before, after),
	}
	(&pairs{ours: []sample{{value: (after - before) * (1 << 20) / float64(hot)}}}).fill(r)
	b.add(r)
	return w.stop()
}

// measureGrowth compares the server over many users with the one over few, in turn.
func (b *bench) measureGrowth(ctx context.Context, s *scene) error {
	const same = 1.1
	grown := max(b.Grown, 10*b.Users)
	w, err := b.newWorld(ctx, s.engine)
	if err != nil {
		return err
	}
	b.worlds = append(b.worlds, w)
	b.say("%s: making %d users", s.engine, grown)
	many, err := b.populate(ctx, w, b.crowds(grown))
	if err != nil {
		return err
	}
	few, large := s.target(), w.target()
	reads := func(t *target, list []session) measurer {
		reqs := each(list, func(x session) []byte { return v1.meRequest(t.host, x.access) })
		return b.load(t, b.Warm, func() *stream { return cycle("me", t, readers, 200, reqs) })
	}
	refreshes := func(t *target, list []session) measurer {
		return b.load(t, b.Warm, func() *stream { return refreshing(t, list) })
	}
	for _, k := range []struct {
		what         string
		ours, beside measurer
	}{
		{"me", reads(large, many.readers), reads(few, s.people.readers)},
		{"refresh", refreshes(large, many.readers), refreshes(few, s.people.readers)},
	} {
		p, err := b.repeat(ctx, k.ours, k.beside)
		if err != nil {
			return err
		}
		r := &row{
			Engine: s.engine, Workload: "growth", What: fmt.Sprintf("%s at %d users", k.what, grown), Unit: "CPU µs",
			Than: fmt.Sprintf("at %d users", b.population(s)),
		}
		p.fill(r)
		r.judge("the same (ratio ≤ 1.1)", r.Ratio.Median <= same)
		b.add(r)
	}
	took, err := w.restart(ctx)
	if err != nil {
		return err
	}
	r := &row{Engine: s.engine, Workload: "growth", What: fmt.Sprintf("start to first 200, %d users", grown), Unit: "ms"}
	(&pairs{ours: []sample{{value: milliseconds(took)}}}).fill(r)
	b.add(r)
	return w.stop()
}
