package crash

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A server works under the tracer, which slows it down, until it has given so many answers: more
// than one checkpoint of the log (1000 pages) goes by. It has so long for them.
const (
	recorded       = 900
	recordedWithin = 20 * time.Second
)

// recording is a server's life in calls and in answers.
type recording struct {
	events  []event
	answers map[string]int // the line where an answer began, by the request's id
	logs    [][]entry
	last    int // line
}

func TestPowerLoss(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3", "sqlite3")
	need(t, "strace", "strace")
	rng := chance(t)
	folder := workshop(t)
	r := record(t, folder, rng)
	for n := range *cuts {
		label := fmt.Sprintf("cut%d", n)
		fate := fates[n%len(fates)]
		line := r.moment(rng, n/len(fates)%2 == 0)
		f := r.lose(t, newSite(t, filepath.Join(folder, label), ""), r.events, line, fate, rng)
		t.Logf("%s at line %d of %d: %s; %d users, %d requests without an answer, %d of them done", label, line, r.last,
			fate.name, len(f.facts), f.lost, f.done)
		f.report(t, label)
		if t.Failed() {
			return
		}
	}
	r.deaf(t, newSite(t, filepath.Join(folder, "deaf"), ""), rng)
}

// record lets a server work until it is killed.
func record(t *testing.T, folder string, rng *rand.Rand) *recording {
	t.Helper()
	s := newSite(t, folder, "")
	file := filepath.Join(folder, "trace")
	s.tracer = tracer(file)
	server, _ := s.start(t)
	l := begin(t, server.addr, folder, "recorded", rng)
	for end := time.Now().Add(recordedWithin); l.asked.Load() < recorded && time.Now().Before(end); {
		time.Sleep(shortest)
	}
	l.end(server.kill)
	if _, err := io.Copy(io.Discard, server.traced); err != nil { // until the tracer has written all
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := filepath.EvalSymlinks(s.data())
	if err != nil {
		t.Fatal(err)
	}
	events, err := readTrace(f, data)
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{events: events, answers: answersOf(events), logs: readJournals(t, folder)}
	if len(events) == 0 || l.asked.Load() == 0 {
		unable(t, "strace recorded nothing: it needs the right to trace processes of one's own (in a container: SYS_PTRACE)")
	}
	r.last = events[len(events)-1].ended
	r.judge(t)
	return r
}

// judge holds that the recording is whole: it has every answer, and a checkpoint of the log.
func (r *recording) judge(t *testing.T) {
	t.Helper()
	counts := map[kind]int{}
	checkpointed := 0
	for _, e := range r.events {
		counts[e.kind]++
		if e.kind == written && e.name == "doorward.db" {
			checkpointed++
		}
	}
	acked := 0
	for _, log := range r.logs {
		for _, e := range log {
			if e.Answer == nil {
				continue
			}
			acked++
			if r.answers[e.Answer.Request] == 0 {
				t.Errorf("the trace has no answer to request %s", e.Answer.Request)
			}
		}
	}
	t.Logf("recorded %d answers; events %v, %d pages of the database written", acked, counts, checkpointed)
}

// moment draws a line to cut at: right where an answer begins to leave, or anywhere.
func (r *recording) moment(rng *rand.Rand, answer bool) int {
	if !answer {
		return 1 + rng.IntN(r.last)
	}
	e := r.events[rng.IntN(len(r.events))]
	for e.kind != answering {
		e = r.events[rng.IntN(len(r.events))]
	}
	return e.began
}

// lose cuts the power at a line and asks a server on what is left about everything that had been
// answered by then.
func (r *recording) lose(t *testing.T, s *site, events []event, line int, f fate, rng *rand.Rand) findings {
	t.Helper()
	d, err := replay(events, line)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFiles(s.data(), d.cut(rng, f)); err != nil {
		t.Fatal(err)
	}
	s.inspect(t)
	var struck time.Time
	acknowledged := func(a *answer) bool {
		known := a != nil && r.answers[a.Request] != 0 && r.answers[a.Request] <= line
		if known && a.At.After(struck) {
			struck = a.At
		}
		return known
	}
	for _, log := range r.logs {
		after(log, acknowledged) // finds struck
	}
	server, _ := s.start(t)
	defer server.kill()
	return check(server, r.logs, acknowledged, struck)
}

// deaf cuts the power of a disk that ignores every sync of the log, as synchronous=NORMAL would.
// Then facts must be missing: or this test could not see it.
func (r *recording) deaf(t *testing.T, s *site, rng *rand.Rand) {
	t.Helper()
	events := slices.DeleteFunc(slices.Clone(r.events), func(e event) bool {
		return e.kind == synced && strings.HasSuffix(e.name, "-wal")
	})
	f := r.lose(t, s, events, r.last, fates[0], rng)
	if len(f.wrong) == 0 {
		t.Error("a disk that syncs no log\ngot:  nothing is lost\nwant: this test sees that facts are")
	}
	t.Logf("a disk that syncs no log loses facts about %d users", len(f.wrong))
}
