package account

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"time"

	"doorward/internal/pattern"
)

// FieldKind is what a declared field holds.
type FieldKind string

// The kinds of declared fields.
const (
	ShortText FieldKind = "text"
	LongText  FieldKind = "long-text"
	Integer   FieldKind = "integer"
	Decimal   FieldKind = "decimal"
	Boolean   FieldKind = "boolean"
	Date      FieldKind = "date"
	Timestamp FieldKind = "timestamp"
	Choice    FieldKind = "choice"
	URL       FieldKind = "url"
	PhoneNo   FieldKind = "phone"
	JSON      FieldKind = "json"
)

// FieldKinds lists the kinds in the order of the documentation.
func FieldKinds() []FieldKind {
	return []FieldKind{ShortText, LongText, Integer, Decimal, Boolean, Date, Timestamp, Choice, URL, PhoneNo, JSON}
}

// IsText reports whether values of this kind are texts, of which ” is one.
func (k FieldKind) IsText() bool {
	switch k {
	case ShortText, LongText, Choice, URL, PhoneNo:
		return true
	}
	return false
}

// Access says who is asking, and who may: whoever stands higher may do what those below may.
type Access uint8

// The levels of access.
const (
	Anyone Access = iota
	Self          // the user whose field it is
	Staff
	Nobody // may: not even staff; asking: Doorward itself
)

// Computed is a time stamp that nobody writes.
type Computed uint8

// The computed stamps.
const (
	NotComputed Computed = iota
	WhenMade             // when the row was made
	WhenChanged          // when the row's declared fields were last written
)

// FieldSpec is a field that the operator declared: of the user, or of one of his profiles. All that
// is known of it stands here and nowhere else.
type FieldSpec struct {
	Name   Field
	Column string // "": as the name
	Kind   FieldKind
	Label  string // "": the name
	Help   string

	Required bool  // where the row is made and the field is on that way in
	Null     bool  // null is a value
	Blank    bool  // '' is a value of a text
	Default  Value // of new rows where nothing is said; null: none
	Unique   bool  // no two rows have the same value; null and '' are nobody's

	// Min and Max bound the length of a text in characters, or the value of a number.
	Min, Max *int64
	// Digits and Places are how many digits a decimal has at most, and how many of them after the point always.
	Digits, Places int
	Pattern        *regexp.Regexp // some part of a text matches it
	Choices        []string

	Read, Write Access
	SignUp      bool // it may be given at sign-up
	Claim       bool // access tokens carry it
	Computed    Computed
}

// ColumnName is the column that holds the field.
func (f *FieldSpec) ColumnName() string {
	if f.Column != "" {
		return f.Column
	}
	return string(f.Name)
}

// Empty is what a row holds that says nothing of the field: ” where that is a value and null is none.
func (f *FieldSpec) Empty() Value {
	if f.Blank && !f.Null {
		return TextValue("")
	}
	return Value{}
}

// Initial is what a row that is made now holds where nothing is said of the field.
func (f *FieldSpec) Initial(now time.Time) Value {
	switch {
	case f.Computed != NotComputed:
		return TimeValue(now)
	case f.Default.IsNull():
		return f.Empty()
	}
	return f.Default
}

// Readable reports whether by may see the field.
func (f *FieldSpec) Readable(by Access) bool { return f.Read != Nobody && by >= f.Read }

// Writable reports whether by may change the field of a row that is there.
func (f *FieldSpec) Writable(by Access) bool {
	return f.Computed == NotComputed && f.Write != Nobody && by >= max(f.Write, Self)
}

// Givable reports whether by may say the field when the row is made. Somebody who signs up is Self.
func (f *FieldSpec) Givable(by Access) bool {
	if f.Computed != NotComputed {
		return false
	}
	return f.SignUp && by >= Self || f.Write != Nobody && by >= Staff
}

// ProfileKind is a kind of profile. A user has one of a kind at most.
type ProfileKind struct {
	Name   string // "profile", "teacher"
	Table  string
	Role   string // who has this value of the field Role has such a profile; "": everybody
	Fields []FieldSpec
	// Auto makes the row with the user's, of what was given and of defaults; Required refuses a
	// sign-up that gives none.
	Auto, Required bool
	// Apart says that it is one mount's: the others neither show it nor take it.
	Apart bool
	// Adopted says that the table is another program's: it is never made or changed.
	Adopted bool
}

// Ours reports whether people lie in tables of Doorward's own alone, those of their profiles too.
func (m *Model) Ours() bool {
	return !m.Django && !slices.ContainsFunc(m.Profiles, func(k ProfileKind) bool { return k.Adopted })
}

// Role is the user's field that says which profiles he has.
const Role Field = "role"

// Extra is the declared field f of the user, nil when there is none.
func (m *Model) Extra(f Field) *FieldSpec { return specOf(m.Extras, f) }

// Profile is the kind of profile called name, nil when there is none.
func (m *Model) Profile(name string) *ProfileKind {
	for i := range m.Profiles {
		if m.Profiles[i].Name == name {
			return &m.Profiles[i]
		}
	}
	return nil
}

// Common goes through the kinds of profiles that every mount shows.
func (m *Model) Common() iter.Seq[*ProfileKind] {
	return func(yield func(*ProfileKind) bool) {
		for i := range m.Profiles {
			if k := &m.Profiles[i]; !k.Apart && !yield(k) {
				return
			}
		}
	}
}

// Field is the field f of the profile, nil when there is none.
func (k *ProfileKind) Field(f Field) *FieldSpec { return specOf(k.Fields, f) }

func specOf(specs []FieldSpec, f Field) *FieldSpec {
	for i := range specs {
		if specs[i].Name == f {
			return &specs[i]
		}
	}
	return nil
}

// The bounds of a model. A name goes into the names of indexes, of which PostgreSQL keeps 63 bytes.
const (
	MaxFields   = 64 // of the user, and of one profile
	MaxProfiles = 8
)

var (
	fieldName   = pattern.Of(`^[a-z][a-z0-9_]{0,29}$`)
	profileName = pattern.Of(`^[a-z][a-z0-9_]{0,19}$`)
)

// reserved are names that mean something else where a user is read or written.
var reserved = []Field{
	ID, Username, Email, EmailKey, FirstName, LastName, Name, Phone, Password, IsActive, IsStaff, IsSuperuser, IsAdmin,
	JWTSecret, LastLogin, DateJoined, "profile", "profiles", "user_id", "url", "current_password", "new_password",
	"confirm_password", "re_password", "refresh_token", "access_token", "groups", "user_permissions",
}

// reserved are the names that no field can be declared by here. A phone number is the operator's to declare where the
// model does not have one of its own.
func (m *Model) reserved() []Field {
	if m.Has(Phone) {
		return reserved
	}
	return slices.DeleteFunc(slices.Clone(reserved), func(f Field) bool { return f == Phone })
}

// Declare takes the operator's fields of the user. A phone number of his stands in the place of the one that our own
// table has, in its column, where it stays unique.
func (m *Model) Declare(specs []FieldSpec) {
	m.Extras = append(m.Extras, specs...) // a table of Django's may bring some
	if phone := m.Extra(Phone); phone != nil && !m.Django {
		m.Columns = slices.DeleteFunc(m.Columns, func(c Column) bool { return c.Field == Phone })
		phone.Unique = true
	}
}

// CheckFields refuses declarations that no table or no token can have. It joins an error for each.
func (m *Model) CheckFields() error {
	var errs []error
	if len(m.Profiles) > MaxProfiles {
		errs = append(errs, fmt.Errorf("there are %d kinds of profile, and %d is the most", len(m.Profiles), MaxProfiles))
	}
	errs = append(errs, checkSpecs("user", m.Extras, m.reserved())...)
	seen := map[string]bool{}
	for i := range m.Profiles {
		k := &m.Profiles[i]
		if !profileName().MatchString(k.Name) || seen[k.Name] {
			errs = append(errs, fmt.Errorf("profile %q: a kind is called once, by a-z, 0-9 and _, 20 at most", k.Name))
		}
		seen[k.Name] = true
		if m.Has(Field(k.Name)) || m.Extra(Field(k.Name)) != nil {
			errs = append(errs, fmt.Errorf("profile %q: a field of the user has that name", k.Name))
		}
		errs = append(errs, checkSpecs(k.Name, k.Fields, []Field{ID, "user", "user_id"})...)
		if role := m.Extra(Role); k.Role != "" && (role == nil || !slices.Contains(role.Choices, k.Role)) {
			errs = append(errs, fmt.Errorf("profile %q: %q is no choice of the user's field role", k.Name, k.Role))
		}
		for j := range k.Fields {
			if k.Fields[j].Claim {
				errs = append(errs, fmt.Errorf("%s.%s: only fields of the user go into tokens", k.Name, k.Fields[j].Name))
			}
		}
	}
	return errors.Join(append(errs, m.checkClaims())...)
}

func checkSpecs(of string, specs []FieldSpec, reserved []Field) (errs []error) {
	if len(specs) > MaxFields {
		errs = append(errs, fmt.Errorf("%s has %d fields, and %d is the most", of, len(specs), MaxFields))
	}
	seen := map[string]bool{}
	for i := range specs {
		f := &specs[i]
		switch {
		case !fieldName().MatchString(string(f.Name)):
			errs = append(errs, fmt.Errorf("%s.%s: a field is called by a-z, 0-9 and _, 30 at most, a letter first", of, f.Name))
		case slices.Contains(reserved, f.Name):
			errs = append(errs, fmt.Errorf("%s.%s: this name means something else already", of, f.Name))
		case seen[f.ColumnName()]:
			errs = append(errs, fmt.Errorf("%s.%s: its column has another field", of, f.Name))
		default:
			if err := f.check(); err != nil {
				errs = append(errs, fmt.Errorf("%s.%s: %w", of, f.Name, err))
			}
		}
		seen[f.ColumnName()] = true
	}
	return errs
}

// maxUnique is how many characters of four bytes go into an index of PostgreSQL, whose rows have 2,704 bytes at most.
const maxUnique = 600

// check refuses a field that contradicts itself.
func (f *FieldSpec) check() error {
	text := f.Kind.IsText()
	number := f.Kind == Integer || f.Kind == Decimal
	switch {
	case !slices.Contains(FieldKinds(), f.Kind):
		return fmt.Errorf("%q is no kind of field", f.Kind)
	case f.Kind == Choice && len(f.Choices) == 0:
		return errors.New("a choice lacks its choices")
	case f.Kind != Choice && len(f.Choices) > 0:
		return errors.New("only a choice has choices")
	case slices.Contains(f.Choices, ""):
		return errors.New("'' is no choice: it is none")
	case f.Pattern != nil && !text:
		return errors.New("only texts have a pattern")
	case (f.Min != nil || f.Max != nil) && !text && !number:
		return errors.New("only texts and numbers have bounds")
	case text && f.Min != nil && *f.Min < 0, text && f.Max != nil && *f.Max < 1:
		return errors.New("a length is at least 1")
	case f.Min != nil && f.Max != nil && *f.Min > *f.Max:
		return errors.New("min is more than max")
	case f.Blank && !text:
		return errors.New("only texts may be blank")
	case f.Unique && (f.Kind == JSON || f.Kind == Boolean):
		return fmt.Errorf("%s cannot be unique", f.Kind)
	case f.Unique && f.MaxLength() > maxUnique:
		return fmt.Errorf("a unique text has at most %d characters, set max: an index of PostgreSQL holds no longer ones", maxUnique)
	case f.Unique && !f.Default.IsNull():
		return errors.New("what is unique has no default")
	case f.Kind == Decimal && (f.Digits < 1 || f.Digits > 100 || f.Places < 0 || f.Places > f.Digits):
		return errors.New("a decimal has from 1 to 100 digits, and not more places than digits")
	case f.Computed != NotComputed && (f.Kind != Timestamp || f.Required || f.Unique || !f.Default.IsNull()):
		return errors.New("only a plain timestamp is computed")
	case f.Write == Anyone && f.Computed == NotComputed:
		return errors.New("write is for self, staff or nobody")
	}
	if f.Default.IsNull() {
		return nil
	}
	if kept, problems := f.Judge(f.Default); len(problems) > 0 || kept != f.Default {
		return errors.New("its default is not one of its values")
	}
	return nil
}
