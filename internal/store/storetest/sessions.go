package storetest

import (
	"errors"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

func session(id, user, mark int64) account.Session {
	return account.Session{
		ID: id, UserID: user, Mount: "tag1", Mark: mark, Epoch: 2, Generation: 3,
		Created: instant, Rotated: instant.Add(time.Second), Expires: instant.Add(time.Hour),
	}
}

func testSession(t *testing.T, s *subject) {
	ended := session(1<<63-1, 7, 1790000000)
	ended.Ended, ended.Epoch, ended.Generation = instant.Add(time.Minute), 1<<32-1, 1<<32-1
	alive := session(2, 7, 0)
	s.insertSession(t, ended)
	s.insertSession(t, alive)
	ann := s.insert(t, s.person("ann"))
	hers := session(4, ann.ID, 0)
	s.insertSession(t, hers)
	want(t, "the ended one", s.session(t, ended.ID), ended)
	want(t, "the one alive", s.session(t, 2), alive)
	s.view(t, func(r account.Reader) error {
		got, err := r.SessionByMark(ctx, 7, "tag1", ended.Mark)
		want(t, "by mark", got, ended)
		return err
	})
	s.view(t, func(r account.Reader) error {
		got, user, err := r.SessionUser(ctx, hers.ID)
		want(t, "with its user", got, hers)
		want(t, "its user", user, s.user(t, ann.ID))
		return err
	})
	for _, err := range []error{
		s.View(ctx, func(r account.Reader) error { _, err := r.Session(ctx, 3); return err }),
		s.View(ctx, func(r account.Reader) error { _, _, err := r.SessionUser(ctx, 3); return err }),
		s.View(ctx, func(r account.Reader) error { _, _, err := r.SessionUser(ctx, alive.ID); return err }), // of nobody
		s.View(ctx, func(r account.Reader) error { _, err := r.SessionByMark(ctx, 7, "other", ended.Mark); return err }),
		s.View(ctx, func(r account.Reader) error { _, err := r.SessionByMark(ctx, 7, "tag1", 0); return err }),
	} {
		wantError(t, "an unknown session", err, account.ErrNotFound)
	}
}

func testMark(t *testing.T, s *subject) {
	s.insertSession(t, session(1, 7, 100))
	s.insertSession(t, session(2, 7, 101))
	s.insertSession(t, session(3, 8, 100))
	s.insertSession(t, session(4, 7, 0))
	s.insertSession(t, session(5, 7, 0))
	other := session(6, 7, 100)
	other.Mount = "userapi"
	s.insertSession(t, other)
	s.update(t, func(w account.Writer) error {
		ses := session(9, 7, 100)
		ok, err := w.InsertSession(ctx, &ses)
		want(t, "inserted with a mark in use", ok, false)
		return err
	})
	s.update(t, func(w account.Writer) error {
		for mount, last := range map[string]int64{"tag1": 101, "userapi": 100, "none": 0} {
			got, err := w.LastMark(ctx, 7, mount)
			if err != nil {
				return err
			}
			want(t, "last mark of "+mount, got, last)
		}
		return nil
	})
	err := s.Update(ctx, func(w account.Writer) error {
		ses := session(1, 9, 500)
		_, err := w.InsertSession(ctx, &ses)
		return err
	})
	var taken *account.TakenError
	if err == nil || errors.As(err, &taken) {
		t.Errorf("a second session of one id: got %v, want a fault", err)
	}
}

func testSessionLife(t *testing.T, s *subject) {
	ses := session(1, 7, 0)
	s.insertSession(t, ses)
	s.insertSession(t, session(2, 7, 0))
	later := instant.Add(time.Minute)
	step := func(what string, wanted bool, f func(account.Writer) (bool, error)) {
		t.Helper()
		s.update(t, func(w account.Writer) error {
			ok, err := f(w)
			want(t, what, ok, wanted)
			return err
		})
	}
	rotate := func(what string, wanted bool, id int64, from uint32, until time.Time) {
		t.Helper()
		ok, err := s.Rotate(ctx, id, from, later, until)
		want(t, what, ok, wanted)
		if err != nil {
			t.Fatal(err)
		}
	}
	rotate("rotate", true, 1, 3, time.Time{})
	rotate("rotate again", false, 1, 3, time.Time{})
	rotate("rotate nothing", false, 99, 3, time.Time{})
	step("keep", true, func(w account.Writer) (bool, error) { return true, w.KeepSession(ctx, 1, 5) })
	ses.Generation, ses.Rotated, ses.Epoch = 4, later, 5
	want(t, "rotated and kept", s.session(t, 1), ses)
	until := later.Add(time.Hour)
	for _, wanted := range []bool{true, false} {
		rotate("rotate and prolong", wanted, 1, 4, until)
	}
	ses.Generation, ses.Expires = 5, until
	want(t, "prolonged", s.session(t, 1), ses)
	step("end", true, func(w account.Writer) (bool, error) { return w.EndSession(ctx, 1, later) })
	step("end again", false, func(w account.Writer) (bool, error) { return w.EndSession(ctx, 1, later.Add(time.Hour)) })
	rotate("rotate an ended one", false, 1, 5, time.Time{})
	rotate("prolong an ended one", false, 1, 5, until)
	step("keep an ended one", true, func(w account.Writer) (bool, error) { return true, w.KeepSession(ctx, 1, 6) })
	ses.Ended = later
	want(t, "ended", s.session(t, 1), ses)
	other := session(2, 7, 0)
	want(t, "another", s.session(t, 2), other)
	s.insertSession(t, session(3, 7, 0))
	for _, tt := range []struct {
		id    int64
		until time.Time // the row's own end is instant + 1 hour at most
		want  time.Time
	}{{2, later, later}, {3, until.AddDate(1, 0, 0), other.Expires}} {
		for _, wanted := range []bool{true, false} {
			step("end, and let the row go", wanted, func(w account.Writer) (bool, error) { return w.EndSessionUntil(ctx, tt.id, later, tt.until) })
		}
		ended := session(tt.id, 7, 0)
		ended.Ended, ended.Expires = later, tt.want
		want(t, "ended, and soon gone", s.session(t, tt.id), ended)
	}
}

func testSweep(t *testing.T, s *subject) {
	for id := int64(1); id <= 5; id++ {
		ses := session(id, 7, 0)
		ses.Expires = instant.Add(time.Duration(id) * time.Minute)
		s.insertSession(t, ses)
	}
	for _, wanted := range []int64{2, 1, 0} { // those of 1, 2 and 3 minutes
		s.update(t, func(w account.Writer) error {
			n, err := w.Sweep(ctx, instant.Add(4*time.Minute), 2)
			want(t, "swept", n, wanted)
			return err
		})
	}
	want(t, "the first that is left", s.session(t, 4).ID, 4)
}

func testKeys(t *testing.T, s *subject) {
	first := account.StoredKey{ID: "b", Sealed: []byte{0, 1, 2}, State: token.Active, Created: instant}
	second := account.StoredKey{ID: "a", Sealed: []byte{3}, State: token.Next, Created: instant.Add(time.Second), Until: instant.Add(time.Hour)}
	third := account.StoredKey{ID: "c", Sealed: []byte{4}, State: token.Active, Created: instant}
	s.update(t, func(w account.Writer) error {
		return errors.Join(w.InsertSigningKey(ctx, &second), w.InsertSigningKey(ctx, &first))
	})
	wantTaken(t, "a second active key", s.Update(ctx, func(w account.Writer) error { return w.InsertSigningKey(ctx, &third) }), "")
	wantTaken(t, "a second key made active", s.Update(ctx, func(w account.Writer) error {
		_, err := w.MoveSigningKey(ctx, "a", token.Next, token.Active, time.Time{})
		return err
	}), "")
	s.update(t, func(w account.Writer) error {
		retired, err := w.MoveSigningKey(ctx, "b", token.Active, token.Retired, instant.Add(time.Minute))
		again, err2 := w.MoveSigningKey(ctx, "b", token.Active, token.Retired, instant)
		active, err3 := w.MoveSigningKey(ctx, "a", token.Next, token.Active, time.Time{})
		want(t, "moved", []bool{retired, again, active}, []bool{true, false, true})
		return errors.Join(err, err2, err3)
	})
	first.State, first.Until = token.Retired, instant.Add(time.Minute)
	second.State, second.Until = token.Active, time.Time{}
	s.view(t, func(r account.Reader) error {
		got, err := r.SigningKeys(ctx)
		want(t, "the keys, the oldest first", got, []account.StoredKey{first, second})
		return err
	})
}
