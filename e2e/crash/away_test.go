package crash

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/store/storetest"
)

// What R6 promises while the database is away and when it is back.
const (
	answerWithin  = 2 * time.Second
	recoverWithin = 3 * time.Second
)

// margin is how much longer than promised things may take where the machine is loaded with other tests.
func margin() time.Duration {
	if *soak {
		return 0
	}
	return 3 * time.Second
}

// outages are the ways in which a PostgreSQL goes away, and comes back.
var outages = []struct {
	name       string
	begin, end func(t *testing.T, w *wire, c *storetest.Cluster)
	partly     bool // some requests may go well meanwhile
	own        bool // it wants a cluster of its own
}{
	{name: "cut", begin: mooded(cut), end: mooded(passes)},
	{name: "bytes vanish", begin: mooded(hole), end: mooded(passes)},
	{name: "answers are 5 s late", begin: mooded(slow), end: mooded(passes)},
	{name: "answers to commits are lost", begin: mooded(mute), end: mooded(passes), partly: true},
	{
		name: "stopped and started", own: true,
		begin: func(t *testing.T, _ *wire, c *storetest.Cluster) { c.Stop(t) },
		end:   func(t *testing.T, _ *wire, c *storetest.Cluster) { c.Start(t) },
	},
}

func mooded(m mood) func(*testing.T, *wire, *storetest.Cluster) {
	return func(_ *testing.T, w *wire, _ *storetest.Cluster) { w.set(m) }
}

// TestDatabaseAway takes PostgreSQL away under load: every request is answered soon, with 503 and with
// nothing wrong, and after its return nothing that was acknowledged is missing (R6, S7).
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			var c *storetest.Cluster
			var w *wire
			s := newSite(t, workshop(t), "")
			if o.own {
				c = storetest.NewCluster(t)
				w, s.database = newWire(t, c.URL())
			} else {
				w, s.database = newWire(t, storetest.Postgres(t))
			}
			w.late.Store(int64(5 * time.Second))
			server, _ := s.start(t)
			l := beginAsking(t, server.addr)
			time.Sleep(calm)
			l.while(t, func() { o.begin(t, w, c) }, !o.partly, func() { o.end(t, w, c) })
			time.Sleep(calm)
			l.end()
			l.check(t)
			if o.partly && w.muted.Load() == 0 {
				t.Error("no answer to a commit was lost")
			}
			checkOutageLog(t, server)
			if err := server.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// while asks through an outage, and until things go well again.
func (l *asking) while(t *testing.T, begin func(), whole bool, end func()) {
	t.Helper()
	l.away.Store(true)
	begin()
	if whole {
		time.Sleep(calm) // what was under way may still go well
		checkProbes(t, l.addr)
	}
	time.Sleep(*gone)
	if l.refused.Load() == 0 {
		t.Error("no request was refused: the database was not away")
	}
	end()
	l.awaitSuccess(t, time.Now())
	time.Sleep(calm) // for requests that began before the return
	l.away.Store(false)
}

func checkProbes(t *testing.T, addr string) {
	t.Helper()
	c := newCaller(addr)
	defer c.close()
	for path, want := range map[string]int{"/readyz": 503, "/healthz": 200} {
		began := time.Now()
		res, err := c.http.Get(c.base + path)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = res.Body.Close()
		if took := time.Since(began); res.StatusCode != want || took > answerWithin+margin() {
			t.Errorf("away: %s\ngot:  %d after %s\nwant: %d within %s", path, res.StatusCode, took, want, answerWithin)
		}
	}
}

// checkOutageLog holds that an outage is told of when it begins and ends, not once a request, and is no fault.
func checkOutageLog(t *testing.T, n *node) {
	t.Helper()
	text, err := os.ReadFile(n.log)
	if err != nil {
		t.Fatal(err)
	}
	if told := strings.Count(string(text), "the database cannot be"); told == 0 || told > 6 {
		t.Errorf("the log tells of the outage\ngot:  %d times\nwant: 1 to 6 times (it may begin twice, for reading and for writing)", told)
	}
	for _, word := range []string{"msg=fault", `"msg":"fault"`, "panic"} {
		if strings.Contains(string(text), word) {
			t.Errorf("the log has %q:\n%s", word, n.tail())
		}
	}
}

// asking is a load of readers and writers that goes on while the database is away.
type asking struct {
	t    *testing.T
	addr string
	away atomic.Bool
	over atomic.Bool
	done sync.WaitGroup

	asked, refused atomic.Int64
	reads, writes  atomic.Int64 // when the last one went well, in unix nanoseconds

	mu      sync.Mutex
	longest time.Duration
	faults  []string
	people  []resident
}

// resident is somebody whose sign-up was acknowledged, and what is known of his session.
type resident struct {
	email string
	mine  answer
	ended bool // signed out everywhere, and told so
}

func beginAsking(t *testing.T, addr string) *asking {
	t.Helper()
	l := &asking{t: t, addr: addr}
	for n := range writers {
		l.done.Go(func() { l.ask(n) })
	}
	t.Cleanup(l.end)
	return l
}

func (l *asking) end() {
	l.over.Store(true)
	l.done.Wait()
}

// ask signs people up, one after the other, and out again, and asks who they are.
func (l *asking) ask(n int) {
	c := newCaller(l.addr)
	defer c.close()
	for i := 0; !l.over.Load(); i++ {
		p := resident{email: fmt.Sprintf("away%d.%d@example.com", n, i)}
		if !l.signUp(c, &p) {
			continue
		}
		for range 3 {
			l.who(c, &p)
		}
		if i%2 == 0 {
			l.signOut(c, &p)
			l.who(c, &p)
		}
		l.mu.Lock()
		l.people = append(l.people, p)
		l.mu.Unlock()
	}
}

// signUp tries until it is known that p has an account: 201, or "taken" after a lost answer.
func (l *asking) signUp(c *caller, p *resident) bool {
	for tries := 0; ; tries++ {
		a := l.send(c, p, "sign up", func() (answer, error) { return c.signUp(p.email, anotherPassword) })
		switch {
		case a.Status == http.StatusCreated:
			l.writes.Store(time.Now().UnixNano())
			p.mine = a
			return true
		case a.Status == http.StatusConflict && tries > 0: // the attempt before was done
			return l.signIn(c, p)
		case a.Status != http.StatusServiceUnavailable:
			l.wrong("sign up as %s, try %d: got %+v, want 201, or 503, or after that 409", p.email, tries+1, a)
			return false
		case l.over.Load():
			return false
		}
	}
}

func (l *asking) signIn(c *caller, p *resident) bool {
	for !l.over.Load() {
		a := l.send(c, p, "sign in", func() (answer, error) { return c.signIn(p.email, anotherPassword) })
		switch a.Status {
		case http.StatusOK:
			p.mine = a
			return true
		case http.StatusServiceUnavailable:
		default:
			l.wrong("sign in as %s: got %+v, want 200 or 503", p.email, a)
			return false
		}
	}
	return false
}

func (l *asking) who(c *caller, p *resident) {
	a := l.send(c, p, "me", func() (answer, error) { return c.me(p.mine.Access) })
	want := outcome(p.ended, "401", "200")
	switch {
	case a.Status == http.StatusOK && !p.ended:
		l.reads.Store(time.Now().UnixNano())
	case a.Status != http.StatusServiceUnavailable && fmt.Sprint(a.Status) != want:
		l.wrong("me of %s, signed out %t: got %+v, want %s or 503", p.email, p.ended, a, want)
	}
}

// signOut tries until it is known that nothing of p lives.
func (l *asking) signOut(c *caller, p *resident) {
	for tries := 0; !l.over.Load(); tries++ {
		a := l.send(c, p, "sign out", func() (answer, error) { return c.call("POST", "/v1/sign-out/everywhere", p.mine.Access, nil) })
		switch {
		case a.Status == http.StatusNoContent, a.Status == http.StatusUnauthorized && tries > 0:
			p.ended = true
			return
		case a.Status != http.StatusServiceUnavailable:
			l.wrong("sign %s out, try %d: got %+v, want 204, or 503, or after that 401", p.email, tries+1, a)
			return
		}
	}
}

// send asks, and holds that there is an answer, soon, and a refusal only while the database is away.
func (l *asking) send(c *caller, p *resident, what string, f func() (answer, error)) answer {
	wasAway := l.away.Load()
	began := time.Now()
	a, err := f()
	took := time.Since(began)
	l.asked.Add(1)
	l.mu.Lock()
	l.longest = max(l.longest, took)
	l.mu.Unlock()
	switch {
	case err != nil:
		l.wrong("%s of %s: no answer after %s: %v", what, p.email, took, err)
		l.over.Store(true)
		return a
	case took > answerWithin+margin():
		l.wrong("%s of %s: answered %d after %s, want within %s", what, p.email, a.Status, took, answerWithin)
	}
	if a.Status == http.StatusServiceUnavailable {
		l.refused.Add(1)
		if !wasAway && !l.away.Load() || a.Code != "unavailable" || a.RetryAfter == "" {
			l.wrong("%s of %s: got %+v while the database was away: %t", what, p.email, a, wasAway)
		}
		time.Sleep(20 * time.Millisecond) // a client that comes back at once, though told later
	}
	return a
}

func (l *asking) wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// awaitSuccess waits for a read and a write that went well after the database came back.
func (l *asking) awaitSuccess(t *testing.T, back time.Time) {
	t.Helper()
	for name, last := range map[string]*atomic.Int64{"read": &l.reads, "write": &l.writes} {
		for last.Load() < back.UnixNano() {
			if time.Since(back) > recoverWithin+margin() {
				t.Errorf("no %s went well within %s of the return", name, recoverWithin)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Logf("back: the first %s went well after %s", name, time.Duration(last.Load()-back.UnixNano()).Round(time.Millisecond))
	}
}

// check reports, and holds the server to all it acknowledged.
func (l *asking) check(t *testing.T) {
	t.Helper()
	const most = 5
	for _, text := range l.faults[:min(most, len(l.faults))] {
		t.Error(text)
	}
	ended := 0
	each(len(l.people), func(i int) {
		p := l.people[i]
		c := newCaller(l.addr)
		defer c.close()
		if a, err := c.signIn(p.email, anotherPassword); err != nil || a.Status != http.StatusOK || p.mine.User != a.User {
			t.Errorf("afterwards: sign in as %s: got %d, user %d, %v, want 200, user %d", p.email, a.Status, a.User, err, p.mine.User)
		}
		want := http.StatusOK
		if p.ended {
			want = http.StatusUnauthorized
		}
		if a, err := c.me(p.mine.Access); err != nil || a.Status != want {
			t.Errorf("afterwards: me of %s, signed out %t: got %d %v, want %d", p.email, p.ended, a.Status, err, want)
		}
	})
	for _, p := range l.people {
		if p.ended {
			ended++
		}
	}
	t.Logf("%d requests, %d refused, the longest took %s; %d people, %d of them signed out", l.asked.Load(), l.refused.Load(),
		l.longest.Round(time.Millisecond), len(l.people), ended)
	if len(l.people) < writers || ended == 0 {
		t.Error("too little was done to show anything")
	}
}
