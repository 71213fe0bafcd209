package account

import (
	"context"
	"errors"
	"fmt"
)

// judgeUsername judges the user name of somebody with an address, in our own table: it has the form that Django holds names to,
// or is that address. Where people sign in by a name, who has none goes by his address; another's name that reads so
// would stand in his way, and show another as him. Who has no address may take one that is nobody's.
// Codes: Invalid, UsernameTaken.
func (s *Service) judgeUsername(ctx context.Context, name, email string) error {
	if settled, err := s.formOfName(name, email); settled {
		return err
	}
	return s.store.View(ctx, func(r Reader) error { return s.fitName(ctx, r, name, email) })
}

// formOfName is what judgeUsername says without looking for anybody.
func (s *Service) formOfName(name, email string) (settled bool, err error) {
	name = NormalizeUsername(name)
	switch {
	case s.store.Model().Django || name == "" || FoldEmail(name) == FoldEmail(email):
		return true, nil
	case !ValidUsername(name), ValidEmail(name) && email != "":
		return true, failField(Invalid, Username)
	}
	return !ValidEmail(name), nil
}

// fitName is judgeUsername for who has a Reader.
func (s *Service) fitName(ctx context.Context, r Reader, name, email string) error {
	if settled, err := s.formOfName(name, email); settled {
		return err
	}
	_, err := r.UserByLogin(ctx, Email, NormalizeUsername(name), true)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("look for whose address a user name is: %w", err)
	}
	return failField(UsernameTaken, Username)
}
