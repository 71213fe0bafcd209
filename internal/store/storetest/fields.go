package storetest

import (
	"testing"
	"time"

	"doorward/internal/account"
)

// FieldsModel is our own table with a declared field of each kind, in the user and in a profile.
func FieldsModel() *account.Model {
	m := account.OwnModel(account.Email, account.Folded)
	m.Extras = append(kindSpecs(),
		account.FieldSpec{Name: account.Role, Kind: account.Choice, Choices: []string{"Teacher", "Student"}, Default: account.TextValue("Student"), Write: account.Self, SignUp: true},
		account.FieldSpec{Name: "nickname", Kind: account.ShortText, Blank: true, Unique: true, Write: account.Self, SignUp: true})
	m.Profiles = []account.ProfileKind{
		{Name: "profile", Table: "profile_profile", Fields: append(kindSpecs(),
			account.FieldSpec{Name: "badge", Kind: account.Integer, Null: true, Unique: true, Write: account.Self})},
		{Name: "teacher", Table: "profile_teacher", Role: "Teacher", Fields: []account.FieldSpec{
			{Name: "subject", Kind: account.ShortText, Blank: true, Write: account.Self},
		}},
	}
	return m
}

// AdoptedFieldsModel is FieldsModel in tables of Django's.
func AdoptedFieldsModel() *account.Model {
	m, fields := SpaUser(), FieldsModel()
	m.Extras, m.Profiles = fields.Extras, fields.Profiles
	for i := range m.Extras {
		if m.Extras[i].Name == account.Role { // the test has users without one
			m.Extras[i].Default, m.Extras[i].Null = account.Value{}, true
		}
	}
	for i := range m.Profiles {
		m.Profiles[i].Adopted, m.Profiles[i].Table = true, "spauser_"+m.Profiles[i].Name
	}
	return m
}

func kindSpecs() (specs []account.FieldSpec) {
	for _, k := range account.FieldKinds() {
		f := account.FieldSpec{Name: fieldOf(k), Kind: k, Null: true, Write: account.Self, SignUp: true}
		switch k {
		case account.Choice:
			f.Choices = []string{"a", "b'c"}
		case account.Decimal:
			f.Digits, f.Places = 12, 2
		}
		specs = append(specs, f)
	}
	return specs
}

// fieldOf is the test's field of a kind.
func fieldOf(k account.FieldKind) account.Field {
	return account.Field("a_" + map[account.FieldKind]string{account.LongText: "long"}[k] + string(k[:3]))
}

// OneOfEach are values of kindSpecs that are hard to keep.
func OneOfEach() account.Values {
	return account.ValuesOf(map[account.Field]account.Value{
		fieldOf(account.ShortText): account.TextValue("O'Neill \U0001F600 \\ \""),
		fieldOf(account.LongText):  account.TextValue("two\nlines"),
		fieldOf(account.Integer):   account.IntegerValue(-1 << 63),
		fieldOf(account.Decimal):   account.DecimalValue("-9999999999.10"),
		fieldOf(account.Boolean):   account.BooleanValue(false),
		fieldOf(account.Date):      account.DateValue(time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC)),
		fieldOf(account.Timestamp): account.TimeValue(time.UnixMicro(0)),
		fieldOf(account.Choice):    account.TextValue("b'c"),
		fieldOf(account.URL):       account.TextValue("https://example.com/?q=1"),
		fieldOf(account.PhoneNo):   account.TextValue("+44 20 7946 0000"),
		fieldOf(account.JSON):      account.JSONValue([]byte(`{"b":[1.0,null],"a":"\u00e9"}`)),
	})
}

// OneOfEach is what the columns can hold: Django's integer has 32 bits on PostgreSQL, and its SQLite makes a
// binary number of a decimal. PostgreSQL writes jsonb its own way.
func (s *subject) OneOfEach() account.Values {
	if !s.Model().Django {
		return OneOfEach()
	}
	return OneOfEach().With(fieldOf(account.Integer), account.IntegerValue(-1<<31)).
		With(fieldOf(account.JSON), account.JSONValue([]byte(`{"a": 1}`)))
}

func nulls() (vs account.Values) {
	for _, f := range kindSpecs() {
		vs = vs.With(f.Name, account.Value{})
	}
	return vs
}

func runFields(t *testing.T, open Open, model func() *account.Model) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, *subject)
	}{
		{"declared fields are read as they were written", testFieldValues},
		{"a profile is read with its user", testProfile},
		{"a declared field is unique", testFieldClash},
		{"profiles are listed by their ids", testProfiles},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, &subject{Store: open(t, model())})
		})
	}
}

func (s *subject) insertProfile(t *testing.T, p account.Profile) account.Profile {
	t.Helper()
	s.update(t, func(w account.Writer) error {
		made, err := w.InsertProfile(ctx, &p)
		want(t, "the profile is made", made, true)
		return err
	})
	return p
}

func testFieldValues(t *testing.T, s *subject) {
	all := s.OneOfEach().With(account.Role, account.TextValue("Teacher")).With("nickname", account.TextValue("annie"))
	none := nulls().With(account.Role, account.Value{}).With("nickname", account.TextValue(""))
	ann, bob := s.person("ann"), s.person("bob")
	ann.Extra = all
	ann, bob = s.insert(t, ann), s.insert(t, bob)
	bob.Extra = none
	want(t, "all values", s.user(t, ann.ID), ann)
	want(t, "no values", s.user(t, bob.ID), bob)

	for f, v := range all.All() { // one by one, and no other changes
		bob.Extra = bob.Extra.With(f, v)
		change := bob
		change.FirstName = "not written"
		if f == "nickname" {
			bob.Extra = bob.Extra.With(f, account.TextValue("bobby"))
			change = bob
		}
		s.update(t, func(w account.Writer) error { return w.UpdateUser(ctx, &change, f) })
		want(t, string(f), s.user(t, bob.ID), bob)
	}
	if ann.Extra = none; s.Model().Has(account.FirstName) {
		ann.FirstName = "Anna"
	}
	s.update(t, func(w account.Writer) error {
		fields := []account.Field{account.FirstName}
		for f := range none.All() {
			fields = append(fields, f)
		}
		return w.UpdateUser(ctx, &ann, fields...)
	})
	want(t, "nothing again", s.user(t, ann.ID), ann)
}

func testProfile(t *testing.T, s *subject) {
	ann := s.insert(t, s.person("ann"))
	p := s.insertProfile(t, account.Profile{UserID: ann.ID, Kind: "profile", Values: s.OneOfEach()})
	p.Values = p.Values.With("badge", account.Value{})
	teacher := s.insertProfile(t, account.Profile{UserID: ann.ID, Kind: "teacher"})
	teacher.Values = account.Values{}.With("subject", account.TextValue(""))
	want(t, "both", s.user(t, ann.ID).Profiles, account.ProfilesOf(p, teacher))
	again := account.Profile{UserID: ann.ID, Kind: "profile"}
	s.update(t, func(w account.Writer) error {
		made, err := w.InsertProfile(ctx, &again)
		want(t, "a second one is made", made, false)
		return err
	})

	change := p
	change.Values = p.Values.With(fieldOf(account.Boolean), account.BooleanValue(true)).With(fieldOf(account.Date), account.Value{})
	s.update(t, func(w account.Writer) error { return w.UpdateProfile(ctx, &change, fieldOf(account.Boolean)) })
	p.Values = p.Values.With(fieldOf(account.Boolean), account.BooleanValue(true))
	want(t, "one field changed", s.user(t, ann.ID).Profiles, account.ProfilesOf(p, teacher))

	s.update(t, func(w account.Writer) error {
		was, err := w.DeleteProfile(ctx, "profile", ann.ID)
		want(t, "deleted", was, true)
		return err
	})
	want(t, "without", s.user(t, ann.ID).Profiles, account.ProfilesOf(teacher))
	gone := s.Update(ctx, func(w account.Writer) error { return w.UpdateProfile(ctx, &p, "badge") })
	wantError(t, "a change of what is gone", gone, account.ErrNotFound)
	second := s.insertProfile(t, account.Profile{UserID: ann.ID, Kind: "profile"})
	want(t, "the second has a new id", second.ID > p.ID, true)
	s.update(t, func(w account.Writer) error { _, err := w.DeleteUser(ctx, ann.ID); return err })
	err := s.View(ctx, func(r account.Reader) error { _, err := r.UserByProfile(ctx, "profile", second.ID); return err })
	wantError(t, "a profile of who is gone", err, account.ErrNotFound)
}

func testFieldClash(t *testing.T, s *subject) {
	named := func(name, nick string) account.User {
		u := s.person(name)
		u.Extra = account.Values{}.With("nickname", account.TextValue(nick))
		return u
	}
	ann := s.insert(t, named("ann", "annie"))
	bob, eve := s.insert(t, named("bob", "")), s.insert(t, named("eve", "")) // nobody's
	err := s.Update(ctx, func(w account.Writer) error { u := named("cat", "annie"); _, err := w.InsertUser(ctx, &u); return err })
	wantTaken(t, "inserted", err, "nickname")
	bob.Extra = ann.Extra
	wantTaken(t, "updated", s.Update(ctx, func(w account.Writer) error { return w.UpdateUser(ctx, &bob, "nickname") }), "nickname")

	badge := account.Values{}.With("badge", account.IntegerValue(7))
	s.insertProfile(t, account.Profile{UserID: ann.ID, Kind: "profile", Values: badge})
	other := account.Profile{UserID: eve.ID, Kind: "profile", Values: badge}
	err = s.Update(ctx, func(w account.Writer) error { _, err := w.InsertProfile(ctx, &other); return err })
	wantTaken(t, "a profile", err, "badge")
	holder := func(profile string, f account.Field, v account.Value) (id int64) {
		_ = s.View(ctx, func(r account.Reader) (err error) { id, err = r.Holder(ctx, profile, f, v); return err })
		return id
	}
	want(t, "holder of a nickname", holder("", "nickname", account.TextValue("annie")), ann.ID)
	want(t, "holder of a badge", holder("profile", "badge", account.IntegerValue(7)), ann.ID)
	want(t, "holder of a free one", holder("profile", "badge", account.IntegerValue(8)), 0)
	want(t, "holder of what is not unique", holder("", account.Role, account.TextValue("Student")), 0)
	want(t, "holder of nothing", holder("", "nickname", account.TextValue("")), 0)
}

func testProfiles(t *testing.T, s *subject) {
	ann, bob, eve := s.insert(t, s.person("ann")), s.insert(t, s.person("bob")), s.insert(t, s.person("eve"))
	last := s.insertProfile(t, account.Profile{UserID: eve.ID, Kind: "teacher"})
	next := s.insertProfile(t, account.Profile{UserID: ann.ID, Kind: "teacher"})
	list := func(after int64, limit int) (ids []int64) {
		s.view(t, func(r account.Reader) error {
			users, err := r.UsersByProfile(ctx, "teacher", after, limit)
			for _, u := range users {
				ids = append(ids, u.ID)
			}
			return err
		})
		return ids
	}
	want(t, "all", list(0, 10), []int64{eve.ID, ann.ID})
	want(t, "the first", list(0, 1), []int64{eve.ID})
	want(t, "after the first", list(last.ID, 10), []int64{ann.ID})
	ids := func(after int64, limit int) (ids []int64) {
		s.view(t, func(r account.Reader) (err error) { ids, err = r.ProfileIDs(ctx, "teacher", after, limit); return err })
		return ids
	}
	want(t, "all ids", ids(0, 10), []int64{last.ID, next.ID})
	want(t, "the first id", ids(0, 1), []int64{last.ID})
	want(t, "ids after the first", ids(last.ID, 10), []int64{next.ID})
	want(t, "ids after the last", len(ids(next.ID, 10)), 0)
	s.view(t, func(r account.Reader) error {
		u, err := r.UserByProfile(ctx, "teacher", last.ID)
		want(t, "by the id of a profile", u.ID, eve.ID)
		return err
	})
	want(t, "a user without one", s.user(t, bob.ID).Profiles, account.Profiles{})
}
