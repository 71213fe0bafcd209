package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

// engines are where every test runs: a URL of an empty database.
var engines = map[store.Engine]func(testing.TB) string{
	store.SQLite:     func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
	store.PostgreSQL: storetest.Postgres,
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, f func(t *testing.T, url string)) {
	for name, url := range engines {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			f(t, url(t))
		})
	}
}

func open(t testing.TB, url string, m *account.Model) *store.DB {
	t.Helper()
	d, err := store.Open(t.Context(), store.Options{URL: url, Model: m, Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func migrated(t testing.TB, url string, m *account.Model) *store.DB {
	t.Helper()
	d := open(t, url, m)
	if err := d.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return d
}

func own() *account.Model { return account.OwnModel(account.Email, account.Folded) }

func TestContract(t *testing.T) {
	for name, url := range engines {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T, m *account.Model) account.Store { return migrated(t, url(t), m) })
		})
	}
}
