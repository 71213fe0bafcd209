package account

import (
	"context"
	"fmt"
)

// RequestPasswordReset mails a link to everybody who has this address, is active and has a
// password. Codes: EmailUnknown, where the mount tells; Busy.
func (s *Service) RequestPasswordReset(ctx context.Context, p *Policy, email string) error {
	return s.requestReset(ctx, p, email, PasswordResetMail)
}

// RequestLoginReset does so with the link that changes what they sign in with.
func (s *Service) RequestLoginReset(ctx context.Context, p *Policy, email string) error {
	return s.requestReset(ctx, p, email, LoginResetMail)
}

func (s *Service) requestReset(ctx context.Context, p *Policy, email string, why Occasion) error {
	found, err := s.mailOwners(ctx, p, email, why, func(u *User) bool { return u.IsActive && usable(u) })
	if err == nil && !found && p.Links.TellUnknown {
		return failField(EmailUnknown, Email)
	}
	return err
}

// JudgePassword judges a new password that nobody has yet. who is nil where nobody is signed in:
// then it may resemble its owner, as with Django's reset.
func (s *Service) JudgePassword(p *Policy, who *Principal, text string) error {
	attribute := ofNobody
	if who != nil {
		attribute = who.User.text
	}
	if problems := s.judgePassword(p.Rules, text, attribute); len(problems) > 0 {
		return &Error{Problems: problems}
	}
	return nil
}

// ResetPassword sets the password of a link's user. Of any number at once one succeeds. It ends
// everything that is signed in, unless the mount keeps tokens. who asks is nil where nobody is signed in; else the
// password may not resemble him.
// Codes: the password rules, LinkUser, LinkToken, Busy.
func (s *Service) ResetPassword(ctx context.Context, p *Policy, who *Principal, l Link, fresh string) error {
	if err := s.JudgePassword(p, who, fresh); err != nil {
		return err
	}
	u, err := s.follow(ctx, p, l, PasswordResetMail)
	if err != nil {
		return err
	}
	if p.Links.Likeness {
		if err := s.JudgePassword(p, &Principal{User: u}, fresh); err != nil {
			return err
		}
	}
	hash, err := s.pool.Hash(ctx, fresh)
	if err != nil {
		return busy(err, "hash a new password")
	}
	err = s.update(ctx, u.ID, func(w Writer) error {
		first, err := w.SwapPassword(ctx, u.ID, u.Password, hash)
		if err == nil && !first {
			err = fail(LinkToken)
		}
		if err == nil {
			err = s.still(ctx, w, p, u.ID, l, PasswordResetMail, func(now *User) { now.Password = u.Password })
		}
		if err == nil && !p.KeepTokens {
			err = s.endEverything(ctx, w, &User{ID: u.ID})
		}
		if err == nil && p.Emails.Verify != NotVerified { // the link was mailed there
			_, err = verifyEmail(ctx, w, &u)
		}
		if err == nil && p.Links.Stamp {
			err = w.UpdateUser(ctx, &User{ID: u.ID, LastLogin: s.stamped(&u)}, LastLogin)
		}
		if err != nil {
			return err
		}
		return s.tell(ctx, w, p, &u, PasswordChangedMail, p.Mail.PasswordChanged)
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("reset the password of user %d: %w", u.ID, err)
	}
	if err == nil {
		s.mailed(ctx)
	}
	return err
}
