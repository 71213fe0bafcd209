package account

import (
	"context"
	"fmt"
)

// Activate makes the user of a link active. Of any number at once one succeeds.
// Codes: LinkUser, LinkToken, LinkStale for one who is active already.
func (s *Service) Activate(ctx context.Context, p *Policy, l Link) error {
	u, err := s.follow(ctx, p, l, ActivationMail)
	if err != nil {
		return err
	}
	err = s.update(ctx, u.ID, func(w Writer) error {
		first, err := w.Activate(ctx, u.ID)
		if err != nil {
			return err
		}
		if !first {
			return fail(LinkStale)
		}
		if err := s.still(ctx, w, p, u.ID, l, ActivationMail, func(*User) {}); err != nil {
			return err
		}
		if err := admits(ctx, w, u.ID); err != nil {
			return err
		}
		return s.tell(ctx, w, p, &u, ConfirmationMail, p.Mail.Confirmation)
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("activate user %d: %w", u.ID, err)
	}
	if err == nil {
		s.mailed(ctx)
	}
	return err
}

// admits refuses to activate whom an operator disabled, whatever link he has.
func admits(ctx context.Context, r Reader, id int64) error {
	barred, err := r.Barred(ctx, id)
	if err == nil && barred {
		err = fail(LinkToken)
	}
	return err
}

// ResendActivation sends the link again to who is not active yet, unless an operator disabled him. Codes: SwitchedOff where the
// mount sends none, EmailUnknown when nobody is waiting for one, which comes first where the mount tells;
// whoever answers decides what of it is told.
func (s *Service) ResendActivation(ctx context.Context, p *Policy, email string) error {
	waits := func(u *User) bool { return !u.IsActive && usable(u) }
	if !p.Mail.Activation {
		if !p.Links.TellUnknown {
			return fail(SwitchedOff)
		}
		owners, err := s.owners(ctx, p, email, ActivationMail, waits)
		switch {
		case err != nil:
			return err
		case len(owners) == 0:
			return failField(EmailUnknown, Email)
		}
		return fail(SwitchedOff)
	}
	found, err := s.mailOwners(ctx, p, email, ActivationMail, waits)
	if err == nil && !found {
		return failField(EmailUnknown, Email)
	}
	return err
}
