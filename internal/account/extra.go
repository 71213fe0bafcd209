package account

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// spec is a declared field of the user (profile "") or of a profile; nil when there is none.
func (m *Model) spec(profile string, f Field) *FieldSpec {
	if profile == "" {
		return m.Extra(f)
	}
	if k := m.Profile(profile); k != nil {
		return k.Field(f)
	}
	return nil
}

// Access is what who may do with the fields of the user with this id. Nil is nobody in particular.
func (who *Principal) Access(id int64) Access {
	switch {
	case who == nil:
		return Anyone
	case who.User.IsStaff || who.User.IsSuperuser:
		return Staff
	case who.User.ID == id:
		return Self
	}
	return Anyone
}

// Shown are the values of these fields that by may see, in the order of their declaration. A field without
// a value is null.
func Shown(specs []FieldSpec, vs Values, by Access) Values {
	var list []named
	for f, v := range EachShown(specs, vs, by) {
		list = append(list, named{f, v})
	}
	return valuesOf(list)
}

// EachShown goes through what Shown gives.
func EachShown(specs []FieldSpec, vs Values, by Access) iter.Seq2[Field, Value] {
	return func(yield func(Field, Value) bool) {
		next, stop := 0, false
		for f, v := range vs.All() { // mostly in the order of their declaration
			if next < len(specs) && specs[next].Name == f {
				if spec := &specs[next]; spec.Readable(by) && !yield(f, v) {
					stop = true
					break
				}
				next++
			}
		}
		for ; next < len(specs) && !stop; next++ {
			if spec := &specs[next]; spec.Readable(by) {
				stop = !yield(spec.Name, vs.Of(spec.Name))
			}
		}
	}
}

// judgeFields judges what by gives for the fields of one row: a new one, or the one that holds old. It
// returns what is to be written. A value that by may not write is refused, whatever it is.
func judgeFields(profile string, specs []FieldSpec, given Values, by Access, old *Values, now time.Time) (kept Values, problems []Problem) {
	refuse := func(c Code, f Field) { problems = append(problems, Problem{Code: c, Field: f}) }
	for i := range specs {
		f := &specs[i]
		v, ok := given.Get(f.Name)
		switch {
		case ok && (old == nil && !f.Givable(by) || old != nil && !f.Writable(by)):
			refuse(ReadOnly, f.Name)
		case ok:
			v, wrong := f.Judge(v)
			problems = append(problems, wrong...)
			kept = kept.With(f.Name, v)
		case old != nil && (f.Computed != WhenChanged || profile == "" && given.Len() == 0): // a profile that is written at all is changed
		case f.Required && f.Givable(by):
			refuse(Required, f.Name)
		default:
			kept = kept.With(f.Name, f.Initial(now))
		}
	}
	for f := range given.All() {
		if specOf(specs, f) == nil {
			refuse(Unknown, f)
		}
	}
	for i := range problems {
		problems[i].Profile = profile
	}
	return kept, problems
}

// judgeExtras judges the declared fields of a registration, and which profiles it makes.
func (s *Service) judgeExtras(n *NewUser) (extra Values, profiles Profiles, problems []Problem) {
	m, by := s.store.Model(), max(n.By, Self)
	given := n.Extra
	if _, said := given.Get(Phone); !said && n.Phone != "" && m.Extra(Phone) != nil { // a dialect may know it by its own name
		given = given.With(Phone, TextValue(n.Phone))
	}
	extra, problems = judgeFields("", m.Extras, given, by, nil, s.now())
	for _, p := range n.Profiles {
		if m.Profile(p.Kind) == nil {
			problems = append(problems, Problem{Code: Unknown, Profile: p.Kind})
		}
	}
	for i := range m.Profiles {
		k := &m.Profiles[i]
		at := slices.IndexFunc(n.Profiles, func(p Profile) bool { return p.Kind == k.Name })
		given := Profile{Kind: k.Name}
		switch mine := k.fits(extra); {
		case at >= 0 && !mine:
			problems = append(problems, Problem{Code: NotOfRole, Profile: k.Name})
			continue
		case at >= 0:
			given = n.Profiles[at]
		case mine && k.Required && by < Staff:
			problems = append(problems, Problem{Code: Required, Profile: k.Name})
			continue
		case !mine || !k.Auto:
			continue
		}
		kept, wrong := judgeFields(k.Name, k.Fields, given.Values, by, nil, s.now())
		problems = append(problems, wrong...)
		profiles = profiles.with(Profile{Kind: k.Name, Values: kept})
	}
	return extra, profiles, problems
}

// fits reports whether somebody with these fields has such a profile.
func (k *ProfileKind) fits(extra Values) bool {
	return k.Role == "" || extra.Of(Role) == TextValue(k.Role)
}

// insert adds a user and his profiles.
func insert(ctx context.Context, w Writer, u User) (User, error) {
	id, err := w.InsertUser(ctx, &u)
	if err != nil {
		return User{}, err
	}
	u.ID = id
	for _, p := range u.Profiles.All() {
		p.UserID = id
		if _, err := w.InsertProfile(ctx, &p); err != nil {
			return User{}, err
		}
		u.Profiles = u.Profiles.with(p)
	}
	return u, nil
}

// Changes are what somebody wants to be otherwise about a user.
type Changes struct {
	Texts map[Field]string
	Extra Values
	// Profiles by their kinds, with the values that change. One that the user lacks is made.
	Profiles []Profile
}

// Edit changes a user, in one transaction, as far as by may: see Principal.Access. Codes: ReadOnly, Invalid,
// TooLong, UsernameTaken, PhoneTaken; NoSuchUser; of declared fields those of FieldSpec.Judge, Required, Unknown,
// NotOfRole and Taken.
func (s *Service) Edit(ctx context.Context, by Access, u User, c Changes) (User, error) {
	if by < Self {
		return User{}, fail(ReadOnly)
	}
	problems, changed := s.judgeChanges(&u, c.Texts)
	m := s.store.Model()
	kept, wrong := judgeFields("", m.Extras, c.Extra, by, &u.Extra, s.now())
	problems = append(problems, wrong...)
	for f := range kept.All() {
		changed = append(changed, f)
	}
	u.Extra = u.Extra.WithAll(kept)
	rows, wrong := s.judgeProfiles(by, &u, c.Profiles)
	if problems = append(problems, wrong...); len(problems) > 0 {
		return User{}, &Error{Problems: problems}
	}
	if len(changed) == 0 && len(rows) == 0 {
		return u, nil
	}
	if name, ok := c.Texts[Username]; ok {
		if err := s.judgeUsername(ctx, name, u.Email); err != nil {
			return User{}, err
		}
	}
	after := u
	err := s.update(ctx, u.ID, func(w Writer) error {
		after = u // may run again

		if len(changed) == 0 { // a profile of nobody has no row to refer to
			if _, err := w.User(ctx, u.ID); err != nil {
				return err
			}
		}
		return writeRows(ctx, w, &after, changed, rows)
	})
	if err != nil {
		return User{}, s.taken(lost(err), fmt.Sprintf("update user %d", u.ID))
	}
	return after, nil
}

// writeRows writes the changed fields of u, and rows of his profiles.
func writeRows(ctx context.Context, w Writer, u *User, changed []Field, rows []profileChange) error {
	if len(changed) > 0 {
		if err := w.UpdateUser(ctx, u, changed...); err != nil {
			return err
		}
	}
	for _, row := range rows {
		p, err := row.write(ctx, w)
		if err != nil {
			return err
		}
		u.Profiles = u.Profiles.with(p)
	}
	return nil
}

// profileChange is a row of a profile as it will be.
type profileChange struct {
	profile Profile
	fields  []Field // that change; nil: the row is to be made
}

// judgeProfiles judges what by gives for the profiles of a user; one that he lacks is to be made.
func (s *Service) judgeProfiles(by Access, u *User, given []Profile) (rows []profileChange, problems []Problem) {
	for _, p := range given {
		row, wrong := s.judgeProfile(by, u, p)
		problems = append(problems, wrong...)
		rows = append(rows, row)
	}
	return rows, problems
}

func (s *Service) judgeProfile(by Access, u *User, given Profile) (profileChange, []Problem) {
	k := s.store.Model().Profile(given.Kind)
	if k == nil {
		return profileChange{}, []Problem{{Code: Unknown, Profile: given.Kind}}
	}
	has, ok := u.Profiles.Of(k.Name)
	if !ok {
		if !k.fits(u.Extra) {
			return profileChange{}, []Problem{{Code: NotOfRole, Profile: k.Name}}
		}
		kept, problems := judgeFields(k.Name, k.Fields, given.Values, by, nil, s.now())
		return profileChange{profile: Profile{UserID: u.ID, Kind: k.Name, Values: kept}}, problems
	}
	kept, problems := judgeFields(k.Name, k.Fields, given.Values, by, &has.Values, s.now())
	has.UserID = u.ID
	change := profileChange{profile: has, fields: []Field{}}
	for f := range kept.All() {
		change.fields = append(change.fields, f)
	}
	change.profile.Values = has.Values.WithAll(kept)
	return change, problems
}

func (c profileChange) write(ctx context.Context, w Writer) (Profile, error) {
	p := c.profile
	if c.fields != nil {
		err := w.UpdateProfile(ctx, &p, c.fields...)
		if errors.Is(err, ErrNotFound) { // another request deleted it
			err = noProfile(p.Kind)
		}
		return p, err
	}
	made, err := w.InsertProfile(ctx, &p)
	if err == nil && !made { // another request was first
		err = &Error{Problems: []Problem{{Code: ProfileExists, Profile: p.Kind}}}
	}
	return p, err
}

// TakenValue reports whether somebody else than the user `but` (0: anybody) has this value of a unique
// declared field, for dialects that say so field by field. The table has the last word.
func (s *Service) TakenValue(ctx context.Context, profile string, f Field, v Value, but int64) (taken bool, err error) {
	spec := s.store.Model().spec(profile, f)
	if spec == nil || !spec.Unique || v.IsBlank() {
		return false, nil
	}
	v, problems := spec.Judge(v)
	if len(problems) > 0 {
		return false, nil
	}
	var holder int64
	err = s.store.View(ctx, func(r Reader) error {
		holder, err = r.Holder(ctx, profile, f, v)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a %s: %w", f, err)
	}
	return holder != but, nil
}

// maxHotDeclared bounds what memory holds of one user's declared fields, in bytes. Whoever has more is read from
// his row each time: people choose how much they write, and memory is for all.
const maxHotDeclared = 1 << 10

// wide reports whether the declared fields of u are too much to remember.
func (u *User) wide() bool {
	size := u.Extra.size()
	for _, p := range u.Profiles.All() {
		size += p.Values.size()
	}
	return size > maxHotDeclared
}

func (vs Values) size() (n int) {
	for _, v := range vs.All() {
		n += len(v.text)
	}
	return n
}
