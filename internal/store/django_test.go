package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

// djangoSpaUser is the table as Django 3.2 made it (on SQLite: contract/django_schema.sql), and one
// more that refers to it.
var djangoSpaUser = map[store.Engine][]string{
	store.SQLite: {
		`CREATE TABLE "spauser_spauser" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL, "last_login" datetime NULL, "email" varchar(255) NOT NULL UNIQUE, "is_active" bool NOT NULL, "is_admin" bool NOT NULL, "jwt_secret" char(32) NOT NULL)`,
		`CREATE TABLE "polls_vote" ("key" varchar(40) NOT NULL PRIMARY KEY, "user_id" integer NOT NULL UNIQUE REFERENCES "spauser_spauser" ("id") DEFERRABLE INITIALLY DEFERRED)`,
		`INSERT INTO spauser_spauser VALUES (7, 'hash', '2026-11-22 01:02:03.000450', 'Ann@example.com', 1, 1, '0123456789abcdef0123456789abcdef')`,
		`INSERT INTO spauser_spauser VALUES (8, '', '2026-11-22 01:02:03', 'bob@example.com', 0, 0, '01234567-89ab-cdef-0123-456789abcdef')`,
		`INSERT INTO polls_vote VALUES ('k', 7)`,
	},
	store.PostgreSQL: {
		`CREATE TABLE "spauser_spauser" ("id" serial NOT NULL PRIMARY KEY, "password" varchar(128) NOT NULL, "last_login" timestamp with time zone NULL, "email" varchar(255) NOT NULL UNIQUE, "is_active" boolean NOT NULL, "is_admin" boolean NOT NULL, "jwt_secret" uuid NOT NULL)`,
		`CREATE TABLE "polls_vote" ("key" varchar(40) NOT NULL PRIMARY KEY, "user_id" integer NOT NULL UNIQUE)`,
		`ALTER TABLE "polls_vote" ADD CONSTRAINT "polls_vote_user_id_35299eff_fk" FOREIGN KEY ("user_id") REFERENCES "spauser_spauser" ("id") DEFERRABLE INITIALLY DEFERRED`,
		`INSERT INTO spauser_spauser VALUES (7, 'hash', '2026-11-22 01:02:03.000450+00', 'Ann@example.com', true, true, '0123456789abcdef0123456789abcdef')`,
		`INSERT INTO spauser_spauser VALUES (8, '', '2026-11-22 01:02:03+00', 'bob@example.com', false, false, '01234567-89ab-cdef-0123-456789abcdef')`,
		`INSERT INTO polls_vote VALUES ('k', 7)`,
		`SELECT setval('spauser_spauser_id_seq', 8)`,
	},
}

func TestAdoptedTable(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		ctx := t.Context()
		engine := store.PostgreSQL
		if strings.HasPrefix(url, "sqlite:") {
			engine = store.SQLite
		}
		raw(t, url, djangoSpaUser[engine]...)
		d := migrated(t, url, storetest.SpaUser())
		secret := [16]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
		at := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
		want := []account.User{
			{ID: 7, Email: "Ann@example.com", Password: "hash", IsActive: true, IsStaff: true, IsSuperuser: true, JWTSecret: secret, LastLogin: at.Add(450 * time.Microsecond)},
			{ID: 8, Email: "bob@example.com", JWTSecret: secret, LastLogin: at},
		}
		err := d.View(ctx, func(r account.Reader) error {
			got, err := r.Users(ctx, 0, 10)
			for i := range got {
				if i >= len(want) || got[i] != want[i] {
					t.Errorf("got %+v, want %+v", got[i], want)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Update(ctx, func(w account.Writer) error {
			u := account.User{Email: "ann@example.com", JWTSecret: secret, LastLogin: at.Add(450 * time.Microsecond)}
			id, err := w.InsertUser(ctx, &u)
			if id != 9 {
				t.Errorf("got id %d, want 9", id)
			}
			whole := account.User{Email: "whole@example.com", JWTSecret: secret, LastLogin: at}
			_, err2 := w.InsertUser(ctx, &whole)
			return errors.Join(err, err2)
		})
		if err != nil {
			t.Fatal(err)
		}
		if engine == store.SQLite {
			checkDjangoText(t, url)
		}
		err = d.Update(ctx, func(w account.Writer) error { _, err := w.DeleteUser(ctx, 7); return err })
		var unknown *store.UnknownError
		if err == nil || errors.As(err, &unknown) {
			t.Errorf("delete a user whom another table of Django's refers to: got %v, want a fault", err)
		}
		// And the store goes on.
		if err := d.Update(ctx, func(w account.Writer) error { _, err := w.DeleteUser(ctx, 8); return err }); err != nil {
			t.Error(err)
		}
	})
}

// checkDjangoText compares what the store wrote into users 9 and 10 with what Django wrote into 7 and 8.
func checkDjangoText(t *testing.T, url string) {
	t.Helper()
	pool, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	const text = `select typeof(last_login) || ' ' || last_login || ' ' || typeof(is_active) || ' ' || typeof(jwt_secret)
		|| ' ' || replace(jwt_secret, '-', '') from spauser_spauser where id = $1`
	for theirs, ours := range map[int]int{7: 9, 8: 10} {
		var want, got string
		if err := errors.Join(pool.QueryRow(text, theirs).Scan(&want), pool.QueryRow(text, ours).Scan(&got)); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("user %d: got %q, want Django's %q", ours, got, want)
		}
	}
}

func TestATableIsMadeAsDjangoMakesIt(t *testing.T) {
	shape := func(t *testing.T, url string) (lines []string) {
		t.Helper()
		driver, name, query := "pgx", url, `select column_name || ' ' || data_type || ' ' || coalesce(character_maximum_length, 0) || ' ' || is_nullable || ' ' || coalesce(column_default, '')
			from information_schema.columns where table_name = 'spauser_spauser' order by ordinal_position`
		if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
			driver, name, query = "sqlite", path, `select sql from sqlite_master where name = 'spauser_spauser'`
		}
		pool, err := sql.Open(driver, name)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		rows, err := pool.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		return lines
	}
	for name, url := range engines {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			django, ours := url(t), url(t)
			raw(t, django, djangoSpaUser[name][0])
			migrated(t, ours, storetest.SpaUser())
			got, want := strings.Join(shape(t, ours), "\n"), strings.Join(shape(t, django), "\n")
			if got != want || got == "" {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if name == store.PostgreSQL {
				// As auth_user_username_6821ab7c_like in every database of Django's: MD5 of table and column.
				raw(t, ours, `drop index "spauser_spauser_email_c320e0d6_like"`)
			}
		})
	}
}

func TestAnAdoptedFileKeepsItsJournalMode(t *testing.T) {
	for _, tt := range []struct {
		name        string
		model       *account.Model
		switchToWAL bool
		want        string
	}{
		{"Django's file", storetest.SpaUser(), false, "delete"},
		{"Django's file, and its owner agrees", storetest.SpaUser(), true, "wal"},
		{"our own file", own(), false, "wal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "adopted.db")
			raw(t, "sqlite:"+path, djangoSpaUser[store.SQLite]...)
			d, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path, Model: tt.model, SwitchToWAL: tt.switchToWAL})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Migrate(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			var mode string
			if err := d.Pool().QueryRow(`pragma journal_mode`).Scan(&mode); err != nil || mode != tt.want {
				t.Errorf("got %q, %v, want %q", mode, err, tt.want)
			}
		})
	}
}
