package storetest

import (
	"errors"
	"testing"

	"doorward/internal/account"
)

func testUsersByEmail(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	find := func(email string, fold bool, limit int) (ids []int64) {
		s.view(t, func(r account.Reader) error {
			users, err := r.UsersByEmail(ctx, email, fold, limit)
			for _, u := range users {
				ids = append(ids, u.ID)
			}
			return err
		})
		return ids
	}
	for _, tt := range []struct {
		name, email string
		fold        bool
		limit       int
		want        []int64
	}{
		{"as it is spelled", ann.Email, false, 9, []int64{ann.ID}},
		{"in another case, exactly", "ANN@EXAMPLE.COM", false, 9, nil},
		{"in another case", "ANN@EXAMPLE.COM", true, 9, []int64{ann.ID}},
		{"of somebody else", bob.Email, true, 9, []int64{bob.ID}},
		{"of nobody", "eve@example.com", true, 9, nil},
		{"none", "", true, 9, nil},
		{"with NUL", "ann\x00", true, 9, nil},
		{"at most none", ann.Email, true, 0, nil},
	} {
		want(t, "an address "+tt.name, find(tt.email, tt.fold, tt.limit), tt.want)
	}
}

func testUsersByUsername(t *testing.T, s *subject) {
	if !s.Model().Has(account.Username) {
		return
	}
	ann := s.insert(t, s.person("ann"))
	s.insert(t, s.person("bob"))
	var folded []int64
	if s.Model().Django {
		folded = []int64{ann.ID}
	}
	for _, tt := range []struct {
		name string
		want []int64
	}{{"ann", []int64{ann.ID}}, {"ANN", folded}, {"an", nil}, {"a_n", nil}, {"%", nil}, {"", nil}, {"ann\x00", nil}} {
		s.view(t, func(r account.Reader) error {
			users, err := r.UsersByUsername(ctx, tt.name, 9)
			var ids []int64
			for _, u := range users {
				ids = append(ids, u.ID)
			}
			want(t, "the name "+tt.name, ids, tt.want)
			return err
		})
	}
}

func testActivate(t *testing.T, s *subject) {
	ann := s.person("ann")
	ann.IsActive = false
	ann = s.insert(t, ann)
	for i, first := range []bool{true, false} {
		s.update(t, func(w account.Writer) error {
			got, err := w.Activate(ctx, ann.ID)
			want(t, "activated, time "+string(rune('1'+i)), got, first)
			return err
		})
	}
	ann.IsActive = true
	want(t, "ann", s.user(t, ann.ID), ann)
	s.update(t, func(w account.Writer) error {
		got, err := w.Activate(ctx, ann.ID+1000)
		want(t, "nobody is activated", got, false)
		return err
	})
}

func testSwapLogin(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	swap := func(old, fresh string) (first bool) {
		s.update(t, func(w account.Writer) (err error) {
			first, err = w.SwapLogin(ctx, ann.ID, account.Email, old, fresh)
			return err
		})
		return first
	}
	want(t, "swapped from what it is not", swap("other@example.com", "new@example.com"), false)
	want(t, "swapped", swap(ann.Email, "New@example.com"), true)
	want(t, "swapped again", swap(ann.Email, "newer@example.com"), false)
	want(t, "found by the new one", s.byLogin(t, account.Email, "New@example.com", false), ann.ID)
	want(t, "taken", s.taken(t, account.Email, "New@example.com"), true)
	want(t, "the old one is free", s.taken(t, account.Email, ann.Email), false)
	err := s.Update(ctx, func(w account.Writer) error {
		_, err := w.SwapLogin(ctx, ann.ID, account.Email, "New@example.com", bob.Email)
		return err
	})
	if !isTaken(err) {
		t.Errorf("swapped for an address of another: got %v, want a *TakenError", err)
	}
	if col, ok := s.Model().Column(account.Username); !ok || !col.Null {
		return
	}
	s.update(t, func(w account.Writer) error { // a name that nobody has is null
		u := account.User{ID: ann.ID}
		if err := w.UpdateUser(ctx, &u, account.Username); err != nil {
			return err
		}
		first, err := w.SwapLogin(ctx, ann.ID, account.Username, "", "anna")
		want(t, "swapped from none", first, true)
		return err
	})
	want(t, "found by a first name", s.byLogin(t, account.Username, "anna", false), ann.ID)
}

func testOpaqueTokens(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	token := account.OpaqueToken{UserID: ann.ID, Hash: []byte("hash"), Nonce: []byte("nonce"), Epoch: 3, Created: instant}
	sealed := account.OpaqueToken{UserID: bob.ID, Hash: []byte("other"), Sealed: []byte("sealed"), Created: instant}
	put := func(o account.OpaqueToken) (first bool) {
		s.update(t, func(w account.Writer) (err error) {
			first, err = w.InsertOpaqueToken(ctx, &o)
			return err
		})
		return first
	}
	want(t, "the first", put(token), true)
	want(t, "a second of the same user", put(account.OpaqueToken{UserID: ann.ID, Hash: []byte("x"), Created: instant}), false)
	want(t, "one of another", put(sealed), true)
	s.view(t, func(r account.Reader) error {
		got, err := r.OpaqueToken(ctx, ann.ID)
		want(t, "by user", got, token)
		if err == nil {
			got, err = r.OpaqueTokenByHash(ctx, []byte("other"))
			want(t, "by hash", got, sealed)
		}
		return err
	})
	s.update(t, func(w account.Writer) error { return w.KeepOpaqueToken(ctx, ann.ID, 4) })
	for _, there := range []bool{true, false} {
		s.update(t, func(w account.Writer) error {
			got, err := w.DeleteOpaqueToken(ctx, ann.ID)
			want(t, "deleted", got, there)
			return err
		})
	}
	s.update(t, func(w account.Writer) error { _, err := w.DeleteUser(ctx, bob.ID); return err })
	for _, hash := range []string{"hash", "other", "nobody's"} {
		err := s.View(ctx, func(r account.Reader) error { _, err := r.OpaqueTokenByHash(ctx, []byte(hash)); return err })
		wantError(t, "afterwards", err, account.ErrNotFound)
	}
}

func isTaken(err error) bool {
	var taken *account.TakenError
	return errors.As(err, &taken)
}

func testBarred(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	for _, barred := range []bool{true, true, false, false, true} {
		s.update(t, func(w account.Writer) error { return w.Bar(ctx, ann.ID, barred) })
		s.view(t, func(r account.Reader) error {
			of, err := r.Barred(ctx, ann.ID)
			want(t, "whether ann is barred", of, barred)
			if err == nil {
				of, err = r.Barred(ctx, bob.ID)
			}
			want(t, "whether bob is", of, false)
			return err
		})
	}
	s.update(t, func(w account.Writer) error {
		_, err := w.DeleteUser(ctx, ann.ID)
		return err
	})
	s.view(t, func(r account.Reader) error {
		of, err := r.Barred(ctx, ann.ID)
		want(t, "whether ann is, who is gone", of, false)
		return err
	})
}
