package storetest

import (
	"errors"
	"testing"
	"time"

	"doorward/internal/account"
)

func testInsertedUser(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	want(t, "the full user", s.user(t, ann.ID), ann)

	bare := account.User{Email: "bare@example.com", Password: "!", JWTSecret: [16]byte{1}, DateJoined: s.person("x").DateJoined}
	bare = s.insert(t, bare)
	want(t, "the bare user", s.user(t, bare.ID), bare)

	whole := s.person("whole")
	whole.LastLogin = instant.Truncate(time.Second)
	whole = s.insert(t, whole)
	want(t, "the user of a whole second", s.user(t, whole.ID), whole)

	want(t, "by e-mail", s.byLogin(t, account.Email, "ann@Example.com", false), ann.ID)
	want(t, "by e-mail of another case, exactly", s.byLogin(t, account.Email, "ANN@example.com", false), 0)
	folds := s.Model().Has(account.EmailKey)
	want(t, "by e-mail of another case, folded", s.byLogin(t, account.Email, "ANN@example.com", true), map[bool]int64{true: ann.ID}[folds])
	want(t, "taken in another case", s.taken(t, account.Email, "ANN@example.com"), folds)
	want(t, "taken", s.taken(t, account.Email, "ann@Example.com"), true)
	want(t, "free", s.taken(t, account.Email, "bob@example.com"), false)
	want(t, "by a field that finds nobody", s.byLogin(t, account.Password, "!", false), 0)
	if s.Model().Has(account.Username) {
		want(t, "by user name", s.byLogin(t, account.Username, "ann", true), ann.ID)
		want(t, "user name taken", s.taken(t, account.Username, "ann"), true)
		want(t, "phone taken", s.taken(t, account.Phone, "+1ann"), true)
	} else {
		want(t, "by a user name that the model lacks", s.byLogin(t, account.Username, "ann", true), 0)
		want(t, "a user name that the model lacks is free", s.taken(t, account.Username, "ann"), false)
	}
	err := s.View(ctx, func(r account.Reader) error { _, err := r.User(ctx, ann.ID+1000); return err })
	wantError(t, "an unknown id", err, account.ErrNotFound)
}

func testUpdateUser(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	change := ann
	change.Email, change.Password, change.LastLogin, change.IsActive = "eve@example.com", "new", time.Time{}, false
	s.update(t, func(w account.Writer) error { return w.UpdateUser(ctx, &change, account.Email, account.LastLogin) })
	ann.Email, ann.LastLogin = change.Email, change.LastLogin
	want(t, "ann", s.user(t, ann.ID), ann)
	want(t, "bob", s.user(t, bob.ID), bob)
	want(t, "by the new address", s.byLogin(t, account.Email, "eve@example.com", true), ann.ID)
	want(t, "by the old address", s.byLogin(t, account.Email, "ann@Example.com", true), 0)

	ann.IsActive, ann.IsStaff, ann.IsSuperuser, ann.JWTSecret = false, false, false, [16]byte{9}
	s.update(t, func(w account.Writer) error {
		return w.UpdateUser(ctx, &ann, account.IsActive, account.IsStaff, account.IsSuperuser, account.JWTSecret)
	})
	want(t, "ann with other flags", s.user(t, ann.ID), ann)
	if s.Model().Has(account.IsAdmin) {
		ann.IsStaff = true
		s.update(t, func(w account.Writer) error { return w.UpdateUser(ctx, &ann, account.IsStaff) })
		ann.IsSuperuser = true // one column for both
		want(t, "ann as an admin", s.user(t, ann.ID), ann)
		ann.IsStaff, ann.IsSuperuser = false, false
		change := ann
		change.IsSuperuser = true
		s.update(t, func(w account.Writer) error { return w.UpdateUser(ctx, &change, account.IsStaff) })
		want(t, "ann without the one flag", s.user(t, ann.ID), ann)
	} else {
		ann.FirstName, ann.Phone, ann.DateJoined = "", "", instant
		s.update(t, func(w account.Writer) error {
			return w.UpdateUser(ctx, &ann, account.FirstName, account.Phone, account.DateJoined)
		})
		want(t, "ann without texts", s.user(t, ann.ID), ann)
	}

	nobody := account.User{ID: bob.ID + 1000, Email: "n@example.com"}
	for _, f := range []account.Field{account.Email, "no such field"} {
		err := s.Update(ctx, func(w account.Writer) error { return w.UpdateUser(ctx, &nobody, f) })
		wantError(t, "an update of nobody's "+string(f), err, account.ErrNotFound)
	}
	err := s.Update(ctx, func(w account.Writer) error {
		u := bob
		u.Email = ann.Email
		return w.UpdateUser(ctx, &u, account.Email)
	})
	wantTaken(t, "an update to another's address", err, account.Email)
}

func testClash(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	clash := func(what string, f account.Field, change func(*account.User)) {
		t.Helper()
		u := s.person("bob")
		change(&u)
		err := s.Update(ctx, func(w account.Writer) error { _, err := w.InsertUser(ctx, &u); return err })
		wantTaken(t, what, err, f)
	}
	clash("the same address", account.Email, func(u *account.User) { u.Email = ann.Email })
	clash("the same id", account.ID, func(u *account.User) { u.ID = ann.ID })
	if s.Model().EmailUnique == account.Folded {
		clash("the address in another case", account.Email, func(u *account.User) { u.Email = "ANN@EXAMPLE.COM" })
	}
	if s.Model().Has(account.Username) {
		clash("the same user name", account.Username, func(u *account.User) { u.Username = ann.Username })
		clash("the same phone", account.Phone, func(u *account.User) { u.Phone = ann.Phone })
	}
	s.insert(t, s.person("bob")) // who is none of them
}

func testOddValues(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	for _, text := range []string{"", "ann@Example.com\x00", "\xff", "' or 1=1 --", "ann@Example.com "} {
		for _, fold := range []bool{false, true} {
			want(t, "found by "+text, s.byLogin(t, account.Email, text, fold), 0)
		}
		want(t, "taken "+text, s.taken(t, account.Email, text), false)
	}
	for _, id := range []int64{0, -1, 1 << 31, 1<<63 - 1} {
		err := s.View(ctx, func(r account.Reader) error { _, err := r.User(ctx, id); return err })
		wantError(t, "an odd id", err, account.ErrNotFound)
	}
	for _, text := range []string{"a\x00@example.com", "\xff@example.com"} {
		u := s.person("eve")
		u.Email = text
		err := s.Update(ctx, func(w account.Writer) error { _, err := w.InsertUser(ctx, &u); return err })
		if err == nil {
			t.Errorf("%q is stored", text)
		}
	}
	want(t, "the one user", s.user(t, ann.ID), ann)
}

func testUsers(t *testing.T, s *subject) {
	var all []account.User
	for _, name := range []string{"ann", "bob", "cid", "dan", "eve"} {
		all = append(all, s.insert(t, s.person(name)))
	}
	s.update(t, func(w account.Writer) error {
		_, err := w.RaiseEpoch(ctx, all[2].ID, instant)
		return err
	})
	all[2].Epoch, all[2].SignedOut = 1, instant
	var got []account.User
	var after int64
	for range 4 {
		s.view(t, func(r account.Reader) error {
			page, err := r.Users(ctx, after, 2)
			if len(page) > 2 {
				t.Errorf("a page of 2 has %d users", len(page))
			}
			for _, u := range page {
				got, after = append(got, u), u.ID
			}
			return err
		})
	}
	want(t, "all users", got, all)
	s.view(t, func(r account.Reader) error {
		hashes, err := r.Passwords(ctx, all[0].ID, 2)
		want(t, "two passwords after the first", hashes, []string{all[1].Password, all[2].Password})
		return err
	})
}

func testIDs(t *testing.T, s *subject) {
	last := s.insert(t, s.person("ann")).ID
	given := s.person("given")
	given.ID = last + 100
	want(t, "the given id", s.insert(t, given).ID, last+100)
	low := s.person("low")
	low.ID = last + 50
	s.insert(t, low)
	for _, name := range []string{"bob", "cid", "dan"} {
		id := s.insert(t, s.person(name)).ID
		if id <= last+100 || id == given.ID {
			t.Fatalf("%s got id %d, want one above %d and %d", name, id, last, given.ID)
		}
		last = max(last, id-100)
		given.ID = id
		s.update(t, func(w account.Writer) error {
			ok, err := w.DeleteUser(ctx, id)
			if !ok {
				t.Errorf("user %d is not deleted", id)
			}
			return err
		})
	}
}

func testSwapPassword(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	s.update(t, func(w account.Writer) error {
		ok, err := w.SwapPassword(ctx, ann.ID, "another", "fresh")
		want(t, "swapped from another", ok, false)
		return err
	})
	s.update(t, func(w account.Writer) error {
		ok, err := w.SwapPassword(ctx, ann.ID, ann.Password, "fresh")
		want(t, "swapped", ok, true)
		return err
	})
	ann.Password = "fresh"
	want(t, "ann", s.user(t, ann.ID), ann)
	want(t, "bob", s.user(t, bob.ID), bob)
}

func testEpoch(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	for n := uint32(1); n <= 3; n++ {
		s.update(t, func(w account.Writer) error {
			epoch, err := w.RaiseEpoch(ctx, ann.ID, instant.Add(time.Duration(n)*time.Second))
			want(t, "epoch", epoch, n)
			return err
		})
	}
	ann.Epoch, ann.SignedOut = 3, instant.Add(3*time.Second)
	want(t, "ann", s.user(t, ann.ID), ann)
	want(t, "bob, who has no state", s.user(t, bob.ID), bob)
}

func testDeleteUser(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	s.insertSession(t, session(1, ann.ID, 0))
	s.insertSession(t, session(2, bob.ID, 0))
	s.update(t, func(w account.Writer) error { _, err := w.RaiseEpoch(ctx, ann.ID, instant); return err })
	for _, there := range []bool{true, false} {
		s.update(t, func(w account.Writer) error {
			ok, err := w.DeleteUser(ctx, ann.ID)
			want(t, "deleted", ok, there)
			return err
		})
	}
	wantError(t, "his session", s.View(ctx, func(r account.Reader) error { _, err := r.Session(ctx, 1); return err }), account.ErrNotFound)
	want(t, "another's session", s.session(t, 2), session(2, bob.ID, 0))
	again := s.person("ann")
	again.ID = ann.ID // as a restore does: his state is gone
	want(t, "the epoch of one with his id", s.user(t, s.insert(t, again).ID).Epoch, 0)
}

// runOwn holds what only Doorward's own table can: users without some fields, and three ways to
// tell addresses apart.
func runOwn(t *testing.T, open Open) {
	find := func(t *testing.T, unique account.Uniqueness) *subject {
		t.Parallel()
		return &subject{open(t, account.OwnModel(account.Username, unique))}
	}
	t.Run("users without a name or an address do not clash", func(t *testing.T) {
		s := find(t, account.Folded)
		for range 2 {
			s.insert(t, account.User{Password: "!", DateJoined: instant})
		}
		want(t, "by no name", s.byLogin(t, account.Username, "", false), 0)
	})
	t.Run("addresses are folded by Unicode", func(t *testing.T) {
		s := find(t, account.Folded)
		u := s.insert(t, account.User{Email: "JOSE\u0301@example.com", DateJoined: instant})
		want(t, "composed, lower case", s.byLogin(t, account.Email, "jos\u00e9@example.com", true), u.ID)
		want(t, "taken", s.taken(t, account.Email, "jos\u00e9@example.com"), true)
	})
	t.Run("exact addresses differ by case", func(t *testing.T) {
		s := find(t, account.Exact)
		a := s.insert(t, account.User{Email: "ann@example.com", DateJoined: instant})
		b := s.insert(t, account.User{Email: "Ann@example.com", DateJoined: instant})
		want(t, "a", s.byLogin(t, account.Email, "ann@example.com", true), a.ID)
		want(t, "b", s.byLogin(t, account.Email, "Ann@example.com", false), b.ID)
		want(t, "taken in another case", s.taken(t, account.Email, "ANN@example.com"), false)
		err := s.Update(ctx, func(w account.Writer) error {
			_, err := w.InsertUser(ctx, &account.User{Email: "ann@example.com", DateJoined: instant})
			return err
		})
		wantTaken(t, "the same", err, account.Email)
	})
	t.Run("addresses that need not be unique find the first", func(t *testing.T) {
		s := find(t, account.NotUnique)
		first := s.insert(t, account.User{Email: "ann@example.com", DateJoined: instant})
		s.insert(t, account.User{Email: "ann@example.com", DateJoined: instant})
		for _, fold := range []bool{false, true} {
			want(t, "found", s.byLogin(t, account.Email, "ann@example.com", fold), first.ID)
		}
		want(t, "taken", s.taken(t, account.Email, "ann@example.com"), false)
	})
}

var errWanted = errors.New("wanted by the test")

func testRollback(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	var id int64
	err := s.Update(ctx, func(w account.Writer) (err error) {
		u := s.person("bob")
		if id, err = w.InsertUser(ctx, &u); err != nil {
			return err
		}
		if _, err := w.User(ctx, id); err != nil {
			t.Errorf("a transaction does not see its own user: %v", err)
		}
		return errWanted
	})
	wantError(t, "an error of the function", err, errWanted)
	want(t, "bob", s.byLogin(t, account.Email, "bob@Example.com", false), 0)

	err = s.Update(ctx, func(w account.Writer) error {
		u := s.person("bob")
		if _, err := w.InsertUser(ctx, &u); err != nil {
			return err
		}
		_, err := w.InsertUser(ctx, &ann)
		wantTaken(t, "the clash inside", err, account.ID)
		return nil // and does not pass it on
	})
	wantTaken(t, "a swallowed error", err, account.ID)
	want(t, "bob after a swallowed error", s.byLogin(t, account.Email, "bob@Example.com", false), 0)

	func() {
		defer func() { want(t, "panic", recover(), any("wanted")) }()
		_ = s.Update(ctx, func(w account.Writer) error {
			u := s.person("bob")
			_, _ = w.InsertUser(ctx, &u)
			panic("wanted")
		})
	}()
	var kept account.Writer
	s.update(t, func(w account.Writer) error {
		kept = w
		_, err := w.User(ctx, id) // nobody: that is no failure
		wantError(t, "bob", err, account.ErrNotFound)
		_, err = w.RaiseEpoch(ctx, ann.ID, instant)
		return err
	})
	if _, err := kept.RaiseEpoch(ctx, ann.ID, instant); err == nil {
		t.Error("a writer works after its transaction")
	}
	want(t, "bob after a panic", s.byLogin(t, account.Email, "bob@Example.com", false), 0)
	want(t, "epoch", s.user(t, ann.ID).Epoch, 1)
}
