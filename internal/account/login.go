package account

import (
	"context"
	"errors"
	"fmt"
)

// judgeLogin judges the text that a user wants to sign in with from now on. His own is taken, too.
func (s *Service) judgeLogin(ctx context.Context, u *User, f Field, text string) error {
	col, ok := s.store.Model().Column(f)
	if !ok {
		return fmt.Errorf("the table has no %s", f)
	}
	if text == "" {
		return failField(Required, f)
	}
	if problems := judgeText(col, text); len(problems) > 0 {
		return &Error{Problems: problems}
	}
	if text == u.text(f) {
		return failField(takenCodes[f], f)
	}
	if f == Username {
		return s.judgeUsername(ctx, text, u.Email)
	}
	return nil
}

// ChangeLogin gives somebody who is signed in another text to sign in with, once his password was
// given. Codes: WrongPassword, Invalid, TooLong, UsernameTaken, EmailTaken, Busy.
func (s *Service) ChangeLogin(ctx context.Context, p *Policy, who *Principal, f Field, current, fresh string) error {
	if err := s.CheckPassword(ctx, who, current); err != nil {
		return err
	}
	if err := s.judgeLogin(ctx, &who.User, f, fresh); err != nil {
		return err
	}
	u := who.User
	err := s.update(ctx, u.ID, func(w Writer) error {
		first, err := w.SwapLogin(ctx, u.ID, f, who.User.text(f), fresh)
		if err == nil && !first {
			err = fail(Changed)
		}
		if err == nil {
			err = s.signedIn(ctx, w, &u)
		}
		if err != nil {
			return err
		}
		u.putText(f, fresh)
		if err := s.tell(ctx, w, p, &u, LoginChangedMail, p.Mail.LoginChanged); err != nil {
			return err
		}
		if err := s.addressChanged(ctx, w, p, &u, who.User.Email); err != nil {
			return err
		}
		if p.Mail.Activation && p.Changes.LoginDeactivates {
			return s.deactivate(ctx, w, p, &u)
		}
		return nil
	})
	return s.loginChanged(ctx, err, u.ID)
}

// signedIn holds that nothing ended everything of u, nor disabled him, since he was read: he is not to act any more. His
// row is held by a change.
func (s *Service) signedIn(ctx context.Context, w Writer, u *User) error {
	now, err := w.User(ctx, u.ID)
	if err == nil && (now.Epoch != u.Epoch || !now.IsActive) {
		err = failField(WrongPassword, Password)
	}
	return err
}

// ResetLogin does so for the user of a link. Of any number at once one succeeds.
// Codes: Invalid, TooLong, UsernameTaken, EmailTaken, LinkUser, LinkToken.
func (s *Service) ResetLogin(ctx context.Context, p *Policy, l Link, f Field, fresh string) error {
	u, err := s.follow(ctx, p, l, LoginResetMail)
	if err != nil {
		return err
	}
	if err := s.judgeLogin(ctx, &u, f, fresh); err != nil {
		return err
	}
	old := u
	err = s.update(ctx, u.ID, func(w Writer) error {
		first, err := w.SwapLogin(ctx, u.ID, f, old.text(f), fresh)
		if err == nil && !first {
			err = fail(LinkToken)
		}
		if err == nil {
			err = s.still(ctx, w, p, u.ID, l, LoginResetMail, func(now *User) { now.putText(f, old.text(f)) })
		}
		if err != nil {
			return err
		}
		u.putText(f, fresh)
		u.LastLogin = s.stamped(&old) // whatever the policy says, or the link would be good again
		if err := w.UpdateUser(ctx, &u, LastLogin); err != nil {
			return err
		}
		if err := s.tell(ctx, w, p, &u, LoginChangedMail, p.Mail.LoginChanged); err != nil {
			return err
		}
		return s.addressChanged(ctx, w, p, &u, old.Email)
	})
	return s.loginChanged(ctx, err, u.ID)
}

func (s *Service) loginChanged(ctx context.Context, err error, id int64) error {
	if err != nil {
		return s.taken(err, fmt.Sprintf("change what user %d signs in with", id))
	}
	s.mailed(ctx)
	return nil
}

// addressChanged tells the address that a user had that he has another one now.
func (s *Service) addressChanged(ctx context.Context, w Writer, p *Policy, u *User, old string) error {
	before := *u
	before.Email = old
	return s.tell(ctx, w, p, &before, AddressChangedMail, p.Mail.AddressChanged && old != u.Email)
}

// deactivate makes a user inactive until he follows the link that is sent to him.
func (s *Service) deactivate(ctx context.Context, w Writer, p *Policy, u *User) error {
	u.IsActive = false
	if err := w.UpdateUser(ctx, u, IsActive); err != nil {
		return err
	}
	return s.sendLink(ctx, w, p, u, ActivationMail)
}

// putText sets a text as it was sent: Django normalises at sign-up only.
func (u *User) putText(f Field, text string) {
	if f == Email {
		u.Email = text
		return
	}
	u.setText(f, text)
}

// lost turns the end of a user into a refusal.
func lost(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fail(NoSuchUser)
	}
	return err
}
