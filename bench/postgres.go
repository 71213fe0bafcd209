//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// cluster is a throwaway PostgreSQL with its usual settings: what is committed is on the disk.
type cluster struct {
	programs, folder string
	server           *child
	made             int // databases
}

var errNoPostgres = errors.New("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql/*/bin")

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

const clusterUser = "doorward"

func startCluster(ctx context.Context, base string, cores cpuSet) (c *cluster, err error) {
	c = &cluster{}
	if c.programs, err = findPostgres(); err != nil {
		return nil, err
	}
	if c.folder, err = os.MkdirTemp(base, "doorward-bench-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	owner, err := ownerOf(c.folder)
	if err != nil {
		return c, err
	}
	data := filepath.Join(c.folder, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(c.programs, "initdb"), "-D", data, "-U", clusterUser,
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = &syscall.SysProcAttr{Credential: owner}, c.folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return c, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(c.folder, "log"))
	if err != nil {
		return c, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.programs, "postgres"), "-D", data, "-k", c.folder, "-c", "listen_addresses=")
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = &syscall.SysProcAttr{Credential: owner}, c.folder, log, log
	if c.server, err = startChild("PostgreSQL", cores, cmd, syscall.SIGQUIT); err != nil {
		return c, err
	}
	return c, c.await(ctx)
}

// ownerOf is who PostgreSQL runs as, since it refuses root; the folder becomes theirs.
func ownerOf(folder string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(folder, int(uid), int(gid))
}

// run runs one of PostgreSQL's own programs against the cluster.
func (c *cluster) run(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.programs, program), append([]string{"-h", c.folder, "-U", clusterUser}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return out, err
}

func (c *cluster) await(ctx context.Context) error {
	const startWithin = 30 * time.Second
	for deadline := nanos() + int64(startWithin); ; time.Sleep(50 * time.Millisecond) {
		_, err := c.run(ctx, "pg_isready", "-q")
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || nanos() > deadline || c.server.ended() {
			log, _ := os.ReadFile(filepath.Join(c.folder, "log"))
			return fmt.Errorf("the throwaway PostgreSQL does not answer: %w\n%s", err, log)
		}
	}
}

// database makes an empty database and returns its URL.
func (c *cluster) database(ctx context.Context) (string, error) {
	c.made++
	name := fmt.Sprintf("bench_%d", c.made)
	if _, err := c.run(ctx, "createdb", "-T", "template0", name); err != nil {
		return "", err
	}
	return (&url.URL{
		Scheme: "postgres", User: url.User(clusterUser), Path: "/" + name,
		RawQuery: url.Values{"host": {c.folder}}.Encode(),
	}).String(), nil
}

func (c *cluster) close() error {
	var err error
	if c.server != nil {
		err = c.server.stop(syscall.SIGINT)
	}
	return errors.Join(err, os.RemoveAll(c.folder))
}
