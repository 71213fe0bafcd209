package accounttest

import (
	"context"

	"doorward/internal/account"
)

func (w *hookedWriter) InsertGroup(ctx context.Context, name string) (int64, error) {
	return pass(&w.hookedReader, "InsertGroup", func() (int64, error) { return w.w.InsertGroup(ctx, name) })
}

func (w *hookedWriter) RenameGroup(ctx context.Context, id int64, name string) (bool, error) {
	return pass(&w.hookedReader, "RenameGroup", func() (bool, error) { return w.w.RenameGroup(ctx, id, name) })
}

func (w *hookedWriter) DeleteGroup(ctx context.Context, id int64) (bool, error) {
	return pass(&w.hookedReader, "DeleteGroup", func() (bool, error) { return w.w.DeleteGroup(ctx, id) })
}

func (w *hookedWriter) InsertPermission(ctx context.Context, p *account.Permission) error {
	return w.do("InsertPermission", func() error { return w.w.InsertPermission(ctx, p) })
}

func (w *hookedWriter) DeletePermission(ctx context.Context, p *account.Permission) error {
	return w.do("DeletePermission", func() error { return w.w.DeletePermission(ctx, p) })
}

func (w *hookedWriter) SetMember(ctx context.Context, group, userID int64, in bool) error {
	return w.do("SetMember", func() error { return w.w.SetMember(ctx, group, userID, in) })
}

func (w *hookedWriter) SetGroupPermission(ctx context.Context, group int64, p *account.Permission, granted bool) error {
	return w.do("SetGroupPermission", func() error { return w.w.SetGroupPermission(ctx, group, p, granted) })
}

func (w *hookedWriter) SetUserPermission(ctx context.Context, userID int64, p *account.Permission, granted bool) error {
	return w.do("SetUserPermission", func() error { return w.w.SetUserPermission(ctx, userID, p, granted) })
}

func (r *hookedReader) GroupsOf(ctx context.Context, userID int64, limit int) ([]account.Group, error) {
	return pass(r, "GroupsOf", func() ([]account.Group, error) { return r.Reader.GroupsOf(ctx, userID, limit) })
}

func (r *hookedReader) PermissionsOf(ctx context.Context, userID int64, limit int) ([]string, error) {
	return pass(r, "PermissionsOf", func() ([]string, error) { return r.Reader.PermissionsOf(ctx, userID, limit) })
}

func (r *hookedReader) HasPermission(ctx context.Context, userID int64, app, codename string) (bool, error) {
	return pass(r, "HasPermission", func() (bool, error) { return r.Reader.HasPermission(ctx, userID, app, codename) })
}
