package accounttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/token"
)

var accesses = []account.Access{account.Anyone, account.Self, account.Staff, account.Nobody}

var accessNames = map[account.Access]string{account.Anyone: "anyone", account.Self: "self", account.Staff: "staff", account.Nobody: "nobody"}

// accessSpecs are a field for each way of reading and writing, and a computed one.
func accessSpecs() (specs []account.FieldSpec) {
	for _, read := range accesses {
		for _, write := range accesses[1:] {
			for _, signUp := range []bool{false, true} {
				name := accessNames[read] + "_" + accessNames[write]
				if signUp {
					name += "_up"
				}
				specs = append(specs, account.FieldSpec{
					Name: account.Field(name), Kind: account.ShortText, Blank: true, Read: read, Write: write, SignUp: signUp,
				})
			}
		}
	}
	return append(specs, account.FieldSpec{
		Name: "made", Kind: account.Timestamp, Null: true, Read: account.Anyone, Write: account.Self, SignUp: true, Computed: account.WhenMade,
	})
}

func fieldsWorld(t *testing.T, m *account.Model) *world {
	t.Helper()
	w := open(t, m)
	if err := w.db.Migrate(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func text(s string) account.Value { return account.TextValue(s) }

// accessMatrix is who may read (r), write (w) and say at sign-up (u) what: anyone, the user himself, staff.
const accessMatrix = `
anyone_self       r-- rw- rwu
anyone_self_up    r-- rwu rwu
anyone_staff      r-- r-- rwu
anyone_staff_up   r-- r-u rwu
anyone_nobody     r-- r-- r--
anyone_nobody_up  r-- r-u r-u
self_self         --- rw- rwu
self_self_up      --- rwu rwu
self_staff        --- r-- rwu
self_staff_up     --- r-u rwu
self_nobody       --- r-- r--
self_nobody_up    --- r-u r-u
staff_self        --- -w- rwu
staff_self_up     --- -wu rwu
staff_staff       --- --- rwu
staff_staff_up    --- --u rwu
staff_nobody      --- --- r--
staff_nobody_up   --- --u r-u
nobody_self       --- -w- -wu
nobody_self_up    --- -wu -wu
nobody_staff      --- --- -wu
nobody_staff_up   --- --u -wu
nobody_nobody     --- --- ---
nobody_nobody_up  --- --u --u
made              r-- r-- r--
`

// TestWhoMayReadAndWrite tries every declared field, of the user and of a profile, as each level of access.
func TestWhoMayReadAndWrite(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"", "profile"} {
		m := ownModel()
		if where == "" {
			m.Extras = accessSpecs()
		} else {
			m.Profiles = []account.ProfileKind{{Name: where, Table: "profile_profile", Fields: accessSpecs(), Auto: true}}
		}
		w := fieldsWorld(t, m)
		u, err := w.SignUp(ctx, native(), account.NewUser{Email: "u@example.com", Password: secret})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for n, spec := range accessSpecs() {
			v := text("x")
			if spec.Kind == account.Timestamp {
				v = account.TimeValue(w.Now())
			}
			given := account.Values{}.With(spec.Name, v)
			fmt.Fprintf(&got, "%-17s", spec.Name)
			for _, by := range accesses[:3] {
				fmt.Fprintf(&got, " %s%s%s", mark("r", reads(m, u, where, spec.Name, by)),
					mark("w", w.writes(t, u, where, spec.Name, given, by)), mark("u", w.says(t, where, given, by, fmt.Sprint(n, by))))
			}
			got.WriteString("\n")
		}
		if want := strings.TrimPrefix(accessMatrix, "\n"); got.String() != want {
			t.Errorf("in %q: got\n%swant\n%s", where, got.String(), want)
		}
	}
}

func mark(letter string, may bool) string {
	if may {
		return letter
	}
	return "-"
}

func reads(m *account.Model, u account.User, where string, f account.Field, by account.Access) bool {
	specs, values := m.Extras, u.Extra
	if where != "" {
		p, _ := u.Profiles.Of(where)
		specs, values = m.Profile(where).Fields, p.Values
	}
	_, shown := account.Shown(specs, values, by).Get(f)
	return shown
}

// writes reports whether by could write, and holds the row to it.
func (w *world) writes(t *testing.T, u account.User, where string, f account.Field, v account.Values, by account.Access) bool {
	t.Helper()
	before := w.user(t, u.ID)
	c := account.Changes{Extra: v}
	if where != "" {
		c = account.Changes{Profiles: []account.Profile{{Kind: where, Values: v}}}
	}
	_, err := w.Edit(ctx, by, before, c)
	after := w.user(t, u.ID)
	if err != nil {
		wantCode(t, fmt.Sprintf("%s by %s", f, accessNames[by]), err, account.ReadOnly)
		if !after.Extra.Equal(before.Extra) || !after.Profiles.Equal(before.Profiles) {
			t.Errorf("%s by %s was refused, and the row is another", f, accessNames[by])
		}
	}
	return err == nil
}

// says reports whether by could say v at sign-up. Somebody who signs up is nobody else than himself, so
// what counts for anyone is what an Edit may do, which is nothing.
func (w *world) says(t *testing.T, where string, v account.Values, by account.Access, name string) bool {
	t.Helper()
	if by == account.Anyone {
		return false
	}
	n := account.NewUser{Email: strings.ReplaceAll(name, " ", "-") + "@example.com", Password: secret, By: by, Extra: v}
	if where != "" {
		n.Extra, n.Profiles = account.Values{}, []account.Profile{{Kind: where, Values: v}}
	}
	u, err := w.SignUp(ctx, native(), n)
	if err != nil {
		wantCode(t, "sign up", err, account.ReadOnly)
		return false
	}
	for f, value := range v.All() {
		kept := w.user(t, u.ID).Extra.Of(f)
		if where != "" {
			p, _ := w.user(t, u.ID).Profiles.Of(where)
			kept = p.Values.Of(f)
		}
		if kept != value {
			t.Errorf("%s at sign-up: got %v, want %v", f, kept, value)
		}
	}
	return true
}

// school is a model with a role, and profiles by it.
func school() *account.Model {
	m := ownModel()
	m.Extras = []account.FieldSpec{
		{
			Name: account.Role, Kind: account.Choice, Choices: []string{"Teacher", "Student"}, Default: text("Student"), Read: account.Self,
			Write: account.Staff, SignUp: true, Claim: true,
		},
		{Name: "nick", Kind: account.ShortText, Max: bound(160), Blank: true, Unique: true, Read: account.Self, Write: account.Self, SignUp: true, Claim: true},
		{Name: "age", Kind: account.Integer, Null: true, Read: account.Self, Write: account.Self, SignUp: true, Claim: true},
	}
	stamps := []account.FieldSpec{
		{Name: "made", Kind: account.Timestamp, Null: true, Computed: account.WhenMade},
		{Name: "changed", Kind: account.Timestamp, Null: true, Computed: account.WhenChanged},
		{Name: "bio", Kind: account.LongText, Blank: true, Read: account.Self, Write: account.Self, SignUp: true},
	}
	m.Profiles = []account.ProfileKind{
		{Name: "teacher", Table: "profile_teacher", Role: "Teacher", Auto: true, Fields: stamps},
		{Name: "student", Table: "profile_student", Role: "Student", Auto: true, Fields: slices.Clone(stamps)},
		{Name: "address", Table: "profile_address", Fields: []account.FieldSpec{
			{Name: "zip", Kind: account.ShortText, Max: bound(5), Required: true, Write: account.Self, SignUp: true},
		}},
	}
	return m
}

func bound(n int64) *int64 { return &n }

func kinds(u account.User) (names []string) {
	for _, p := range u.Profiles.All() {
		names = append(names, p.Kind)
	}
	return names
}

func TestProfilesByRole(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, school())
	sign := func(email string, change func(*account.NewUser)) (account.User, error) {
		n := account.NewUser{Email: email, Password: secret}
		change(&n)
		return w.SignUp(ctx, native(), n)
	}
	student, err := sign("s@example.com", func(*account.NewUser) {})
	if err != nil || !slices.Equal(kinds(student), []string{"student"}) || student.Extra.Of(account.Role) != text("Student") {
		t.Errorf("a student: %v %v, %v", kinds(student), student.Extra.Of(account.Role), err)
	}
	teacher, err := sign("t@example.com", func(n *account.NewUser) {
		n.Extra = n.Extra.With(account.Role, text("Teacher"))
		n.Profiles = []account.Profile{
			{Kind: "teacher", Values: account.Values{}.With("bio", text("Latin"))},
			{Kind: "address", Values: account.Values{}.With("zip", text("CF1"))},
		}
	})
	if err != nil || !slices.Equal(kinds(teacher), []string{"teacher", "address"}) {
		t.Errorf("a teacher: %v, %v", kinds(teacher), err)
	}
	if got := w.user(t, teacher.ID); !got.Profiles.Equal(teacher.Profiles) || !got.Extra.Equal(teacher.Extra) {
		t.Errorf("told of %+v, kept %+v", teacher, got)
	}
	for name, tt := range map[string]struct {
		change func(*account.NewUser)
		want   string
	}{
		"a profile of another role": {func(n *account.NewUser) { n.Profiles = []account.Profile{{Kind: "teacher"}} }, " not_of_role"},
		"a profile of no kind":      {func(n *account.NewUser) { n.Profiles = []account.Profile{{Kind: "parent"}} }, " unknown"},
		"a field of no name":        {func(n *account.NewUser) { n.Extra = n.Extra.With("is_staff", text("1")) }, "is_staff unknown"},
		"a profile without its zip": {func(n *account.NewUser) { n.Profiles = []account.Profile{{Kind: "address"}} }, "zip required"},
		"all that is wrong": {func(n *account.NewUser) {
			n.Email = "no"
			n.Extra = n.Extra.With(account.Role, text("Boss")).With("age", text("old"))
		}, "email invalid, role not_a_choice Boss, age wrong_type"},
		"a computed one": {func(n *account.NewUser) {
			n.Profiles = []account.Profile{{Kind: "student", Values: account.Values{}.With("made", account.TimeValue(w.Now()))}}
		}, "made read_only"},
	} {
		if _, err := sign("x@example.com", tt.change); told(err) != tt.want {
			t.Errorf("%s: %q, want %q", name, told(err), tt.want)
		}
	}
	if n := w.count(t, "select count(*) from users"); n != 2 {
		t.Errorf("%d users, want 2", n)
	}
}

func TestEditProfile(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, school())
	u, err := w.SignUp(ctx, native(), account.NewUser{Email: "s@example.com", Password: secret, Extra: account.Values{}.With("nick", text("s"))})
	if err != nil {
		t.Fatal(err)
	}
	begin := w.Now()
	w.clock.advance(60e9)
	bio := func(s string) account.Changes {
		return account.Changes{Profiles: []account.Profile{{Kind: "student", Values: account.Values{}.With("bio", text(s))}}}
	}
	u, err = w.Edit(ctx, account.Self, u, bio("reads"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := u.Profiles.Of("student")
	if p.Values.Of("bio") != text("reads") || p.Values.Of("made") != account.TimeValue(begin) || p.Values.Of("changed") != account.TimeValue(w.Now()) {
		t.Errorf("got %v", p.Values)
	}
	if got := w.user(t, u.ID).Profiles; !got.Equal(u.Profiles) {
		t.Errorf("told of %v, kept %v", u.Profiles, got)
	}
	if _, err := w.MakeProfile(ctx, account.Self, u, account.Profile{Kind: "student"}); code(err) != account.ProfileExists {
		t.Errorf("a second one: %v", err)
	}
	if err := w.DeleteProfile(ctx, u.ID, "student"); err != nil {
		t.Error(err)
	}
	wantCode(t, "deleted again", w.DeleteProfile(ctx, u.ID, "student"), account.ProfileNone)
	stale := u // has it still, and writes what is gone
	_, err = w.Edit(ctx, account.Self, stale, bio("x"))
	wantCode(t, "a change of a profile that is gone", err, account.ProfileNone)
	u, err = w.MakeProfile(ctx, account.Self, w.user(t, u.ID), account.Profile{Kind: "student"})
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := u.Profiles.Of("student"); again.ID <= p.ID {
		t.Errorf("made anew: id %d, want one above %d", again.ID, p.ID)
	}
	found, err := w.UserByProfile(ctx, "student", func() int64 { p, _ := u.Profiles.Of("student"); return p.ID }())
	if err != nil || found.ID != u.ID {
		t.Errorf("by its id: %d, %v", found.ID, err)
	}
	other, err := w.SignUp(ctx, native(), account.NewUser{Email: "o@example.com", Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Edit(ctx, account.Self, other, account.Changes{Extra: account.Values{}.With("nick", text("s"))})
	wantCode(t, "the nick of another", err, account.Taken)
	_, err = w.EditPerson(ctx, native(), nil, account.Self, other.ID, account.Changes{Extra: account.Values{}.With("nick", text("s"))})
	wantCode(t, "the nick of another, by one who called him up", err, account.Taken)
	_, err = w.EditPerson(ctx, native(), nil, account.Anyone, other.ID, account.Changes{Extra: account.Values{}.With("nick", text("free"))})
	wantCode(t, "a nick by anyone", err, account.ReadOnly)
	if got, err := w.EditPerson(ctx, native(), nil, account.Self, other.ID, account.Changes{Extra: account.Values{}.With("nick", text("mine"))}); err != nil ||
		got.Extra.Of("nick") != text("mine") || !w.user(t, other.ID).Extra.Equal(got.Extra) {
		t.Errorf("a nick of his own: got %v and %v, want it kept", got.Extra, err)
	}
	called := func(id int64, kind, bio string) (account.User, error) {
		p := account.Profile{Kind: kind, Values: account.Values{}.With("bio", text(bio))}
		return w.EditPerson(ctx, native(), nil, account.Self, id, account.Changes{Profiles: []account.Profile{p}})
	}
	_, err = called(other.ID, "teacher", "Latin")
	wantCode(t, "another role's profile, of one who was called up", err, account.NotOfRole)
	got, err := called(other.ID, "student", "reads")
	if p, _ := got.Profiles.Of("student"); err != nil || p.Values.Of("bio") != text("reads") || !w.user(t, other.ID).Profiles.Equal(got.Profiles) {
		t.Errorf("a profile of one who was called up: %v, %v", got.Profiles, err)
	}
	if err := w.DeleteProfile(ctx, other.ID, "student"); err != nil {
		t.Error(err)
	}
	got, err = called(other.ID, "student", "writes")
	if p, _ := got.Profiles.Of("student"); err != nil || p.ID == 0 || !w.user(t, other.ID).Profiles.Equal(got.Profiles) {
		t.Errorf("one that he lacked: %v, %v", got.Profiles, err)
	}
	for _, tt := range []struct {
		text string
		but  int64
		want bool
	}{{"s", 0, true}, {"s", u.ID, false}, {"free", 0, false}, {"", 0, false}, {strings.Repeat("x", 161), 0, false}} {
		if got, err := w.TakenValue(ctx, "", "nick", text(tt.text), tt.but); got != tt.want || err != nil {
			t.Errorf("taken %q but by %d: %v, %v, want %v", tt.text, tt.but, got, err, tt.want)
		}
	}
	list, err := w.ProfilesFor(ctx, &account.Policy{}, &account.Principal{User: account.User{IsStaff: true}}, "student")
	if err != nil || len(list) != 2 || list[0].ID != u.ID || list[1].ID != other.ID {
		t.Errorf("list: %v, %v", list, err)
	}
}

// TestAProfileCostsOneWriteMore holds what a sign-up with profiles costs in writes: one a profile.
func TestAProfileCostsOneWriteMore(t *testing.T) {
	writes := func(m *account.Model) (n int) {
		w := fieldsWorld(t, m)
		w.hook = func(call string) error {
			if strings.HasPrefix(call, "Insert") || strings.HasPrefix(call, "Update") && call != "Update" {
				n++
			}
			return nil
		}
		if _, err := w.Register(ctx, native(), ann(nil)); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if plain, more := writes(ownModel()), writes(school()); more != plain+1 {
		t.Errorf("got %d writes, want one more than the %d without", more, plain)
	}
}

// TestMemoryHasDeclaredFields holds that reading them costs nothing when warm, and that changes show at once.
func TestMemoryHasDeclaredFields(t *testing.T) {
	w := fieldsWorld(t, school())
	s, cost := remember(t, w)
	p := native()
	g, err := s.Register(ctx, p, ann(func(n *account.NewUser) { n.Extra = n.Extra.With("nick", text("annie")) }))
	if err != nil {
		t.Fatal(err)
	}
	see := func() (nick, bio string) {
		who, err := s.Recognize(ctx, p, g.Access)
		if err != nil {
			t.Fatal(err)
		}
		profile, _ := who.User.Profiles.Of("student")
		return who.User.Extra.Of("nick").String(), profile.Values.Of("bio").String()
	}
	for range 2 { // the token, then the user
		see()
	}
	if calls := cost(func() { see() }); calls != nil {
		t.Errorf("warm: got %v, want no SQL", calls)
	}
	who, err := s.Authenticate(ctx, p, g.Access)
	if err != nil {
		t.Fatal(err)
	}
	c := account.Changes{
		Extra:    account.Values{}.With("nick", text("anna")),
		Profiles: []account.Profile{{Kind: "student", Values: account.Values{}.With("bio", text("reads"))}},
	}
	if _, err := s.Edit(ctx, account.Self, who.User, c); err != nil {
		t.Fatal(err)
	}
	if nick, bio := see(); nick != "anna" || bio != "reads" {
		t.Errorf("after the change: got %q and %q", nick, bio)
	}
	c.Profiles[0].Values = account.Values{}.With("bio", text(strings.Repeat("x", 5000)))
	if _, err := s.Edit(ctx, account.Self, w.user(t, who.User.ID), c); err != nil {
		t.Fatal(err)
	}
	see()
	if calls := cost(func() { see() }); !slices.Equal(calls, []string{"User"}) {
		t.Errorf("more than memory takes of one user: got %v, want that his row is read", calls)
	}
	if err := s.DeleteProfile(ctx, who.User.ID, "student"); err != nil {
		t.Fatal(err)
	}
	if _, bio := see(); bio != "" {
		t.Errorf("after the deletion: got %q", bio)
	}
}

func TestDeclaredClaims(t *testing.T) {
	m := school()
	w := fieldsWorld(t, m)
	for _, p := range []*account.Policy{native(), perUser(), shared()} {
		p.Tokens.Claims = append(p.Tokens.Claims, m.Claims()...)
		email := p.Mount + "@example.com"
		nick := strings.Repeat("\U0001F600", 159) + p.Mount[:1] // the widest there is
		g, err := w.Register(ctx, p, account.NewUser{Email: email, Password: secret, Extra: account.Values{}.With("nick", text(nick))})
		if err != nil {
			t.Fatal(err)
		}
		want := func(name, value string) {
			t.Helper()
			parsed, err := token.Parse(g.Access)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := parsed.Claims().Raw(name)
			var got any
			if err := json.Unmarshal([]byte(raw), &got); err != nil || fmt.Sprint(got) != value {
				t.Errorf("%s: claim %s is %s, want %s", p.Mount, name, raw, value)
			}
		}
		want("role", "Student")
		want("nick", nick)
		want("age", "<nil>")
		if len(g.Access) >= 4096 {
			t.Errorf("%s: a token of %d bytes, want less than 4096", p.Mount, len(g.Access))
		}
		w.sql(t, "update users set nick = '"+strings.Repeat("x", 5000)+"', age = 44 where email = '"+email+"'") // another program
		g = w.signIn(t, p, email)
		want("nick", "<nil>")
		want("age", "44")
		w.sql(t, "update users set nick = null")
	}
}
