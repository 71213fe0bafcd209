package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"doorward/internal/password"
	"doorward/internal/pattern"
	"doorward/internal/token"

	"golang.org/x/text/unicode/norm"
)

// Enroll registers somebody and lets him in at once, unless his address must be verified first; then the Entry
// has no token. His address is kept as it was sent. Without a user name one is made of the address.
// Codes: those of SignUp.
func (s *Service) Enroll(ctx context.Context, p *Policy, n NewUser, b Browser) (Entry, error) {
	made := n.Username == "" && s.store.Model().Has(Username)
	if made {
		n.Username = nameOf(n.Email)
	}
	judged := *p
	judged.EmailAsSent = true
	if p.Entry.Unlike {
		judged.Rules.Order = slices.DeleteFunc(slices.Clone(p.Rules.Order), func(r password.Rule) bool { return r == password.Similarity })
	}
	u, err := s.prepare(ctx, &judged, &n)
	if err != nil {
		return Entry{}, err
	}
	for digits := 0; ; digits++ {
		if made {
			u.Username = n.Username + someDigits(digits)
		}
		e, err := s.enroll(ctx, p, u, b)
		if !made || digits == maxDigits || !errors.Is(err, UsernameTaken) {
			return e, err
		}
	}
}

func (s *Service) enroll(ctx context.Context, p *Policy, u User, b Browser) (e Entry, err error) {
	if p.Entry.FoldNames {
		taken, err := s.NameTaken(ctx, p, u.Username)
		if err == nil && taken {
			err = failField(UsernameTaken, Username)
		}
		if err != nil {
			return Entry{}, err
		}
	}
	err = s.store.Update(ctx, func(w Writer) error {
		made, err := insert(ctx, w, u)
		if err != nil {
			return err
		}
		if p.Emails.Verify != NotVerified {
			if err := s.sendKey(ctx, w, p, &made); err != nil {
				return err
			}
		}
		if e = (Entry{User: made}); p.Emails.Verify != VerifyFirst {
			e, err = s.enter(ctx, w, p, &made, b)
		}
		return err
	})
	if err != nil {
		return Entry{}, s.taken(err, "enroll a user")
	}
	s.mailed(ctx)
	return e, nil
}

// NameTaken reports whether somebody has this user name, as the mount tells them apart.
func (s *Service) NameTaken(ctx context.Context, p *Policy, name string) (bool, error) {
	if !p.Entry.FoldNames {
		return s.Taken(ctx, Username, name)
	}
	return s.any(ctx, func(r Reader) ([]User, error) { return r.UsersByUsername(ctx, name, 1) })
}

// AddressTaken reports whether somebody has this address in any spelling, also where the table lets several have it.
func (s *Service) AddressTaken(ctx context.Context, email string) (bool, error) {
	return s.any(ctx, func(r Reader) ([]User, error) { return r.UsersByEmail(ctx, email, true, 1) })
}

func (s *Service) any(ctx context.Context, list func(Reader) ([]User, error)) (bool, error) {
	_, err := s.first(ctx, list)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a user: %w", err)
	}
	return true, nil
}

const (
	maxDigits   = 6   // that a name gets which was taken
	maxMadeName = 100 // characters of one that is made, before its digits
)

// unnamed are the characters that go into no name that is made.
var unnamed = pattern.Of(`[^0-9A-Za-z_\s@+.-]`)

// nameOf makes a user name of an address, as allauth does (allauth/utils.py, _generate_unique_username_base):
// its local part without accents, in lower case.
func nameOf(email string) string {
	ascii := strings.Map(func(r rune) rune {
		if r > '~' {
			return -1
		}
		return r
	}, norm.NFKD.String(email))
	name, _, _ := strings.Cut(strings.ToLower(unnamed().ReplaceAllString(ascii, "")), "@")
	name = strings.Join(strings.Fields(name), "_")
	if name = name[:min(len(name), maxMadeName)]; name == "" {
		return "user"
	}
	return name
}

// someDigits draws n decimal digits.
func someDigits(n int) string {
	digits := make([]byte, n)
	for i, b := range token.NewSecret().Bytes()[:n] {
		digits[i] = '0' + b%10
	}
	return string(digits)
}
