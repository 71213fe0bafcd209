package store_test

import (
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

// teacher fills a database with one user who has declared values and a profile.
func teacher(t *testing.T, d *store.DB) {
	t.Helper()
	write(t, d, func(w account.Writer) error {
		u := account.User{Username: "ann", DateJoined: restoredAt, JWTSecret: account.NewJWTSecret()}
		u.Extra = account.Values{}.With(account.Role, account.TextValue("Teacher")).With("nickname", account.TextValue("anni"))
		id, err := w.InsertUser(t.Context(), &u)
		if err != nil {
			return err
		}
		_, err = w.InsertProfile(t.Context(), &account.Profile{UserID: id, Kind: "teacher", Values: account.Values{}.With("subject", account.TextValue("Greek"))})
		return err
	})
}

func TestDeclaredFieldsAreRestored(t *testing.T) {
	m, url := storetest.FieldsModel(), engines[store.SQLite](t)
	d := migrated(t, url, m)
	teacher(t, d)
	path := backup(t, d)
	want := everyone(t, d)[0]
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, url string
		replace   bool
	}{{"over what is there", url, true}, {"into nothing", engines[store.SQLite](t), false}} {
		if _, err := restore(t, path, tt.url, m, tt.replace); err != nil {
			t.Errorf("%s: got %v, want it restored", tt.name, err)
			continue
		}
		got := everyone(t, migrated(t, tt.url, m))
		if len(got) != 1 || !got[0].Extra.Equal(want.Extra) || !got[0].Profiles.Equal(want.Profiles) || len(want.Profiles.All()) != 1 {
			t.Errorf("%s\ngot:  %+v\nwant: %+v", tt.name, got, want)
		}
	}
}

// TestDeclaredFieldsAreNotLostBetweenEngines holds that what a copy would leave out makes it fail.
func TestDeclaredFieldsAreNotLostBetweenEngines(t *testing.T) {
	m := storetest.FieldsModel()
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "declared fields in table") {
			t.Errorf("%s: got %v, want a refusal that names declared fields", what, err)
		}
	}
	there := migrated(t, storetest.Postgres(t), m)
	teacher(t, there)
	_, err := there.Backup(t.Context(), t.TempDir()+"/x", false)
	refused("a backup of PostgreSQL", err)

	here := migrated(t, engines[store.SQLite](t), m)
	teacher(t, here)
	with, without := backup(t, here), backup(t, migrated(t, engines[store.SQLite](t), own()))
	_, err = restore(t, with, storetest.Postgres(t), own(), false)
	refused("a backup with fields", err)
	_, err = restore(t, without, storetest.Postgres(t), m, false)
	refused("a declaration", err)
}
