package store_test

import (
	"database/sql"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

func pending(t *testing.T, d *store.DB) []string {
	t.Helper()
	steps, err := d.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range steps {
		names = append(names, s.String())
	}
	return names
}

// steps are the migrations there are, as reports name them.
func steps(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir("migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, strings.ReplaceAll(strings.TrimSuffix(f.Name(), ".sql"), "_", " "))
	}
	return names
}

func TestMigrateReportsEachStepOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := open(t, url, storetest.SpaUser())
		want := append(steps(t), "table spauser_spauser")
		if got := pending(t, d); !slices.Equal(got, want) {
			t.Errorf("pending: got %q, want %q", got, want)
		}
		if got := pending(t, d); !slices.Equal(got, want) {
			t.Errorf("pending, asked again: got %q, want %q", got, want)
		}
		var got []string
		report := func(a store.Applied) {
			if got = append(got, a.String()); a.Version != 0 && a.Took <= 0 {
				t.Errorf("%s took %v", a, a.Took)
			}
		}
		for range 2 {
			if err := d.Migrate(t.Context(), report); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("applied: got %q, want %q", got, want)
		}
		if got := pending(t, d); got != nil {
			t.Errorf("pending afterwards: got %q, want none", got)
		}
	})
}

func TestEnginesHaveTheSameSteps(t *testing.T) {
	names := map[store.Engine][]string{}
	for _, e := range []store.Engine{store.SQLite, store.PostgreSQL} {
		files, err := os.ReadDir("migrations/" + string(e))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			if i > 0 && f.Name()[:len("0001")] == files[i-1].Name()[:len("0001")] {
				t.Errorf("%s has the number of another", f.Name())
			}
			names[e] = append(names[e], f.Name())
		}
	}
	if !slices.Equal(names[store.SQLite], names[store.PostgreSQL]) {
		t.Errorf("got %q and %q, want the same", names[store.SQLite], names[store.PostgreSQL])
	}
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := migrated(t, url, own())
		raw(t, url, `insert into doorward_migrations (version_id, is_applied) values (999, true)`)
		var newer *store.NewerError
		if err := d.Migrate(t.Context(), nil); !errors.As(err, &newer) {
			t.Fatalf("migrate: got %v, want a NewerError", err)
		}
		if _, err := d.Pending(t.Context()); !errors.As(err, &newer) {
			t.Fatalf("pending: got %v, want a NewerError", err)
		}
		all := steps(t)
		latest, err := strconv.Atoi(all[len(all)-1][:len("0001")])
		if err != nil {
			t.Fatal(err)
		}
		if got := newer.Error(); !strings.Contains(got, "999") || !strings.Contains(got, strconv.Itoa(latest)) {
			t.Errorf("got %q, want both versions in it", got)
		}
	})
}

func TestTwoMigrateAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		var got []string
		var all sync.WaitGroup
		for range 3 {
			d := open(t, url, storetest.SpaUser())
			all.Go(func() {
				err := d.Migrate(t.Context(), func(a store.Applied) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, a.String())
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if want := append(steps(t), "table spauser_spauser"); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAColumnThatTheTableLacks(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		migrated(t, url, storetest.SpaUser())
		m := storetest.SpaUser()
		m.Columns = append(m.Columns, account.Column{Field: account.Phone, Name: "phone_number", Type: account.Text})
		_, err := store.Open(t.Context(), store.Options{URL: url, Model: m})
		var missing *store.MissingColumnError
		if !errors.As(err, &missing) || missing.Column != "phone_number" {
			t.Errorf("got %v, want a MissingColumnError for phone_number", err)
		}
	})
}

func TestModelsThatNoTableCanHave(t *testing.T) {
	for name, change := range map[string]func(*account.Model){
		"a table's name with a quote":  func(m *account.Model) { m.Table = `users" u; drop table users; --` },
		"a column's name with a quote": func(m *account.Model) { m.Columns[1].Name = `a"` },
		"a column twice":               func(m *account.Model) { m.Columns[1].Name = "id" },
		"a field twice":                func(m *account.Model) { m.Columns[1].Field = account.ID },
		"a flag for a text":            func(m *account.Model) { m.Columns[1].Type = account.Bool },
		"no password":                  func(m *account.Model) { m.Columns = m.Columns[:8] },
		"a field that nobody knows":    func(m *account.Model) { m.Columns[1].Field = "shoe_size" },
	} {
		t.Run(name, func(t *testing.T) {
			m := own()
			change(m)
			if _, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + t.TempDir() + "/x.db", Model: m}); err == nil {
				t.Error("it is opened")
			}
		})
	}
}

func TestInstanceIsMadeOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d, other := migrated(t, url, own()), open(t, url, own())
		first, err := d.Instance(t.Context())
		if err != nil || len(first) < 26 {
			t.Fatalf("got %q, %v, want a random text", first, err)
		}
		if second, err := other.Instance(t.Context()); err != nil || second != first {
			t.Errorf("got %q, %v, want %q", second, err, first)
		}
		if err := d.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// raw runs a statement past the store.
func raw(t testing.TB, url string, texts ...string) {
	t.Helper()
	driver, name := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, name = "sqlite", path
	}
	pool, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, text := range texts {
		if _, err := pool.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}
