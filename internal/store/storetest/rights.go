package storetest

import (
	"strings"
	"testing"

	"doorward/internal/account"
)

// told is what a user has, as a line.
func (s *subject) told(t *testing.T, user int64) (line string) {
	t.Helper()
	s.view(t, func(r account.Reader) error {
		groups, err := r.GroupsOf(ctx, user, 10)
		if err != nil {
			return err
		}
		var names []string
		for _, g := range groups {
			names = append(names, g.Name)
		}
		own, err := r.UserPermissions(ctx, user, 10)
		if err != nil {
			return err
		}
		all, err := r.PermissionsOf(ctx, user, 10)
		line = strings.Join(names, ",") + " | " + strings.Join(own, ",") + " | " + strings.Join(all, ",")
		return err
	})
	return line
}

func (s *subject) permission(t *testing.T, app, codename string) account.Permission {
	t.Helper()
	p := account.Permission{App: app, Codename: codename, Name: "Can " + codename}
	s.update(t, func(w account.Writer) error { return w.InsertPermission(ctx, &p) })
	return p
}

func (s *subject) group(t *testing.T, name string) (id int64) {
	t.Helper()
	s.update(t, func(w account.Writer) (err error) { id, err = w.InsertGroup(ctx, name); return err })
	return id
}

func testRights(t *testing.T, s *subject) {
	ann, bob := s.insert(t, s.person("ann")), s.insert(t, s.person("bob"))
	editors, readers := s.group(t, "editors"), s.group(t, "O'Readers \U0001F600")
	change, view, other := s.permission(t, "blog", "change_post"), s.permission(t, "blog", "view_post"), s.permission(t, "shop", "view_post")
	want(t, "at first", s.told(t, ann.ID), " |  | ")
	set := func(f func(w account.Writer) error) {
		for range 2 { // what is so already stays
			s.update(t, f)
		}
	}
	set(func(w account.Writer) error { return w.SetGroupPermission(ctx, editors, &change, true) })
	set(func(w account.Writer) error { return w.SetGroupPermission(ctx, editors, &view, true) })
	set(func(w account.Writer) error { return w.SetGroupPermission(ctx, readers, &view, true) })
	set(func(w account.Writer) error { return w.SetMember(ctx, editors, ann.ID, true) })
	set(func(w account.Writer) error { return w.SetMember(ctx, readers, ann.ID, true) })
	set(func(w account.Writer) error { return w.SetMember(ctx, readers, bob.ID, true) })
	set(func(w account.Writer) error { return w.SetUserPermission(ctx, ann.ID, &other, true) })
	set(func(w account.Writer) error { return w.SetUserPermission(ctx, ann.ID, &view, true) })
	want(t, "ann", s.told(t, ann.ID), "O'Readers \U0001F600,editors | blog.view_post,shop.view_post | blog.change_post,blog.view_post,shop.view_post")
	want(t, "bob", s.told(t, bob.ID), "O'Readers \U0001F600 |  | blog.view_post")
	s.view(t, func(r account.Reader) error {
		for _, tt := range []struct {
			user          int64
			app, codename string
			want          bool
		}{
			{ann.ID, "blog", "change_post", true},
			{ann.ID, "shop", "view_post", true},
			{bob.ID, "blog", "view_post", true},
			{bob.ID, "blog", "change_post", false},
			{bob.ID, "shop", "view_post", false},
			{bob.ID, "blog", "none", false},
			{bob.ID + 1000, "blog", "view_post", false},
			{1 << 60, "blog", "view_post", false},
		} {
			got, err := r.HasPermission(ctx, tt.user, tt.app, tt.codename)
			if err != nil {
				return err
			}
			want(t, "has "+tt.app+"."+tt.codename, got, tt.want)
		}
		in, err := r.IsMember(ctx, ann.ID, "editors")
		want(t, "ann is an editor", in, true)
		if err == nil {
			in, err = r.IsMember(ctx, bob.ID, "editors")
			want(t, "bob is an editor", in, false)
		}
		if err != nil {
			return err
		}
		given, err := r.GroupPermissions(ctx, editors, 10)
		want(t, "editors give", given, []string{"blog.change_post", "blog.view_post"})
		if err != nil {
			return err
		}
		members, err := r.Members(ctx, readers, 0, 10)
		want(t, "readers", ids(members), []int64{ann.ID, bob.ID})
		if err != nil {
			return err
		}
		members, err = r.Members(ctx, readers, ann.ID, 10)
		want(t, "readers after ann", ids(members), []int64{bob.ID})
		if err != nil {
			return err
		}
		found, err := r.Permission(ctx, "blog", "view_post")
		want(t, "a permission", found, view)
		return err
	})

	set(func(w account.Writer) error { return w.SetMember(ctx, editors, ann.ID, false) })
	set(func(w account.Writer) error { return w.SetUserPermission(ctx, ann.ID, &view, false) })
	want(t, "ann left the editors", s.told(t, ann.ID), "O'Readers \U0001F600 | shop.view_post | blog.view_post,shop.view_post")
	set(func(w account.Writer) error { return w.SetGroupPermission(ctx, readers, &view, false) })
	want(t, "readers give nothing", s.told(t, bob.ID), "O'Readers \U0001F600 |  | ")
	set(func(w account.Writer) error { return w.DeletePermission(ctx, &other) })
	want(t, "a permission is gone", s.told(t, ann.ID), "O'Readers \U0001F600 |  | ")
	s.update(t, func(w account.Writer) error { _, err := w.DeleteUser(ctx, ann.ID); return err })
	want(t, "a deleted user", s.told(t, ann.ID), " |  | ")
	s.update(t, func(w account.Writer) error {
		there, err := w.DeleteGroup(ctx, readers)
		want(t, "deleted", there, true)
		return err
	})
	want(t, "a group is gone", s.told(t, bob.ID), " |  | ")
}

func ids(users []account.User) (list []int64) {
	for _, u := range users {
		list = append(list, u.ID)
	}
	return list
}

func testGroupNames(t *testing.T, s *subject) {
	one, two := s.group(t, "one"), s.group(t, "two")
	s.permission(t, "app", "code")
	for what, f := range map[string]func(w account.Writer) error{
		"a second group of a name": func(w account.Writer) error { _, err := w.InsertGroup(ctx, "one"); return err },
		"a second permission of a name": func(w account.Writer) error {
			return w.InsertPermission(ctx, &account.Permission{App: "app", Codename: "code"})
		},
		"a group that is none": func(w account.Writer) error { _, err := w.Group(ctx, two+1000); return err },
		"a name of none":       func(w account.Writer) error { _, err := w.GroupByName(ctx, "three"); return err },
		"a name with NUL":      func(w account.Writer) error { _, err := w.GroupByName(ctx, "one\x00"); return err },
		"no permission":        func(w account.Writer) error { _, err := w.Permission(ctx, "app", "x\xff"); return err },
	} {
		wantError(t, what, s.Update(ctx, f), account.ErrNotFound)
	}
	err := s.Update(ctx, func(w account.Writer) error { _, err := w.RenameGroup(ctx, two, "one"); return err })
	if !isTaken(err) {
		t.Errorf("renamed to another's name: got %v, want a *TakenError", err)
	}
	s.update(t, func(w account.Writer) error {
		there, err := w.RenameGroup(ctx, two, "three")
		want(t, "renamed", there, true)
		if err == nil {
			there, err = w.RenameGroup(ctx, two+1000, "four")
			want(t, "nothing is renamed", there, false)
		}
		return err
	})
	s.view(t, func(r account.Reader) error {
		groups, err := r.Groups(ctx, 0, 10)
		want(t, "groups", groups, []account.Group{{ID: one, Name: "one"}, {ID: two, Name: "three"}})
		if err == nil {
			groups, err = r.Groups(ctx, one, 10)
			want(t, "groups after one", groups, []account.Group{{ID: two, Name: "three"}})
		}
		return err
	})
}
