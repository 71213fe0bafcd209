//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// signIns are requests of so many people.
func signIns(t *target, emails []string) (reqs [][]byte) {
	for _, email := range emails {
		reqs = append(reqs, v1.signInRequest(t.host, email))
	}
	return reqs
}

// measureStorm sends many sign-ins in one moment and sees how many get in while their people wait.
func (b *bench) measureStorm(ctx context.Context, s *scene) error {
	ruler, err := b.ruler(ctx, bareLogin)
	if err != nil {
		return err
	}
	said := &refusals{}
	p, err := b.repeat(ctx, b.storm(s.target(), s.people.callers, said), b.storm(ruler, s.people.callers, &refusals{}))
	if err != nil {
		return err
	}
	r := &row{
		Engine: s.engine, Workload: "storm", What: fmt.Sprintf("%d sign in at once: let in within %v", b.Storm, b.Patient),
		Unit: "sign-ins", Than: bareLogin,
	}
	p.fill(r)
	r.Note = said.String()
	b.add(r)
	return nil
}

// refusals are the answers of a storm that were no success.
type refusals struct {
	busy, other, silent int
	slowest             time.Duration // of the 503s
	storms              int
}

func (r *refusals) String() string {
	return fmt.Sprintf("a storm: %.0f × 503 (slowest after %v), %.0f × another status, %.0f × no answer; latencies are those of who got in",
		float64(r.busy)/float64(r.storms), r.slowest.Round(time.Millisecond), float64(r.other)/float64(r.storms), float64(r.silent)/float64(r.storms))
}

func (b *bench) storm(t *target, emails []string, said *refusals) measurer {
	reqs := signIns(t, emails[:min(b.Storm, len(emails))])
	return func(ctx context.Context) (sample, error) {
		if err := b.settle(ctx, t); err != nil {
			return sample{}, err
		}
		in := &histogram{}
		sent := 0
		s := &stream{name: "storm", addr: t.addr, width: len(reqs)}
		s.next = func(*conn) []byte {
			if sent == len(reqs) {
				return nil
			}
			sent++
			return reqs[sent-1]
		}
		s.took = func(c *conn, a *answer) error {
			took := nanos() - c.started
			switch a.status {
			case 200:
				in.add(took)
			case 503:
				said.busy++
				said.slowest = max(said.slowest, time.Duration(took))
			default:
				said.other++
			}
			return nil
		}
		g, err := newGenerator(s)
		if err != nil {
			return sample{}, err
		}
		defer g.close()
		from := nanos()
		if err := g.run(ctx, b.Patient, s.resting); err != nil {
			return sample{}, fmt.Errorf("%s: %w", t.name, err)
		}
		said.silent += len(reqs) - s.done
		said.storms++
		return sample{
			value: float64(in.n), rate: float64(in.n) / (float64(nanos()-from) / 1e9),
			p50: in.quantile(0.5), p99: in.quantile(0.99), statuses: s.statuses, done: s.done,
		}, nil
	}
}

// The reads beside a storm: at a fixed rate, as PERFORMANCE's W8b, and as fast as they are
// answered, as its W8.
const (
	pacedRate  = 600
	floodWidth = 4
)

func (b *bench) measurePaced(ctx context.Context, s *scene) error {
	return b.measureBeside(ctx, s, "me-in-storm", fmt.Sprintf("me, %d/s, while %d sign in", pacedRate, b.Storm), readers, pacedRate)
}

func (b *bench) measureFlood(ctx context.Context, s *scene) error {
	return b.measureBeside(ctx, s, "flood-in-storm", fmt.Sprintf("me, %d connections, while %d sign in", floodWidth, b.Storm), floodWidth, 0)
}

// measureBeside compares reads in a storm with the same reads before it.
func (b *bench) measureBeside(ctx context.Context, s *scene, workload, what string, width int, rate float64) error {
	t := s.target()
	reqs := each(s.people.readers, func(x session) []byte { return v1.meRequest(t.host, x.access) })
	p, kept, signedIn := &pairs{}, []float64{}, []float64{}
	for range b.Repeats {
		if err := b.settle(ctx, t); err != nil {
			return err
		}
		reads := cycle("me", t, width, 200, reqs)
		reads.rate = rate
		quiet, busy, n, err := b.beforeAndIn(ctx, t, reads, stormy(t, b.Storm, signIns(t, s.people.callers)))
		if err != nil {
			return err
		}
		p.ours, p.beside = append(p.ours, busy), append(p.beside, quiet)
		kept, signedIn = append(kept, 100*busy.rate/quiet.rate), append(signedIn, n)
	}
	r := &row{Engine: s.engine, Workload: workload, What: what, Unit: "ms at p99", Than: "quiet"}
	p.fill(r)
	rate100 := spreadOf(kept)
	r.Note = fmt.Sprintf("%.0f %% [%.0f–%.0f] of the quiet rate; %.1f sign-ins a second; quiet p50 %s ms", rate100.Median, rate100.Low, rate100.High,
		spreadOf(signedIn).Median, figure(spreadOf(values(p.beside, func(x *sample) float64 { return milliseconds(x.p50) })).Median))
	if late := spreadOf(values(p.ours, func(x *sample) float64 { return milliseconds(x.generator) })); late.High > 1 {
		r.Note += fmt.Sprintf("; the load itself was %s ms late at p99, so this machine is not quiet", figure(late.High))
	}
	r.judge("p99 ≤ 2 × quiet, ≥ 80 % of the rate", r.Ratio.Median <= 2 && rate100.Median >= 80)
	b.add(r)
	return nil
}

// beforeAndIn measures reads alone, then while a storm goes on, and how many a second got in.
func (b *bench) beforeAndIn(ctx context.Context, t *target, reads, storm *stream) (quiet, busy sample, signedIn float64, err error) {
	g, err := newGenerator(reads)
	if err != nil {
		return quiet, busy, 0, err
	}
	defer g.close()
	if err := g.run(ctx, b.Warm, nil); err != nil {
		return quiet, busy, 0, err
	}
	if quiet, err = b.window(ctx, g, t, reads, b.Paced); err != nil {
		return quiet, busy, 0, err
	}
	g.add(storm)
	if err := g.run(ctx, b.Warm, nil); err != nil { // until it is a storm
		return quiet, busy, 0, err
	}
	storm.reset()
	if busy, err = b.window(ctx, g, t, reads, b.Paced); err != nil {
		return quiet, busy, 0, err
	}
	quiet.value, busy.value = milliseconds(quiet.p99), milliseconds(busy.p99)
	return quiet, busy, float64(storm.statuses[200]) / b.Paced.Seconds(), nil
}

// stormy is a stream of people who sign in again and again, and wait as long as a 503 asks them to.
func stormy(t *target, width int, reqs [][]byte) *stream {
	i := 0
	return &stream{
		name: "storm", addr: t.addr, width: width,
		next: func(c *conn) []byte {
			if c.noted { // it was told to come back later
				c.noted = false
				return nil
			}
			i++
			return reqs[i%len(reqs)]
		},
		took: func(c *conn, a *answer) error {
			if a.status == 200 {
				return nil
			}
			if a.status != 503 && a.status != 429 {
				return fmt.Errorf("a sign-in was answered %v", a)
			}
			seconds, err := strconv.Atoi(field(a.header, "Retry-After"))
			if err != nil || seconds < 1 {
				return fmt.Errorf("a refusal without Retry-After: %.300q", a.header)
			}
			c.noted, c.wake = true, nanos()+int64(min(seconds, 10))*int64(time.Second)
			return nil
		},
	}
}
