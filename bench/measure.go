//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// spread is one figure of all repeats: the median, and how far they lie apart.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	N      int     `json:"n"`
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (v[len(v)/2-1] + mid) / 2
	}
	return spread{Median: mid, Low: v[0], High: v[len(v)-1], N: len(v)}
}

// row is a line of the report.
type row struct {
	Engine   string `json:"engine"`
	Workload string `json:"workload"`
	What     string `json:"what"`
	Unit     string `json:"unit"` // of Ours and Beside
	Ours     spread `json:"ours"`
	Beside   spread `json:"beside"`
	Than     string `json:"than"`  // what stands beside: a ruler, or ourselves on another day
	Ratio    spread `json:"ratio"` // Ours / Beside, within a repeat
	Rate     spread `json:"rate_per_second"`
	P50      spread `json:"p50_ms"`
	P99      spread `json:"p99_ms"`
	Target   string `json:"target"` // of DESIGN "Numbers" or SECURITY
	Met      *bool  `json:"met"`    // nil: nobody set a target
	Note     string `json:"note,omitempty"`
}

// sample is one window.
type sample struct {
	value     float64 // what the row is about: CPU µs a request, ms, MiB
	rate      float64 // answers a second
	p50, p99  time.Duration
	statuses  map[int]int
	done      int
	generator time.Duration // how late the generator was at p99, at a fixed rate
}

// pairs are the repeats of a row: ours and what stands beside, measured in turn.
type pairs struct{ ours, beside []sample }

// values picks one figure of every sample.
func values(list []sample, pick func(*sample) float64) (v []float64) {
	for i := range list {
		v = append(v, pick(&list[i]))
	}
	return v
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// fill writes the figures of the repeats into r.
func (p *pairs) fill(r *row) {
	value := func(s *sample) float64 { return s.value }
	r.Ours, r.Beside = spreadOf(values(p.ours, value)), spreadOf(values(p.beside, value))
	r.Rate = spreadOf(values(p.ours, func(s *sample) float64 { return s.rate }))
	r.P50 = spreadOf(values(p.ours, func(s *sample) float64 { return milliseconds(s.p50) }))
	r.P99 = spreadOf(values(p.ours, func(s *sample) float64 { return milliseconds(s.p99) }))
	var ratios []float64
	for i := range min(len(p.ours), len(p.beside)) {
		if p.beside[i].value > 0 {
			ratios = append(ratios, p.ours[i].value/p.beside[i].value)
		}
	}
	r.Ratio = spreadOf(ratios)
}

// measurer gives one sample.
type measurer func(ctx context.Context) (sample, error)

// repeat measures ours and what stands beside in turn, and who goes first changes.
func (b *bench) repeat(ctx context.Context, ours, beside measurer) (*pairs, error) {
	p := &pairs{}
	take := func(m measurer, list *[]sample) error {
		if m == nil {
			return nil
		}
		s, err := m(ctx)
		*list = append(*list, s)
		return err
	}
	for i := range b.Repeats {
		first, second := ours, beside
		listOne, listTwo := &p.ours, &p.beside
		if i%2 == 1 {
			first, second, listOne, listTwo = second, first, listTwo, listOne
		}
		if err := take(first, listOne); err != nil {
			return nil, err
		}
		if err := take(second, listTwo); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// load measures a server under one stream: CPU a request, rate and latencies, after a warm-up. A
// stream that runs out of requests ends the window.
func (b *bench) load(t *target, warm time.Duration, traffic func() *stream) measurer {
	return func(ctx context.Context) (sample, error) {
		s := traffic()
		g, err := newGenerator(s)
		if err != nil {
			return sample{}, err
		}
		defer g.close()
		if warm > 0 {
			if err := g.run(ctx, warm, s.resting); err != nil {
				return sample{}, fmt.Errorf("%s: %w", t.name, err)
			}
		}
		x, err := b.window(ctx, g, t, s, b.Window)
		if err != nil {
			return sample{}, fmt.Errorf("%s: %w", t.name, err)
		}
		return x, g.drain(ctx)
	}
}

// window runs a generator for d, and says what stream s and its server did in that time.
func (b *bench) window(ctx context.Context, g *generator, t *target, s *stream, d time.Duration) (sample, error) {
	s.reset()
	before, err := t.cpu()
	if err != nil {
		return sample{}, err
	}
	from := nanos()
	if err := g.run(ctx, d, s.resting); err != nil {
		return sample{}, err
	}
	took := float64(nanos()-from) / 1e9
	after, err := t.cpu()
	if err != nil {
		return sample{}, err
	}
	if s.done == 0 {
		return sample{}, errors.New("nothing was answered")
	}
	x := sample{
		value: float64(after-before) / float64(time.Microsecond) / float64(s.done),
		rate:  float64(s.done) / took, statuses: s.statuses, done: s.done, generator: s.late.quantile(0.99),
	}
	s.census()
	x.p50, x.p99 = s.latency.quantile(0.5), s.latency.quantile(0.99)
	return x, nil
}

// settle waits until a server has nothing left to do, at most for half a minute.
func (b *bench) settle(ctx context.Context, t *target) error {
	const quiet, look = 10 * time.Millisecond, 100 * time.Millisecond
	for range 300 {
		before, err := t.cpu()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		after, err := t.cpu()
		if err != nil || after-before < quiet {
			return err
		}
	}
	return nil
}

// judge notes a target, and whether it was met.
func (r *row) judge(target string, met bool) {
	r.Target, r.Met = target, &met
}

// add takes a row into the report.
func (b *bench) add(r *row) {
	b.rows = append(b.rows, r)
	b.say("%-8s %-34s %s", r.Engine, r.What, r.brief())
}
