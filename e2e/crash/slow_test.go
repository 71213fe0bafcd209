package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What L2 promises.
const (
	slowConns  = 1000
	cutWithin  = 10 * time.Second
	quick      = 50 * time.Millisecond // the p99 of me; a loaded machine is given more
	quickInCI  = 2 * time.Second
	headOfSlow = "POST /v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
)

// slowness is a way not to finish a request.
var slowness = []struct {
	name, first string
	drip        bool // another byte each second
}{
	{"says nothing", "", false},
	{"never ends its header", headOfSlow + "X-Slow: ", false},
	{"sends its header byte by byte", headOfSlow + "X-Slow: ", true},
	{"never sends its body", headOfSlow + "Content-Length: 60000\r\n\r\n", false},
	{"sends its body byte by byte", headOfSlow + "Content-Length: 60000\r\n\r\n{", true},
	{"never ends its chunks", headOfSlow + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", false},
}

// TestSlowClients holds 1,000 connections half open: each is cut soon, and the others notice nothing (L2).
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := newSite(t, workshop(t), "")
	server, _ := s.start(t)
	c := newCaller(server.addr)
	defer c.close()
	mine := populate(t, c, 1)[0].mine
	n := slowConns
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && int(files.Cur) < n+200 {
		n = int(files.Cur) / 2
		t.Logf("only %d connections: a process may have %d files", n, files.Cur)
	}
	var open atomic.Int64
	var all sync.WaitGroup
	lives := make([]time.Duration, n)
	for i := range n {
		conn, err := net.Dial("tcp", server.addr)
		if err != nil {
			t.Fatal(err)
		}
		open.Add(1)
		all.Go(func() {
			defer open.Add(-1)
			lives[i] = beSlow(conn, slowness[i%len(slowness)].first, slowness[i%len(slowness)].drip)
		})
	}
	var quiet atomic.Bool
	go func() { all.Wait(); quiet.Store(true) }()
	var took []time.Duration
	for !quiet.Load() {
		took = append(took, timedMe(t, c, mine))
		time.Sleep(2 * time.Millisecond)
	}
	report(t, fmt.Sprintf("me beside %d slow connections", n), took, promisedQuick())
	for kind, w := range slowness {
		longest := time.Duration(0)
		for i := kind; i < n; i += len(slowness) {
			longest = max(longest, lives[i])
		}
		t.Logf("a client that %s lives %s at most", w.name, longest.Round(time.Millisecond))
		if longest > cutWithin+time.Second+margin() {
			t.Errorf("a client that %s\ngot:  cut after %s\nwant: within %s", w.name, longest, cutWithin)
		}
	}
}

// beSlow is slow until it is cut, and gives how long it was let. Longer than half a minute nobody waits.
func beSlow(conn net.Conn, first string, drip bool) time.Duration {
	defer conn.Close()
	began := time.Now()
	_, _ = io.WriteString(conn, first)
	stop := make(chan struct{})
	defer close(stop)
	if drip {
		go func() {
			for ticks := time.NewTicker(time.Second); ; {
				select {
				case <-stop:
					ticks.Stop()
					return
				case <-ticks.C:
					_, _ = conn.Write([]byte("x"))
				}
			}
		}()
	}
	_ = conn.SetReadDeadline(began.Add(30 * time.Second))
	_, _ = io.Copy(io.Discard, conn)
	return time.Since(began)
}

func timedMe(t *testing.T, c *caller, mine answer) time.Duration {
	t.Helper()
	began := time.Now()
	if a, err := c.me(mine.Access); err != nil || a.Status != http.StatusOK {
		t.Fatalf("me\ngot:  %+v %v\nwant: 200", a, err)
	}
	return time.Since(began)
}

// promisedQuick is the p99 of me that is promised, or what a machine loaded with other tests is given.
func promisedQuick() time.Duration {
	if *soak {
		return quick
	}
	return quickInCI
}

// report prints how long answers took, and holds their p99 to what is promised.
func report(t *testing.T, what string, took []time.Duration, limit time.Duration) {
	t.Helper()
	if len(took) == 0 {
		t.Fatalf("%s: nothing was measured", what)
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("%s: %d answers, p50 %s, p99 %s, max %s", what, len(took), took[len(took)/2].Round(10*time.Microsecond),
		p99.Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond))
	if p99 > limit {
		t.Errorf("%s: p99\ngot:  %s\nwant: at most %s", what, p99, limit)
	}
}

// TestJunkFlood has one client show junk tokens as fast as it can while another asks who he is.
func TestJunkFlood(t *testing.T) {
	t.Parallel()
	s := newSite(t, workshop(t), "")
	server, _ := s.start(t)
	c, rude := newCaller(server.addr), newCaller(server.addr)
	defer c.close()
	defer rude.close()
	mine := populate(t, c, 1)[0].mine
	head, body, _ := strings.Cut(mine.Access, ".")
	body, mark, _ := strings.Cut(body, ".")
	junk := []string{"x", strings.Repeat("y", 8000), head + "." + body + "." + strings.Repeat("A", len(mark)), head + ".e30." + mark}
	var over atomic.Bool
	var shown atomic.Int64
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for !over.Load() {
				a, err := rude.me(junk[n])
				if shown.Add(1); err != nil || a.Status != http.StatusUnauthorized && a.Status != http.StatusBadRequest {
					t.Errorf("junk %d: got %+v %v, want 401", n, a, err)
					return
				}
			}
		})
	}
	length := time.Second
	if *soak {
		length = 20 * time.Second
	}
	var took []time.Duration
	for began := time.Now(); time.Since(began) < length; time.Sleep(2 * time.Millisecond) {
		took = append(took, timedMe(t, c, mine))
	}
	over.Store(true)
	all.Wait()
	report(t, fmt.Sprintf("me beside %d junk tokens a second", int(float64(shown.Load())/length.Seconds())), took, promisedQuick())
}

// TestFewFiles runs a server that may have few files open under more clients than that. Who is
// connected is answered, and when they have gone so is everybody (R5).
func TestFewFiles(t *testing.T) {
	t.Parallel()
	const files, crowd = 64, 200
	s := newSite(t, workshop(t), "")
	s.before = []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files)}
	server, _ := s.start(t)
	c := newCaller(server.addr)
	defer c.close()
	people := populate(t, c, 3)
	var conns []net.Conn
	for range crowd {
		conn, err := net.DialTimeout("tcp", server.addr, time.Second)
		if err != nil {
			break // the queue of the kernel is full too
		}
		conns = append(conns, conn)
	}
	began, spent := time.Now(), processorTime(t, server)
	for time.Since(began) < 2*time.Second {
		for _, p := range people {
			timedMe(t, c, p.mine)
		}
		if a, err := c.signIn(people[0].email, anotherPassword); err != nil || a.Status != http.StatusOK && a.Status != http.StatusServiceUnavailable {
			t.Errorf("sign in without files: got %+v %v, want 200 or 503", a, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if used := processorTime(t, server) - spent; used > time.Second {
		t.Errorf("a server that cannot accept spent %s of processor time in %s", used, time.Since(began))
	} else {
		t.Logf("%d connections were asked for, %d files are allowed: %s of processor time in %s", len(conns), files, used, time.Since(began).Round(time.Millisecond))
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	for back := time.Now(); !isReady(server.addr, time.Second); {
		if time.Since(back) > writesAgainWithin+margin() {
			t.Fatal("the crowd has gone, and nobody new is answered")
		}
	}
	afterwards(t, c, people)
	if err := server.stop(); err != nil {
		t.Error(err)
	}
}

// processorTime is what a process has used so far (proc(5), stat: utime and stime, in hundredths of a second).
func processorTime(t *testing.T, n *node) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// TestCancelledRequestsLeaveNothing has clients hang up in the middle of requests, a thousand times.
func TestCancelledRequestsLeaveNothing(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, workshop(t), databaseFor(t, engine))
			server, _ := s.start(t)
			c := newCaller(server.addr)
			defer c.close()
			people := populate(t, c, 8)
			storm(t, server.addr, people) // until all pools are as large as they get
			time.Sleep(calm)
			before := settledGoroutines(t, c, 1<<30)
			storm(t, server.addr, people)
			after := settledGoroutines(t, c, before+10)
			t.Logf("%d goroutines before the storm, %d after it", before, after)
			if after > before+10 {
				t.Errorf("goroutines after a storm of cancelled requests\ngot:  %d\nwant: %d, 10 more at most", after, before)
			}
			afterwards(t, c, people)
			if err := server.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// storm makes requests and hangs up on them, at any moment.
func storm(t *testing.T, addr string, people []resident) {
	t.Helper()
	rng := chance(t)
	waits := make([]time.Duration, 500)
	for i := range waits {
		waits[i] = time.Duration(rng.Int64N(int64(10 * time.Millisecond)))
	}
	each(len(waits), func(i int) {
		ctx, cancel := context.WithTimeout(context.Background(), waits[i])
		defer cancel()
		p := people[i%len(people)]
		method, path, body := "GET", "/v1/me", ""
		if i%2 == 0 {
			method, path, body = "POST", "/v1/sign-in", fmt.Sprintf(`{"email":%q,"password":%q}`, p.email, anotherPassword)
		}
		r, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		r.Close = true
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+p.mine.Access)
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
		}
	})
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// settledGoroutines waits until a server has no more than most goroutines, or for a while.
func settledGoroutines(t *testing.T, c *caller, most int) (n int) {
	t.Helper()
	for end := time.Now().Add(stopWithin); ; time.Sleep(50 * time.Millisecond) {
		res, err := c.http.Get(c.base + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		found := goroutines.FindSubmatch(text)
		if err != nil || found == nil {
			t.Fatalf("/metrics says nothing of goroutines: %v %.200s", err, text)
		}
		if n, err = strconv.Atoi(string(found[1])); err != nil {
			t.Fatal(err)
		}
		if n <= most || time.Now().After(end) {
			return n
		}
	}
}
