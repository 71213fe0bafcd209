package store_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

// declared is our own model with these fields of the user.
func declared(specs ...account.FieldSpec) *account.Model {
	m := own()
	m.Extras = specs
	return m
}

func field(name account.Field, kind account.FieldKind, change ...func(*account.FieldSpec)) account.FieldSpec {
	f := account.FieldSpec{Name: name, Kind: kind, Null: true, Write: account.Self, SignUp: true}
	for _, c := range change {
		c(&f)
	}
	return f
}

// migrate brings the database to m and returns the changes of fields that it took.
func migrate(t *testing.T, url string, m *account.Model) (changes []string, err error) {
	t.Helper()
	d := open(t, url, m)
	defer d.Close()
	want := pending(t, d)
	var got []string
	err = d.Migrate(t.Context(), func(a store.Applied) {
		if a.Backup == "" {
			got = append(got, a.String())
		}
		if a.Change != 0 {
			changes = append(changes, a.String())
		}
	})
	if err == nil && !slices.Equal(got, want) {
		t.Errorf("applied: got %q, want what was pending, %q", got, want)
	}
	if err == nil && pending(t, d) != nil {
		t.Errorf("pending afterwards: got %q, want none", pending(t, d))
	}
	return changes, err
}

func mustMigrate(t *testing.T, url string, m *account.Model, want ...string) {
	t.Helper()
	if got, err := migrate(t, url, m); err != nil || !slices.Equal(got, want) {
		t.Errorf("changes: got %q and %v, want %q", got, err, want)
	}
}

func insertUser(t *testing.T, url string, m *account.Model, u account.User) account.User {
	t.Helper()
	d := open(t, url, m)
	defer d.Close()
	err := d.Update(t.Context(), func(w account.Writer) (err error) { u.ID, err = w.InsertUser(t.Context(), &u); return err })
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func readUser(t *testing.T, url string, m *account.Model, id int64) (u account.User) {
	t.Helper()
	d := open(t, url, m)
	defer d.Close()
	if err := d.View(t.Context(), func(r account.Reader) (err error) { u, err = r.User(t.Context(), id); return err }); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDeclarationChangesTheSchema(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		text := account.TextValue
		plain := declared()
		mustMigrate(t, url, plain)
		at := time.Unix(1790000000, 0)
		ann := insertUser(t, url, plain, account.User{Email: "ann@example.com", Password: "!", DateJoined: at})

		nick := field("nickname", account.ShortText)
		withNick := declared(nick, field("level", account.Choice, func(f *account.FieldSpec) {
			f.Choices, f.Default, f.Null = []string{"it's", "b"}, text("it's"), false
		}))
		mustMigrate(t, url, withNick, "field 1 add users.nickname text", "field 2 add users.level text")
		got := readUser(t, url, withNick, ann.ID).Extra
		if want := (account.Values{}).With("nickname", account.Value{}).With("level", text("it's")); !got.Equal(want) {
			t.Errorf("a row from before: got %v, want null and the default", got)
		}
		bob := insertUser(t, url, withNick, account.User{Email: "bob@example.com", Password: "!", DateJoined: at, Extra: account.ValuesOf(
			map[account.Field]account.Value{"nickname": text("bobby"), "level": text("b")})})

		mustMigrate(t, url, declared(nick), "field 3 hide users.level")
		mustMigrate(t, url, plain, "field 4 hide users.nickname")
		insertUser(t, url, plain, account.User{Email: "eve@example.com", Password: "!", DateJoined: at})
		nick.Unique = true
		withNick.Extras[0] = nick
		mustMigrate(t, url, withNick, "field 5 show users.nickname text", "field 6 unique users.nickname", "field 7 show users.level text")
		if got := readUser(t, url, withNick, bob.ID).Extra; got.Of("nickname") != text("bobby") || got.Of("level") != text("b") {
			t.Errorf("what was hidden: got %v, want what it was", got)
		}
		withNick.Extras[0].Unique = false
		mustMigrate(t, url, withNick, "field 8 not unique users.nickname")
		insertUser(t, url, withNick, account.User{Email: "eva@example.com", Password: "!", DateJoined: at, Extra: account.Values{}.With("nickname", text("bobby"))})

		withNick.Extras[0].Unique = true
		var no *store.FieldError
		if _, err := migrate(t, url, withNick); !errors.As(err, &no) || !strings.Contains(no.Why, "1 of its values") {
			t.Errorf("unique over duplicates: got %v, want a refusal that counts them", err)
		}
		d := open(t, url, declared(field("nickname", account.Integer)))
		if err := d.Migrate(t.Context(), nil); !errors.As(err, &no) || !strings.Contains(no.What, "nickname") {
			t.Errorf("another type: got %v, want a refusal", err)
		}
		withNick.Extras[0].Unique = false
		mustMigrate(t, url, withNick)
	})
}

func TestProfileTablesFollowTheDeclaration(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		m := storetest.FieldsModel()
		if _, err := migrate(t, url, m); err != nil {
			t.Fatal(err)
		}
		fewer := storetest.FieldsModel()
		fewer.Profiles = fewer.Profiles[:1]
		fewer.Profiles[0].Fields = fewer.Profiles[0].Fields[1:]
		got, err := migrate(t, url, fewer)
		if err != nil || len(got) != 2 || !strings.HasSuffix(got[0], "hide profile_profile.a_tex") || !strings.HasSuffix(got[1], "hide profile_teacher") {
			t.Errorf("fewer: got %q and %v, want a column and a table hidden", got, err)
		}
		got, err = migrate(t, url, m)
		if err != nil || len(got) != 2 || !strings.HasSuffix(got[0], "show profile_profile.a_tex text") || !strings.HasSuffix(got[1], "show profile_teacher") {
			t.Errorf("all again: got %q and %v, want them shown", got, err)
		}
	})
}

func TestFieldChangesAreTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		nick := field("nickname", account.ShortText, func(f *account.FieldSpec) { f.Unique = true })
		m, plain := declared(nick), declared()
		mustMigrate(t, url, m, "field 1 add users.nickname text", "field 2 unique users.nickname")
		u := insertUser(t, url, m, account.User{Email: "a@example.com", Password: "!", DateJoined: time.Unix(1, 0), Extra: account.Values{}.With("nickname", account.TextValue("a"))})
		run := func(what string, f func(*store.DB, func(store.Applied)) error, want ...string) {
			t.Helper()
			d := open(t, url, plain)
			defer d.Close()
			var got []string
			if err := f(d, func(a store.Applied) { got = append(got, a.String()) }); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: got %q and %v, want %q", what, got, err, want)
			}
		}
		undo := func(n int) func(*store.DB, func(store.Applied)) error {
			return func(d *store.DB, report func(store.Applied)) error { return d.Undo(t.Context(), n, report) }
		}
		run("one", undo(1), "field 3 not unique users.nickname")
		run("one more", undo(1), "field 4 hide users.nickname")
		mustMigrate(t, url, plain)
		d := open(t, url, plain)
		var no *store.FieldError
		if err := d.Undo(t.Context(), 1, nil); !errors.As(err, &no) {
			t.Errorf("one too many: got %v, want a refusal", err)
		}
		mustMigrate(t, url, m, "field 5 show users.nickname text", "field 6 unique users.nickname")
		if got := readUser(t, url, m, u.ID).Extra.Of("nickname"); got != account.TextValue("a") {
			t.Errorf("shown again: got %v, want a", got)
		}
		mustMigrate(t, url, plain, "field 7 hide users.nickname")
		run("drop", func(d *store.DB, report func(store.Applied)) error { return d.DropHidden(t.Context(), report) }, "field 8 drop users.nickname")
		if err := d.Undo(t.Context(), 1, nil); !errors.As(err, &no) || !strings.Contains(no.Why, "deleted") {
			t.Errorf("a drop taken back: got %v, want a refusal", err)
		}
		mustMigrate(t, url, m, "field 9 add users.nickname text", "field 10 unique users.nickname")
		if got := readUser(t, url, m, u.ID).Extra.Of("nickname"); !got.IsNull() {
			t.Errorf("made anew: got %v, want null", got)
		}
	})
}

func TestAnAdoptedTableIsNeverChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		migrated(t, url, storetest.SpaUser()).Close()
		m := storetest.SpaUser()
		m.Extras = []account.FieldSpec{field("nickname", account.ShortText)}
		_, err := store.Open(t.Context(), store.Options{URL: url, Model: m})
		var lacks *store.MissingColumnError
		if !errors.As(err, &lacks) || lacks.Column != "nickname" {
			t.Errorf("got %v, want that nickname is missing", err)
		}
	})
}

func TestManyNodesChangeTheSchemaOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		m := storetest.FieldsModel
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := map[string]int{}
		for range 4 {
			d := open(t, url, m())
			wg.Go(func() {
				err := d.Migrate(t.Context(), func(a store.Applied) {
					mu.Lock()
					defer mu.Unlock()
					seen[a.String()]++
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(seen) < len(m().Extras) {
			t.Errorf("got %d steps, want more", len(seen))
		}
		for step, n := range seen {
			if n != 1 {
				t.Errorf("%s was made %d times, want once", step, n)
			}
		}
	})
}

// TestOtherNodesHearOfProfiles holds that a change of a profile is told by the function that tells of users.
func TestOtherNodesHearOfProfiles(t *testing.T) {
	url := storetest.Postgres(t)
	migrated(t, url, own()).Close()
	raw(t, url, `create table heard (user_id bigint, op text)`, `create or replace function feed_state() returns trigger language plpgsql as $$
		begin insert into heard values (coalesce(new.user_id, old.user_id), tg_op); return null; end $$`)
	m := storetest.FieldsModel()
	d := migrated(t, url, m)
	err := d.Update(t.Context(), func(w account.Writer) error {
		u := account.User{Email: "a@example.com", Password: "!", DateJoined: time.Unix(1, 0)}
		id, err := w.InsertUser(t.Context(), &u)
		if err != nil {
			return err
		}
		p := account.Profile{UserID: id, Kind: "profile", Values: account.Values{}.With("badge", account.IntegerValue(1))}
		if _, err := w.InsertProfile(t.Context(), &p); err != nil {
			return err
		}
		return w.UpdateProfile(t.Context(), &p, "badge")
	})
	if err != nil {
		t.Fatal(err)
	}
	var heard int
	if err := d.Pool().QueryRow(`select count(*) from heard where user_id = 1 and op in ('INSERT', 'UPDATE')`).Scan(&heard); err != nil || heard != 2 {
		t.Errorf("heard of %d changes and %v, want 2", heard, err)
	}
}

func TestColumnsOfFieldsAreIdentifiers(t *testing.T) {
	at := func(column string) account.FieldSpec {
		return field("x", account.ShortText, func(f *account.FieldSpec) { f.Column = column })
	}
	for _, column := range []string{`a"b`, "a b", "password", "email_key", "a;b"} {
		inProfile := own()
		inProfile.Profiles = []account.ProfileKind{{Name: "p", Table: "profile_p", Fields: []account.FieldSpec{at(column)}}}
		if column == "password" || column == "email_key" { // of the user's table alone
			inProfile.Profiles[0].Fields = []account.FieldSpec{at("user_id")}
		}
		for where, m := range map[string]*account.Model{"user": declared(at(column)), "profile": inProfile} {
			d, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + t.TempDir() + "/x.db", Model: m})
			if err == nil {
				t.Errorf("%s in the table of the %s: got no error", column, where)
				d.Close()
			}
		}
	}
}
