//go:build linux

package main

import (
	"cmp"
	"slices"
)

// demand is what a load takes at its busiest moment: cores of all nodes, cores of the database.
type demand struct {
	reads, refreshes, signIns float64 // cores of the nodes
	database                  float64
	wal                       float64 // bytes a second
	disk                      float64
	writes                    float64 // a second
	network                   float64 // bytes a second
}

func (d *demand) nodes() float64 { return d.reads + d.refreshes + d.signIns }

const core = 1e6 // µs a second

// nothing is what is remembered on PostgreSQL until the feed of revocations is there.
var nothing = memory{1, 1}

// demands of a load on PostgreSQL.
func (l *load) demands(m memory, b balance) demand {
	w, o := l.work().times(busiest), remember(l, m, b, busiest)
	missed := o.tokenMisses + o.userMisses/2
	return demand{
		reads:     (o.requests*meCPU + missed*(missCPU-meCPU)) / core,
		refreshes: w.refreshes * refreshPgCPU / core,
		signIns:   w.signIns * signInCPU / core,
		database: (o.reads()*pgReadCPU + w.refreshes*(pgRefreshCPU+2*pgReadCPU) + w.signIns*(pgSignInCPU+pgReadCPU) +
			(w.ends+w.epochs)*(2*pgEndCPU+2*pgReadCPU) + float64(b.nodes)*(feedPolls+feedHeartbeats)*pgReadCPU) / core,
		wal: l.wal(w, 300, walFirst), disk: l.users*userBytes + l.sessions*sessionBytes,
		writes: w.commits(), network: (w.requests + w.refreshes + w.signIns) * wire,
	}
}

// onSQLite is the same in one process, database and all.
func (l *load) onSQLite(m memory) demand {
	w, o := l.work().times(busiest), remember(l, m, balance{1, true}, busiest)
	return demand{
		reads:     (o.requests*meCPU + (o.tokenMisses+o.userMisses/2)*sqliteMissCPU) / core,
		refreshes: w.refreshes * refreshCPU / core,
		signIns:   w.signIns * signInCPU / core,
		disk:      l.users*sqliteUser + l.sessions*sqliteSession,
		writes:    w.commits(), network: (w.requests + w.refreshes + w.signIns) * wire,
	}
}

func (p *printer) cores(l *load) {
	p.f("\n## Cores at the busiest moment\n\n| place | requests | refreshes | sign-ins | all nodes | the database | network MB/s |\n|---|---|---|---|---|---|---|\n")
	show := func(name string, d demand) {
		p.f("| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.0f |\n", name, d.reads, d.refreshes, d.signIns, d.nodes(), d.database, d.network/1e6)
	}
	show("PostgreSQL, an adopted table: nothing remembered", l.demands(nothing, balance{10, false}))
	for _, place := range places {
		show("PostgreSQL, "+place.name, l.demands(usual(), place.balance))
	}
	show("SQLite", l.onSQLite(usual()))
}

// limit is a thing that ends, and the part of it that is used.
type limit struct {
	name string
	used func(l *load) float64
}

// A node has eight cores, the database sixteen; six tenths of them may be busy, so that one of two can
// be away for a moment. A disk takes 100 MB of log a second and holds 1 TB.
const (
	nodeCores     = 8.0
	databaseCores = 16.0
	busy          = 0.6
	logBytes      = 1e8
	diskBytes     = 1e12
)

func onPostgres(m memory, b balance, shards float64) []limit {
	with := func(f func(d demand) float64) func(l *load) float64 {
		return func(l *load) float64 { return f(l.demands(m, b)) }
	}
	n := float64(b.nodes)
	return []limit{
		{"CPU of the nodes", with(func(d demand) float64 { return d.nodes() / (n * nodeCores * busy) })},
		{"CPU of the database", with(func(d demand) float64 { return d.database / (shards * databaseCores * busy) })},
		{"log", with(func(d demand) float64 { return d.wal / (shards * logBytes) })},
		{"disk", with(func(d demand) float64 { return d.disk / (shards * diskBytes) })},
	}
}

var onOneFile = []limit{
	{"CPU", func(l *load) float64 { d := l.onSQLite(usual()); return d.nodes() / (nodeCores * busy) }},
	{"the one writer", func(l *load) float64 { d := l.onSQLite(usual()); return d.writes / (sqliteWrites * busy) }},
	{"disk", func(l *load) float64 { d := l.onSQLite(usual()); return d.disk / diskBytes }},
}

// most is how many people, each with ten session rows, come until a limit is reached.
func most(one limit) float64 {
	low, high := 1e3, 1e11
	for high/low > 1.001 {
		middle := (low + high) / 2
		if high/low > 4 {
			middle = low * 2
		}
		if one.used(crowd(middle)) < 1 {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// crowd is so many people who come daily, weekly and monthly.
func crowd(n float64) *load {
	l := assumed(patterns(n)[0].classes)
	l.users, l.sessions = n, n*rows/people
	return l
}

func (p *printer) carried(*load) {
	p.f("\n## What a place carries: million users, with ten session rows each, until a limit\n\n| place | limits, the first one first |\n|---|---|\n")
	for _, place := range []struct {
		name   string
		limits []limit
	}{
		{"1 node, SQLite", onOneFile},
		{"10 nodes + PostgreSQL, an adopted table: nothing remembered", onPostgres(nothing, balance{10, false}, 1)},
		{"1 node + PostgreSQL", onPostgres(usual(), balance{1, true}, 1)},
		{"10 nodes + PostgreSQL, any of them", onPostgres(usual(), balance{10, false}, 1)},
		{"10 nodes + PostgreSQL, one for a user", onPostgres(usual(), balance{10, true}, 1)},
		{"40 nodes, one for a user, 8 databases", onPostgres(usual(), balance{40, true}, 8)},
	} {
		p.f("| %s |", place.name)
		for _, one := range sorted(place.limits) {
			p.f(" %s %s;", one.name, number(one.most/1e6))
		}
		p.f(" |\n")
	}
}

// reached is a limit with the people who come until it.
type reached struct {
	name string
	most float64
}

func sorted(limits []limit) (list []reached) {
	for _, one := range limits {
		list = append(list, reached{one.name, most(one)})
	}
	slices.SortFunc(list, func(a, b reached) int { return cmp.Compare(a.most, b.most) })
	return list
}
