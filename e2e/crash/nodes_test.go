package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorward/internal/store/storetest"
)

const (
	// boundFor is how long a node may go on answering from memory that nobody tells anything (T3).
	boundFor = 5 * time.Second
	// soonEnough is what a busy machine may take for what a quiet one does in milliseconds.
	soonEnough = 10 * time.Second
)

// group is some nodes on one database, each with a wire of its own and a caller.
type group struct {
	site     *site
	database string
	nodes    []*node
	wires    []*wire
	callers  []*caller
}

func newGroup(t *testing.T, n int) *group {
	t.Helper()
	g := &group{database: storetest.Postgres(t)}
	g.site = newSite(t, workshop(t), "")
	for range n {
		w, through := newWire(t, g.database)
		g.site.database = through
		node, _ := g.site.start(t)
		c := newCaller(node.addr)
		c.http.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
		t.Cleanup(c.close)
		g.nodes, g.wires, g.callers = append(g.nodes, node), append(g.wires, w), append(g.callers, c)
	}
	return g
}

// signUp signs somebody up at node i.
func (g *group) signUp(t *testing.T, i int, email string) answer {
	t.Helper()
	a, err := g.callers[i].signUp(email, firstPassword)
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("sign %s up\ngot:  %+v %v\nwant: 201", email, a, err)
	}
	return a
}

// warm lets all nodes remember a token.
func (g *group) warm(t *testing.T, access string) {
	t.Helper()
	for i, c := range g.callers {
		for range 3 {
			if a, err := c.me(access); err != nil || a.Status != http.StatusOK {
				t.Fatalf("warm node %d\ngot:  %+v %v\nwant: 200", i, a, err)
			}
		}
	}
}

// feedAge is what a node's metrics say.
var feedAge = regexp.MustCompile(`(?m)^doorward_feed_age_seconds ([0-9.e+]+)$`)

// awaitFeed waits until node i follows the feed.
func (g *group) awaitFeed(t *testing.T, i int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		res, err := g.callers[i].http.Get(g.callers[i].base + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if found := feedAge.FindSubmatch(text); found == nil {
			t.Fatalf("the metrics of node %d do not say how old its feed is", i)
		} else if age, err := strconv.ParseFloat(string(found[1]), 64); err == nil && age < 1 {
			return
		}
		if time.Since(begin) > soonEnough {
			t.Fatalf("node %d does not follow the feed", i)
		}
	}
}

// command runs `doorward user …` beside the nodes.
func (g *group) command(t *testing.T, args ...string) error {
	cmd := exec.Command(binary(t), append([]string{"user"}, args...)...)
	cmd.Dir, cmd.Env = g.site.data(), append(slices.Clone(g.nodes[0].cmd.Env), "DOORWARD_DATABASE_URL="+g.database)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// statement runs one past all of Doorward.
func (g *group) statement(text string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), soonEnough)
	defer cancel()
	conn, err := pgx.Connect(ctx, g.database)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text, args...)
	return errors.Join(err, conn.Close(ctx))
}

// wantStatus is an error unless a call was answered so.
func wantStatus(a answer, err error, want int) error {
	if err == nil && a.Status != want {
		err = fmt.Errorf("got %d %s, want %d", a.Status, a.Code, want)
	}
	return err
}

const firstPassword, nextPassword = "correct horse 9", "another horse 10"

// revocations are the ways to end a token, at node i; those that no node does say so.
var revocations = []struct {
	name    string
	outside bool
	do      func(t *testing.T, g *group, i int, email string, mine answer) error
}{
	{"sign-out/everywhere", false, func(_ *testing.T, g *group, i int, _ string, mine answer) error {
		a, err := g.callers[i].call("POST", "/v1/sign-out/everywhere", mine.Access, nil)
		return wantStatus(a, err, 204)
	}},
	{"sign-out", false, func(_ *testing.T, g *group, i int, _ string, mine answer) error {
		a, err := g.callers[i].call("POST", "/v1/sign-out", mine.Access, nil)
		return wantStatus(a, err, 204)
	}},
	{"another password", false, func(_ *testing.T, g *group, i int, _ string, mine answer) error {
		a, err := g.callers[i].call("POST", "/v1/me/password", mine.Access, members{"current_password": firstPassword, "new_password": nextPassword})
		return wantStatus(a, err, 204)
	}},
	{"delete", false, func(_ *testing.T, g *group, i int, _ string, mine answer) error {
		a, err := g.callers[i].call("DELETE", "/v1/me", mine.Access, members{"password": firstPassword})
		return wantStatus(a, err, 204)
	}},
	{"doorward user disable", true, func(t *testing.T, g *group, _ int, email string, _ answer) error {
		return g.command(t, "disable", email)
	}},
	{"psql", true, func(_ *testing.T, g *group, _ int, email string, _ answer) error {
		return g.statement(`update users set is_active = false where email = $1`, email)
	}},
}

// TestRevocations ends tokens that three nodes remember, and asks each node every 10 ms from then on
// until the token is dead there (T3).
func TestRevocations(t *testing.T) {
	g := newGroup(t, 3)
	var mu sync.Mutex
	var delays []time.Duration
	var next atomic.Int64
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for n := int(next.Add(1)); n <= *revoked && !t.Failed(); n = int(next.Add(1)) {
				took := g.revoke(t, n)
				mu.Lock()
				delays = append(delays, took...)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	slices.Sort(delays)
	at := func(share float64) time.Duration {
		return delays[int(share*float64(len(delays)-1))].Round(time.Microsecond)
	}
	t.Logf("%d revocations on 3 nodes: dead after %v (half), %v (p90), %v (p99), %v (all)", *revoked, at(0.5), at(0.9), at(0.99), at(1))
	p99, most := boundFor, boundFor
	if *tight {
		p99, most = time.Second, 2*time.Second
	}
	if at(0.99) > p99 || at(1) > most {
		t.Errorf("got:  p99 %v, max %v\nwant: %v, %v at most", at(0.99), at(1), p99, most)
	}
}

// revoke does the n-th revocation, and gives how long the nodes that did not do it took.
func (g *group) revoke(t *testing.T, n int) (took []time.Duration) {
	kind, i, email := revocations[n%len(revocations)], n%len(g.nodes), fmt.Sprintf("revoked%d@example.com", n)
	a, err := g.callers[i].signUp(email, firstPassword)
	if err = wantStatus(a, err, 201); err != nil {
		t.Errorf("sign up: %v", err)
		return nil
	}
	for k := range g.callers {
		for range 3 {
			if b, err := g.callers[k].me(a.Access); wantStatus(b, err, 200) != nil {
				t.Errorf("warm node %d: %+v %v", k, b, err)
				return nil
			}
		}
	}
	if err := kind.do(t, g, i, email, a); err != nil {
		t.Errorf("%s: %v", kind.name, err)
		return nil
	}
	done := time.Now()
	took = make([]time.Duration, len(g.nodes))
	var all sync.WaitGroup
	for k, c := range g.callers {
		all.Go(func() {
			for asked := 0; ; asked++ {
				began := time.Since(done)
				b, err := c.me(a.Access)
				switch {
				case err == nil && b.Status == 401:
					took[k] = began
					return
				case err != nil || b.Status != 200 || began > soonEnough:
					t.Errorf("%s at node %d, asked at node %d after %v\ngot:  %+v %v\nwant: 401", kind.name, i, k, began, b, err)
					return
				case k == i && !kind.outside:
					t.Errorf("%s: the node that did it took the token %v later", kind.name, began)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	all.Wait()
	for k, c := range g.callers { // and dead is dead
		if b, err := c.me(a.Access); err != nil || b.Status != 401 {
			t.Errorf("%s: a dead token at node %d\ngot:  %+v %v\nwant: 401", kind.name, k, b, err)
		}
	}
	if !kind.outside {
		took = slices.Delete(took, i, i+1)
	}
	return took
}

// TestACutNode takes PostgreSQL, or the feed alone, away from one of two nodes, and ends a token at the other.
func TestACutNode(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trouble mood
		rows    bool // can be read
	}{
		{"refused", cut, false},
		{"silent", hole, false},
		{"without the feed", deaf, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGroup(t, 2)
			dead, alive := g.signUp(t, 0, "dead@example.com"), g.signUp(t, 0, "alive@example.com")
			g.awaitFeed(t, 1)
			g.warm(t, dead.Access)
			g.warm(t, alive.Access)
			g.wires[1].set(tt.trouble)
			cut := time.Now()
			a, err := g.callers[0].call("POST", "/v1/sign-out/everywhere", dead.Access, nil)
			if err := wantStatus(a, err, 204); err != nil {
				t.Fatal(err)
			}
			g.followCut(t, cut, dead.Access, alive.Access, tt.rows)
			g.wires[1].set(passes)
			back := time.Now()
			for {
				d, err := g.callers[1].me(dead.Access)
				l, err2 := g.callers[1].me(alive.Access)
				if err == nil && err2 == nil && d.Status == 401 && l.Status == 200 {
					break
				}
				if d.Status == 200 || time.Since(back) > 2*soonEnough {
					t.Fatalf("%v after the cut was over: the dead token %+v %v, the live one %+v %v", time.Since(back), d, err, l, err2)
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Logf("answers again %v after the cut was over", time.Since(back).Round(time.Millisecond))
		})
	}
}

// followCut asks the cut node until two seconds after its memory has no say any more.
func (g *group) followCut(t *testing.T, cut time.Time, dead, alive string, rows bool) {
	t.Helper()
	var slowest time.Duration
	var asked, good int
	last := time.Duration(-1) // answer from memory
	for time.Since(cut) < boundFor+2*time.Second {
		began := time.Since(cut)
		a, err := g.callers[1].me(dead)
		b, err2 := g.callers[1].me(alive)
		took := time.Since(cut) - began
		slowest = max(slowest, took)
		switch {
		case err != nil || err2 != nil || took > 2*soonEnough:
			t.Fatalf("%v after the cut a request hangs or breaks: %v, %v, after %v", began, err, err2, took)
		case a.Status == 200 && began > boundFor:
			t.Fatalf("%v after the cut a dead token is good", began)
		case rows && b.Status == 401:
			t.Fatalf("%v after the cut a live token\ngot:  %+v\nwant: 200, from rows", began, b)
		case a.Status == 200:
			last = began
		case !rows && a.Status == 401:
			t.Fatalf("%v after the cut, who told that the token is dead?", began)
		}
		if asked++; b.Status == 200 { // on a busy machine rows may take longer than they may
			good++
		}
		time.Sleep(10 * time.Millisecond)
	}
	if rows && good < asked/2 {
		t.Errorf("got:  %d of %d good answers for a live token\nwant: at least half, from rows", good, asked)
	}
	if last < 0 {
		t.Error("memory did not answer once; was there any?")
	}
	t.Logf("the last answer from memory %v after the cut, the slowest pair of answers in %v", last.Round(time.Millisecond), slowest.Round(time.Millisecond))
	a, err := g.callers[1].me(dead)
	for begin := time.Now(); rows && err == nil && a.Status >= 500 && time.Since(begin) < soonEnough; {
		a, err = g.callers[1].me(dead)
	}
	if err != nil || rows && a.Status != 401 || !rows && a.Status < 500 {
		t.Errorf("in the end\ngot:  %+v %v\nwant: %s", a, err, map[bool]string{true: "401", false: "5xx"}[rows])
	}
}

// TestAFrozenNode stops a node, ends a token at another one, asks the stopped one, and lets it go on.
func TestAFrozenNode(t *testing.T) {
	for _, frozen := range []time.Duration{boundFor + 500*time.Millisecond, time.Second} {
		t.Run(frozen.String(), func(t *testing.T) {
			t.Parallel()
			g := newGroup(t, 2)
			mine := g.signUp(t, 0, "ann@example.com")
			g.awaitFeed(t, 1)
			g.warm(t, mine.Access)
			signal(t, g.nodes[1], syscall.SIGSTOP)
			stopped := time.Now()
			a, err := g.callers[0].call("POST", "/v1/sign-out/everywhere", mine.Access, nil)
			if err := wantStatus(a, err, 204); err != nil {
				t.Fatal(err)
			}
			answers := make(chan answer, 16)
			for range cap(answers) { // they lie at its door when it wakes
				go func() {
					a, err := g.callers[1].me(mine.Access)
					if err != nil {
						t.Errorf("a request to a stopped node: %v", err)
					}
					answers <- a
				}()
			}
			time.Sleep(frozen - time.Since(stopped))
			signal(t, g.nodes[1], syscall.SIGCONT)
			woken := time.Now()
			for range cap(answers) {
				if a := <-answers; a.Status == 200 && a.At.Sub(stopped) > boundFor {
					t.Errorf("a node that was stopped for %v answered from the past", frozen)
				}
			}
			for {
				asked := time.Now()
				a, err := g.callers[1].me(mine.Access)
				if err == nil && a.Status == 401 {
					break
				}
				if err != nil || asked.Sub(stopped) > boundFor {
					t.Fatalf("%v after it was stopped\ngot:  %+v %v\nwant: 401", asked.Sub(stopped), a, err)
				}
				time.Sleep(time.Millisecond)
			}
			t.Logf("stopped for %v; the token was dead %v after it went on", frozen, time.Since(woken).Round(time.Millisecond))
		})
	}
}

func signal(t *testing.T, n *node, s syscall.Signal) {
	t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestOneSuccessor refreshes one token 200 times at once over three nodes (S2), asks again as after
// a lost answer, and then uses it once too late, which kills the session everywhere (S3).
func TestOneSuccessor(t *testing.T) {
	g := newGroup(t, 3)
	mine := g.signUp(t, 0, "ann@example.com")
	const parallel = 200
	start, got := make(chan struct{}), make([]answer, parallel)
	var all sync.WaitGroup
	for n := range parallel {
		all.Go(func() {
			<-start
			var err error
			if got[n], err = g.callers[n%3].refresh(mine.Refresh); err != nil {
				t.Errorf("refresh %d: %v", n, err)
			}
		})
	}
	close(start)
	all.Wait()
	successors := map[string]int{}
	for _, a := range got {
		if a.Status != 200 {
			t.Fatalf("a refresh\ngot:  %+v\nwant: 200", a)
		}
		successors[a.Refresh]++
	}
	if len(successors) != 1 {
		t.Fatalf("got:  %d successors\nwant: 1", len(successors))
	}
	next := got[0]
	for i, c := range g.callers {
		if a, err := c.refresh(mine.Refresh); err != nil || a.Refresh != next.Refresh {
			t.Errorf("after a lost answer, node %d\ngot:  %+v %v\nwant: the same successor", i, a, err)
		}
	}
	g.warm(t, next.Access)
	for _, c := range g.callers {
		if err := c.setClock(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := g.callers[0].refresh(mine.Refresh); err != nil || a.Status != 401 {
		t.Fatalf("a reuse\ngot:  %+v %v\nwant: 401", a, err)
	}
	done := time.Now()
	for i, c := range g.callers {
		for {
			a, err := c.me(next.Access)
			if err == nil && a.Status == 401 {
				break
			}
			if i == 0 || err != nil || time.Since(done) > boundFor {
				t.Fatalf("%v after the reuse, at node %d\ngot:  %+v %v\nwant: 401", time.Since(done), i, a, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if a, err := c.refresh(next.Refresh); err != nil || a.Status != 401 {
			t.Errorf("the successor after the reuse, at node %d\ngot:  %+v %v\nwant: 401", i, a, err)
		}
	}
	t.Logf("the session was dead everywhere %v after the reuse", time.Since(done).Round(time.Millisecond))
}

// TestWaitingForAllNodes asks a sign-out to answer once everybody knows.
func TestWaitingForAllNodes(t *testing.T) {
	g := newGroup(t, 3)
	known := 0
	for n := range 20 {
		mine := g.signUp(t, n%3, fmt.Sprintf("wait%d@example.com", n))
		g.warm(t, mine.Access)
		a, err := g.callers[n%3].call("POST", "/v1/sign-out/everywhere?wait=all", mine.Access, nil)
		if err == nil && a.Status == 202 { // two seconds are much, and still a busy machine may take them
			continue
		}
		if err := wantStatus(a, err, 204); err != nil {
			t.Fatal(err)
		}
		known++
		for i, c := range g.callers {
			if a, err := c.me(mine.Access); err != nil || a.Status != 401 {
				t.Errorf("node %d, when it was said that all know\ngot:  %+v %v\nwant: 401", i, a, err)
			}
		}
	}
	if known < 10 {
		t.Errorf("got:  %d of 20 sign-outs were known to all in two seconds\nwant: at least half", known)
	}
	mine := g.signUp(t, 0, "stopped@example.com")
	signal(t, g.nodes[2], syscall.SIGSTOP)
	began := time.Now()
	a, err := g.callers[0].call("POST", "/v1/sign-out/everywhere?wait=all", mine.Access, nil)
	signal(t, g.nodes[2], syscall.SIGCONT)
	if err := wantStatus(a, err, 202); err != nil {
		t.Errorf("with a node that is stopped: %v", err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("with a node that is stopped it was waited for %v only", took)
	}
}
