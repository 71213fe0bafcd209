package accounttest

import (
	"context"

	"doorward/internal/account"
)

func (r *hookedReader) UsersByEmail(ctx context.Context, email string, fold bool, limit int) ([]account.User, error) {
	return pass(r, "UsersByEmail", func() ([]account.User, error) { return r.Reader.UsersByEmail(ctx, email, fold, limit) })
}

func (r *hookedReader) UsersByUsername(ctx context.Context, name string, limit int) ([]account.User, error) {
	return pass(r, "UsersByUsername", func() ([]account.User, error) { return r.Reader.UsersByUsername(ctx, name, limit) })
}

func (r *hookedReader) OpaqueToken(ctx context.Context, userID int64) (account.OpaqueToken, error) {
	return pass(r, "OpaqueToken", func() (account.OpaqueToken, error) { return r.Reader.OpaqueToken(ctx, userID) })
}

func (r *hookedReader) OpaqueTokenByHash(ctx context.Context, hash []byte) (account.OpaqueToken, error) {
	return pass(r, "OpaqueTokenByHash", func() (account.OpaqueToken, error) { return r.Reader.OpaqueTokenByHash(ctx, hash) })
}

func (r *hookedReader) ClearToken(ctx context.Context, text string) (account.OpaqueToken, error) {
	return pass(r, "ClearToken", func() (account.OpaqueToken, error) { return r.Reader.ClearToken(ctx, text) })
}

func (w *hookedWriter) SwapLogin(ctx context.Context, id int64, f account.Field, old, fresh string) (bool, error) {
	return pass(&w.hookedReader, "SwapLogin", func() (bool, error) { return w.w.SwapLogin(ctx, id, f, old, fresh) })
}

func (r *hookedReader) Barred(ctx context.Context, userID int64) (bool, error) {
	return pass(r, "Barred", func() (bool, error) { return r.Reader.Barred(ctx, userID) })
}

func (w *hookedWriter) Bar(ctx context.Context, userID int64, barred bool) error {
	return w.do("Bar", func() error { return w.w.Bar(ctx, userID, barred) })
}

func (w *hookedWriter) Activate(ctx context.Context, id int64) (bool, error) {
	return pass(&w.hookedReader, "Activate", func() (bool, error) { return w.w.Activate(ctx, id) })
}

func (w *hookedWriter) InsertOpaqueToken(ctx context.Context, t *account.OpaqueToken) (bool, error) {
	return pass(&w.hookedReader, "InsertOpaqueToken", func() (bool, error) { return w.w.InsertOpaqueToken(ctx, t) })
}

func (w *hookedWriter) KeepOpaqueToken(ctx context.Context, userID int64, epoch uint32) error {
	return w.do("KeepOpaqueToken", func() error { return w.w.KeepOpaqueToken(ctx, userID, epoch) })
}

func (w *hookedWriter) DeleteOpaqueToken(ctx context.Context, userID int64) (bool, error) {
	return pass(&w.hookedReader, "DeleteOpaqueToken", func() (bool, error) { return w.w.DeleteOpaqueToken(ctx, userID) })
}

func (w *hookedWriter) EndClearToken(ctx context.Context, userID int64) error {
	return w.do("EndClearToken", func() error { return w.w.EndClearToken(ctx, userID) })
}
