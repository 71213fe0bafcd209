package accounttest

import (
	"context"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// hooked is the real store with the world's hook before every call: "View" and "Update" as they
// begin, "commit" before one, Rotate and every method of Reader and Writer by its name. An error of the
// hook is the call's.
type hooked struct{ w *world }

func (h hooked) call(name string) error {
	if h.w.hook == nil {
		return nil
	}
	return h.w.hook(name)
}

func (h hooked) Model() *account.Model { return h.w.db.Model() }

func (h hooked) View(ctx context.Context, f func(account.Reader) error) error {
	if err := h.call("View"); err != nil {
		return err
	}
	return h.w.db.View(ctx, func(r account.Reader) error { return f(&hookedReader{Reader: r, h: h}) })
}

func (h hooked) ViewInTurn(ctx context.Context, f func(account.Reader) error) error {
	if err := h.call("View"); err != nil {
		return err
	}
	return h.w.db.ViewInTurn(ctx, func(r account.Reader) error { return f(&hookedReader{Reader: r, h: h}) })
}

func (h hooked) Update(ctx context.Context, f func(account.Writer) error) error {
	if err := h.call("Update"); err != nil {
		return err
	}
	return h.w.db.Update(ctx, func(w account.Writer) error {
		tx := &hookedWriter{hookedReader{Reader: w, h: h}, w}
		err := f(tx)
		if err == nil { // as in the store, nothing is committed after a failure
			err = tx.failed
		}
		if err != nil {
			return err
		}
		return h.call("commit")
	})
}

func (h hooked) Rotate(ctx context.Context, id int64, from uint32, now, until time.Time) (bool, error) {
	if err := h.call("Rotate"); err != nil {
		return false, err
	}
	return h.w.db.Rotate(ctx, id, from, now, until)
}

type hookedReader struct {
	account.Reader
	h      hooked
	failed error
}

func (r *hookedReader) call(name string) error {
	err := r.h.call(name)
	if err != nil {
		r.failed = err
	}
	return err
}

// pass runs f unless the hook of the call fails.
func pass[T any](r *hookedReader, name string, f func() (T, error)) (v T, err error) {
	if err := r.call(name); err != nil {
		return v, err
	}
	return f()
}

func (r *hookedReader) User(ctx context.Context, id int64) (account.User, error) {
	return pass(r, "User", func() (account.User, error) { return r.Reader.User(ctx, id) })
}

func (r *hookedReader) UserByLogin(ctx context.Context, f account.Field, text string, fold bool) (account.User, error) {
	return pass(r, "UserByLogin", func() (account.User, error) { return r.Reader.UserByLogin(ctx, f, text, fold) })
}

func (r *hookedReader) Taken(ctx context.Context, f account.Field, text string) (bool, error) {
	return pass(r, "Taken", func() (bool, error) { return r.Reader.Taken(ctx, f, text) })
}

func (r *hookedReader) Users(ctx context.Context, after int64, limit int) ([]account.User, error) {
	return pass(r, "Users", func() ([]account.User, error) { return r.Reader.Users(ctx, after, limit) })
}

func (r *hookedReader) Passwords(ctx context.Context, after int64, limit int) ([]string, error) {
	return pass(r, "Passwords", func() ([]string, error) { return r.Reader.Passwords(ctx, after, limit) })
}

func (r *hookedReader) Session(ctx context.Context, id int64) (account.Session, error) {
	return pass(r, "Session", func() (account.Session, error) { return r.Reader.Session(ctx, id) })
}

func (r *hookedReader) SessionUser(ctx context.Context, id int64) (s account.Session, u account.User, err error) {
	if err := r.call("SessionUser"); err != nil {
		return s, u, err
	}
	return r.Reader.SessionUser(ctx, id)
}

func (r *hookedReader) SessionByMark(ctx context.Context, userID int64, mount string, mark int64) (account.Session, error) {
	return pass(r, "SessionByMark", func() (account.Session, error) { return r.Reader.SessionByMark(ctx, userID, mount, mark) })
}

func (r *hookedReader) SigningKeys(ctx context.Context) ([]account.StoredKey, error) {
	return pass(r, "SigningKeys", func() ([]account.StoredKey, error) { return r.Reader.SigningKeys(ctx) })
}

type hookedWriter struct {
	hookedReader
	w account.Writer
}

// do is pass for what answers nothing but an error.
func (w *hookedWriter) do(name string, f func() error) error {
	_, err := pass(&w.hookedReader, name, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

func (w *hookedWriter) InsertUser(ctx context.Context, u *account.User) (int64, error) {
	return pass(&w.hookedReader, "InsertUser", func() (int64, error) { return w.w.InsertUser(ctx, u) })
}

func (w *hookedWriter) UpdateUser(ctx context.Context, u *account.User, fields ...account.Field) error {
	return w.do("UpdateUser", func() error { return w.w.UpdateUser(ctx, u, fields...) })
}

func (w *hookedWriter) SwapPassword(ctx context.Context, id int64, old, fresh string) (bool, error) {
	return pass(&w.hookedReader, "SwapPassword", func() (bool, error) { return w.w.SwapPassword(ctx, id, old, fresh) })
}

func (w *hookedWriter) DeleteUser(ctx context.Context, id int64) (bool, error) {
	return pass(&w.hookedReader, "DeleteUser", func() (bool, error) { return w.w.DeleteUser(ctx, id) })
}

func (w *hookedWriter) RaiseEpoch(ctx context.Context, userID int64, now time.Time) (uint32, error) {
	return pass(&w.hookedReader, "RaiseEpoch", func() (uint32, error) { return w.w.RaiseEpoch(ctx, userID, now) })
}

func (w *hookedWriter) InsertSession(ctx context.Context, s *account.Session) (bool, error) {
	return pass(&w.hookedReader, "InsertSession", func() (bool, error) { return w.w.InsertSession(ctx, s) })
}

func (w *hookedWriter) LastMark(ctx context.Context, userID int64, mount string) (int64, error) {
	return pass(&w.hookedReader, "LastMark", func() (int64, error) { return w.w.LastMark(ctx, userID, mount) })
}

func (w *hookedWriter) EndSessionUntil(ctx context.Context, id int64, now, until time.Time) (bool, error) {
	return pass(&w.hookedReader, "EndSessionUntil", func() (bool, error) { return w.w.EndSessionUntil(ctx, id, now, until) })
}

func (w *hookedWriter) EndSession(ctx context.Context, id int64, now time.Time) (bool, error) {
	return pass(&w.hookedReader, "EndSession", func() (bool, error) { return w.w.EndSession(ctx, id, now) })
}

func (w *hookedWriter) KeepSession(ctx context.Context, id int64, epoch uint32) error {
	return w.do("KeepSession", func() error { return w.w.KeepSession(ctx, id, epoch) })
}

func (w *hookedWriter) Sweep(ctx context.Context, t time.Time, limit int) (int64, error) {
	return pass(&w.hookedReader, "Sweep", func() (int64, error) { return w.w.Sweep(ctx, t, limit) })
}

func (w *hookedWriter) InsertMail(ctx context.Context, m *account.Mail) error {
	return w.do("InsertMail", func() error { return w.w.InsertMail(ctx, m) })
}

func (w *hookedWriter) InsertSigningKey(ctx context.Context, k *account.StoredKey) error {
	return w.do("InsertSigningKey", func() error { return w.w.InsertSigningKey(ctx, k) })
}

func (w *hookedWriter) MoveSigningKey(ctx context.Context, id string, from, to token.KeyState, until time.Time) (bool, error) {
	return pass(&w.hookedReader, "MoveSigningKey", func() (bool, error) { return w.w.MoveSigningKey(ctx, id, from, to, until) })
}
