package crash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// halves are the rows that a request done by half would leave. Each query counts them.
var halves = []struct{ name, query string }{
	{"users without a session", `select count(*) from users where id not in (select user_id from sessions)`},
	{"sessions of nobody", `select count(*) from sessions where user_id not in (select id from users)`},
	{"states of nobody", `select count(*) from user_states where user_id not in (select id from users)`},
	{"addresses without their key", `select count(*) from users where (email is null) <> (email_key is null)`},
	{"sessions ahead of their user", `select count(*) from sessions s left join user_states u on u.user_id = s.user_id
		where s.epoch > coalesce(u.epoch, 0)`},
}

// inspect looks at the database as the crash left it. A file is looked at in a copy: who opens the
// file itself repairs it before the server can.
func (s *site) inspect(t *testing.T) {
	t.Helper()
	s.inspectIn(t, s.data())
}

func (s *site) inspectIn(t *testing.T, data string) {
	t.Helper()
	query, made := s.postgres, `select count(*) from pg_tables where tablename = 'signing_keys'`
	if s.database == "" {
		query, made = s.sqlite, `select count(*) from sqlite_master where name = 'signing_keys'`
		if err := copyFiles(s.copied(), data, "doorward.db", "doorward.db-wal", "doorward.db-journal"); err != nil {
			t.Fatal(err)
		}
		if got := query(t, `pragma integrity_check`); got != "ok" {
			t.Errorf("pragma integrity_check\ngot:  %s\nwant: ok", got)
		}
	}
	if query(t, made) == "0" {
		return // the crash hit the first start
	}
	for _, half := range halves {
		if got := query(t, half.query); got != "0" {
			t.Errorf("%s\ngot:  %s\nwant: 0", half.name, got)
		}
	}
}

func (s *site) copied() string { return filepath.Join(s.folder, "copy") }

func (s *site) sqlite(t *testing.T, query string) string {
	t.Helper()
	out, err := exec.Command("sqlite3", filepath.Join(s.copied(), "doorward.db"), query).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (s *site) postgres(t *testing.T, query string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var got int
	if err := conn.QueryRow(ctx, query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strconv.Itoa(got)
}

// copyFiles makes a folder with copies of those of the named files that are there.
func copyFiles(to, from string, names ...string) error {
	if err := errors.Join(os.RemoveAll(to), os.Mkdir(to, 0o700)); err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	return nil
}
