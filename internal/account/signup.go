package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"doorward/internal/password"
	"doorward/internal/token"
)

// NewUser is what a registration says.
type NewUser struct {
	Email     string
	Username  string
	FirstName string
	LastName  string
	Name      string
	Phone     string
	Password  string

	// Staff and Superuser are set by commands, never by a request.
	Staff     bool
	Superuser bool
}

func (n *NewUser) text(f Field) string {
	switch f {
	case Email:
		return n.Email
	case Username:
		return n.Username
	case FirstName:
		return n.FirstName
	case LastName:
		return n.LastName
	case Name:
		return n.Name
	case Phone:
		return n.Phone
	}
	return ""
}

// profileFields are the texts of a user that people write.
var profileFields = []Field{Email, Username, FirstName, LastName, Name, Phone}

// SignUp registers a user. Codes: Required, Invalid, TooLong, the password rules, EmailTaken,
// UsernameTaken, PhoneTaken, Busy.
func (s *Service) SignUp(ctx context.Context, p *Policy, n NewUser) (User, error) {
	u, err := s.prepare(ctx, p, &n)
	if err != nil {
		return User{}, err
	}
	err = s.store.Update(ctx, func(w Writer) error { return insert(ctx, w, &u) })
	return u, err
}

// Register signs a user up and in, in one transaction.
func (s *Service) Register(ctx context.Context, p *Policy, n NewUser) (Grant, error) {
	u, err := s.prepare(ctx, p, &n)
	if err != nil {
		return Grant{}, err
	}
	var ses Session
	err = s.store.Update(ctx, func(w Writer) error {
		if err := insert(ctx, w, &u); err != nil {
			return err
		}
		ses, err = s.openSession(ctx, w, p, &u)
		return err
	})
	if err != nil {
		return Grant{}, err
	}
	return s.grant(p, &u, &ses)
}

// Taken reports whether a unique field's value is in use, for dialects that say so field by field.
func (s *Service) Taken(ctx context.Context, f Field, text string) (taken bool, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		taken, err = r.Taken(ctx, f, text)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for a user's %s: %w", f, err)
	}
	return taken, nil
}

func insert(ctx context.Context, w Writer, u *User) error {
	id, err := w.InsertUser(ctx, u)
	if err != nil {
		return taken(err, "insert a user")
	}
	u.ID = id
	return nil
}

// prepare judges a registration and hashes its password.
func (s *Service) prepare(ctx context.Context, p *Policy, n *NewUser) (User, error) {
	if problems := s.judge(p, n); len(problems) > 0 {
		return User{}, &Error{Problems: problems}
	}
	hash, err := s.pool.Hash(ctx, n.Password)
	if err != nil {
		return User{}, busy(err, "hash a new password")
	}
	return User{
		Email: NormalizeEmail(n.Email), Username: NormalizeUsername(n.Username),
		FirstName: n.FirstName, LastName: n.LastName, Name: n.Name, Phone: n.Phone,
		Password: hash, IsActive: true, IsStaff: n.Staff || n.Superuser, IsSuperuser: n.Superuser,
		JWTSecret: newJWTSecret(), DateJoined: s.now(),
	}, nil
}

func (s *Service) judge(p *Policy, n *NewUser) []Problem {
	var problems []Problem
	m := s.store.Model()
	for _, f := range profileFields {
		c, ok := m.Column(f)
		if text := n.text(f); ok && text != "" {
			problems = append(problems, judgeText(c, text)...)
		} else if f == m.Login {
			problems = append(problems, Problem{Code: Required, Field: f})
		}
	}
	if n.Password == "" {
		problems = append(problems, Problem{Code: Required, Field: Password})
	}
	if len(problems) > 0 {
		return problems
	}
	return s.judgePassword(p, n.Password, n.text)
}

// judgeText judges the text of one field. The uniqueness of a value is the table's to judge.
func judgeText(c Column, text string) []Problem {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 || (c.Field == Email && !ValidEmail(text)) {
		return []Problem{{Code: Invalid, Field: c.Field}}
	}
	if c.Max > 0 && utf8.RuneCountInString(text) > c.Max {
		return []Problem{{Code: TooLong, Field: c.Field, Limit: c.Max}}
	}
	return nil
}

// judgePassword runs the password rules; attribute gives the texts that it must not resemble.
func (s *Service) judgePassword(p *Policy, text string, attribute func(Field) string) []Problem {
	if len(text) > password.MaxBytes {
		return []Problem{{Code: PasswordLong, Field: Password, Limit: password.MaxBytes}}
	}
	m := s.store.Model()
	var about []password.Attribute
	// The four attributes, in the order, of Django's UserAttributeSimilarityValidator.
	for _, f := range []Field{Username, FirstName, LastName, Email} {
		if value := attribute(f); m.Has(f) && value != "" {
			about = append(about, password.Attribute{Label: m.Label(f), Value: value})
		}
	}
	return passwordProblems(p.Rules.Check(text, about))
}

func newJWTSecret() (secret [16]byte) {
	copy(secret[:], token.NewSecret().Bytes())
	// A version 4 UUID (RFC 9562 §5.4), as Django's uuid4 makes it.
	secret[6] = secret[6]&0x0f | 0x40
	secret[8] = secret[8]&0x3f | 0x80
	return secret
}

var takenCodes = map[Field]Code{
	Email: EmailTaken, EmailKey: EmailTaken, Username: UsernameTaken, Phone: PhoneTaken,
}

// taken turns a clash on a unique field into its code. A clash that the database cannot place is
// one of the login field.
func taken(err error, action string) error {
	var clash *TakenError
	if !errors.As(err, &clash) {
		return fmt.Errorf("%s: %w", action, err)
	}
	code, ok := takenCodes[clash.Field]
	if !ok {
		code = EmailTaken
	}
	field := clash.Field
	if field == EmailKey {
		field = Email
	}
	return failField(code, field)
}
