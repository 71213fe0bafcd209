//go:build linux

package main

import "math"

// work is what people make the server do, a second, by the mean of a day.
type work struct {
	requests, refreshes, signIns, ends, epochs float64
}

func (l *load) work() work {
	v := visits(l.classes)
	return work{
		requests: v * float64(l.requests), refreshes: v * float64(l.refreshes()), signIns: l.signIns(),
		ends: l.signIns() * l.leave, epochs: l.signIns() * l.worry,
	}
}

// times is more of the same.
func (w work) times(n float64) work {
	return work{w.requests * n, w.refreshes * n, w.signIns * n, w.ends * n, w.epochs * n}
}

// commits are the transactions that write. The sweep takes 500 rows in one.
func (w work) commits() float64 {
	return w.refreshes + w.signIns + w.ends + w.epochs + w.signIns/500
}

// touched is how many pages so many changes a second, each anywhere among them, change between two checkpoints.
func touched(pages, rate, interval float64) float64 {
	return pages * (1 - math.Exp(-rate*interval/pages))
}

// wal is bytes a second of the log, where the first change of a page after a checkpoint takes first.
func (l *load) wal(w work, interval, first float64) float64 {
	pages := l.sessions * sessionHeap / 8192
	fresh := touched(pages, w.refreshes, interval) / interval
	return fresh*first + (w.refreshes-fresh)*walRefresh + w.signIns*walSignIn + (w.ends+w.epochs)*walEnd
}

// statement is a kind of them, with transactions' begin and commit: a round trip each.
type statement struct {
	name string
	rate float64
}

// statements are those a second at the database. The last three are of SECURITY (g): each sign-out
// tells the feed, behind its lock.
func (w work) statements(o outcome, nodes int) []statement {
	n := float64(nodes)
	return []statement{
		{"rows read for a request: user, session", o.reads()},
		{"refresh: a session read with its user", w.refreshes},
		{"refresh: update, its own transaction", w.refreshes},
		{"sign-in: rows read", 2 * w.signIns},
		{"sign-in: begin, insert, update, commit", 4 * w.signIns},
		{"sign-out: rows read", 2 * (w.ends + w.epochs)},
		{"sign-out: begin, update, commit", 3*w.ends + 4*w.epochs},
		{"feed: insert, notify", 2 * (w.ends + w.epochs)},
		{"feed: polls", n * feedPolls},
		{"feed: heartbeats", n * feedHeartbeats},
	}
}

func (p *printer) statements(l *load) {
	p.f("\n## Statements a second at the database (busiest moment; in an adopted table nothing is remembered on PostgreSQL)\n\n| kind |")
	list := append([]place{{"10 nodes, nothing remembered", balance{10, false}}}, places...)
	columns := make([][]statement, len(list))
	for i, place := range list {
		m := usual()
		if i == 0 {
			m = nothing
		}
		o := remember(l, m, place.balance, busiest)
		columns[i] = l.work().times(busiest).statements(o, place.balance.nodes)
		p.f(" %s |", place.name)
	}
	p.f("\n|---|---|---|---|---|\n")
	sums := make([]float64, len(columns))
	for row, s := range columns[0] {
		p.f("| %s |", s.name)
		for i := range columns {
			sums[i] += columns[i][row].rate
			p.f(" %s |", number(columns[i][row].rate))
		}
		p.f("\n")
	}
	p.f("| all |")
	for _, sum := range sums {
		p.f(" %s |", number(sum))
	}
	p.f("\n")
}

func (p *printer) database(l *load) {
	w := l.work()
	p.f("\n## The database\n\n| what | PostgreSQL | SQLite |\n|---|---|---|\n")
	p.f("| users with indexes | %.0f GB | %.0f GB |\n", l.users*userBytes/1e9, l.users*sqliteUser/1e9)
	p.f("| sessions with indexes | %.0f GB | %.0f GB |\n", l.sessions*sessionBytes/1e9, l.sessions*sqliteSession/1e9)
	p.f("| writing transactions a second, mean and busiest | %s, %s | the same, grouped |\n", number(w.commits()), number(w.commits()*busiest))
	for _, c := range []struct {
		name            string
		interval, first float64
	}{
		{"a checkpoint each 5 minutes", 300, walFirst},
		{"the same just after the table was loaded, its pages full", 300, walFull},
		{"a checkpoint each hour", 3600, walFirst},
		{"a checkpoint each 5 minutes, wal_compression", 300, walCompressed},
	} {
		p.f("| WAL, busiest and in a day: %s | %.1f MB/s; %.2f TB | – |\n", c.name,
			l.wal(w.times(busiest), c.interval, c.first)/1e6, l.wal(w, c.interval, c.first)*day.Seconds()/1e12)
	}
	o := remember(l, usual(), balance{10, true}, busiest)
	found := o.reads() + busiest*(2*w.refreshes+2*w.signIns+2*w.ends+2*w.epochs)
	p.f("| rows found by key a second, busiest, ten nodes, one for a user | %s: twice as many pages | – |\n", number(found))
	p.f("| tables and primary keys, where those pages are | %.0f GB | – |\n", (l.sessions*(sessionHeap+sessionKey)+l.users*(userHeap+userKey))/1e9)
	p.f("| old versions of session rows a day | %s (%.0f %% of the table) | – |\n",
		number(w.refreshes*day.Seconds()), 100*w.refreshes*day.Seconds()/l.sessions)
	p.f("| rows that the sweep deletes in its hour | %s, in %s transactions | the same |\n", number(w.signIns*3600), number(w.signIns*3600/500))
}

func (p *printer) feed(l *load) {
	w := l.work().times(busiest)
	rate := w.ends + w.epochs + w.signIns // a sign-in stamps its user, and wakes nobody
	kept := l.access.Seconds() + feedKept
	const storm = 1e7
	p.f("\n## The feed of revocations\n\n| what | figure |\n|---|---|\n")
	p.f("| rows a second, busiest | %s |\n", number(rate))
	p.f("| rows in the table | %s |\n", number(rate*feedLife))
	p.f("| ended sessions noted in each node | %s, %s MB |\n", number(w.ends*kept), number(w.ends*kept*feedEntry/1e6))
	p.f("| rows a second to ten nodes | %s |\n", number(10*rate))
	p.f("| everything is forgotten at | %s sign-outs a second for %s |\n", number(feedMost/kept), span(kept))
	p.f("| 10 million sign-outs at once, one by one | %.1f hours of commits that notify, in turns |\n", storm/feedWrites/3600)
	p.f("| the same by a global epoch | one row; then all daily users sign in again: %.0f core hours of hashing |\n",
		l.classes[0].users*signInCPU/1e6/3600)
}
