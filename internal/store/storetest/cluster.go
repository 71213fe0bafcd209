package storetest

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// Cluster is a PostgreSQL of one test's own, which can be stopped and started again.
type Cluster struct {
	programs, folder string
	watcher          *exec.Cmd
	alive            *os.File
}

// NewCluster starts a throwaway cluster, which ends with the test. Without PostgreSQL the test is
// skipped, and fails where CI is set.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	programs, folder, err := makeCluster()
	if errors.Is(err, errNoPostgres) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{programs: programs, folder: folder}
	t.Cleanup(func() {
		c.Stop(t)
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	c.Start(t)
	return c
}

// URL is that of the cluster's one database, by a unix socket.
func (c *Cluster) URL() string { return databaseURL(c.folder, "postgres") }

// Start starts the cluster and waits until it answers.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	var err error
	if c.watcher, c.alive, err = watch(c.programs, c.folder, "INT", "keep"); err != nil {
		t.Fatal(err)
	}
	if err := awaitCluster(c.folder); err != nil {
		t.Fatal(err)
	}
}

// Stop stops it as pg_ctl does in its mode fast: transactions are undone, connections cut.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	if c.watcher == nil {
		return
	}
	if err := errors.Join(c.alive.Close(), c.watcher.Wait()); err != nil {
		t.Errorf("stop PostgreSQL: %v", err)
	}
	c.watcher = nil
}
