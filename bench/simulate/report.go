//go:build linux

package main

import (
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"doorward/internal/account"
)

const (
	people = 1e8
	rows   = 1e9
)

// place is a way to run Doorward.
type place struct {
	name    string
	balance balance
}

var places = []place{
	{"1 node", balance{1, true}},
	{"10 nodes, any of them", balance{10, false}},
	{"10 nodes, one for a user", balance{10, true}},
}

func usual() memory { return memory{account.HotTokens, account.HotUsers} }

func (m memory) bytes() float64 {
	return m.tokens*account.HotTokenBytes + m.users*account.HotUserBytes
}

// report writes all tables. one of so many people is played.
func report(out io.Writer, seed uint64, one float64) error {
	p := &printer{out: out}
	list := patterns(people)
	town := assumed(list[0].classes)
	town.users, town.sessions = people, rows
	p.f("Made by `make simulate`; [capacity.md](capacity.md) says what follows, and what was measured.\n\n")
	p.load(town)
	p.patterns(list)
	p.sizes(town)
	p.played(town, seed, one)
	p.statements(town)
	p.database(town)
	p.feed(town)
	p.cores(town)
	p.carried(town)
	return p.err
}

// printer writes until a write fails.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *printer) load(l *load) {
	p.f("## Load\n\n%.0f million users, %.0f million session rows\n\n", l.users/1e6, l.sessions/1e6)
	p.f("| a second | mean | busiest |\n|---|---|---|\n")
	w := l.work()
	for _, row := range []struct {
		name string
		rate float64
	}{
		{"visits", visits(l.classes)},
		{"requests with an access token", w.requests},
		{"refreshes", w.refreshes},
		{"sign-ins", w.signIns},
		{"sign-outs of one device", w.ends},
		{"changes of a password, sign-outs everywhere", w.epochs},
	} {
		p.f("| %s | %s | %s |\n", row.name, number(row.rate), number(row.rate*busiest))
	}
}

func (p *printer) patterns(list []pattern) {
	p.f("\n## What memory answers, by access pattern (busiest moment, %d tokens and %d users a node)\n\n", account.HotTokens, account.HotUsers)
	p.f("| pattern | place | answered without SQL | a token stays | a user stays | row reads a second |\n|---|---|---|---|---|---|\n")
	for _, pattern := range list {
		for _, place := range places {
			o := remember(assumed(pattern.classes), usual(), place.balance, busiest)
			p.f("| %s | %s | %.1f %% | %s | %s | %s |\n", pattern.name, place.name, 100*o.hit(), span(o.tokenStay), span(o.userStay), number(o.reads()))
		}
	}
}

func (p *printer) sizes(l *load) {
	p.f("\n## By the size of memory (daily, weekly, monthly; busiest moment)\n\n")
	p.f("| tokens, users a node | MB a node |")
	for _, place := range places {
		p.f(" %s: without SQL | reads a second |", place.name)
	}
	p.f("\n|---|---|---|---|---|---|---|---|\n")
	for _, times := range []float64{0.25, 1, 4, 16, 64} {
		m := memory{usual().tokens * times, usual().users * times}
		p.f("| %s, %s | %s |", number(m.tokens), number(m.users), number(m.bytes()/1e6))
		for _, place := range places {
			o := remember(l, m, place.balance, busiest)
			p.f(" %.1f %% | %s |", 100*o.hit(), number(o.reads()))
		}
		p.f("\n")
	}
}

// played compares the formula with a play of one of so many people through a day.
func (p *printer) played(l *load, seed uint64, one float64) {
	p.f("\n## One of %s people played, and the formula, with the usual memory and 16 times as much\n\n", number(one))
	p.f("| place | memory | hour | played: without SQL | formula |\n|---|---|---|---|---|\n")
	tables := make([]string, 2*len(places))
	var players sync.WaitGroup
	for i := range tables {
		players.Go(func() { tables[i] = playDay(l, places[i/2], []float64{1, 16}[i%2], seed, one) })
	}
	players.Wait()
	for _, table := range tables {
		p.f("%s", table)
	}
}

// playDay warms a memory for six hours and plays from six in the morning to the end of the busiest hour.
func playDay(l *load, place place, times float64, seed uint64, one float64) (table string) {
	m := memory{usual().tokens * times, usual().users * times}
	few, small := sampled(l, m, one)
	s := newStreet(few, small, place.balance, seed)
	const hour = 3600
	for _, part := range []struct {
		until float64
		name  string
	}{{6 * hour, ""}, {7 * hour, "06 to 07"}, {11.5 * hour, ""}, {12.5 * hour, "the busiest"}} {
		middle := (s.clock + part.until) / 2
		got := s.play(part.until-s.clock, moment)
		if part.name != "" {
			want := remember(l, m, place.balance, moment(middle))
			table += fmt.Sprintf("| %s | × %.0f | %s | %.1f %% | %.1f %% |\n", place.name, times, part.name, 100*got.hit(), 100*want.hit())
		}
	}
	return table
}

func number(x float64) string {
	switch {
	case x >= 9.95e6:
		return fmt.Sprintf("%.0f M", x/1e6)
	case x >= 9950:
		return fmt.Sprintf("%.0f k", x/1e3)
	case x >= 99.5:
		return fmt.Sprintf("%.0f", math.Round(x/10)*10)
	}
	return fmt.Sprintf("%.3g", x)
}

func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 300*day:
		return "as long as it is good"
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
