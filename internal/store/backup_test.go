package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
	"doorward/internal/token"
)

var restoredAt = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)

// everyone reads all users of a database.
func everyone(t *testing.T, d *store.DB) (all []account.User) {
	t.Helper()
	err := d.View(t.Context(), func(r account.Reader) error {
		for after := int64(0); ; after = all[len(all)-1].ID {
			page, err := r.Users(t.Context(), after, 1000)
			if all = append(all, page...); err != nil || len(page) < 1000 { // the longest page that there is
				return err
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, d *store.DB, f func(w account.Writer) error) {
	t.Helper()
	if err := d.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// people fills a database with two users, the number of a third who is gone, a session and a key.
func people(t *testing.T, d *store.DB) {
	t.Helper()
	ctx := t.Context()
	ann := account.User{
		Email: "Änn@example.com", Username: "ann", FirstName: `"; drop table users; --`, Name: "Ann 🚪", Phone: "+41", Password: "hash",
		IsActive: true, IsStaff: true, JWTSecret: account.NewJWTSecret(), LastLogin: restoredAt.Add(-time.Microsecond), DateJoined: restoredAt.Add(-time.Hour),
	}
	bob := account.User{Username: "bob", IsSuperuser: true, DateJoined: restoredAt, JWTSecret: account.NewJWTSecret()}
	write(t, d, func(w account.Writer) error {
		a, err1 := w.InsertUser(ctx, &ann)
		_, err2 := w.InsertUser(ctx, &bob)
		gone, err3 := w.InsertUser(ctx, &account.User{Username: "gone", DateJoined: restoredAt, JWTSecret: account.NewJWTSecret()})
		_, err4 := w.DeleteUser(ctx, gone)
		_, err5 := w.RaiseEpoch(ctx, a, restoredAt.Add(-time.Minute))
		_, err6 := w.InsertSession(ctx, &account.Session{ID: 5, UserID: a, Mount: "v1", Epoch: 1, Created: restoredAt, Rotated: restoredAt, Expires: restoredAt.Add(time.Hour)})
		err7 := w.InsertSigningKey(ctx, &account.StoredKey{ID: "k", Sealed: []byte{0, 1, 255}, State: token.Active, Created: restoredAt})
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
}

func instance(t *testing.T, d *store.DB) string {
	t.Helper()
	id, err := d.Instance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func backup(t *testing.T, d *store.DB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.backup")
	if _, err := d.Backup(t.Context(), path, false); err != nil {
		t.Fatal(err)
	}
	return path
}

func restore(t *testing.T, from, url string, m *account.Model, replace bool) (*store.Restored, error) {
	t.Helper()
	return store.Restore(t.Context(), &store.RestoreOptions{From: from, URL: url, Model: m, Now: restoredAt, Replace: replace})
}

// close ends a database before its test does.
func closed(t *testing.T, url string, f func(d *store.DB)) {
	t.Helper()
	d, err := store.Open(t.Context(), store.Options{URL: url, Model: own()})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f(d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBackupGoesIntoEitherEngine(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := migrated(t, url, own())
		people(t, d)
		path := backup(t, d)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v, want a file of mode 0600", info, err)
		}
		want := everyone(t, d)
		for i := range want {
			want[i].Epoch, want[i].SignedOut = want[i].Epoch+1, restoredAt
		}
		for name, empty := range engines {
			t.Run("into "+string(name), func(t *testing.T) {
				url := empty(t)
				done, err := restore(t, path, url, own(), false)
				if err != nil {
					t.Fatal(err)
				}
				if done.Users != 2 || done.Engine != d.Engine() || done.Aside != "" || len(done.Migrated) > 0 || done.Left != nil {
					t.Errorf("got %+v, want 2 users of %s and nothing else done", done, d.Engine())
				}
				checkRestored(t, migrated(t, url, own()), want, instance(t, d))
				if name == store.PostgreSQL {
					checkTold(t, url)
				}
			})
		}
	})
}

// checkTold holds that nodes are told of no row that a restore wrote, and of each change after it.
func checkTold(t *testing.T, url string) {
	t.Helper()
	d := migrated(t, url, own())
	told := func() (n int) {
		if err := d.Pool().QueryRowContext(t.Context(), `select count(*) from feed where user_id <> 99`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	raw(t, url, `delete from feed where user_id = 0`) // what checkRestored changed of sessions and keys
	before := told()
	raw(t, url, `update users set is_active = not is_active where id = 1`)
	if after := told(); before != 0 || after != 1 {
		t.Errorf("rows of the feed after a restore, and after one change more\ngot:  %d, %d\nwant: 0, 1", before, after)
	}
}

// checkRestored holds that a database has these users and none of their sign-ins.
func checkRestored(t *testing.T, d *store.DB, want []account.User, was string) {
	t.Helper()
	ctx := t.Context()
	if got := everyone(t, d); !slices.Equal(got, want) {
		t.Errorf("users\ngot:  %+v\nwant: %+v", got, want)
	}
	if got := instance(t, d); got == was || len(got) < 26 {
		t.Errorf("instance: got %q, want another than %q", got, was)
	}
	err := d.View(ctx, func(r account.Reader) error {
		_, err := r.Session(ctx, 5)
		if !errors.Is(err, account.ErrNotFound) {
			t.Errorf("the session: got %v, want %v", err, account.ErrNotFound)
		}
		keys, err := r.SigningKeys(ctx)
		if len(keys) > 0 {
			t.Errorf("signing keys: got %v, want none", keys)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, d, func(w account.Writer) error {
		id, err := w.InsertUser(ctx, &account.User{Username: "new", DateJoined: restoredAt, JWTSecret: account.NewJWTSecret()})
		if id != 4 {
			t.Errorf("the next user's id: got %d, want 4: 3 was given out before", id)
		}
		return err
	})
}

// TestEveryTableIsKeptOrEmptied wants to hear of each new table whether a restore keeps its rows. What
// can be revoked, spent or sent is emptied (emptied in restore.go). What is kept is not sealed
// with a key of the instance: a restore changes it.
func TestEveryTableIsKeptOrEmptied(t *testing.T) {
	kept := []string{
		"doorward_migrations", "field_changes", "group_permissions", "groups", "meta", "permissions", "user_groups", "user_permissions",
		"user_states", "users",
	}
	own, err := store.OwnTables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range own {
		if slices.Contains(kept, name) == slices.Contains(store.Emptied, name) {
			t.Errorf("table %s is to be either kept by a restore, or emptied", name)
		}
	}
}

// TestTablesHaveTwins holds that a row of one engine fits the other's table.
func TestTablesHaveTwins(t *testing.T) {
	url := storetest.Postgres(t)
	postgres, sqlite := migrated(t, url, own()), migrated(t, engines[store.SQLite](t), own())
	fits := map[string]string{"bigint": "integer", "smallint": "integer", "integer": "integer", "boolean": "integer", "text": "text", "bytea": "blob"}
	columns := func(d *store.DB, text string) map[string]string {
		types := map[string]string{}
		rows, err := d.Pool().QueryContext(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name, kind string
			if err := rows.Scan(&name, &kind); err != nil {
				t.Fatal(err)
			}
			types[name] = strings.ToLower(kind)
		}
		return types
	}
	there := columns(postgres, `select table_name || '.' || column_name, data_type from information_schema.columns
		where table_schema = 'public' and table_name not in ('doorward_migrations', 'feed', 'nodes')`) // these tell of now only
	here := columns(sqlite, `select m.name || '.' || i.name, i.type from sqlite_master m, pragma_table_info(m.name) i
		where m.type = 'table' and m.name <> 'doorward_migrations' and m.name not like 'sqlite%'`)
	for name, kind := range there {
		if got, want := here[name], fits[kind]; got != want || want == "" {
			t.Errorf("%s is %s on PostgreSQL\ngot:  %q on SQLite\nwant: %q", name, kind, got, want)
		}
	}
	if len(here) != len(there) || len(here) == 0 {
		t.Errorf("got %d columns on SQLite and %d on PostgreSQL, want the same", len(here), len(there))
	}
}

func TestBackupWhileWriting(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := migrated(t, url, own())
		var acknowledged atomic.Int64 // users 0 to n-1 are
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		writers.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond) // 200 a second
			defer tick.Stop()
			for n := int64(0); ctx.Err() == nil; n++ {
				err := d.Update(t.Context(), func(w account.Writer) error { return signUp(t.Context(), w, n) })
				if err != nil {
					t.Error(err)
					return
				}
				acknowledged.Add(1)
				<-tick.C
			}
		})
		defer writers.Wait()
		defer stop()
		for round := range 4 {
			for acknowledged.Load() < int64(20*(round+1)) && !t.Failed() {
				time.Sleep(time.Millisecond)
			}
			before := acknowledged.Load()
			path := backup(t, d)
			most := acknowledged.Load() + 1
			into := engines[store.SQLite](t)
			if _, err := restore(t, path, into, own(), false); err != nil {
				t.Fatal(err)
			}
			checkWhole(t, into, before, most)
		}
	})
}

// signUp adds a user with a state of his own, in one transaction.
func signUp(ctx context.Context, w account.Writer, n int64) error {
	id, err := w.InsertUser(ctx, &account.User{
		Email: fmt.Sprintf("u%d@example.com", n), Password: "hash", IsActive: true, JWTSecret: account.NewJWTSecret(), DateJoined: restoredAt,
	})
	if err != nil {
		return err
	}
	_, err = w.RaiseEpoch(ctx, id, restoredAt)
	return err
}

// checkWhole holds that the first users are there, and each of all that are there is there whole.
func checkWhole(t *testing.T, url string, least, most int64) {
	t.Helper()
	all := everyone(t, migrated(t, url, own()))
	if n := int64(len(all)); n < least || n > most {
		t.Errorf("users: got %d, want %d to %d", n, least, most)
	}
	for i, u := range all {
		if want := fmt.Sprintf("u%d@example.com", i); u.Email != want || u.Epoch != 2 {
			t.Errorf("got %s in epoch %d, want %s in epoch 2", u.Email, u.Epoch, want)
		}
	}
}

func TestBackupDoesNotOverwrite(t *testing.T) {
	d := migrated(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), own())
	path := filepath.Join(t.TempDir(), "x.backup")
	if err := os.WriteFile(path, []byte("a letter"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Backup(t.Context(), path, false); !errors.Is(err, store.ErrExists) {
		t.Errorf("got %v, want %v", err, store.ErrExists)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "a letter" {
		t.Errorf("got %q, %v, want what was there", text, err)
	}
	if _, err := d.Backup(t.Context(), path, true); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, path, engines[store.SQLite](t), own(), false); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("got %v, %v, want the backup alone", files, err)
	}
}

func TestABackupIsNotServed(t *testing.T) {
	d := migrated(t, engines[store.SQLite](t), own())
	_, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + backup(t, d), Model: own()})
	if err == nil || !strings.Contains(err.Error(), "the database is a backup") {
		t.Errorf("got %v, want an error: the database is a backup", err)
	}
}

func TestAFileThatWasReplacedIsNotServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := migrated(t, "sqlite:"+path, own())
	if err := errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("got %v, want %v", err, store.ErrLocked)
	}
}

func TestFilesThatAreNoBackup(t *testing.T) {
	d := migrated(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), own())
	people(t, d)
	whole, err := os.ReadFile(backup(t, d))
	if err != nil {
		t.Fatal(err)
	}
	change := func(texts ...string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { raw(t, "sqlite:"+path, texts...) }
	}
	cut := func(n int) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.Truncate(path, int64(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  string
	}{
		"cut to half":              {cut(len(whole) / 2), "is damaged"},
		"without its last page":    {cut(len(whole) - 4096), "is damaged"},
		"cut in the first page":    {cut(1000), ""},
		"empty":                    {cut(0), "was not made by doorward backup"},
		"a letter":                 {func(t *testing.T, path string) { rewrite(t, path, []byte("Dear reader")) }, "was not made by doorward backup"},
		"an SQLite file":           {change(`drop table doorward_backup`), "was not made by doorward backup"},
		"a page of zeros":          {func(t *testing.T, path string) { rewrite(t, path, zeroed(whole)) }, ""},
		"a user less":              {change(`delete from users where id = 1`), "was changed after it was made: table users had 2 rows and has 1"},
		"a table more":             {change(`create table more (id)`), "was changed after it was made"},
		"of a newer doorward":      {change(`update doorward_backup set about = replace(about, '"schema":', '"schema":999')`), "is of a newer doorward: its version is 999"},
		"with a version of others": {change(`delete from doorward_migrations where version_id = (select max(version_id) from doorward_migrations)`), "was changed after it was made"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.backup")
			rewrite(t, path, whole)
			tt.spoil(t, path)
			into := filepath.Join(t.TempDir(), "y.db")
			_, err := restore(t, path, "sqlite:"+into, own(), true)
			var bad *store.NotBackupError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a NotBackupError: %s", err, tt.want)
			}
			if files, _ := os.ReadDir(filepath.Dir(into)); len(files) > 0 {
				t.Errorf("got files %v, want none", files)
			}
		})
	}
}

func rewrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// zeroed is a file with its second page lost.
func zeroed(file []byte) []byte {
	file = bytes.Clone(file)
	clear(file[4096:8192])
	return file
}

func TestAnOlderBackupIsMigrated(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := open(t, url, own())
		if err := d.MigrateTo(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		raw(t, url, `insert into meta (key, value) values ('instance', 'before')`,
			`insert into users (email, email_key, password, is_active, is_staff, is_superuser, jwt_secret, date_joined)
			values ('ann@example.com', 'ann@example.com', 'hash', '1', '0', '0', '0123456789abcdef0123456789abcdef', 1)`)
		path := backup(t, d)
		for name, empty := range engines {
			url := empty(t)
			done, err := restore(t, path, url, own(), false)
			if err != nil {
				t.Fatal(err)
			}
			if done.Schema != 1 || len(done.Migrated) != len(steps(t))-1 {
				t.Errorf("into %s: got version %d and %v, want version 1 and every later step", name, done.Schema, done.Migrated)
			}
			d := migrated(t, url, own())
			if got := everyone(t, d); len(got) != 1 || got[0].Email != "ann@example.com" || got[0].Epoch != 1 || instance(t, d) == "before" {
				t.Errorf("into %s: got %+v in instance %q, want one user, signed out, in another instance", name, got, instance(t, d))
			}
		}
	})
}

func TestWhatIsThereIsKeptAside(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		var path string
		closed(t, url, func(d *store.DB) {
			people(t, d)
			path = backup(t, d)
			write(t, d, func(w account.Writer) error { // ids 4 and 5, after the backup
				return errors.Join(signUp(t.Context(), w, 0), signUp(t.Context(), w, 1))
			})
		})
		if _, err := restore(t, path, url, own(), false); !errors.Is(err, store.ErrExists) {
			t.Fatalf("got %v, want %v", err, store.ErrExists)
		}
		done, err := restore(t, path, url, own(), true)
		if err != nil {
			t.Fatal(err)
		}
		d := migrated(t, url, own())
		if n := len(everyone(t, d)); n != 2 {
			t.Errorf("got %d users, want 2", n)
		}
		write(t, d, func(w account.Writer) error {
			id, err := w.InsertUser(t.Context(), &account.User{Username: "new", DateJoined: restoredAt, JWTSecret: account.NewJWTSecret()})
			if id != 6 {
				t.Errorf("the next user's id: got %d, want 6: the lost users had 4 and 5", id)
			}
			return err
		})
		aside := "sqlite:" + done.Aside
		if d.Engine() == store.PostgreSQL { // it is a backup, then
			aside = engines[store.SQLite](t)
			if _, err := restore(t, done.Aside, aside, own(), false); err != nil {
				t.Fatal(err)
			}
		}
		if got := everyone(t, migrated(t, aside, own())); len(got) != 4 || got[3].Email != "u1@example.com" {
			t.Errorf("kept aside: got %v, want all 4 users", got)
		}
	})
}

func TestADatabaseInUseIsNotRestored(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := migrated(t, url, own())
		path := backup(t, d)
		want := store.ErrNodes
		if d.Engine() == store.SQLite {
			want = store.ErrLocked
		}
		release, err := d.Lock()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := restore(t, path, url, own(), true); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		release()
	})
}

func TestAFileThatAnotherProgramHasOpenIsNotReplaced(t *testing.T) {
	url := engines[store.SQLite](t)
	d := migrated(t, url, own()) // stays open, and is in WAL mode
	people(t, d)
	path := backup(t, d)
	if _, err := restore(t, path, url, own(), true); err == nil || !strings.Contains(err.Error(), "another program has") {
		t.Errorf("got %v, want an error: another program has it open", err)
	}
	if n := len(everyone(t, d)); n != 2 {
		t.Errorf("got %d users, want the 2 that were there", n)
	}
}

func TestRestoreIntoADatabaseThatWasOnlyStarted(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		source := migrated(t, engines[store.SQLite](t), own())
		people(t, source)
		closed(t, url, func(d *store.DB) {
			write(t, d, func(w account.Writer) error {
				return w.InsertSigningKey(t.Context(), &account.StoredKey{ID: "other", Sealed: []byte{1}, State: token.Active, Created: restoredAt})
			})
		})
		if done, err := restore(t, backup(t, source), url, own(), false); err != nil || done.Aside != "" {
			t.Errorf("got %+v, %v, want it done: there was nothing to lose", done, err)
		}
	})
}

func TestADamagedFileIsReplaced(t *testing.T) {
	source := migrated(t, engines[store.SQLite](t), own())
	people(t, source)
	path, into := backup(t, source), filepath.Join(t.TempDir(), "y.db")
	rewrite(t, into, []byte(strings.Repeat("no database ", 1000)))
	if _, err := restore(t, path, "sqlite:"+into, own(), false); !errors.Is(err, store.ErrExists) {
		t.Fatalf("got %v, want %v", err, store.ErrExists)
	}
	done, err := restore(t, path, "sqlite:"+into, own(), true)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(everyone(t, migrated(t, "sqlite:"+into, own()))); n != 2 {
		t.Errorf("got %d users, want 2", n)
	}
	if text, err := os.ReadFile(done.Aside); err != nil || !strings.HasPrefix(string(text), "no database ") {
		t.Errorf("%s: got %.20q, %v, want what was there", done.Aside, text, err)
	}
}

func TestBackupOfAnAdoptedTable(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		ctx := t.Context()
		engine := store.PostgreSQL
		if strings.HasPrefix(url, "sqlite:") {
			engine = store.SQLite
		}
		raw(t, url, djangoSpaUser[engine]...)
		d, err := store.Open(ctx, store.Options{URL: url, Model: storetest.SpaUser()})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(ctx, nil); err != nil {
			t.Fatal(err)
		}
		write(t, d, func(w account.Writer) error {
			_, err := w.RaiseEpoch(ctx, 7, restoredAt.Add(-time.Hour))
			return err
		})
		before := everyone(t, d)
		path := filepath.Join(t.TempDir(), "x.backup")
		about, err := d.Backup(ctx, path, false)
		if err = errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
		into := url // on PostgreSQL the owner's table stays where it is
		if engine == store.SQLite {
			if _, err := restore(t, path, url, storetest.SpaUser(), true); !errors.Is(err, store.ErrOthers) || !strings.Contains(err.Error(), "polls_vote, spauser_spauser") {
				t.Errorf("got %v, want %v and the tables", err, store.ErrOthers)
			}
			into = engines[store.SQLite](t)
		} else if about.Missing != "spauser_spauser" || about.Rows["spauser_spauser"] != 0 {
			t.Errorf("got %+v, want the owner's table named as missing", about)
		}
		if _, err := restore(t, path, into, storetest.SpaUser(), true); err != nil {
			t.Fatal(err)
		}
		got := everyone(t, migrated(t, into, storetest.SpaUser()))
		if len(got) != 2 || got[0].Password != "hash" || got[0].Epoch != before[0].Epoch+1 || got[1].Epoch != before[1].Epoch+1 {
			t.Fatalf("got %+v, want the users of before in the next epoch", got)
		}
		for i := range got {
			if got[i].JWTSecret == before[i].JWTSecret || got[i].JWTSecret == got[1-i].JWTSecret || !got[i].SignedOut.Equal(restoredAt) {
				t.Errorf("user %d: got secret %x, signed out at %v, want another secret of his own, at %v", got[i].ID, got[i].JWTSecret, got[i].SignedOut, restoredAt)
			}
		}
	})
}

func TestTheOwnersTableIsNotMade(t *testing.T) {
	source := migrated(t, engines[store.SQLite](t), own())
	for name, want := range map[store.Engine]string{store.SQLite: "has no table spauser_spauser", store.PostgreSQL: "table spauser_spauser is not in the database"} {
		if _, err := restore(t, backup(t, source), engines[name](t), storetest.SpaUser(), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("into %s: got %v, want %s", name, err, want)
		}
	}
}

func TestAMigrationIsPrecededByABackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, "sqlite:"+path, own())
	if err := d.MigrateTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	raw(t, "sqlite:"+path, `insert into user_states values (7, 1, 1)`)
	var got []string
	if err := d.Migrate(t.Context(), func(a store.Applied) { got = append(got, a.String()) }); err != nil {
		t.Fatal(err)
	}
	kept := path + ".before-migration-from-0001"
	if got[0] != "backup "+kept || len(got) != len(steps(t)) {
		t.Errorf("got %q, want the backup, then every step but the first", got)
	}
	done, err := restore(t, kept, engines[store.SQLite](t), own(), false)
	if err != nil || done.Schema != 1 {
		t.Errorf("restore it: got %+v, %v, want version 1", done, err)
	}
}

// TestARestoreLeavesTheSchema holds that indexes and constraints are what the migrations made, names and all.
func TestARestoreLeavesTheSchema(t *testing.T) {
	url := storetest.Postgres(t)
	source := migrated(t, engines[store.SQLite](t), own())
	people(t, source)
	d := migrated(t, url, own())
	schema := func() (all []string) {
		rows, err := d.Pool().QueryContext(t.Context(), `select indexdef from pg_indexes where schemaname = 'public'
			union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace order by 1`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		return all
	}
	want := schema()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, backup(t, source), url, own(), true); err != nil {
		t.Fatal(err)
	}
	d = migrated(t, url, own())
	if got := schema(); !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("got:  %q\nwant: %q", got, want)
	}
}
