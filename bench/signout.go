//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// measureSignOut measures ending sessions, and counts every answer that an ended one still got.
// In each repeat a share of the sessions is ended quietly and looked at afterwards, and a share
// while others read with the very tokens that are being ended.
func (b *bench) measureSignOut(ctx context.Context, s *scene) error {
	t := s.target()
	o := &signOut{bench: b, t: t}
	list, twins := s.people.ending, s.people.twins
	shares := 3 * b.Repeats
	n := len(list) / shares
	if n == 0 {
		return fmt.Errorf("%d sessions are too few for %d repeats", len(list), b.Repeats)
	}
	p := &pairs{}
	for i := range b.Repeats {
		at := 3 * n * i
		x, err := o.quietly(ctx, list[at:at+n])
		if err != nil {
			return err
		}
		p.ours = append(p.ours, x)
		if err := o.underReads(ctx, list[at+n:at+2*n]); err != nil {
			return err
		}
		if len(twins) == 0 {
			continue
		}
		if err := o.everywhere(ctx, list[at+2*n:at+3*n], twins[at+2*n:at+3*n]); err != nil {
			return err
		}
	}
	r := &row{Engine: s.engine, Workload: "sign-out", What: "sign-out, then me is refused", Unit: "CPU µs"}
	p.fill(r)
	r.Note = fmt.Sprintf("%d sessions ended, %d reads after that, %d of them answered", o.ended, o.checked, o.violations)
	r.judge("0 answered", o.violations == 0)
	b.add(r)
	return nil
}

type signOut struct {
	*bench
	t                          *target
	ended, checked, violations int
}

func (o *signOut) request(path, token string) []byte {
	return request("POST", o.t.host, path, "", "Authorization: Bearer "+token)
}

// list is a stream that sends each request once.
func (o *signOut) list(name string, width, want int, reqs [][]byte) *stream {
	sent := 0
	return &stream{name: name, addr: o.t.addr, width: width, want: want, next: func(c *conn) []byte {
		if sent == len(reqs) {
			return nil
		}
		c.mark = sent
		sent++
		return reqs[c.mark]
	}}
}

// all sends the requests of a list.
func (o *signOut) all(ctx context.Context, s *stream) (sample, error) {
	g, err := newGenerator(s)
	if err != nil {
		return sample{}, err
	}
	defer g.close()
	const most = 10 * time.Minute // 100 thousand first reads on a busy machine; it ends with the last answer
	x, err := o.window(ctx, g, o.t, s, most)
	if err == nil && !s.resting() {
		err = fmt.Errorf("%s: not all was answered within %v", s.name, most)
	}
	return x, err
}

// refused reads with tokens that are over.
func (o *signOut) refused(ctx context.Context, k *contract, list []session) error {
	s := o.list("me after a sign-out", readers, 0, each(list, func(x session) []byte { return k.meRequest(o.t.host, x.access) }))
	s.took = func(_ *conn, a *answer) error { return o.judge(true, a) }
	_, err := o.all(ctx, s)
	return err
}

// judge counts a read of a session that was over, or not, when the read was sent.
func (o *signOut) judge(over bool, a *answer) error {
	if a.status != 200 && a.status != 401 {
		return fmt.Errorf("a read was answered %v", a)
	}
	if over {
		o.checked++
		if a.status == 200 {
			o.violations++
		}
	}
	return nil
}

func (o *signOut) quietly(ctx context.Context, list []session) (sample, error) {
	hot := o.list("me", readers, 200, each(list, func(x session) []byte { return v1.meRequest(o.t.host, x.access) }))
	if _, err := o.all(ctx, hot); err != nil {
		return sample{}, err
	}
	x, err := o.all(ctx, o.list("sign-out", signers, 204, each(list, func(x session) []byte { return o.request("/v1/sign-out", x.access) })))
	if err != nil {
		return x, err
	}
	o.ended += len(list)
	return x, o.refused(ctx, v1, list)
}

// underReads ends sessions one after the other while connections read with the token at hand: a
// read that is sent after the sign-out was answered must be refused.
func (o *signOut) underReads(ctx context.Context, list []session) error {
	over := make([]bool, len(list))
	at, sent := 0, 0 // the session at hand
	reads := &stream{name: "me", addr: o.t.addr, width: 2 * signers}
	reads.next = func(c *conn) []byte {
		c.mark = at
		if sent++; at > 0 && sent%2 == 0 { // every other read has the token before
			c.mark = at - 1
		}
		c.noted = over[c.mark]
		return v1.meRequest(o.t.host, list[c.mark].access)
	}
	reads.took = func(c *conn, a *answer) error { return o.judge(c.noted, a) }
	outs := o.list("sign-out", 1, 204, each(list, func(x session) []byte { return o.request("/v1/sign-out", x.access) }))
	outs.took = func(c *conn, _ *answer) error {
		over[c.mark] = true
		o.ended++
		at = min(c.mark+1, len(list)-1)
		return nil
	}
	g, err := newGenerator(reads, outs)
	if err != nil {
		return err
	}
	defer g.close()
	if err := g.run(ctx, o.Patient, outs.resting); err != nil {
		return err
	}
	if err := g.run(ctx, o.Warm, nil); err != nil { // the readers find out that it is over
		return err
	}
	return g.drain(ctx)
}

// everywhere ends all of a user's sessions with one of them, and reads with the other, under
// another contract.
func (o *signOut) everywhere(ctx context.Context, list, twins []session) error {
	hot := o.list("me", readers, 200, each(twins, func(x session) []byte { return tag1.meRequest(o.t.host, x.access) }))
	if _, err := o.all(ctx, hot); err != nil {
		return err
	}
	outs := o.list("sign-out/everywhere", signers, 204, each(list, func(x session) []byte { return o.request("/v1/sign-out/everywhere", x.access) }))
	if _, err := o.all(ctx, outs); err != nil {
		return err
	}
	o.ended += 2 * len(list)
	if err := o.refused(ctx, v1, list); err != nil {
		return err
	}
	return o.refused(ctx, tag1, twins)
}
