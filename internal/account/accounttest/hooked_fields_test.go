package accounttest

import (
	"context"

	"doorward/internal/account"
)

func (r *hookedReader) Holder(ctx context.Context, profile string, f account.Field, v account.Value) (int64, error) {
	return pass(r, "Holder", func() (int64, error) { return r.Reader.Holder(ctx, profile, f, v) })
}

func (r *hookedReader) UserByProfile(ctx context.Context, kind string, id int64) (account.User, error) {
	return pass(r, "UserByProfile", func() (account.User, error) { return r.Reader.UserByProfile(ctx, kind, id) })
}

func (r *hookedReader) UsersByProfile(ctx context.Context, kind string, after int64, limit int) ([]account.User, error) {
	return pass(r, "UsersByProfile", func() ([]account.User, error) { return r.Reader.UsersByProfile(ctx, kind, after, limit) })
}

func (w *hookedWriter) InsertProfile(ctx context.Context, p *account.Profile) (bool, error) {
	return pass(&w.hookedReader, "InsertProfile", func() (bool, error) { return w.w.InsertProfile(ctx, p) })
}

func (w *hookedWriter) UpdateProfile(ctx context.Context, p *account.Profile, fields ...account.Field) error {
	return w.do("UpdateProfile", func() error { return w.w.UpdateProfile(ctx, p, fields...) })
}

func (w *hookedWriter) DeleteProfile(ctx context.Context, kind string, userID int64) (bool, error) {
	return pass(&w.hookedReader, "DeleteProfile", func() (bool, error) { return w.w.DeleteProfile(ctx, kind, userID) })
}
