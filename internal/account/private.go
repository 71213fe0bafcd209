package account

import (
	"context"
	"errors"
)

// signUpPrivately answers a registration the same way whether its address is free or not: it makes the user,
// who is inactive until he follows the link that is sent to him, or tells the owner of the address by mail.
// The user that it answers with has no id.
func (s *Service) signUpPrivately(ctx context.Context, p *Policy, n NewUser) (User, error) {
	if problems := s.telling(&n); len(problems) > 0 {
		return User{}, &Error{Problems: problems}
	}
	u, err := s.prepare(ctx, p, &n)
	if err != nil {
		return User{}, err
	}
	u.IsActive = false
	err = s.insertOrTell(ctx, p, u)
	var clash *TakenError
	if errors.As(err, &clash) { // another sign-up was first, and its user is there now
		err = s.insertOrTell(ctx, p, u)
	}
	if err != nil {
		return User{}, s.taken(err, "insert a user")
	}
	s.mailed(ctx)
	return u, nil
}

func (s *Service) insertOrTell(ctx context.Context, p *Policy, u User) error {
	return s.store.Update(ctx, func(w Writer) error {
		owner, err := w.UserByLogin(ctx, Email, u.Email, true)
		if err == nil {
			return s.tell(ctx, w, p, &owner, AddressTakenMail, true)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		made, err := insert(ctx, w, u)
		if err != nil {
			return err
		}
		return s.sendLink(ctx, w, p, &made, ActivationMail)
	})
}

// telling are the values of a registration, beside its address, that nobody else may have: they are taken once
// somebody registered with them and free once nobody did, so who asks twice would be told which. They are set by
// who has signed in.
func (s *Service) telling(n *NewUser) (problems []Problem) {
	m := s.store.Model()
	for _, f := range profileFields {
		if c, ok := m.Column(f); ok && c.Unique && f != Email && n.text(f) != "" {
			problems = append(problems, Problem{Code: ReadOnly, Field: f})
		}
	}
	problems = append(problems, tellingOf("", m.Extras, n.Extra)...)
	for _, p := range n.Profiles {
		if k := m.Profile(p.Kind); k != nil {
			problems = append(problems, tellingOf(k.Name, k.Fields, p.Values)...)
		}
	}
	return problems
}

func tellingOf(profile string, specs []FieldSpec, given Values) (problems []Problem) {
	for i := range specs {
		if f := &specs[i]; f.Unique && !given.Of(f.Name).IsNull() {
			problems = append(problems, Problem{Code: ReadOnly, Field: f.Name, Profile: profile})
		}
	}
	return problems
}
