package crash

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/store/storetest"
)

// calm is how long requests go on before and after a restart.
const calm = 300 * time.Millisecond

// clients are the kinds of clients, half of the callers each.
var clients = []struct {
	name       string
	keepAlives bool
}{
	{"keeps its connection", true},
	{"takes a connection for each request", false},
}

// TestRollingRestart restarts two nodes on one database in turn. Nobody behind the proxy may notice.
func TestRollingRestart(t *testing.T) {
	s := newSite(t, workshop(t), storetest.Postgres(t))
	p := newProxy(t, 2)
	nodes := make([]*node, len(p.slots))
	for i, slot := range p.slots {
		nodes[i], _ = s.start(t)
		slot.addr.Store(nodes[i].addr)
		p.awaitReady(t, slot)
	}
	l := beginRolling(t, p.addr())
	time.Sleep(calm)
	for n := range *restarts {
		slot := p.slots[n%len(nodes)]
		began := time.Now()
		if err := nodes[n%len(nodes)].stop(); err != nil {
			t.Error(err)
		}
		stopped := time.Since(began)
		nodes[n%len(nodes)], _ = s.start(t)
		slot.addr.Store(nodes[n%len(nodes)].addr)
		p.awaitReady(t, slot)
		t.Logf("restart %d: stopped after %s, ready after %s; %d requests so far, %d failed", n+1,
			stopped.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), l.asked.Load(), l.failed.Load())
		time.Sleep(calm)
	}
	l.end()
	t.Logf("%d restarts at %d requests a second: %d requests, %d failed", *restarts, *rate, l.asked.Load(), l.failed.Load())
	for _, node := range nodes {
		if err := node.stop(); err != nil {
			t.Error(err)
		}
	}
}

// rolling is the load of a rolling restart: me, and every fourth time refresh.
type rolling struct {
	t             *testing.T
	asked, failed atomic.Int64
	over          chan struct{}
	done          sync.WaitGroup
}

func beginRolling(t *testing.T, addr string) *rolling {
	t.Helper()
	l := &rolling{t: t, over: make(chan struct{})}
	for n := range writers {
		kind := clients[n%len(clients)]
		c := newCaller(addr)
		c.http.Transport.(*http.Transport).DisableKeepAlives = !kind.keepAlives
		a, err := c.signUp(fmt.Sprintf("rolling%d@example.com", n), anotherPassword)
		if err != nil || a.Status != http.StatusCreated {
			t.Fatalf("sign up: %v %+v", err, a)
		}
		l.done.Go(func() {
			defer c.close()
			l.ask(c, a, kind.name)
		})
	}
	t.Cleanup(l.end)
	return l
}

func (l *rolling) end() {
	select {
	case <-l.over:
	default:
		close(l.over)
	}
	l.done.Wait()
}

// ask asks at its part of the rate, however long answers take.
func (l *rolling) ask(c *caller, mine answer, who string) {
	ticks := time.NewTicker(time.Second * writers / time.Duration(*rate))
	defer ticks.Stop()
	for n := 1; ; n++ {
		select {
		case <-l.over:
			return
		case <-ticks.C:
		}
		what, began := "me", time.Now()
		a, err := answer{}, error(nil)
		if n%4 == 0 {
			what = "refresh"
			if a, err = c.refresh(mine.Refresh); err == nil && a.Status == http.StatusOK {
				mine = a
			}
		} else {
			a, err = c.me(mine.Access)
		}
		l.asked.Add(1)
		if err != nil || a.Status != http.StatusOK {
			l.failed.Add(1)
			l.t.Errorf("%s, of a client that %s, after %s\ngot:  %d %v\nwant: 200", what, who, time.Since(began), a.Status, err)
		}
	}
}
