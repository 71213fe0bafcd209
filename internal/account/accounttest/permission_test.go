package accounttest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"doorward/internal/account"
)

func TestWhatSomebodyMayDo(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*account.Model{"own table": ownModel(), "a table of Django's without its groups": spaModel()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, m)
			ann := w.add(t, "ann@example.com", nil)
			boss := w.add(t, "boss@example.com", func(u *account.User) { u.IsStaff, u.IsSuperuser = true, true })
			gone := w.add(t, "gone@example.com", func(u *account.User) { u.IsActive = false })
			g, err := w.MakeGroup(ctx, "editors")
			for _, p := range []string{"blog.change_post", "blog.view_post"} {
				if err == nil {
					_, err = w.MakePermission(ctx, p, "")
				}
			}
			for _, u := range []account.User{ann, gone} {
				err = errors.Join(err, w.SetMember(ctx, g.ID, u.ID, true), w.SetUserPermission(ctx, u.ID, "blog.view_post", true))
			}
			if err = errors.Join(err, w.SetGroupPermission(ctx, g.ID, "blog.change_post", true)); err != nil {
				t.Fatal(err)
			}
			const change, view, editors, none = "blog.change_post", "blog.view_post", "editors", "blog.none"
			for _, tt := range []struct {
				name string
				user account.User
				all  string
				has  map[account.Needs]bool
			}{
				{"a user", ann, change + " " + view, map[account.Needs]bool{
					{}: true, {Permission: change}: true, {Permission: view}: true, {Permission: none}: false, {Group: editors}: true, {Group: "others"}: false,
					{Permission: change, Group: editors}: true, {Permission: none, Group: editors}: false, {Permission: "odd"}: false, {Permission: "\xff.\x00"}: false,
				}},
				{"a superuser", boss, change + " " + view, map[account.Needs]bool{
					{}: true, {Permission: change}: true, {Permission: none}: true, {Group: editors}: false, {Permission: change, Group: editors}: false,
				}},
				{"who is disabled", gone, "", map[account.Needs]bool{{Permission: change}: false, {Permission: view}: false, {Group: editors}: false}},
			} {
				u := w.user(t, tt.user.ID)
				rights, err := w.Rights(ctx, &u)
				if got := strings.Join(rights.Permissions, " "); err != nil || got != tt.all {
					t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.all)
				}
				for needs, want := range tt.has {
					if got, err := w.Has(ctx, &account.Principal{User: u}, needs); got != want || err != nil {
						t.Errorf("%s has %+v: got %v, %v, want %v", tt.name, needs, got, err, want)
					}
				}
			}
			if ok, err := w.Has(ctx, nil, account.Needs{Group: editors}); ok || err != nil {
				t.Errorf("nobody: got %v, %v, want no", ok, err)
			}
			if err := w.Remove(ctx, ann.ID); err != nil {
				t.Fatal(err)
			}
			if n := w.count(t, fmt.Sprintf("select (select count(*) from user_groups where user_id = %d) + (select count(*) from user_permissions where user_id = %d)", ann.ID, ann.ID)); n != 0 {
				t.Errorf("after a deletion: %d rows are left", n)
			}
		})
	}
}

func TestGroupsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	g, err := w.MakeGroup(ctx, "editors")
	if err == nil {
		_, err = w.MakePermission(ctx, "blog.view_post", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		f    func() error
		want account.Code
	}{
		{"a name that is taken", func() error { _, err := w.MakeGroup(ctx, "editors"); return err }, account.GroupTaken},
		{"no name", func() error { _, err := w.MakeGroup(ctx, ""); return err }, account.Required},
		{"a name that is no text", func() error { _, err := w.MakeGroup(ctx, "a\x00"); return err }, account.Invalid},
		{"a long name", func() error { _, err := w.MakeGroup(ctx, strings.Repeat("a", 151)); return err }, account.TooLong},
		{"a longest name", func() error { _, err := w.MakeGroup(ctx, strings.Repeat("é", 150)); return err }, ""},
		{"its own name again", func() error { _, err := w.RenameGroup(ctx, g.ID, "editors"); return err }, ""},
		{"a rename of nothing", func() error { _, err := w.RenameGroup(ctx, 99, "x"); return err }, account.NoSuchGroup},
		{"nothing is removed", func() error { return w.RemoveGroup(ctx, 99) }, account.NoSuchGroup},
		{"nobody joins", func() error { return w.SetMember(ctx, g.ID, 99, true) }, account.NoSuchUser},
		{"the members of nothing", func() error { _, err := w.Members(ctx, 99, 0, 1); return err }, account.NoSuchGroup},
		{"a group by a name of none", func() error { _, err := w.FindGroup(ctx, "nobody"); return err }, account.NoSuchGroup},
		{"a group by its id", func() error { _, err := w.FindGroup(ctx, fmt.Sprint(g.ID)); return err }, ""},
		{"a permission that is taken", func() error { _, err := w.MakePermission(ctx, "blog.view_post", ""); return err }, account.PermissionTaken},
		{"a permission without an app", func() error { _, err := w.MakePermission(ctx, "view_post", ""); return err }, account.Invalid},
		{"a long name for people", func() error { _, err := w.MakePermission(ctx, "a.b", strings.Repeat("a", 256)); return err }, account.TooLong},
		{"a grant of nothing", func() error { return w.SetGroupPermission(ctx, g.ID, "blog.none", true) }, account.NoSuchPermission},
		{"a grant to nobody", func() error { return w.SetUserPermission(ctx, 99, "blog.view_post", true) }, account.NoSuchUser},
		{"a grant to no group", func() error { return w.SetGroupPermission(ctx, 99, "blog.view_post", true) }, account.NoSuchGroup},
		{"nothing is revoked", func() error { return w.RemovePermission(ctx, "blog.none") }, account.NoSuchPermission},
	} {
		err := tt.f()
		if tt.want == "" && err != nil || tt.want != "" && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestClaimsOfRightsCostNothingUnasked holds that only mounts whose tokens say what people may do read it.
func TestClaimsOfRightsCostNothingUnasked(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	w.add(t, "ann@example.com", nil)
	for _, asked := range []bool{false, true} {
		p := native()
		if asked {
			p.Tokens.Claims, p.Tokens.RightsRoom = append(p.Tokens.Claims, account.RightsClaims(true, true)...), 2304
		}
		reads := 0
		w.hook = func(call string) error {
			if call == "GroupsOf" || call == "PermissionsOf" {
				reads++
			}
			return nil
		}
		g := w.signIn(t, p, "ann@example.com")
		if _, err := w.Refresh(ctx, p, g.Refresh); err != nil {
			t.Fatal(err)
		}
		w.hook = nil
		if want := map[bool]int{false: 0, true: 4}[asked]; reads != want { // two at the sign-in, two at the refresh
			t.Errorf("asked for: %v: got %d reads, want %d", asked, reads, want)
		}
	}
}
