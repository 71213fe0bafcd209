// Package storetest holds the storage contract, which every store runs, and starts PostgreSQL for
// the tests of any package.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	clusterUser = "doorward"
	startWithin = 30 * time.Second
)

// cluster is the one PostgreSQL of this test process.
var cluster struct {
	once   sync.Once
	folder string // its socket lies here
	err    error
	last   atomic.Int64
	making sync.Mutex // two copies of one template at once are an error
	alive  *os.File   // its closing tells the watcher that this process is over
}

// errNoPostgres says that PostgreSQL is not installed.
var errNoPostgres = errors.New("no initdb and postgres were found in PATH or /usr/lib/postgresql/*/bin: " +
	"install PostgreSQL 13 or newer (Debian: apt install postgresql)")

// Postgres gives a test an empty database of its own and returns its URL (by a unix socket). The
// first call of a process starts a throwaway cluster, without fsync; it ends with the process,
// however that ends. Without PostgreSQL the test is skipped, and fails where CI is set.
func Postgres(t testing.TB) string {
	t.Helper()
	cluster.once.Do(func() { cluster.folder, cluster.err = startCluster() })
	if errors.Is(cluster.err, errNoPostgres) && os.Getenv("CI") == "" {
		t.Skip(cluster.err)
	}
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	name := fmt.Sprintf("test_%d", cluster.last.Add(1))
	cluster.making.Lock()
	err := statement("create database " + name + " template template0")
	cluster.making.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := statement("drop database if exists " + name + " with (force)"); err != nil {
			t.Error(err)
		}
	})
	return databaseURL(cluster.folder, name)
}

func databaseURL(folder, database string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.User(clusterUser), Path: "/" + database,
		RawQuery: url.Values{"host": {folder}}.Encode(),
	}).String()
}

// statement runs one statement beside the tests.
func statement(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	conn, err := connect(ctx, cluster.folder)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text)
	return errors.Join(err, conn.Close(ctx))
}

// connect tries until ctx ends: the cluster may be starting, or its queue of connections full.
func connect(ctx context.Context, folder string) (*pgx.Conn, error) {
	for {
		conn, err := pgx.Connect(ctx, databaseURL(folder, "postgres"))
		if err == nil {
			return conn, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(folder, "log"))
			return nil, fmt.Errorf("the throwaway PostgreSQL does not answer: %w\n%s", err, log)
		}
	}
}

// findPostgres is the folder of PostgreSQL's programs.
func findPostgres() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), "postgres")); err == nil {
				return filepath.Dir(path), nil
			}
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errNoPostgres
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// The watcher starts the cluster and stops it, by the signal $3, when descriptor 3, whose other end
// the test process holds, closes. It removes the folder, unless $4 says to keep it.
const watcher = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=300 \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB \
	-c autovacuum=off -c log_min_messages=fatal >"$2/log" 2>&1 &
cat <&3 >/dev/null
kill -$3 $!
wait $!
[ "$4" = keep ] || rm -rf "$2"
`

func startCluster() (folder string, err error) {
	programs, folder, err := makeCluster()
	if err != nil {
		return "", err
	}
	if _, cluster.alive, err = watch(programs, folder, "QUIT", "remove"); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return folder, awaitCluster(folder)
}

func makeCluster() (programs, folder string, err error) {
	if programs, err = findPostgres(); err != nil {
		return "", "", err
	}
	base := os.TempDir()
	if len(base) > 60 { // a socket's path has at most 107 bytes
		base = "/tmp"
	}
	if folder, err = os.MkdirTemp(base, "doorward-pg-"); err != nil {
		return "", "", err
	}
	owner, err := ownerOf(folder)
	if err != nil {
		return "", "", err
	}
	initdb := exec.Command(filepath.Join(programs, "initdb"), "-D", filepath.Join(folder, "data"), "-U", clusterUser,
		"--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = owner, folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", "", errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), os.RemoveAll(folder))
	}
	return programs, folder, nil
}

// watch starts a watcher, and gives the file whose closing ends it.
func watch(programs, folder, signal, then string) (*exec.Cmd, *os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer read.Close()
	owner, err := ownerOf(folder)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command("sh", "-c", watcher, "sh", programs, folder, signal, then)
	cmd.SysProcAttr, cmd.Dir, cmd.ExtraFiles = owner, "/", []*os.File{read}
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	return cmd, write, nil
}

func awaitCluster(folder string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	conn, err := connect(ctx, folder)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
