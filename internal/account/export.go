package account

import (
	"context"
	"fmt"
	"time"
)

// Tag says what a column tells of a person, and so whether an export has it.
type Tag uint8

// The tags. The zero value is none: a column without a tag fails a test.
const (
	_        Tag = iota
	Personal     // it names or describes him
	Proof        // others are taken for him by it: his password, his key
	Derived      // it follows from another column
	Inner        // the server's own bookkeeping
)

var tags = map[Field]Tag{
	ID: Personal, Username: Personal, Email: Personal, FirstName: Personal, LastName: Personal, Name: Personal, Phone: Personal, Language: Personal,
	IsActive: Personal, IsStaff: Personal, IsSuperuser: Personal, IsAdmin: Derived, LastLogin: Personal, DateJoined: Personal,
	EmailKey: Derived, Password: Proof, JWTSecret: Proof,
}

// TagOf is the tag of a field of the user; 0 where it has none. What the operator declared is Personal.
func (m *Model) TagOf(f Field) Tag {
	if m.Extra(f) != nil {
		return Personal
	}
	return tags[f]
}

// Datum is one thing that is known of a person.
type Datum struct {
	Name string
	// Value is a text, a boolean, an int64, a time, a Value, the data of a profile ([]Datum), or nil.
	Value any
}

// Data is everything personal that u's row and profiles hold, and that by may read; for Nobody, which is Doorward
// itself, all of it. The names and their order are the same for every user.
func (m *Model) Data(u *User, by Access) (data []Datum) {
	for _, f := range []Field{
		ID, Username, Email, FirstName, LastName, Name, Phone, Language, IsActive, IsStaff, IsSuperuser, DateJoined, LastLogin,
	} {
		if m.Has(f) || m.Has(IsAdmin) && (f == IsStaff || f == IsSuperuser) {
			data = append(data, Datum{string(f), m.datum(u, f)})
		}
	}
	data = append(data, Datum{"signed_out_at", exportedTime(u.SignedOut)})
	data = append(data, dataOf(m.Extras, u.Extra, by)...)
	for i := range m.Profiles {
		k := &m.Profiles[i]
		p, ok := u.Profiles.Of(k.Name)
		if !ok {
			data = append(data, Datum{k.Name, nil})
			continue
		}
		data = append(data, Datum{k.Name, append([]Datum{{"id", p.ID}}, dataOf(k.Fields, p.Values, by)...)})
	}
	return data
}

func dataOf(specs []FieldSpec, vs Values, by Access) (data []Datum) {
	for i := range specs {
		if f := &specs[i]; by == Nobody || f.Readable(by) {
			data = append(data, Datum{string(f.Name), vs.Of(f.Name)})
		}
	}
	return data
}

func (m *Model) datum(u *User, f Field) any {
	switch f {
	case DateJoined:
		return exportedTime(u.DateJoined)
	case LastLogin:
		return exportedTime(u.LastLogin)
	}
	if col, _ := m.Column(f); col.Null && u.text(f) == "" {
		return nil
	}
	return u.claim(f)
}

func exportedTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// exportStep is how many users are held at once.
const exportStep = 500

// Export hands every user to f, by id. Who joins meanwhile is among them or not.
func (s *Service) Export(ctx context.Context, f func(*User) error) error {
	for after := int64(0); ; {
		page, err := s.List(ctx, after, exportStep)
		if err != nil {
			return err
		}
		for i := range page {
			if err := f(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < exportStep {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// maxSessions is how many sessions an export of oneself tells of.
const maxSessions = 1000

// Own is what is kept of who asks: his row, and his sessions. It reads rows.
func (s *Service) Own(ctx context.Context, who *Principal) (u User, sessions []Session, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		if u, err = r.User(ctx, who.User.ID); err != nil {
			return err
		}
		sessions, err = r.SessionsOf(ctx, u.ID, maxSessions)
		return err
	})
	if err != nil {
		return User{}, nil, fmt.Errorf("export user %d: %w", who.User.ID, err)
	}
	return u, sessions, nil
}
