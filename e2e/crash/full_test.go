package crash

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writesAgainWithin is how soon writes go well after there is room again (R4).
const writesAgainWithin = 5 * time.Second

// hardship is a way in which an SQLite database cannot be written for a while.
type hardship struct {
	name   string
	mounts bool // it wants a file system of its own
	// line is a command before the server's, in whose $1 lies the data.
	line func(t *testing.T, s *site) []string
	// begin takes the room away, and gives what gives it back.
	begin func(t *testing.T, s *site, n *node) (end func())
}

// tmpfs mounts a small file system over the data, in a name space of the server's own.
const tmpfs = `mount -t tmpfs -o size=64m,mode=700 none "$0" && cd "$0" && exec "$@"`

var hardships = []hardship{
	{
		name: "the disk is full", mounts: true,
		line: func(_ *testing.T, s *site) []string {
			return []string{"unshare", "-rm", "sh", "-c", tmpfs, s.data()}
		},
		begin: func(t *testing.T, s *site, n *node) func() {
			ballast := filepath.Join(seen(s, n), "ballast")
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			block := make([]byte, 4096)
			for err == nil {
				_, err = f.Write(block)
			}
			t.Logf("the disk is full: %v", err)
			return func() {
				if err := os.Remove(ballast); err != nil {
					t.Error(err)
				}
			}
		},
	},
	{
		name: "no file may grow",
		line: func(*testing.T, *site) []string { return nil },
		begin: func(t *testing.T, s *site, n *node) func() {
			limit(t, n, "fsize", "4096:") // Go ignores SIGXFSZ, and write answers EFBIG
			return func() { limit(t, n, "fsize", "unlimited:") }
		},
	},
	{
		name: "the disk answers nothing but errors to writes",
		line: func(t *testing.T, _ *site) []string { need(t, "strace", "strace"); return nil },
		begin: func(t *testing.T, s *site, n *node) func() {
			return inject(t, s, n, "inject=pwrite64,fsync,fdatasync,ftruncate:error=EIO")
		},
	},
	{
		name: "the disk is read-only",
		line: func(t *testing.T, _ *site) []string { need(t, "strace", "strace"); return nil },
		begin: func(t *testing.T, s *site, n *node) func() {
			return inject(t, s, n, "inject=pwrite64,ftruncate:error=EROFS")
		},
	},
}

// seen is the folder of a server's data as the server itself sees it.
func seen(s *site, n *node) string {
	return filepath.Join(fmt.Sprint("/proc/", n.cmd.Process.Pid, "/root"), s.data())
}

// limit sets a resource limit of a server that runs.
func limit(t *testing.T, n *node, what, value string) {
	t.Helper()
	out, err := exec.Command("prlimit", "--pid", strconv.Itoa(n.cmd.Process.Pid), "--"+what+"="+value).CombinedOutput()
	if err != nil {
		t.Fatalf("prlimit: %v %s", err, out)
	}
}

// inject lets system calls of a server fail until end.
func inject(t *testing.T, s *site, n *node, what string) (end func()) {
	t.Helper()
	log := filepath.Join(s.folder, "strace.log")
	cmd := exec.Command("strace", "-f", "-q", "-o", log, "-e", "trace=pwrite64", "-e", what, "-p", strconv.Itoa(n.cmd.Process.Pid))
	cmd.SysProcAttr = dieWithUs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	traced := func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
		return err == nil && strings.Contains(string(status), fmt.Sprintf("TracerPid:\t%d\n", cmd.Process.Pid))
	}
	for deadline := time.Now().Add(stopWithin); !traced(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			unable(t, "strace could not attach to a process of ours")
		}
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // it lets go of the server
		_ = cmd.Wait()
	}
}

// TestNoRoom takes the disk from an SQLite server and gives it back: who is signed in stays so, writes
// are refused meanwhile, nothing breaks, and they go well soon after (R4, R5).
func TestNoRoom(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3", "sqlite3")
	need(t, "prlimit", "util-linux")
	out, err := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", os.TempDir()).CombinedOutput()
	for _, h := range hardships {
		if h.mounts && err != nil {
			t.Logf("this machine lets nobody mount (%v %s): that files may not grow shows the same", err, out)
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, workshop(t), "")
			s.before = h.line(t, s)
			server, _ := s.start(t)
			c := newCaller(server.addr)
			defer c.close()
			people := populate(t, c, 20)
			end := h.begin(t, s, server)
			inNeed(t, c, people)
			end()
			awaitWrites(t, c)
			afterwards(t, c, people)
			checkOutageLog(t, server)
			s.inspectIn(t, seen(s, server))
			if err := server.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func populate(t *testing.T, c *caller, n int) (people []resident) {
	t.Helper()
	for i := range n {
		p := resident{email: fmt.Sprintf("room%d@example.com", i)}
		a, err := c.signUp(p.email, anotherPassword)
		if err != nil || a.Status != http.StatusCreated {
			t.Fatalf("sign up: %v %+v", err, a)
		}
		p.mine = a
		people = append(people, p)
	}
	return people
}

// inNeed holds what a server without room answers. What was said to be done is done: people's ended says so.
func inNeed(t *testing.T, c *caller, people []resident) {
	t.Helper()
	refused := 0
	for round := 0; refused < 50; round++ {
		if round == 20000 {
			t.Fatal("writes go well for ever")
		}
		p := &people[round%len(people)]
		if a, err := c.me(p.mine.Access); err != nil || a.Status != http.StatusOK && !p.ended {
			t.Fatalf("without room: me\ngot:  %d %v\nwant: 200", a.Status, err)
		}
		what, a, err := "sign in", answer{}, error(nil)
		switch round % 3 {
		case 0:
			a, err = c.signIn(p.email, anotherPassword)
		case 1:
			what = "sign up"
			a, err = c.signUp(fmt.Sprintf("roomless%d@example.com", round), anotherPassword)
		case 2:
			what = "rename"
			a, err = c.call("PATCH", "/v1/me", p.mine.Access, members{"name": strings.Repeat("n", 100)})
		}
		switch {
		case err != nil:
			t.Fatalf("without room: %s: %v", what, err)
		case a.Status == http.StatusServiceUnavailable && a.Code == "unavailable" && a.RetryAfter != "":
			refused++
		case a.Status >= 300:
			t.Fatalf("without room: %s\ngot:  %+v\nwant: 503, or a success while there is a little left", what, a)
		}
	}
	checkProbes(t, strings.TrimPrefix(c.base, "http://"))
}

func awaitWrites(t *testing.T, c *caller) {
	t.Helper()
	began := time.Now()
	for n := 0; ; n++ {
		a, err := c.signUp(fmt.Sprintf("again%d@example.com", n), anotherPassword)
		if err == nil && a.Status == http.StatusCreated {
			t.Logf("writes go well after %s", time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Since(began) > writesAgainWithin+margin() {
			t.Fatalf("%s after there is room again: sign up got %+v %v", time.Since(began), a, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// afterwards holds that what was true before still is, and that everything can be done again.
func afterwards(t *testing.T, c *caller, people []resident) {
	t.Helper()
	for _, p := range people {
		if a, err := c.me(p.mine.Access); err != nil || a.Status != http.StatusOK {
			t.Errorf("afterwards: me of %s: got %d %v, want 200", p.email, a.Status, err)
		}
		if a, err := c.signIn(p.email, anotherPassword); err != nil || a.Status != http.StatusOK || a.User != p.mine.User {
			t.Errorf("afterwards: sign in as %s: got %d %v, want 200", p.email, a.Status, err)
		}
		if a, err := c.refresh(p.mine.Refresh); err != nil || a.Status != http.StatusOK {
			t.Errorf("afterwards: refresh of %s: got %d %v, want 200", p.email, a.Status, err)
		}
	}
	for deadline := time.Now().Add(stopWithin); !isReady(strings.TrimPrefix(c.base, "http://"), time.Second); {
		if time.Now().After(deadline) {
			t.Fatal("afterwards the server is not ready")
		}
	}
}
