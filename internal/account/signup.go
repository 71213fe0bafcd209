package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"doorward/internal/language"
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
	// Language is that of the user's mails; "": the request's.
	Language string

	// Extra are declared fields, Profiles what is known of profiles: their kinds and values.
	Extra    Values
	Profiles []Profile
	// By is Staff for commands and staff; the zero value is somebody who signs himself up.
	By Access

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
	case Language:
		return n.Language
	}
	return ""
}

// profileFields are the texts of a user that people write.
var profileFields = []Field{Email, Username, FirstName, LastName, Name, Phone, Language}

// SignUp registers a user, and makes his profiles with him; he is inactive where the mount sends him a link first.
// Where the mount keeps it private who has an account, EmailTaken is never said, and ReadOnly of what else must be unique. Codes: Required, Invalid,
// TooLong, the password rules, EmailTaken, UsernameTaken, PhoneTaken, Busy; of declared fields those of Edit.
func (s *Service) SignUp(ctx context.Context, p *Policy, n NewUser) (User, error) {
	if p.PrivateSignUp {
		return s.signUpPrivately(ctx, p, n)
	}
	u, err := s.prepare(ctx, p, &n)
	if err != nil {
		return User{}, err
	}
	u.IsActive = !p.Mail.Activation
	var made User
	err = s.store.Update(ctx, func(w Writer) error {
		if made, err = insert(ctx, w, u); err != nil || made.IsActive {
			return err
		}
		return s.sendLink(ctx, w, p, &made, ActivationMail)
	})
	if err != nil {
		return User{}, s.taken(err, "insert a user")
	}
	s.mailed(ctx)
	return made, nil
}

// Register signs a user up and in, in one transaction.
func (s *Service) Register(ctx context.Context, p *Policy, n NewUser) (Grant, error) {
	u, err := s.prepare(ctx, p, &n)
	if err != nil {
		return Grant{}, err
	}
	if p.StampLogin {
		u.LastLogin = u.DateJoined
	}
	var g Grant
	err = s.store.Update(ctx, func(w Writer) error {
		u, err := insert(ctx, w, u)
		if err != nil {
			return err
		}
		if err := loadRights(ctx, w, p, &u); err != nil {
			return err
		}
		ses, err := s.openSession(ctx, w, p, &u)
		if err != nil {
			return err
		}
		g, err = s.grant(p, &u, &ses)
		return err
	})
	if err != nil {
		return Grant{}, s.taken(err, "register a user")
	}
	return g, nil
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

// prepare judges a registration and hashes its password.
func (s *Service) prepare(ctx context.Context, p *Policy, n *NewUser) (User, error) {
	problems := s.judge(p, n)
	extra, profiles, more := s.judgeExtras(n)
	if problems = append(problems, more...); len(problems) > 0 {
		return User{}, &Error{Problems: problems}
	}
	if err := s.judgeUsername(ctx, n.Username, n.Email); err != nil {
		return User{}, err
	}
	hash, err := s.pool.Hash(ctx, n.Password)
	if err != nil {
		return User{}, busy(err, "hash a new password")
	}
	u := User{
		Password: hash, IsActive: true, IsStaff: n.Staff || n.Superuser, IsSuperuser: n.Superuser,
		JWTSecret: NewJWTSecret(), DateJoined: s.now(), Extra: extra, Profiles: profiles,
	}
	for _, f := range profileFields {
		if c, ok := s.store.Model().Column(f); ok {
			u.setText(f, c.filled(n))
		}
		if f == Email && p.EmailAsSent {
			u.Email = n.Email
		}
	}
	if u.Language == "" && s.store.Model().Has(Language) {
		u.Language = language.Pick(askerOf(ctx).Languages, "")
	}
	return u, nil
}

// filled is what a new row has in the column: what was said, or the text of another field. What would not
// fit is its head and a digest, which tells it from others.
func (c Column) filled(n *NewUser) string {
	text := n.text(c.Field)
	if text != "" || c.From == "" {
		return text
	}
	text = normal(c.Field, n.text(c.From))
	const digest = len("~0123456789abcdef")
	if letters := []rune(text); c.Max > digest && len(letters) > c.Max {
		sum := sha256.Sum256([]byte(text))
		text = string(letters[:c.Max-digest]) + "~" + hex.EncodeToString(sum[:digest/2])
	}
	return text
}

// normal is a text as it is kept.
func normal(f Field, text string) string {
	switch f {
	case Email:
		return NormalizeEmail(text)
	case Username:
		return NormalizeUsername(text)
	case Language:
		return strings.ToLower(text)
	}
	return text
}

func (s *Service) judge(p *Policy, n *NewUser) []Problem {
	var problems []Problem
	m := s.store.Model()
	for _, f := range profileFields {
		c, ok := m.Column(f)
		if text := n.text(f); ok && text != "" {
			problems = append(problems, judgeText(c, text)...)
		} else if f == p.Login || ok && c.must() {
			problems = append(problems, Problem{Code: Required, Field: f})
		}
	}
	if len(problems) > 0 && n.Password != "" {
		return problems
	}
	attribute := n.text
	if p.StrangersRules {
		attribute = ofNobody
	}
	rules := p.Rules
	if p.AnyPassword {
		rules.Order = nil
	}
	return append(problems, s.judgePassword(rules, n.Password, attribute)...)
}

// must reports whether a new row has to say the column: nobody has none, and no two have the same.
func (c Column) must() bool { return c.Unique && !c.Null && c.From == "" }

// judgeText judges the text of one field; what is kept of it may be longer. The uniqueness of a
// value is the table's to judge.
func judgeText(c Column, text string) []Problem {
	if !isText(text) || (c.Field == Email && !ValidEmail(text)) {
		return []Problem{{Code: Invalid, Field: c.Field}}
	}
	if c.Field == Language && text != "" && !slices.Contains(language.Known(), normal(Language, text)) {
		return []Problem{{Code: Invalid, Field: c.Field}}
	}
	if c.Max > 0 && utf8.RuneCountInString(normal(c.Field, text)) > c.Max {
		return []Problem{{Code: TooLong, Field: c.Field, Limit: c.Max}}
	}
	return nil
}

// isText reports whether text is whole characters without NUL, which no database and no form of
// Django's takes.
func isText(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

// ofNobody gives the texts of nobody, whom no password resembles.
func ofNobody(Field) string { return "" }

// judgePassword runs the password rules; attribute gives the texts that it must not resemble.
func (s *Service) judgePassword(rules password.Rules, text string, attribute func(Field) string) []Problem {
	switch {
	case text == "":
		return []Problem{{Code: Required, Field: Password}}
	case len(text) > password.MaxBytes:
		return []Problem{{Code: PasswordLong, Field: Password, Limit: password.MaxBytes}}
	case !isText(text):
		return []Problem{{Code: Invalid, Field: Password}}
	}
	m := s.store.Model()
	var about []password.Attribute
	// The four attributes, in the order, of Django's UserAttributeSimilarityValidator.
	for _, f := range []Field{Username, FirstName, LastName, Email} {
		if value := attribute(f); m.Has(f) && value != "" {
			about = append(about, password.Attribute{Label: m.Label(f), Value: value})
		}
	}
	return passwordProblems(rules.Check(text, about))
}

// NewJWTSecret draws a User's JWTSecret.
func NewJWTSecret() (secret [16]byte) {
	copy(secret[:], token.NewSecret().Bytes())
	// A version 4 UUID (RFC 9562 §5.4), as Django's uuid4 makes it.
	secret[6] = secret[6]&0x0f | 0x40
	secret[8] = secret[8]&0x3f | 0x80
	return secret
}

var takenCodes = map[Field]Code{
	Email: EmailTaken, Username: UsernameTaken, Phone: PhoneTaken,
}

// taken turns a clash on a unique field into its code. A clash that the database cannot place is
// one of the login field.
func (s *Service) taken(err error, action string) error {
	if Refusal(err) != nil {
		return err
	}
	var clash *TakenError
	if !errors.As(err, &clash) {
		return fmt.Errorf("%s: %w", action, err)
	}
	field := clash.Field
	if s.store.Model().spec(clash.Profile, field) != nil {
		return &Error{Problems: []Problem{{Code: Taken, Field: field, Profile: clash.Profile}}}
	}
	switch field {
	case "":
		field = s.store.Model().Login
	case EmailKey:
		field = Email
	}
	code, ok := takenCodes[field]
	if !ok {
		return fmt.Errorf("%s: %w", action, err)
	}
	return failField(code, field)
}

// JudgeNew judges a registration that is not to be made yet. Codes: those of SignUp but the taken ones.
func (s *Service) JudgeNew(p *Policy, n NewUser) error {
	if problems := s.judge(p, &n); len(problems) > 0 {
		return &Error{Problems: problems}
	}
	return nil
}
