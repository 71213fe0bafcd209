package django

import "doorward/internal/account"

// UserProfile is the profile of the events tutorial: everybody has one, which says in the field flag whether he may
// organize events.
func UserProfile(flag account.Field) account.ProfileKind {
	longest := int64(30)
	return account.ProfileKind{
		Name: "profile", Table: "accounts_userprofile", Adopted: true, Auto: true,
		Fields: []account.FieldSpec{
			{Name: "description", Kind: account.LongText, Null: true, Blank: true, Write: account.Self, SignUp: true},
			{Name: "location", Kind: account.ShortText, Blank: true, Max: &longest, Write: account.Self, SignUp: true},
			{Name: "date_joined", Kind: account.Timestamp, Computed: account.WhenMade, Write: account.Self},
			{Name: "updated_on", Kind: account.Timestamp, Computed: account.WhenChanged, Write: account.Self},
			{Name: flag, Kind: account.Boolean, Default: account.BooleanValue(false), Write: account.Self, SignUp: true},
		},
	}
}

// readProfiles takes the settings of the tutorial as its text has it.
func (c *Condition) readProfiles(s *object) { c.readTutorial(s, "is_organizer", nil) }

// readEvents takes those of its repository, whose paths have no slash at the end.
func (c *Condition) readEvents(s *object) {
	c.readTutorial(s, "is_creator", map[string]string{"all-profiles": "all-profiles", "profile": "profile/{id:int}"})
}

// readTutorial takes the settings of djoser 2 with profiles beside it.
func (c *Condition) readTutorial(s *object, flag account.Field, paths map[string]string) {
	if c.Model != nil {
		c.Model.Profiles = append(c.Model.Profiles, UserProfile(flag))
	}
	c.Preset, c.Beside = "djoser", []Place{{Preset: "profiles", Paths: paths}}
	c.readModern(s)
}

// readProfile takes what a row of the fixture says of one of its user's profiles, and puts it into u. What is not
// said is filled in when the row is made.
func readProfile(o *object, u *account.User, k *account.ProfileKind) {
	if o.none(k.Name) && !k.Auto {
		return
	}
	row := o.sub(k.Name)
	p := account.Profile{Kind: k.Name}
	for i := range k.Fields {
		if v, said := readField(&row, &k.Fields[i]); said {
			p.Values = p.Values.With(k.Fields[i].Name, v)
		}
	}
	row.done()
	u.Profiles = account.ProfilesOf(append(u.Profiles.All(), p)...)
}

// readField takes a value of a declared field, and reports whether there is one.
func readField(o *object, f *account.FieldSpec) (v account.Value, said bool) {
	name := string(f.Name)
	if raw, ok := o.members[name]; !ok {
		return v, false
	} else if string(raw) == "null" {
		delete(o.members, name)
	} else if f.Kind == account.Boolean {
		var truth bool
		o.take(name, &truth)
		v = account.BooleanValue(truth)
	} else {
		var text string
		ok := true
		if o.take(name, &text) {
			v, ok = f.Parse(text)
		}
		if !ok {
			o.faultOf(name, "is no value of this field")
			return v, true
		}
	}
	v, problems := f.Judge(v)
	if len(problems) > 0 {
		o.faultOf(name, "is no value of this field")
	}
	return v, true
}
