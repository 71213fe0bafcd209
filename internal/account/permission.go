package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorward/internal/pattern"
)

// Group is a set of permissions under a name. Whoever is in it has them.
type Group struct {
	ID   int64
	Name string
}

// Permission is something that people may do. Programs ask for it as App.Codename, people read Name.
type Permission struct {
	ID            int64
	App, Codename string
	Name          string
}

// String is how a permission is asked for: "blog.change_post".
func (p *Permission) String() string { return p.App + "." + p.Codename }

// Needs is what somebody must have beside a good token. The zero value is nothing.
type Needs struct {
	Permission string // "app_label.codename"
	Group      string // by its name
}

// Rights are what a user may do.
type Rights struct {
	Groups []Group
	// Own are the permissions that were granted to himself, Permissions all that he has: by himself, by his groups,
	// and every one there is as a superuser. Both are sorted.
	Own, Permissions []string
}

// The longest texts that Django's tables hold, in characters.
const (
	maxGroupName      = 150
	maxCodename       = 100
	maxPermissionName = 255
)

// maxRights bounds a list of groups or permissions of somebody.
const maxRights = 1000

var permissionShape = pattern.Of(`^[A-Za-z_][A-Za-z0-9_]{0,99}\.[A-Za-z0-9_:-]{1,100}$`)

// ValidPermission reports whether text has the form of a permission: "app_label.codename".
func ValidPermission(text string) bool { return permissionShape().MatchString(text) }

// GroupName is the field that problems with the name of a group are told by, PermissionText that of a permission.
const (
	GroupName      Field = "name"
	PermissionText Field = "permission"
)

// Groups lists groups by id, from the one after `after`.
func (s *Service) Groups(ctx context.Context, after int64, limit int) (groups []Group, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		groups, err = r.Groups(ctx, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return groups, nil
}

// Group reads a group and the permissions that it gives, sorted. Codes: NoSuchGroup.
func (s *Service) Group(ctx context.Context, id int64) (g Group, permissions []string, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		if g, err = r.Group(ctx, id); err != nil {
			return err
		}
		permissions, err = r.GroupPermissions(ctx, id, maxRights)
		return err
	})
	return g, permissions, groupless(err, fmt.Sprintf("read group %d", id))
}

// FindGroup finds a group by its name or its id, as an operator types them. Codes: NoSuchGroup.
func (s *Service) FindGroup(ctx context.Context, ref string) (g Group, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		if g, err = r.GroupByName(ctx, ref); !errors.Is(err, ErrNotFound) {
			return err
		}
		if id, bad := strconv.ParseInt(ref, 10, 64); bad == nil {
			g, err = r.Group(ctx, id)
		}
		return err
	})
	return g, groupless(err, "find a group")
}

// groupless turns the lack of a row into its code.
func groupless(err error, action string) error {
	switch {
	case err == nil, Refusal(err) != nil:
		return err
	case errors.Is(err, ErrNotFound):
		return fail(NoSuchGroup)
	}
	return fmt.Errorf("%s: %w", action, err)
}

// ValidGroupName reports whether a group can be called so.
func ValidGroupName(name string) bool { return judgeGroupName(name) == nil }

func judgeGroupName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return failField(Required, GroupName)
	case !isText(name) || strings.TrimSpace(name) != name:
		return failField(Invalid, GroupName)
	case utf8.RuneCountInString(name) > maxGroupName:
		return &Error{Problems: []Problem{{Code: TooLong, Field: GroupName, Limit: maxGroupName}}}
	}
	return nil
}

// MakeGroup makes a group that gives nothing yet. Codes: Required, Invalid, TooLong, GroupTaken.
func (s *Service) MakeGroup(ctx context.Context, name string) (Group, error) {
	if err := judgeGroupName(name); err != nil {
		return Group{}, err
	}
	g := Group{Name: name}
	err := s.store.Update(ctx, func(w Writer) error {
		id, err := w.InsertGroup(ctx, name)
		if g.ID = id; errors.Is(err, ErrNotFound) {
			return failField(GroupTaken, GroupName)
		}
		return err
	})
	if err != nil {
		return Group{}, groupless(err, "make a group")
	}
	return g, nil
}

// RenameGroup gives a group another name. Rules that name it by the old one let nobody in any more.
// Codes: those of MakeGroup, NoSuchGroup.
func (s *Service) RenameGroup(ctx context.Context, id int64, name string) (Group, error) {
	if err := judgeGroupName(name); err != nil {
		return Group{}, err
	}
	err := s.store.Update(ctx, func(w Writer) error {
		there, err := w.RenameGroup(ctx, id, name)
		if err == nil && !there {
			err = ErrNotFound
		}
		return err
	})
	if taken := (*TakenError)(nil); errors.As(err, &taken) {
		return Group{}, failField(GroupTaken, GroupName)
	}
	return Group{ID: id, Name: name}, groupless(err, fmt.Sprintf("rename group %d", id))
}

// RemoveGroup deletes a group: nobody has by it what it gave. Codes: NoSuchGroup.
func (s *Service) RemoveGroup(ctx context.Context, id int64) error {
	err := s.store.Update(ctx, func(w Writer) error {
		there, err := w.DeleteGroup(ctx, id)
		if err == nil && !there {
			err = ErrNotFound
		}
		return err
	})
	return groupless(err, fmt.Sprintf("delete group %d", id))
}

// Members lists who is in a group by id, from the one after `after`. Codes: NoSuchGroup.
func (s *Service) Members(ctx context.Context, group, after int64, limit int) (users []User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		if _, err := r.Group(ctx, group); err != nil {
			return err
		}
		users, err = r.Members(ctx, group, after, limit)
		return err
	})
	return users, groupless(err, fmt.Sprintf("list the members of group %d", group))
}

// SetMember puts a user into a group, or takes him out; what is so already stays. Codes: NoSuchGroup, NoSuchUser.
func (s *Service) SetMember(ctx context.Context, group, user int64, in bool) error {
	err := s.store.Update(ctx, func(w Writer) error {
		if _, err := w.Group(ctx, group); err != nil {
			return err
		}
		if _, err := w.User(ctx, user); err != nil {
			return lost(err)
		}
		return w.SetMember(ctx, group, user, in)
	})
	return groupless(err, fmt.Sprintf("set whether user %d is in group %d", user, group))
}

// PermissionList lists permissions by id, from the one after `after`.
func (s *Service) PermissionList(ctx context.Context, after int64, limit int) (list []Permission, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		list, err = r.Permissions(ctx, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list permissions: %w", err)
	}
	return list, nil
}

// MakePermission makes a permission that nobody has yet. label is its name for people. Codes: Invalid, TooLong, PermissionTaken.
func (s *Service) MakePermission(ctx context.Context, text, label string) (Permission, error) {
	switch {
	case !ValidPermission(text):
		return Permission{}, failField(Invalid, PermissionText)
	case !isText(label):
		return Permission{}, failField(Invalid, GroupName)
	case utf8.RuneCountInString(label) > maxPermissionName:
		return Permission{}, &Error{Problems: []Problem{{Code: TooLong, Field: GroupName, Limit: maxPermissionName}}}
	}
	p := Permission{Name: label}
	p.App, p.Codename, _ = strings.Cut(text, ".")
	if p.Name == "" {
		p.Name = "Can " + strings.ReplaceAll(p.Codename, "_", " ")
	}
	err := s.store.Update(ctx, func(w Writer) error {
		_, err := w.Permission(ctx, p.App, p.Codename)
		if err == nil {
			return failField(PermissionTaken, PermissionText)
		}
		if errors.Is(err, ErrNotFound) {
			err = w.InsertPermission(ctx, &p)
		}
		if errors.Is(err, ErrNotFound) { // somebody else made it meanwhile
			err = failField(PermissionTaken, PermissionText)
		}
		return err
	})
	if err != nil && Refusal(err) == nil {
		err = fmt.Errorf("make a permission: %w", err)
	}
	return p, err
}

// RemovePermission deletes a permission: nobody has it any more. Codes: NoSuchPermission.
func (s *Service) RemovePermission(ctx context.Context, text string) error {
	return s.withPermission(ctx, text, func(w Writer, p *Permission) error { return w.DeletePermission(ctx, p) })
}

// SetGroupPermission grants a permission to a group, or revokes it; what is so already stays. Codes: NoSuchGroup, NoSuchPermission.
func (s *Service) SetGroupPermission(ctx context.Context, group int64, text string, granted bool) error {
	return s.withPermission(ctx, text, func(w Writer, p *Permission) error {
		if _, err := w.Group(ctx, group); err != nil {
			return groupless(err, "read a group")
		}
		return w.SetGroupPermission(ctx, group, p, granted)
	})
}

// SetUserPermission grants a permission to a user himself, or revokes it; what is so already stays. Codes: NoSuchUser, NoSuchPermission.
func (s *Service) SetUserPermission(ctx context.Context, user int64, text string, granted bool) error {
	return s.withPermission(ctx, text, func(w Writer, p *Permission) error {
		if _, err := w.User(ctx, user); err != nil {
			return lost(err)
		}
		return w.SetUserPermission(ctx, user, p, granted)
	})
}

// withPermission finds a permission and changes something about it. Codes: NoSuchPermission.
func (s *Service) withPermission(ctx context.Context, text string, f func(Writer, *Permission) error) error {
	app, codename, _ := strings.Cut(text, ".")
	err := s.store.Update(ctx, func(w Writer) error {
		p, err := w.Permission(ctx, app, codename)
		if errors.Is(err, ErrNotFound) {
			return fail(NoSuchPermission)
		}
		if err != nil {
			return err
		}
		return f(w, &p)
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("change permission %s: %w", text, err)
	}
	return err
}

// Rights are what a user may do. Who is not active may do nothing; a superuser has every permission there is.
func (s *Service) Rights(ctx context.Context, u *User) (rights Rights, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		rights, err = rightsOf(ctx, r, u)
		return err
	})
	if err != nil {
		return Rights{}, fmt.Errorf("read what user %d may do: %w", u.ID, err)
	}
	return rights, nil
}

func rightsOf(ctx context.Context, r Reader, u *User) (rights Rights, err error) {
	if rights.Groups, err = r.GroupsOf(ctx, u.ID, maxRights); err != nil {
		return rights, err
	}
	if rights.Own, err = r.UserPermissions(ctx, u.ID, maxRights); err != nil {
		return rights, err
	}
	rights.Permissions, err = permissionsOf(ctx, r, u)
	return rights, err
}

func permissionsOf(ctx context.Context, r Reader, u *User) ([]string, error) {
	switch {
	case !u.IsActive:
		return nil, nil
	case u.IsSuperuser:
		return everyPermission(ctx, r)
	}
	return r.PermissionsOf(ctx, u.ID, maxRights)
}

// everyPermission is what a superuser has, sorted.
func everyPermission(ctx context.Context, r Reader) ([]string, error) {
	all, err := r.Permissions(ctx, 0, maxRights)
	texts := make([]string, len(all))
	for i := range all {
		texts[i] = all[i].String()
	}
	slices.Sort(texts)
	return slices.Compact(texts), err
}

// Has reports whether who has what is needed. It reads rows: what was revoked a moment ago is gone. A superuser has
// every permission, and is in the groups that he is in.
func (s *Service) Has(ctx context.Context, who *Principal, n Needs) (ok bool, err error) {
	if n == (Needs{}) {
		return true, nil
	}
	if who == nil || !who.User.IsActive {
		return false, nil
	}
	err = s.store.View(ctx, func(r Reader) error {
		if ok = n.Permission == "" || who.User.IsSuperuser; !ok {
			app, codename, _ := strings.Cut(n.Permission, ".")
			if ok, err = r.HasPermission(ctx, who.User.ID, app, codename); err != nil {
				return err
			}
		}
		if ok && n.Group != "" {
			ok, err = r.IsMember(ctx, who.User.ID, n.Group)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ask what user %d may do: %w", who.User.ID, err)
	}
	return ok, nil
}
