//go:build linux

package main

import (
	"context"
	"fmt"
)

const (
	signers = 4 // connections that sign in or up
	// shareOfHash is how much of a sign-in's CPU should be the hash.
	shareOfHash = 0.95
)

// measureRefresh measures exchanging refresh tokens: each connection is one device, and what it
// got is on the disk when it has its answer.
func (b *bench) measureRefresh(ctx context.Context, s *scene) error {
	const most = 300 // CPU µs
	check, err := b.beside(ctx, bareHS256)
	if err != nil {
		return err
	}
	t := s.target()
	p, err := b.repeat(ctx, b.load(t, b.Warm, func() *stream { return refreshing(t, s.people.readers) }), check)
	if err != nil {
		return err
	}
	r := &row{Engine: s.engine, Workload: "refresh", What: "refresh with rotation, durable", Unit: "CPU µs", Than: bareHS256}
	p.fill(r)
	r.judge("≤ 300 µs", r.Ours.Median <= most)
	b.add(r)
	return nil
}

// refreshing is a stream that keeps the newest token of each device in list.
func refreshing(t *target, list []session) *stream {
	return refreshingAt(t, list, "/v1/refresh", "refresh_token", v1)
}

// refreshingAt is refreshing at a path, with the token in a member of the body.
func refreshingAt(t *target, list []session, path, member string, k *contract) *stream {
	devices := 0
	return &stream{
		name: "refresh", addr: t.addr, width: min(readers, len(list)), want: 200,
		next: func(c *conn) []byte {
			if !c.noted {
				c.noted, c.mark = true, devices
				devices++
			}
			return request("POST", t.host, path, `{"`+member+`":"`+list[c.mark].refresh+`"}`)
		},
		took: func(c *conn, a *answer) error {
			x, err := k.session(a)
			if err == nil && x.refresh == list[c.mark].refresh {
				err = fmt.Errorf("a refresh gave the same token again")
			}
			list[c.mark] = x
			return err
		},
	}
}

// measureSignIn measures signing in with a hash at the server's own cost, beside a server that
// only hashes, and beside the hash alone.
func (b *bench) measureSignIn(ctx context.Context, s *scene) error {
	t := s.target()
	reqs := signIns(t, s.people.callers)
	ours := b.load(t, b.Warm, func() *stream { return cycle("sign-in", t, signers, 200, reqs) })
	r, err := b.measureHashing(ctx, s, "sign-in", ours, bareLogin)
	if err != nil {
		return err
	}
	b.add(r)
	if r, err = b.measureHashing(ctx, s, "sign-in", ours, ownHash); err != nil {
		return err
	}
	share := 1 / r.Ratio.Median
	r.What = "sign-in, beside its own hash"
	r.Note = fmt.Sprintf("the hash is %.1f %% of the CPU", 100*share)
	r.judge("≥ 95 % the hash", share >= shareOfHash)
	b.add(r)
	return nil
}

// measureSignUp measures registering, which signs in too.
func (b *bench) measureSignUp(ctx context.Context, s *scene) error {
	t := s.target()
	ours := b.load(t, b.Warm, func() *stream {
		return &stream{name: "sign-up", addr: t.addr, width: signers, want: 201, next: func(*conn) []byte {
			return signUpRequest(t.host, b.newEmail())
		}}
	})
	r, err := b.measureHashing(ctx, s, "sign-up", ours, bareLogin)
	if err != nil {
		return err
	}
	b.add(r)
	return nil
}

func (b *bench) measureHashing(ctx context.Context, s *scene, workload string, ours measurer, ruler string) (*row, error) {
	t, err := b.ruler(ctx, ruler)
	if err != nil {
		return nil, err
	}
	reqs := signIns(t, []string{emailOf("caller", 1)})
	p, err := b.repeat(ctx, ours, b.load(t, b.Warm, func() *stream { return cycle("sign-in", t, signers, 200, reqs) }))
	if err != nil {
		return nil, err
	}
	r := &row{Engine: s.engine, Workload: workload, What: workload, Unit: "CPU µs", Than: ruler}
	p.fill(r)
	return r, nil
}

func signUpRequest(host, email string) []byte {
	return request("POST", host, "/v1/sign-up", fmt.Sprintf(`{"email":%q,"password":%q}`, email, thePassword))
}

// newEmail is an address that nobody has, in any run.
func (b *bench) newEmail() string {
	b.newcomers++
	return fmt.Sprintf("bench-%d-%d@bench.example", began.UnixNano(), b.newcomers)
}
