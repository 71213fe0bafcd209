//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bench is one run of the program.
type bench struct {
	*options
	talk    io.Writer
	cores   cores
	machine machine
	engines []string
	folder  string // everything we make lies here
	binary  string // the server
	rulers  map[string]*target
	running []*child // the rulers
	cluster *cluster
	worlds  []*world
	rows    []*row
	notes   []string

	newcomers int // addresses that were made up so far
}

// prepare splits the cores, builds the server and finds out what can be measured.
func (b *bench) prepare(ctx context.Context) (err error) {
	b.rulers = map[string]*target{}
	b.machine = readMachine()
	if b.folder, err = os.MkdirTemp(b.dir, "doorward-bench-"); err != nil {
		return err
	}
	if err := os.Chmod(b.folder, 0o711); err != nil { // PostgreSQL, which is somebody else, must find its own folder
		return err
	}
	b.note(onMemory(b.folder))
	switch {
	case b.url != "":
		b.engines = []string{"given"}
		b.cores.server, err = affinityOf(b.pid)
		b.note("the server is the user's own: its settings and its database are unknown here, and only its own process is counted")
		return err
	case b.engine == "both":
		b.engines = []string{engineSQLite}
		if _, err := findPostgres(); err == nil {
			b.engines = append(b.engines, enginePostgres)
		} else {
			b.note(err.Error())
		}
	default:
		b.engines = []string{b.engine}
	}
	if err := b.build(ctx); err != nil { // with all cores, before they are split
		return err
	}
	b.cores, err = splitCores()
	b.note(b.cores.note)
	return err
}

// build compiles the server: as `make build` does, but for a short run as `go build` does, which
// finds SQLite compiled already where the tests were run.
func (b *bench) build(ctx context.Context) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	b.binary = filepath.Join(b.folder, "doorward")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", b.binary)
	cmd.Dir = root
	switch {
	case b.profile != "":
		overlay, err := b.profilingOverlay(root)
		if err != nil {
			return err
		}
		cmd.Args = append(cmd.Args, "-overlay", overlay)
	case b.mode != "short":
		cmd.Args = append(cmd.Args, "-trimpath", "-ldflags", "-s -w")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	cmd.Args = append(cmd.Args, "./cmd/doorward")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // the compilers too
	b.say("building the server")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w (run this inside the repository)", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (b *bench) note(text string) {
	if text != "" {
		b.notes = append(b.notes, text)
		b.say("note: %s", text)
	}
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.talk, "%7.1fs  "+format+"\n", append([]any{float64(nanos()) / 1e9}, args...)...)
}

// ruler is a running ruler; it is started when it is first asked for.
func (b *bench) ruler(ctx context.Context, name string) (*target, error) {
	if t := b.rulers[name]; t != nil {
		return t, nil
	}
	c, addr, err := b.startRuler(ctx, name)
	if err != nil {
		return nil, err
	}
	b.running = append(b.running, c)
	pid := c.pid()
	t := &target{
		name: name, addr: addr, host: addr.String(),
		cpu: func() (time.Duration, error) { return cpuOf(pid) },
		pss: func() (float64, error) { return pssOf(pid) },
	}
	b.rulers[name] = t
	return t, nil
}

func (b *bench) startRuler(ctx context.Context, name string) (*child, netip.AddrPort, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	defer read.Close()
	cmd := exec.Command(self, "ruler", name)
	cmd.Stdout, cmd.Env = write, plainEnvironment()
	c, err := startChild(name, b.cores.server, cmd, syscall.SIGKILL)
	_ = write.Close()
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	line, err := bufio.NewReader(read).ReadString('\n')
	addr, err2 := netip.ParseAddrPort(strings.TrimSpace(line))
	if err = errors.Join(err, err2); err == nil {
		err = awaitOK(ctx, addr, "/healthz", c)
	}
	if err != nil {
		return nil, addr, errors.Join(fmt.Errorf("start the ruler %s: %w", name, err), c.stop(syscall.SIGKILL))
	}
	return c, addr, nil
}

// postgres is the one cluster of the run.
func (b *bench) postgres(ctx context.Context) (*cluster, error) {
	if b.cluster != nil {
		return b.cluster, nil
	}
	var err error
	b.cluster, err = startCluster(ctx, b.folder, b.cores.server)
	return b.cluster, err
}

func (b *bench) close() error {
	var errs []error
	for _, w := range b.worlds {
		errs = append(errs, w.close())
	}
	for _, c := range b.running {
		errs = append(errs, c.stop(syscall.SIGTERM))
	}
	if b.cluster != nil {
		errs = append(errs, b.cluster.close())
	}
	if b.folder != "" {
		errs = append(errs, os.RemoveAll(b.folder))
	}
	return errors.Join(errs...)
}
