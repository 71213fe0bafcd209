package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// ChangePolicy says what follows when people change something about themselves.
type ChangePolicy struct {
	// SignOut takes the opaque token of who changes his password, and where the policy keeps no tokens his session too.
	SignOut bool
	// With activation mails: LoginDeactivates makes who changes his login name inactive until he follows
	// the link, AlwaysMail sends a link at every change of a profile.
	LoginDeactivates, AlwaysMail bool
	// HideUsers shows a person who is no staff nobody but himself.
	HideUsers bool
	// StaffOverAll lets staff change and delete superusers, too. Recorded of Django, where whoever may change somebody's address
	// may have his password reset, and never on outside a replay of it.
	StaffOverAll bool
	// ListLimit is how many users or profiles a list without pages may have; 0: ten thousand.
	ListLimit int
}

// Reach is whom somebody may call up.
type Reach uint8

// The reaches.
const (
	OwnOrStaff Reach = iota // himself; staff everybody
	Everybody
	Own // himself, whoever he is
)

// Wider reports whether r reaches somebody whom other does not.
func (r Reach) Wider(other Reach) bool {
	return r == Everybody && other != Everybody || r == OwnOrStaff && other == Own
}

// reaches reports whether who, nil for nobody, may call up the user of an id.
func (who *Principal) reaches(r Reach, id int64) bool {
	return r == Everybody || who != nil && (who.User.ID == id || r == OwnOrStaff && who.User.IsStaff)
}

// outranks refuses who may not touch u: a superuser is changed by superusers alone, and by himself. who is nil for an operator.
func (p *Policy) outranks(who *Principal, u *User) error {
	if !u.IsSuperuser || p.Changes.StaffOverAll || who == nil || who.User.IsSuperuser || who.User.ID == u.ID {
		return nil
	}
	return fail(Outranked)
}

// Person calls up a user. Codes: NoSuchUser, NotYours.
func (s *Service) Person(ctx context.Context, who *Principal, reach Reach, id int64) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		u, err = r.User(ctx, id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return User{}, fail(NoSuchUser)
	}
	if err != nil {
		return User{}, fmt.Errorf("call up user %d: %w", id, err)
	}
	if !who.reaches(reach, id) {
		return User{}, fail(NotYours)
	}
	return u, nil
}

// PersonByName is Person for a mount that names users by what they sign in with.
func (s *Service) PersonByName(ctx context.Context, who *Principal, reach Reach, f Field, name string) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		u, err = r.UserByLogin(ctx, f, name, false)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return User{}, fail(NoSuchUser)
	}
	if err != nil {
		return User{}, fmt.Errorf("call up a user by %s: %w", f, err)
	}
	if !who.reaches(reach, u.ID) {
		return User{}, fail(NotYours)
	}
	return u, nil
}

// Owner finds whose a value of Email, Username or Phone is, as the table's own uniqueness sees it.
// Codes: NoSuchUser.
func (s *Service) Owner(ctx context.Context, f Field, text string) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		u, err = r.UserByLogin(ctx, f, text, true)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, fmt.Errorf("find whose a %s is: %w", f, err)
	}
	return u, lost(err)
}

// maxPeople is how many users or profiles a list without pages may have, unless a policy says otherwise.
const maxPeople = 10_000

// hides reports whether who sees nobody but himself.
func (p *Policy) hides(who *Principal) bool {
	return p.Changes.HideUsers && (who == nil || !who.User.IsStaff)
}

// People lists the users whom who may see, by id. who is nil for nobody. Codes: TooMany.
func (s *Service) People(ctx context.Context, p *Policy, who *Principal) ([]User, error) {
	if p.hides(who) {
		if who == nil {
			return nil, nil
		}
		return []User{who.User}, nil
	}
	const step = 1000
	limit := cmp.Or(p.Changes.ListLimit, maxPeople)
	var all []User
	for after := int64(0); ; {
		page, err := s.List(ctx, after, step)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(all) > limit {
			return nil, tooMany(limit)
		}
		if len(page) < step {
			return all, nil
		}
		after = page[len(page)-1].ID
	}
}

// EditPerson changes a user whom the caller called up for who; declared fields and profiles as far as by may:
// see Principal.Access. Unlike Edit it changes addresses, kept as they were sent, and mails what follows of that.
// Codes: Invalid, TooLong, EmailTaken, UsernameTaken, PhoneTaken, NoSuchUser, Outranked, Busy; of declared fields and profiles those of Edit.
func (s *Service) EditPerson(ctx context.Context, p *Policy, who *Principal, by Access, id int64, c Changes) (u User, err error) {
	var changed []Field
	for f, text := range c.Texts {
		col, ok := s.store.Model().Column(f)
		if !ok {
			return User{}, failField(ReadOnly, f)
		}
		if problems := judgeText(col, text); text != "" && len(problems) > 0 {
			return User{}, &Error{Problems: problems}
		}
		changed = append(changed, f)
	}
	extra, problems := judgeFields("", s.store.Model().Extras, c.Extra, by, &Values{}, s.now())
	if len(problems) > 0 {
		return User{}, &Error{Problems: problems}
	}
	for f := range extra.All() {
		changed = append(changed, f)
	}
	err = s.update(ctx, id, func(w Writer) error {
		if u, err = w.User(ctx, id); err != nil {
			return err
		}
		if err := p.outranks(who, &u); err != nil {
			return err
		}
		email := u.Email
		if name, ok := c.Texts[Username]; ok && name != u.Username {
			if err := s.fitName(ctx, w, name, u.Email); err != nil {
				return err
			}
		}
		for f, text := range c.Texts {
			u.putText(f, text)
		}
		u.Extra = u.Extra.WithAll(extra)
		rows, problems := s.judgeProfiles(by, &u, c.Profiles)
		if len(problems) > 0 {
			return &Error{Problems: problems}
		}
		if err := writeRows(ctx, w, &u, changed, rows); err != nil {
			return err
		}
		if err := s.addressChanged(ctx, w, p, &u, email); err != nil {
			return err
		}
		switch {
		case !p.Mail.Activation:
			return nil
		case u.Email != email:
			return s.deactivate(ctx, w, p, &u)
		case p.Changes.AlwaysMail:
			return s.sendLink(ctx, w, p, &u, ActivationMail)
		}
		return nil
	})
	if err != nil {
		return User{}, s.taken(lost(err), fmt.Sprintf("update user %d", id))
	}
	s.mailed(ctx)
	return u, nil
}

// Expel deletes another user for somebody who may, once he gave his own password.
// Codes: WrongPassword, NoSuchUser, Outranked, Busy.
func (s *Service) Expel(ctx context.Context, p *Policy, who *Principal, id int64, current string) error {
	if who.User.ID == id {
		return s.Delete(ctx, who, current)
	}
	if err := s.CheckPassword(ctx, who, current); err != nil {
		return err
	}
	return s.Dismiss(ctx, p, who, id)
}

// Text is what people wrote into a field; "" for fields that are no text.
func (u *User) Text(f Field) string { return u.text(f) }
