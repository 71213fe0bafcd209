package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"doorward/internal/account"
)

// Open gives a migrated, empty store of its own to one test.
type Open func(t *testing.T, m *account.Model) account.Store

// SpaUser is a user table of Django's shape: e-mail, one admin flag, a UUID.
func SpaUser() *account.Model {
	return &account.Model{
		Table: "spauser_spauser", Noun: "spa user", Login: account.Email, EmailUnique: account.Exact, Django: true,
		Columns: []account.Column{
			{Field: account.ID, Name: "id", Type: account.Serial},
			{Field: account.Password, Name: "password", Type: account.Text},
			{Field: account.LastLogin, Name: "last_login", Type: account.Stamp, Null: true},
			{Field: account.Email, Name: "email", Type: account.Text, Label: "email address", Max: 255, Unique: true},
			{Field: account.IsActive, Name: "is_active", Type: account.Bool},
			{Field: account.IsAdmin, Name: "is_admin", Type: account.Bool},
			{Field: account.JWTSecret, Name: "jwt_secret", Type: account.UUID},
		},
	}
}

// Run holds a store to the contract of account.Store.
func Run(t *testing.T, open Open) {
	t.Run("own table", func(t *testing.T) {
		t.Parallel()
		own := func() *account.Model { return account.OwnModel(account.Email, account.Folded) }
		runCases(t, open, own)
		runOwn(t, open)
	})
	t.Run("own table with declared fields", func(t *testing.T) {
		t.Parallel()
		runFields(t, open, FieldsModel)
	})
	t.Run("tables of Django's shape with declared fields", func(t *testing.T) {
		t.Parallel()
		runFields(t, open, AdoptedFieldsModel)
	})
	t.Run("table of Django's shape", func(t *testing.T) {
		t.Parallel()
		runCases(t, open, SpaUser)
	})
}

// RunRights is the part of the contract that is about groups and permissions, for the one database that open gives.
func RunRights(t *testing.T, open Open, m func() *account.Model) {
	for name, test := range map[string]func(*testing.T, *subject){"rights": testRights, "names": testGroupNames} {
		t.Run(name, func(t *testing.T) { test(t, &subject{Store: open(t, m())}) })
	}
}

func runCases(t *testing.T, open Open, model func() *account.Model) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, *subject)
	}{
		{"a user is read as he was inserted", testInsertedUser},
		{"only the given fields are updated", testUpdateUser},
		{"a clash names its field", testClash},
		{"odd texts and ids find nobody and stay out", testOddValues},
		{"users are listed by id", testUsers},
		{"ids are never reused", testIDs},
		{"a password is swapped once", testSwapPassword},
		{"an epoch goes up by one", testEpoch},
		{"a user takes his sessions and his state along", testDeleteUser},
		{"a session is read as it was inserted", testSession},
		{"a mark is unique", testMark},
		{"a session rotates, is kept and ends", testSessionLife},
		{"a sweep is bounded", testSweep},
		{"at most one signing key is active", testKeys},
		{"everybody of an address is found", testUsersByEmail},
		{"whom an operator disabled is noted", testBarred},
		{"everybody of a name is found", testUsersByUsername},
		{"a user is activated once", testActivate},
		{"a login is swapped once", testSwapLogin},
		{"a user has one opaque token", testOpaqueTokens},
		{"groups and permissions give what they say", testRights},
		{"groups have one name each", testGroupNames},
		{"an error undoes everything", testRollback},
		{"of 64 at once one wins", testRaces},
		{"each of 64 at once has an outcome of his own", testCrowd},
		{"a cancelled context ends a call", testCancel},
		{"a row belongs to its own query", testCancelledQueries},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &subject{Store: open(t, model())}
			tt.test(t, s)
		})
	}
}

// subject is a store with shortcuts that fail the test.
type subject struct{ account.Store }

var ctx = context.Background()

// instant is a time with microseconds.
var instant = time.Date(2026, 11, 22, 1, 2, 3, 456789000, time.UTC)

func (s *subject) update(t *testing.T, f func(account.Writer) error) {
	t.Helper()
	if err := s.Update(ctx, f); err != nil {
		t.Fatal(err)
	}
}

func (s *subject) view(t *testing.T, f func(account.Reader) error) {
	t.Helper()
	if err := s.View(ctx, f); err != nil {
		t.Fatal(err)
	}
}

func (s *subject) insert(t *testing.T, u account.User) account.User {
	t.Helper()
	s.update(t, func(w account.Writer) (err error) {
		u.ID, err = w.InsertUser(ctx, &u)
		return err
	})
	return u
}

func (s *subject) insertSession(t *testing.T, ses account.Session) {
	t.Helper()
	s.update(t, func(w account.Writer) error {
		ok, err := w.InsertSession(ctx, &ses)
		if err == nil && !ok {
			return fmt.Errorf("session %d is not inserted", ses.ID)
		}
		return err
	})
}

func (s *subject) user(t *testing.T, id int64) (u account.User) {
	t.Helper()
	s.view(t, func(r account.Reader) (err error) { u, err = r.User(ctx, id); return err })
	return u
}

func (s *subject) session(t *testing.T, id int64) (ses account.Session) {
	t.Helper()
	s.view(t, func(r account.Reader) (err error) { ses, err = r.Session(ctx, id); return err })
	return ses
}

// byLogin is the id of the user found, 0 for none.
func (s *subject) byLogin(t *testing.T, f account.Field, text string, fold bool) (id int64) {
	t.Helper()
	s.view(t, func(r account.Reader) error {
		u, err := r.UserByLogin(ctx, f, text, fold)
		if errors.Is(err, account.ErrNotFound) {
			return nil
		}
		id = u.ID
		return err
	})
	return id
}

func (s *subject) taken(t *testing.T, f account.Field, text string) (taken bool) {
	t.Helper()
	s.view(t, func(r account.Reader) (err error) { taken, err = r.Taken(ctx, f, text); return err })
	return taken
}

// person is a user who uses every field that the model has.
func (s *subject) person(name string) account.User {
	u := account.User{
		Username: name, Email: name + "@Example.com", FirstName: "Ann", LastName: "O'Neill \U0001F600", Name: "Ann O.",
		Phone: "+1" + name, Password: "argon2$x", IsActive: true, IsStaff: true, IsSuperuser: true,
		JWTSecret: [16]byte{1, 2, 3, 15: 0xfe}, LastLogin: instant, DateJoined: instant.Add(-time.Hour).Truncate(time.Second),
	}
	m := s.Model()
	for f, text := range map[account.Field]*string{
		account.Username: &u.Username, account.FirstName: &u.FirstName, account.LastName: &u.LastName,
		account.Name: &u.Name, account.Phone: &u.Phone,
	} {
		if !m.Has(f) {
			*text = ""
		}
	}
	if !m.Has(account.DateJoined) {
		u.DateJoined = time.Time{}
	}
	return u
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: got %+v, want %+v\n%s", what, got, want, diff)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func wantTaken(t *testing.T, what string, err error, field account.Field) {
	t.Helper()
	var taken *account.TakenError
	if !errors.As(err, &taken) || taken.Field != field {
		t.Errorf("%s: got error %v, want %q taken", what, err, field)
	}
}
