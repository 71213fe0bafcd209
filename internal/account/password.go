package account

import (
	"context"
	"errors"
	"fmt"

	"doorward/internal/password"
)

// CheckPassword checks the password of somebody who is signed in, and remembers for the rest of his
// request that it was right. Codes: WrongPassword, Busy.
func (s *Service) CheckPassword(ctx context.Context, who *Principal, text string) error {
	if text != "" && who.proved == text {
		return nil
	}
	err := s.checkPassword(ctx, &who.User, text)
	if err == nil {
		who.proved = text
	}
	return err
}

func (s *Service) checkPassword(ctx context.Context, u *User, text string) error {
	if len(text) > password.MaxBytes {
		return failField(WrongPassword, Password)
	}
	match, err := s.verify(ctx, u, text)
	if err != nil {
		return err
	}
	if !match.OK {
		return failField(WrongPassword, Password)
	}
	return nil
}

// errRehashed says that a user's hash is not the one that his password was checked against.
var errRehashed = errors.New("the password was hashed anew")

// maxChecks is how often a password is checked against a hash that keeps changing.
const maxChecks = 3

// proven ends everything of who, whose password text was right a moment ago, unless it is to be
// kept, and runs then in the same transaction. It refuses when everything was ended since who asked: his session is not to
// come back to life. Then answers errRehashed when the hash is no longer that of seen, and runs
// again once text was checked against the new one.
func (s *Service) proven(ctx context.Context, who *Principal, text string, keep bool, then func(w Writer, seen *User, epoch uint32) error) error {
	seen := who.User
	for range maxChecks {
		err := s.update(ctx, seen.ID, func(w Writer) error {
			epoch, err := s.beginProven(ctx, w, &seen, keep)
			if err == nil && !keep && !who.opaque {
				err = w.EndClearToken(ctx, seen.ID)
			}
			if err != nil {
				return err
			}
			return then(w, &seen, epoch)
		})
		if errors.Is(err, ErrNotFound) {
			return failField(WrongPassword, Password)
		}
		if !errors.Is(err, errRehashed) {
			return err
		}
		if seen, err = s.checkAgain(ctx, &seen, text); err != nil {
			return err
		}
	}
	return failField(WrongPassword, Password)
}

// beginProven ends everything of a user that an epoch ends, or nothing, and gives his epoch then.
func (s *Service) beginProven(ctx context.Context, w Writer, seen *User, keep bool) (uint32, error) {
	u, want := User{ID: seen.ID}, seen.Epoch
	var err error
	if keep {
		u, err = w.User(ctx, seen.ID)
	} else {
		err = s.raise(ctx, w, &u)
		want++
	}
	if err == nil && u.Epoch != want {
		err = failField(WrongPassword, Password)
	}
	return u.Epoch, err
}

// checkAgain checks a password against the hash that the user has now.
func (s *Service) checkAgain(ctx context.Context, seen *User, text string) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		u, err = r.User(ctx, seen.ID)
		return err
	})
	if errors.Is(err, ErrNotFound) || err == nil && u.Epoch != seen.Epoch {
		return User{}, failField(WrongPassword, Password)
	}
	if err != nil {
		return User{}, err
	}
	return u, s.checkPassword(ctx, &u, text)
}

// swap replaces the hash of a user that is still the one he was seen with.
func swap(ctx context.Context, w Writer, seen *User, fresh string) error {
	swapped, err := w.SwapPassword(ctx, seen.ID, seen.Password, fresh)
	if err == nil && !swapped {
		err = errRehashed
	}
	return err
}

// ChangePassword replaces the password of who and ends everything else that is signed in. The
// session that asked lives on: its next refresh brings a good access token. Where the policy keeps
// tokens, nothing ends. Codes: WrongPassword, the password rules, Busy.
func (s *Service) ChangePassword(ctx context.Context, p *Policy, who *Principal, current, fresh string) error {
	if err := s.CheckPassword(ctx, who, current); err != nil {
		return err
	}
	hash, err := s.newPassword(ctx, p, &who.User, fresh)
	if err != nil {
		return err
	}
	err = s.proven(ctx, who, current, p.KeepTokens, func(w Writer, seen *User, epoch uint32) error {
		if err := swap(ctx, w, seen, hash); err != nil {
			return err
		}
		if err := s.keep(ctx, w, p, who, epoch); err != nil {
			return err
		}
		return s.tell(ctx, w, p, seen, PasswordChangedMail, p.Mail.PasswordChanged)
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("change the password of user %d: %w", who.User.ID, err)
	}
	if err == nil {
		s.mailed(ctx)
	}
	return err
}

// ReplacePassword is ChangePassword without the old one, for mounts that do not ask for it.
// Codes: the password rules, WrongPassword where everything of who was ended meanwhile, Busy.
func (s *Service) ReplacePassword(ctx context.Context, p *Policy, who *Principal, fresh string) error {
	hash, err := s.newPassword(ctx, p, &who.User, fresh)
	if err != nil {
		return err
	}
	err = s.update(ctx, who.User.ID, func(w Writer) error {
		epoch, err := s.beginProven(ctx, w, &who.User, p.KeepTokens)
		if err == nil {
			err = w.UpdateUser(ctx, &User{ID: who.User.ID, Password: hash}, Password)
		}
		if err == nil {
			err = s.keep(ctx, w, p, who, epoch)
		}
		if err != nil {
			return err
		}
		return s.tell(ctx, w, p, &who.User, PasswordChangedMail, p.Mail.PasswordChanged)
	})
	if errors.Is(err, ErrNotFound) {
		return failField(WrongPassword, Password)
	}
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("replace the password of user %d: %w", who.User.ID, err)
	}
	if err == nil {
		s.mailed(ctx)
	}
	return err
}

// keep lets what who showed live on in a new epoch, unless who changes his password is signed out here.
func (s *Service) keep(ctx context.Context, w Writer, p *Policy, who *Principal, epoch uint32) error {
	switch {
	case p.Changes.SignOut:
		if who.browser {
			if _, err := w.EndSession(ctx, who.Session.ID, s.now()); err != nil {
				return err
			}
		}
		_, err := w.DeleteOpaqueToken(ctx, who.User.ID)
		return err
	case p.KeepTokens:
		return nil
	case who.opaque:
		return w.KeepOpaqueToken(ctx, who.User.ID, epoch)
	}
	return w.KeepSession(ctx, who.Session.ID, epoch)
}

// SetPassword is ChangePassword by an operator: no proof, and every session ends.
func (s *Service) SetPassword(ctx context.Context, p *Policy, u *User, fresh string) error {
	hash, err := s.newPassword(ctx, p, u, fresh)
	if err != nil {
		return err
	}
	err = s.update(ctx, u.ID, func(w Writer) error {
		return s.endEverything(ctx, w, &User{ID: u.ID, Password: hash}, Password)
	})
	if err != nil {
		return fmt.Errorf("set the password of user %d: %w", u.ID, err)
	}
	return nil
}

func (s *Service) newPassword(ctx context.Context, p *Policy, u *User, text string) (string, error) {
	if problems := s.judgePassword(p.Rules, text, u.text); len(problems) > 0 {
		return "", &Error{Problems: problems}
	}
	hash, err := s.pool.Hash(ctx, text)
	if err != nil {
		return "", busy(err, "hash a new password")
	}
	return hash, nil
}
