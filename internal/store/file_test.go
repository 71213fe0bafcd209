package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#%41.db")
	d := migrated(t, "sqlite:"+path, own())
	release, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) != 4 {
		t.Errorf("got files %q, %v, want the database, its -wal, -shm and .lock", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 || !strings.HasPrefix(f, path) {
			t.Errorf("%s has mode %o, want 600", f, got)
		}
	}
}

func TestPragmas(t *testing.T) {
	d := migrated(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), own())
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "query_only": "1",
	} {
		var got string
		if err := d.Pool().QueryRow(`pragma ` + name).Scan(&got); err != nil || got != want {
			t.Errorf("%s of readers: got %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestOneServeAFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "x.db")
	d := migrated(t, "sqlite:"+path, own())
	if err := os.Symlink(path, filepath.Join(folder, "link.db")); err != nil {
		t.Fatal(err)
	}
	other := open(t, "sqlite:"+filepath.Join(folder, "link.db"), own())
	for range 2 {
		release, err := d.Lock()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Lock(); !errors.Is(err, store.ErrLocked) {
			t.Errorf("a second serve: got %v, want %v", err, store.ErrLocked)
		}
		release()
		release, err = other.Lock()
		if err != nil {
			t.Fatalf("after the first: %v", err)
		}
		release()
	}
	shared := migrated(t, storetest.Postgres(t), own())
	for range 2 {
		if _, err := shared.Lock(); err != nil {
			t.Errorf("a node on PostgreSQL: %v", err)
		}
	}
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, url, want string }{
		{"a text", "sqlite:" + text, text + " is not an SQLite database"},
		{"a folder", "sqlite:" + folder, folder + " is not a file"},
		{"in no folder", "sqlite:" + filepath.Join(folder, "none", "x.db"), "there is no folder " + filepath.Join(folder, "none")},
		{"in a file", "sqlite:" + filepath.Join(text, "x.db"), text + " is not a folder"},
		{"no name", "sqlite:", "names no file"},
		{"memory", "sqlite::memory:", "names no file"},
		{"another scheme", "mysql://x", "neither sqlite:PATH nor postgres://"},
		{"no server", "postgres://u:geheim@127.0.0.1:1/x?connect_timeout=1", "connect to PostgreSQL"},
		{"simple protocol", "postgres://u@127.0.0.1:1/x?default_query_exec_mode=simple_protocol", "simple protocol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := store.Open(t.Context(), store.Options{URL: tt.url, Model: own()})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("got %v, want %q in it and no password", err, tt.want)
			}
		})
	}
}

// TestUnwritable runs itself as nobody when it is root, who may write everything.
func TestUnwritable(t *testing.T) {
	const inside = "STORE_TEST_UNWRITABLE"
	if folder := os.Getenv(inside); folder != "" {
		checkUnwritable(t, folder)
		return
	}
	folder, err := os.MkdirTemp("", "store-unwritable-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	for _, name := range []string{"closed", "open"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name, "there.db"), nil, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(folder, 0o755), os.Chmod(filepath.Join(folder, "closed"), 0o555), os.Chmod(filepath.Join(folder, "open"), 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(folder, "closed"), 0o700) })
	if os.Geteuid() != 0 {
		checkUnwritable(t, folder)
		return
	}
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(folder, "test")
	if err := os.WriteFile(copied, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, "-test.run=^TestUnwritable$")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), inside+"="+folder)
	asNobody(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

func checkUnwritable(t *testing.T, folder string) {
	t.Helper()
	for name, want := range map[string]string{
		"closed/fresh.db": "the folder " + filepath.Join(folder, "closed") + " is not writable for this user",
		"open/there.db":   "the file " + filepath.Join(folder, "open/there.db") + " is not writable for this user",
		"closed/there.db": "is not writable for this user",
	} {
		_, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(folder, name), Model: own()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", name, err, want)
		}
	}
}

func TestScratch(t *testing.T) {
	onBoth(t, func(t *testing.T, base string) {
		ctx := t.Context()
		url, drop, err := store.Scratch(ctx, base)
		if err != nil {
			t.Fatal(err)
		}
		d, err := store.Open(ctx, store.Options{URL: url, Model: own()})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(ctx, nil); err != nil {
			t.Error(err)
		}
		if got := pending(t, open(t, base, own())); len(got) == 0 {
			t.Error("the base is migrated too")
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := drop(); err != nil {
			t.Error(err)
		}
		if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
			if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
				t.Errorf("the scratch folder is left: %v", err)
			}
		} else if _, err := store.Open(ctx, store.Options{URL: url, Model: own()}); err == nil {
			t.Error("the scratch database is left")
		}
	})
}

// TestALockedFileIsWaitedFor holds the write lock from outside, as another program would.
func TestALockedFileIsWaitedFor(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.db")
			raw(t, "sqlite:"+path, append(djangoSpaUser[store.SQLite], "pragma journal_mode = "+mode)...)
			d, other := migrated(t, "sqlite:"+path, storetest.SpaUser()), open(t, "sqlite:"+path, storetest.SpaUser())
			raise := func(ctx context.Context, d *store.DB, then func()) error {
				return d.Update(ctx, func(w account.Writer) error {
					_, err := w.RaiseEpoch(ctx, 7, time.Unix(1790000000, 0))
					then()
					return err
				})
			}
			err := raise(t.Context(), other, func() {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
				defer cancel()
				begin := time.Now()
				if err := raise(ctx, d, func() {}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a write beside another: got %v, want %v", err, context.DeadlineExceeded)
				}
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("a write cancelled after 30 ms took %v", took)
				}
				err := d.View(t.Context(), func(r account.Reader) error { _, err := r.User(t.Context(), 7); return err })
				if err != nil {
					t.Errorf("a read beside a write: %v", err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error)
			err = raise(t.Context(), other, func() {
				go func() { done <- raise(t.Context(), d, func() {}) }()
				time.Sleep(300 * time.Millisecond)
			})
			if err := errors.Join(err, <-done); err != nil {
				t.Errorf("a write that waits for another: %v", err)
			}
		})
	}
}

func BenchmarkStore(b *testing.B) {
	for _, name := range []store.Engine{store.SQLite, store.PostgreSQL} {
		d := migrated(b, engines[name](b), own())
		ctx := b.Context()
		ses := account.Session{ID: 1, UserID: 1, Mount: "v1"}
		u := account.User{Email: "ann@example.com", DateJoined: time.Unix(1790000000, 0)}
		err := d.Update(ctx, func(w account.Writer) error {
			_, err := w.InsertUser(ctx, &u)
			_, err2 := w.InsertSession(ctx, &ses)
			return errors.Join(err, err2)
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%s/user", name), func(b *testing.B) {
			for b.Loop() {
				if err := d.View(ctx, func(r account.Reader) error { _, err := r.User(ctx, 1); return err }); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%s/rotate", name), func(b *testing.B) {
			for n := uint32(0); b.Loop(); n++ {
				if err := rotate(ctx, d, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
