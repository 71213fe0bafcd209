//go:build linux

package main

import (
	"bytes"
	"context"
)

// measureRulers measures what a request costs that does only so much.
func (b *bench) measureRulers(ctx context.Context, s *scene) error {
	if s.engine != b.engines[0] {
		return nil // they have no database
	}
	check, err := b.beside(ctx, bareHS256)
	if err != nil {
		return err
	}
	for _, name := range rulerNames[:5] {
		m, err := b.beside(ctx, name)
		if err != nil {
			return err
		}
		than := check
		if name == bareHS256 {
			than = nil
		}
		p, err := b.repeat(ctx, m, than)
		if err != nil {
			return err
		}
		r := &row{Engine: "-", Workload: "rulers", What: name, Unit: "CPU µs", Than: bareHS256}
		p.fill(r)
		b.add(r)
	}
	return nil
}

// measureMe measures reading one's own account with tokens that were seen before.
func (b *bench) measureMe(ctx context.Context, s *scene) error {
	const most = 1.25
	for _, k := range []struct {
		*contract
		list  []session
		ruler string
		what  string
	}{
		{v1, s.people.readers, bareCached, "me, warm, EdDSA"},
		{tag1, s.people.classic, bareHS256, "me, warm, HS256 (tag1)"},
	} {
		if len(k.list) == 0 {
			continue
		}
		t := s.target()
		reqs := each(k.list, func(x session) []byte { return k.meRequest(t.host, x.access) })
		beside, err := b.beside(ctx, k.ruler)
		if err != nil {
			return err
		}
		p, err := b.repeat(ctx, b.load(t, b.Warm, func() *stream { return cycle("me", t, readers, 200, reqs) }), beside)
		if err != nil {
			return err
		}
		r := &row{Engine: s.engine, Workload: "me", What: k.what, Unit: "CPU µs", Than: k.ruler}
		p.fill(r)
		r.judge("≤ 1.25 × "+k.ruler, r.Ratio.Median <= most)
		b.add(r)
	}
	return nil
}

// measureJunk measures refusing tokens that somebody made up: good in everything but the
// signature, each sent again and again.
func (b *bench) measureJunk(ctx context.Context, s *scene) error {
	const most = 30 // µs, SECURITY L4
	for _, k := range []struct {
		*contract
		list []session
		what string
	}{
		{v1, s.people.readers, "a junk token refused, EdDSA"},
		{tag1, s.people.classic, "a junk token refused, HS256 (tag1)"},
	} {
		if len(k.list) == 0 {
			continue
		}
		t := s.target()
		reqs := each(k.list, func(x session) []byte { return k.meRequest(t.host, forged(x.access)) })
		none, err := b.beside(ctx, bareNone)
		if err != nil {
			return err
		}
		p, err := b.repeat(ctx, b.load(t, b.Warm, func() *stream { return cycle("junk", t, readers, 401, reqs) }), none)
		if err != nil {
			return err
		}
		r := &row{Engine: s.engine, Workload: "junk", What: k.what, Unit: "CPU µs", Than: bareNone}
		p.fill(r)
		r.judge("≤ bare-none + 30 µs", r.Ours.Median-r.Beside.Median <= most)
		b.add(r)
	}
	return nil
}

// forged is a token with another signature of the same length.
func forged(token string) string {
	b := []byte(token)
	signature := b[bytes.LastIndexByte(b, '.')+1:]
	for i := range signature[:len(signature)/2] {
		if signature[i]++; signature[i] > 'y' || signature[i] < 'a' {
			signature[i] = 'a'
		}
	}
	return string(b)
}
