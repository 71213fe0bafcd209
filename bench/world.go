//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// The engines, as the command line and the tables call them.
const (
	engineSQLite   = "sqlite"
	enginePostgres = "postgres"
)

// target is a server under load: Doorward or a ruler.
type target struct {
	name string
	addr netip.AddrPort
	host string // for the Host field
	cpu  func() (time.Duration, error)
	pss  func() (float64, error) // MiB
}

// world is a database and the server over it.
type world struct {
	engine   string
	folder   string
	url      string   // of the database
	cluster  *cluster // nil on SQLite
	binary   string
	cores    cpuSet
	addr     netip.AddrPort
	level    string
	server   *child
	log      *os.File
	extraEnv []string
	declared string // fields and profiles, as the configuration declares them
}

// newWorld makes a folder with an empty database, a root key and two configurations.
func (b *bench) newWorld(ctx context.Context, engine string) (w *world, err error) {
	w = &world{engine: engine, binary: b.binary, cores: b.cores.server, level: b.level}
	if w.folder, err = os.MkdirTemp(b.folder, "world-"); err != nil {
		return nil, err
	}
	w.url = "sqlite:" + filepath.Join(w.folder, "doorward.db")
	if engine == enginePostgres {
		if w.cluster, err = b.postgres(ctx); err != nil {
			return nil, err
		}
		if w.url, err = w.cluster.database(ctx); err != nil {
			return nil, err
		}
	}
	if w.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	return w, errors.Join(os.WriteFile(w.path("root.key"), []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600), w.configure())
}

// configure writes the two configurations.
func (w *world) configure() error {
	return errors.Join(
		os.WriteFile(w.path(production), []byte(w.config(false)), 0o600),
		os.WriteFile(w.path(seeding), []byte(w.config(true)), 0o600))
}

// The two configurations: what is measured, and one whose hashes cost nothing, with which the
// readers get their tokens before anything is measured. Database and keys are the same.
const (
	production = "production.toml"
	seeding    = "seeding.toml"
)

func (w *world) path(name string) string { return filepath.Join(w.folder, name) }

func (w *world) config(cheap bool) string {
	text := fmt.Sprintf(`addr = %q
dev = %t
public_url = "http://%s"
database_url = %q
key_file = %q
log.level = %q
`, w.addr, cheap, w.addr.Addr(), w.url, w.path("root.key"), w.level)
	if cheap {
		text += fmt.Sprintf("password.memory_kib = %d\npassword.time = %d\n", cheapHash.MemoryKiB, cheapHash.Time)
	}
	// Tokens outlive the run.
	return text + "\n[mounts.v1]\naccess_lifetime_seconds = 86400\n\n[mounts.tag1]\naccess_lifetime_seconds = 86400\n" + w.declared
}

// freeAddr is an address of loopback that nobody listens on.
func freeAddr() (netip.AddrPort, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer ln.Close()
	return netip.ParseAddrPort(ln.Addr().String())
}

// start starts the server and returns how long its first answer took.
func (w *world) start(ctx context.Context, config string) (took time.Duration, err error) {
	if w.log == nil {
		if w.log, err = os.OpenFile(w.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return 0, err
		}
	}
	_ = w.log.Truncate(0) // a line a request adds up
	cmd := exec.Command(w.binary, "serve", "--config", w.path(config))
	cmd.Dir, cmd.Stderr, cmd.Env = w.folder, w.log, append(plainEnvironment(), w.extraEnv...)
	begin := nanos()
	if w.server, err = startChild("doorward", w.cores, cmd, syscall.SIGKILL); err != nil {
		return 0, err
	}
	if err := awaitOK(ctx, w.addr, "/readyz", w.server); err != nil {
		log, _ := os.ReadFile(w.path("log"))
		return 0, fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
	}
	return time.Duration(nanos() - begin), nil
}

// plainEnvironment leaves out what would configure the server.
func plainEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
}

// awaitOK asks until a server answers 200, at most startWithin.
func awaitOK(ctx context.Context, addr netip.AddrPort, path string, server *child) error {
	const startWithin = 60 * time.Second
	req := request("GET", addr.String(), path, "", "Connection: close")
	head := make([]byte, 12)
	last := "nothing"
	for deadline := nanos() + int64(startWithin); nanos() < deadline; time.Sleep(200 * time.Microsecond) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if server.ended() {
			return fmt.Errorf("%s ended before it answered: %w", server.name, errors.Join(server.err))
		}
		conn, err := net.DialTimeout("tcp", addr.String(), time.Second)
		if err != nil {
			last = err.Error()
			continue
		}
		_ = conn.SetDeadline(clock().Add(5 * time.Second))
		_, err = conn.Write(req)
		n := 0
		if err == nil {
			n, _ = conn.Read(head)
		}
		_ = conn.Close()
		if last = string(head[:n]); n == len(head) && last[9:] == "200" {
			return nil
		}
	}
	return fmt.Errorf("%s did not answer %s within %v; last: %s", server.name, path, startWithin, last)
}

func (w *world) stop() error {
	if w.server == nil {
		return nil
	}
	err := w.server.stop(syscall.SIGTERM)
	w.server = nil
	return err
}

// restart is stop and start in production mode.
func (w *world) restart(ctx context.Context) (time.Duration, error) {
	if err := w.stop(); err != nil {
		return 0, err
	}
	return w.start(ctx, production)
}

func (w *world) close() error {
	err := w.stop()
	if w.log != nil {
		_ = w.log.Close()
	}
	return errors.Join(err, os.RemoveAll(w.folder))
}

// target is the running server, with PostgreSQL's share.
func (w *world) target() *target {
	pid := w.server.pid()
	t := &target{
		name: "doorward", addr: w.addr, host: w.addr.String(),
		cpu: func() (time.Duration, error) { return cpuOf(pid) },
		pss: func() (float64, error) { return pssOf(pid) },
	}
	if w.cluster != nil {
		t.cpu = func() (time.Duration, error) {
			server, err := cpuOf(pid)
			database, err2 := cpuOfFamily(w.cluster.server.pid())
			return server + database, errors.Join(err, err2)
		}
	}
	return t
}
