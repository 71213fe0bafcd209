package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/store/storetest"
)

// shortest is how long a server lives under load at least, so that some kills hit the first steps.
const shortest = 50 * time.Millisecond

func TestKill(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3", "sqlite3")
	survive(t, "", *kills)
}

// TestKillOnPostgres kills the server alone: that PostgreSQL survives a kill is PostgreSQL's to show.
func TestKillOnPostgres(t *testing.T) {
	t.Parallel()
	survive(t, storetest.Postgres(t), max(1, *kills/5))
}

// survive kills a server again and again, on one database.
func survive(t *testing.T, database string, kills int) {
	rng := chance(t)
	s := newSite(t, workshop(t), database)
	s.killAtBirth(t, rng)
	var past []witness
	for n := range kills {
		past = append(past, s.liveAndDie(t, fmt.Sprintf("life%d", n), rng)...)
		if t.Failed() {
			return
		}
	}
	recall(t, s, past, rng)
	t.Logf("%d kills survived; %d users", kills, len(past))
}

// liveAndDie lets a server work, kills it, and holds its successor to what it had answered.
func (s *site) liveAndDie(t *testing.T, label string, rng *rand.Rand) []witness {
	t.Helper()
	folder := filepath.Join(s.folder, label)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	server, _ := s.start(t)
	l := begin(t, server.addr, folder, label, rng)
	lived := shortest + time.Duration(rng.Int64N(int64(max(*life-shortest, 1))))
	time.Sleep(lived)
	struck := time.Now()
	l.end(server.kill)
	s.inspect(t)
	if rng.IntN(4) == 0 {
		s.killAtBirth(t, rng)
	}
	server, took := s.start(t)
	defer server.kill()
	f := check(server, readJournals(t, folder), acknowledged, struck)
	t.Logf("%s: killed after %s and %d answers; %d requests without one, %d of them done; ready after %s", label,
		lived.Round(time.Millisecond), l.asked.Load(), f.lost, f.done, took.Round(time.Millisecond))
	f.report(t, label)
	if took > readyWithin {
		t.Errorf("%s: ready\ngot:  after %s\nwant: within %s (R3)", label, took, readyWithin)
	}
	return f.facts
}

// killAtBirth kills a server that is still starting, perhaps repairing what the kill before left.
func (s *site) killAtBirth(t *testing.T, rng *rand.Rand) {
	n := s.launch(t)
	time.Sleep(time.Duration(rng.Int64N(int64(60 * time.Millisecond))))
	n.kill()
	s.inspect(t)
}

func acknowledged(a *answer) bool { return a != nil }

// findings are what a check came to.
type findings struct {
	lost, done int // requests whose answer was lost, and those among them that had been done
	facts      []witness
	wrong      []error
}

// check asks a server about everybody in the journals, at the time of the crash.
func check(n *node, logs [][]entry, acknowledged func(*answer) bool, struck time.Time) findings {
	var people []*person
	for _, log := range logs {
		people = append(people, after(log, acknowledged)...)
	}
	c := newCaller(n.addr)
	defer c.close()
	if !struck.IsZero() {
		if err := c.setClock(struck); err != nil {
			return findings{wrong: []error{err}}
		}
	}
	var f findings
	var mu sync.Mutex
	each(len(people), func(i int) {
		s, err := people[i].check(c)
		mu.Lock()
		defer mu.Unlock()
		f.add(people[i], s, err)
	})
	if err := c.setClock(time.Time{}); err != nil {
		f.wrong = append(f.wrong, err)
	}
	return f
}

// report tells what is wrong, as far as one reads.
func (f *findings) report(t *testing.T, label string) {
	t.Helper()
	const most = 5
	for _, err := range f.wrong[:min(most, len(f.wrong))] {
		t.Errorf("%s: %v", label, err)
	}
	if len(f.wrong) > most {
		t.Errorf("%s: and %d more", label, len(f.wrong)-most)
	}
}

func (f *findings) add(p *person, s *state, err error) {
	if p.lost != nil {
		f.lost++
	}
	switch {
	case err != nil:
		f.wrong = append(f.wrong, err)
		return
	case s == p.beyond:
		f.done++
	}
	f.facts = append(f.facts, witness{p.email, s.Password, s.Exists})
}

// each calls f for every number below n, a few at a time.
func each(n int, f func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	all.Wait()
}

// witness is a fact about a user that stays true: his password, if he was not deleted.
type witness struct {
	email, password string
	exists          bool
}

// recall asks at the end for facts of all lives.
func recall(t *testing.T, s *site, past []witness, rng *rand.Rand) {
	t.Helper()
	const most = 1000
	rng.Shuffle(len(past), func(i, j int) { past[i], past[j] = past[j], past[i] })
	server, _ := s.start(t)
	c := newCaller(server.addr)
	defer c.close()
	each(min(len(past), most), func(i int) {
		w := past[i]
		a, err := c.signIn(w.email, w.password)
		if err != nil || (a.Status == 200) != w.exists {
			t.Errorf("sign in at the end as %+v\ngot:  %d %v\nwant: success %t", w, a.Status, err, w.exists)
		}
	})
	if err := server.stop(); err != nil {
		t.Error(err)
	}
}
