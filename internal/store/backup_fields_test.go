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
		u.Extra = storetest.OneOfEach().With(account.Role, account.TextValue("Teacher")).With("nickname", account.TextValue("anni"))
		id, err := w.InsertUser(t.Context(), &u)
		if err != nil {
			return err
		}
		if _, err := w.InsertProfile(t.Context(), &account.Profile{UserID: id, Kind: "profile", Values: storetest.OneOfEach()}); err != nil {
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
		if len(got) != 1 || !got[0].Extra.Equal(want.Extra) || !got[0].Profiles.Equal(want.Profiles) || len(want.Profiles.All()) != 2 {
			t.Errorf("%s\ngot:  %+v\nwant: %+v", tt.name, got, want)
		}
	}
}

// TestDeclaredFieldsMoveBetweenEngines holds that a backup of either engine brings them into either.
func TestDeclaredFieldsMoveBetweenEngines(t *testing.T) {
	m := storetest.FieldsModel()
	for from, open := range engines {
		d := migrated(t, open(t), m)
		teacher(t, d)
		path, want := backup(t, d), everyone(t, d)[0]
		for to, open := range engines {
			what, url := string(from)+" to "+string(to), open(t)
			r, err := restore(t, path, url, m, false)
			if err != nil || len(r.Left) > 0 {
				t.Errorf("%s: got %v, left %q, want it restored", what, err, r.Left)
				continue
			}
			again := migrated(t, url, m)
			got := everyone(t, again)
			if len(got) != 1 || !got[0].Extra.Equal(want.Extra) || !got[0].Profiles.Equal(want.Profiles) || len(want.Profiles.All()) != 2 {
				t.Errorf("%s\ngot:  %+v\nwant: %+v", what, got, want)
			}
			write(t, again, func(w account.Writer) error { // ids go on
				u := account.User{Username: "ben", DateJoined: restoredAt, JWTSecret: account.NewJWTSecret()}
				id, err := w.InsertUser(t.Context(), &u)
				if err != nil {
					return err
				}
				made, err := w.InsertProfile(t.Context(), &account.Profile{UserID: id, Kind: "teacher", Values: account.Values{}.With("subject", account.TextValue("Latin"))})
				if err == nil && !made {
					t.Errorf("%s: the profile of another user is there already", what)
				}
				return err
			})
		}
	}
}

// TestHiddenFieldsAreNotLostOnTheWayToPostgreSQL holds that what a restore would leave out makes it fail.
func TestHiddenFieldsAreNotLostOnTheWayToPostgreSQL(t *testing.T) {
	here := migrated(t, engines[store.SQLite](t), storetest.FieldsModel())
	teacher(t, here)
	_, err := restore(t, backup(t, here), storetest.Postgres(t), own(), false)
	if err == nil || !strings.Contains(err.Error(), "declared no more") {
		t.Errorf("a backup with fields that nobody declares\ngot:  %v\nwant: a refusal", err)
	}
}
