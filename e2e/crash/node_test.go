package crash

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"doorward/internal/store/storetest"
)

const (
	readyWithin = 2 * time.Second // after a crash (R3)
	stopWithin  = 20 * time.Second
)

// site is where nodes run: its folder holds data, which they work in and which a crash hits, and
// their logs beside it.
type site struct {
	folder   string
	database string   // "": a file in data
	tracer   []string // a command before the server's; it runs beside it, and holds a pipe to us
	before   []string // a command before the server's, which becomes it
	environ  []string // of the servers, beside what all have
	nodes    int
}

func newSite(t *testing.T, folder, database string) *site {
	t.Helper()
	s := &site{folder: folder, database: database}
	if err := os.MkdirAll(s.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) data() string { return filepath.Join(s.folder, "data") }

// node is one running server.
type node struct {
	addr  string // host:port
	began time.Time

	cmd    *exec.Cmd
	log    string
	exited chan struct{}
	traced *os.File // at its end when server and tracer are gone; nil without a tracer
}

// launch starts a server, which may not be ready yet. The test's end kills it.
func (s *site) launch(t *testing.T) *node {
	t.Helper()
	s.nodes++
	n := &node{addr: freeAddr(t), log: filepath.Join(s.folder, fmt.Sprintf("log.%d", s.nodes)), exited: make(chan struct{})}
	log, err := os.Create(n.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	line := slices.Concat(s.tracer, s.before, []string{binary(t), "serve"})
	n.cmd = exec.Command(line[0], line[1:]...)
	n.cmd.Dir, n.cmd.Stdout, n.cmd.Stderr, n.cmd.SysProcAttr = s.data(), log, log, dieWithUs
	n.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "DOORWARD_ADDR=" + n.addr, "DOORWARD_DEV=1",
		"DOORWARD_PASSWORD_MEMORY_KIB=8", "DOORWARD_PASSWORD_TIME=1", "DOORWARD_PASSWORD_QUEUE_SECONDS=60", "DOORWARD_LOG_LEVEL=warn",
	}
	n.cmd.Env = append(n.cmd.Env, s.environ...)
	if s.database != "" {
		n.cmd.Env = append(n.cmd.Env, "DOORWARD_DATABASE_URL="+s.database)
	}
	if s.tracer != nil {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer write.Close()
		n.traced, n.cmd.ExtraFiles = read, []*os.File{write}
	}
	n.run(t)
	return n
}

func (n *node) run(t *testing.T) {
	t.Helper()
	n.began = time.Now()
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait()
		close(n.exited)
	}()
	t.Cleanup(n.kill)
}

// start launches a server and waits until it is ready, which takes took.
func (s *site) start(t *testing.T) (n *node, took time.Duration) {
	t.Helper()
	for try := 1; ; try++ {
		n = s.launch(t)
		err := n.awaitReady(10 * readyWithin)
		if err == nil {
			return n, time.Since(n.began)
		}
		n.kill()
		if try == 3 || !strings.Contains(err.Error(), "is in use") { // somebody took the port that was free
			t.Fatal(err)
		}
	}
}

// isReady asks on a connection of its own.
func isReady(addr string, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return false
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (n *node) awaitReady(within time.Duration) error {
	end := time.After(within)
	for !isReady(n.addr, time.Second) {
		select {
		case <-n.exited:
			return fmt.Errorf("the server ended before it was ready:\n%s", n.tail())
		case <-end:
			return fmt.Errorf("the server was not ready within %s:\n%s", within, n.tail())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// kill ends the process as kill -9 does, and waits for its end.
func (n *node) kill() {
	_ = n.cmd.Process.Kill() // an error: it has ended
	<-n.exited
}

// stop asks the process to end, and waits for it.
func (n *node) stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-n.exited:
	case <-time.After(stopWithin):
		n.kill()
		return errors.New("the server did not stop in time")
	}
	if !n.cmd.ProcessState.Success() {
		return fmt.Errorf("the server stopped with %s:\n%s", n.cmd.ProcessState, n.tail())
	}
	return nil
}

// tail is the end of the log.
func (n *node) tail() string {
	const most = 4000
	text, err := os.ReadFile(n.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// databaseFor gives the URL of an empty database; "" is a file in the site's data.
func databaseFor(t *testing.T, engine string) string {
	t.Helper()
	if engine == "sqlite" {
		return ""
	}
	return storetest.Postgres(t)
}
