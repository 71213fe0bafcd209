//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
)

// How much is written and read to measure a row. A batch is one transaction.
const (
	measuredUsers    = 200_000
	measuredSessions = 400_000
	measuredBatch    = 5000
	measuredTurns    = 20_000
	measuredPages    = 2000
	workers          = 8
)

// storedHash has the length of a hash that sign-up makes; what it says is of no matter here.
const storedHash = "argon2$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"

// measured is a database that rows are measured in: an empty one, which it fills.
type measured struct {
	url   string
	db    *store.DB
	out   io.Writer
	dice  *chance
	began time.Time
	ids   []int64          // of sessions
	turn  map[int64]uint32 // generations, by session
	shift int              // which sessions a round takes
}

// measure fills the database at url and writes what rows, refreshes and reads take in it.
func measure(ctx context.Context, url string, seed uint64, out io.Writer) (err error) {
	m := &measured{url: url, out: out, dice: newChance(seed), began: time.Now(), turn: map[int64]uint32{}}
	if err := m.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.db.Close()) }()
	if err := m.db.Migrate(ctx, nil); err != nil {
		return err
	}
	fmt.Fprintf(out, "Measured %s in %s.\n\n", m.began.UTC().Format("2006-01-02 15:04 UTC"), m.db.Engine())
	steps := []func(context.Context) error{m.users, m.sessions}
	if m.db.Engine() == store.PostgreSQL {
		steps = append(steps, m.turns, m.signIns, m.ends, m.reads, m.roomy)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *measured) open(ctx context.Context) (err error) {
	m.db, err = store.Open(ctx, store.Options{URL: m.url, Model: account.OwnModel(account.Email, account.Folded)})
	return err
}

func (m *measured) users(ctx context.Context) error {
	before, err := m.size(ctx)
	if err != nil {
		return err
	}
	err = m.batches(measuredUsers, func(w account.Writer, i int) error {
		u := account.User{
			Email: fmt.Sprintf("firstname.lastname%d@mail.example", i), FirstName: "Firstname", LastName: "Lastname",
			Password: storedHash, IsActive: true, DateJoined: m.began, LastLogin: m.began,
		}
		binary.LittleEndian.PutUint64(u.JWTSecret[:], m.dice.next())
		_, err := w.InsertUser(ctx, &u)
		return err
	})
	return errors.Join(err, m.grown(ctx, "users", measuredUsers, before))
}

func (m *measured) sessions(ctx context.Context) error {
	before, err := m.size(ctx)
	if err != nil {
		return err
	}
	err = m.batches(measuredSessions, func(w account.Writer, i int) error {
		at := m.began.Add(time.Duration(i) * time.Millisecond)
		return m.session(ctx, w, at)
	})
	return errors.Join(err, m.grown(ctx, "sessions", measuredSessions, before))
}

// session opens one for any user, as a sign-in at /v1/ does.
func (m *measured) session(ctx context.Context, w account.Writer, at time.Time) error {
	s := account.Session{
		ID: int64(m.dice.next() >> 1), UserID: 1 + int64(m.dice.below(measuredUsers)), Mount: "v1",
		Created: at, Rotated: at, Expires: at.Add(sessionLife),
	}
	m.ids = append(m.ids, s.ID)
	_, err := w.InsertSession(ctx, &s)
	return err
}

func (m *measured) batches(n int, one func(w account.Writer, i int) error) error {
	for first := 0; first < n; first += measuredBatch {
		err := m.db.Update(context.Background(), func(w account.Writer) error {
			for i := first; i < first+measuredBatch; i++ {
				if err := one(w, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// turns refreshes sessions of different pages after a checkpoint, when the first change of a page
// writes the whole page to the log, and then more of them again and again.
func (m *measured) turns(ctx context.Context) error {
	if err := m.firstTouch(ctx, "refresh", m.rotate); err != nil {
		return err
	}
	for n := range 5 {
		if err := m.round(ctx, fmt.Sprintf("refresh, round %d", n+1), measuredTurns, m.rotate); err != nil {
			return err
		}
	}
	return nil
}

// change does something to a session whose refresh token has this generation.
type change func(ctx context.Context, id int64, generation uint32) error

// firstTouch changes one session in each of so many pages after a checkpoint.
func (m *measured) firstTouch(ctx context.Context, name string, one change) error {
	if err := m.psql(ctx, "checkpoint"); err != nil {
		return err
	}
	return m.round(ctx, name+", first of its page", measuredPages, one)
}

func (m *measured) rotate(ctx context.Context, id int64, generation uint32) error {
	_, err := m.db.Rotate(ctx, id, generation, m.began, time.Time{})
	return err
}

// signIns is what a sign-in writes, without its hash.
func (m *measured) signIns(ctx context.Context) error {
	return m.firstTouch(ctx, "sign-in", func(ctx context.Context, id int64, _ uint32) error {
		return m.db.Update(ctx, func(w account.Writer) error {
			u, err := w.User(ctx, 1+id%measuredUsers)
			if err != nil {
				return err
			}
			s := account.Session{
				ID: id ^ 1<<40, UserID: u.ID, Mount: "v1",
				Created: m.began, Rotated: m.began, Expires: m.began.Add(sessionLife),
			}
			if _, err := w.InsertSession(ctx, &s); err != nil {
				return err
			}
			u.LastLogin = m.began
			return w.UpdateUser(ctx, &u, account.LastLogin)
		})
	})
}

func (m *measured) ends(ctx context.Context) error {
	m.shift = 3
	return m.firstTouch(ctx, "sign-out", func(ctx context.Context, id int64, _ uint32) error {
		return m.db.Update(ctx, func(w account.Writer) error {
			_, err := w.EndSession(ctx, id, m.began)
			return err
		})
	})
}

// reads is what judging a token for the first time takes: its session and its user.
func (m *measured) reads(ctx context.Context) error {
	return m.round(ctx, "two reads by key", measuredTurns, func(ctx context.Context, id int64, _ uint32) error {
		return m.db.View(ctx, func(r account.Reader) error {
			s, err := r.Session(ctx, id)
			if err == nil {
				_, err = r.User(ctx, s.UserID)
			}
			return err
		})
	})
}

// roomy refreshes other sessions after their pages were made anew with a tenth of them left free.
func (m *measured) roomy(ctx context.Context) error {
	if err := m.psql(ctx, "alter table sessions set (fillfactor = 90)", "vacuum full sessions"); err != nil {
		return err
	}
	m.shift = 7
	if err := m.firstTouch(ctx, "90 % full: refresh", m.rotate); err != nil {
		return err
	}
	if err := m.psql(ctx, "alter system set wal_compression = on", "select pg_reload_conf()"); err != nil {
		return err
	}
	if err := m.firstTouch(ctx, "compressed: refresh", m.rotate); err != nil {
		return err
	}
	return m.psql(ctx, "alter system reset wal_compression", "select pg_reload_conf()")
}

// pick is number i of n sessions that lie far from each other.
func (m *measured) pick(i, n int) int64 { return m.ids[i*len(m.ids)/n+m.shift] }

// round does something once to each of n sessions, with several at work, and says what a time of it took.
func (m *measured) round(ctx context.Context, name string, n int, one change) error {
	before, err := m.counters(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	var work sync.WaitGroup
	failures := make([]error, workers)
	for w := range workers {
		work.Go(func() {
			for i := w; i < n && failures[w] == nil; i += workers {
				id := m.pick(i, n)
				failures[w] = one(ctx, id, m.turn[id])
			}
		})
	}
	work.Wait()
	took := time.Since(began)
	if err := errors.Join(failures...); err != nil {
		return err
	}
	after, err := m.counters(ctx)
	if err != nil {
		return err
	}
	if after[1] > before[1] && !strings.HasPrefix(name, "sign") {
		for i := range n {
			m.turn[m.pick(i, n)]++
		}
	}
	d := func(i int) float64 { return float64(after[i]-before[i]) / float64(n) }
	fmt.Fprintf(m.out, "%-40s %6.0f a second, WAL %6.0f bytes each; updates %.2f, of them HOT %.2f; PostgreSQL's CPU %4.0f µs each\n",
		name, float64(n)/took.Seconds(), d(0), d(1), d(2), d(3))
	return nil
}

// counters are the end of the log, updates of sessions, those that were HOT, and µs of CPU. The
// connections are made anew: one that ends tells all that it counted.
func (m *measured) counters(ctx context.Context) (c [4]int64, err error) {
	if err := m.db.Close(); err != nil {
		return c, err
	}
	time.Sleep(300 * time.Millisecond) // their processes end a little later
	if err := m.open(ctx); err != nil {
		return c, err
	}
	text, err := m.ask(ctx, `select pg_current_wal_insert_lsn() - '0/0', n_tup_upd, n_tup_hot_upd,
		(select pid from pg_stat_activity where backend_type = 'checkpointer')
		from pg_stat_user_tables where relname = 'sessions'`)
	if err != nil {
		return c, err
	}
	if _, err := fmt.Sscan(strings.ReplaceAll(text, "|", " "), &c[0], &c[1], &c[2], &c[3]); err != nil {
		return c, fmt.Errorf("read the counters %q: %w", text, err)
	}
	c[3], err = family(c[3])
	return c, err
}

// family is the CPU in µs of the parent of a process and of all its children, living and ended.
func family(pid int64) (int64, error) {
	own, err := processStat(strconv.FormatInt(pid, 10))
	if err != nil {
		return 0, err
	}
	parent := own[1]
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	var ticks int64
	for _, entry := range entries {
		stat, err := processStat(entry.Name())
		if err != nil || entry.Name() != parent && stat[1] != parent {
			continue // it has ended meanwhile, or is another's
		}
		used := stat[11:13]
		if entry.Name() == parent {
			used = stat[11:15] // with its ended children
		}
		for _, text := range used {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return 0, err
			}
			ticks += n
		}
	}
	return ticks * 10_000, nil // 100 ticks a second
}

// processStat is what follows the name in /proc/PID/stat: state, parent, …
func processStat(pid string) ([]string, error) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	if fields := strings.Fields(rest); len(fields) > 15 {
		return fields, nil
	}
	return nil, fmt.Errorf("/proc/%s/stat has too few fields", pid)
}

// size is that of the whole database, in bytes.
func (m *measured) size(ctx context.Context) (int64, error) {
	if m.db.Engine() == store.PostgreSQL {
		text, err := m.ask(ctx, "select pg_total_relation_size('users') + pg_total_relation_size('sessions')")
		if err != nil {
			return 0, err
		}
		return strconv.ParseInt(text, 10, 64)
	}
	path := strings.TrimPrefix(m.url, "sqlite:")
	out, err := exec.CommandContext(ctx, "sqlite3", path, "pragma wal_checkpoint(truncate)", "pragma page_count", "pragma page_size").Output()
	if err != nil {
		return 0, fmt.Errorf("sqlite3: %w", err)
	}
	lines := strings.Fields(string(out))
	if len(lines) != 3 {
		return 0, fmt.Errorf("sqlite3 says %q", out)
	}
	pages, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, err
	}
	size, err := strconv.ParseInt(lines[2], 10, 64)
	return pages * size, err
}

// grown says what so many rows of a table added, with its indexes.
func (m *measured) grown(ctx context.Context, table string, rows, before int64) error {
	after, err := m.size(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(m.out, "%s: %.0f bytes a row with its indexes (%d rows)\n", table, float64(after-before)/float64(rows), rows)
	if m.db.Engine() != store.PostgreSQL {
		return nil
	}
	text, err := m.ask(ctx, fmt.Sprintf(`select string_agg(format('%%s %%s', c.relname, round(pg_relation_size(c.oid) / %d.0, 1)), ', ' order by c.oid)
		from pg_class c where c.oid = '%s'::regclass or c.oid in (select indexrelid from pg_index where indrelid = '%s'::regclass)`, rows, table, table))
	fmt.Fprintf(m.out, "  bytes a row: %s\n", text)
	return err
}

func (m *measured) psql(ctx context.Context, texts ...string) error {
	for _, text := range texts {
		if _, err := m.ask(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// ask runs a statement that is none of the server's in PostgreSQL's own program.
func (m *measured) ask(ctx context.Context, text string) (string, error) {
	out, err := exec.CommandContext(ctx, "psql", "-XAtqc", text, m.url).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w\n%s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
