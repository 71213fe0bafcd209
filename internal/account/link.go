package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"doorward/internal/password"
	"doorward/internal/token"
)

// LinkPolicy says how a mount's e-mailed links work.
type LinkPolicy struct {
	Timeout time.Duration
	// OneKind takes the link of one purpose for any other, as Django does, which knows one kind. Without
	// it a link that activates does nothing else, and dies when everything of the user is signed out.
	OneKind bool
	// Stamp writes last_login when a password or a login name is set by a link.
	Stamp bool
	// FoldEmail finds the owner of an address in any spelling.
	FoldEmail bool
	// Likeness compares a password that is set by a link with the name and address of its owner, once the link
	// was found good: strangers learn nothing of him.
	Likeness bool
	// Base36 writes the id of a link's user in base36 and binds its token to his address twice, as allauth does.
	Base36 bool
	// TellUnknown says so to who asks for a link for an address of nobody.
	TellUnknown bool
}

// Link is what an e-mailed link says.
type Link struct{ UID, Token string }

// noTimeout is how long links live where a policy does not say: as long as Django's.
const noTimeout = 3 * 24 * time.Hour

func (p *Policy) linkTimeout() time.Duration {
	if p.Links.Timeout == 0 {
		return noTimeout
	}
	return p.Links.Timeout
}

// linked is what the link of an occasion is bound to. Resetting a password and resetting a login
// name are one purpose: who may do one may do the other.
func linked(p *Policy, u *User, why Occasion) *token.Linked {
	of := &token.Linked{ID: u.ID, Password: u.Password, LastLogin: u.LastLogin, Email: u.Email}
	switch {
	case why == ActivationMail && !p.Links.OneKind:
		of.Purpose = "activation " + strconv.FormatUint(uint64(u.Epoch), 10)
	case p.Links.Base36: // EmailAwarePasswordResetTokenGenerator (allauth/account/forms.py)
		of.Purpose = u.Email
	}
	return of
}

// sendLink puts a mail with a link for u into the outbox.
func (s *Service) sendLink(ctx context.Context, w Writer, p *Policy, u *User, why Occasion) error {
	return s.notify(ctx, w, p, &Notice{
		Occasion: why, User: u, Asker: askerOf(ctx),
		UID: p.formatUID(u.ID), Token: s.links.Make(linked(p, u, why), s.now()),
	})
}

func (p *Policy) formatUID(id int64) string {
	if p.Links.Base36 {
		return token.FormatUID36(id)
	}
	return token.FormatUID(id)
}

func (p *Policy) parseUID(uid string) (int64, bool) {
	if p.Links.Base36 {
		return token.ParseUID36(uid)
	}
	return token.ParseUID(uid)
}

// tell puts a mail without a link into the outbox, if it is wanted.
func (s *Service) tell(ctx context.Context, w Writer, p *Policy, u *User, why Occasion, wanted bool) error {
	if !wanted {
		return nil
	}
	return s.notify(ctx, w, p, &Notice{Occasion: why, User: u, Asker: askerOf(ctx)})
}

// KnowsUID reports whether the user id of a link is somebody's.
func (s *Service) KnowsUID(ctx context.Context, p *Policy, uid string) (bool, error) {
	_, err := s.userOf(ctx, p, uid)
	if errors.Is(err, LinkUser) {
		return false, nil
	}
	return err == nil, err
}

func (s *Service) userOf(ctx context.Context, p *Policy, uid string) (u User, err error) {
	id, ok := p.parseUID(uid)
	if !ok {
		return User{}, fail(LinkUser)
	}
	err = s.store.View(ctx, func(r Reader) error {
		u, err = r.User(ctx, id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return User{}, fail(LinkUser)
	}
	if err != nil {
		return User{}, fmt.Errorf("read the user of a link: %w", err)
	}
	return u, nil
}

// follow finds whose link it is, and refuses one that is no longer good.
func (s *Service) follow(ctx context.Context, p *Policy, l Link, why Occasion) (User, error) {
	u, err := s.userOf(ctx, p, l.UID)
	if err != nil {
		return User{}, err
	}
	if !s.links.Check(linked(p, &u, why), l.Token, s.now(), p.linkTimeout()) {
		return User{}, fail(LinkToken)
	}
	return u, nil
}

// still holds that a link is good for the row that is being written, too, which nobody else changes from here on: what it is bound
// to may have changed since it was followed. back undoes in a copy what was written.
func (s *Service) still(ctx context.Context, w Writer, p *Policy, id int64, l Link, why Occasion, back func(*User)) error {
	u, err := w.User(ctx, id)
	if err != nil {
		return err
	}
	if back(&u); !s.links.Check(linked(p, &u, why), l.Token, s.now(), p.linkTimeout()) {
		return fail(LinkToken)
	}
	return nil
}

// maxOwners is how many users of one address get a mail.
const maxOwners = 20

// mailOwners sends a link to everybody who has this address and passes. Where nobody does, the
// same work is done for nobody.
func (s *Service) mailOwners(ctx context.Context, p *Policy, email string, why Occasion, passes func(*User) bool) (found bool, err error) {
	return s.mailEach(ctx, p, email, why, passes, func(w Writer, u *User) error { return s.sendLink(ctx, w, p, u, why) })
}

// mailEach is mailOwners with any mail.
func (s *Service) mailEach(ctx context.Context, p *Policy, email string, why Occasion, passes func(*User) bool, send func(Writer, *User) error) (found bool, err error) {
	owners, err := s.owners(ctx, p, email, why, passes)
	if err != nil {
		return false, err
	}
	err = s.store.Update(ctx, func(w Writer) error {
		for i := range owners {
			if err := send(w, &owners[i]); err != nil {
				return err
			}
		}
		if len(owners) > 0 {
			return nil
		}
		return send(w, nobody(email))
	})
	if err != nil && Refusal(err) == nil {
		return false, fmt.Errorf("send a mail to who has an address: %w", err)
	}
	if err == nil {
		s.mailed(ctx)
	}
	return len(owners) > 0, err
}

// owners are those of an address who pass, and may have such a mail.
func (s *Service) owners(ctx context.Context, p *Policy, email string, why Occasion, passes func(*User) bool) (owners []User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		owners, err = r.UsersByEmail(ctx, email, p.Links.FoldEmail, maxOwners)
		owners = slices.DeleteFunc(owners, func(u User) bool { return !passes(&u) })
		if err == nil && why == ActivationMail {
			owners, err = admitted(ctx, r, owners)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find the users of an address: %w", err)
	}
	return owners, nil
}

// admitted are those whom no operator disabled. Of nobody it is asked, too.
func admitted(ctx context.Context, r Reader, users []User) (all []User, err error) {
	if len(users) == 0 {
		_, err := r.Barred(ctx, ToNobody)
		return nil, err
	}
	for i := range users {
		switch err := admits(ctx, r, users[i].ID); {
		case err == nil:
			all = append(all, users[i])
		case Refusal(err) == nil || errors.Is(err, Unavailable):
			return nil, err
		}
	}
	return all, nil
}

// nobody is whom a mail is for that the outbox takes out again as if it were sent: the clock does not tell whose
// address there is, neither now nor to the next request.
func nobody(email string) *User {
	return &User{ID: ToNobody, Email: email, Password: password.Unusable()}
}

// usable reports whether a user can sign in with a password: a link to set one is for nobody else.
func usable(u *User) bool {
	kind := password.Identify(u.Password)
	return kind != password.KindUnusable && u.Password != ""
}

// stamped is the last_login that a link leaves behind: another second than before, or the link
// would be good again.
func (s *Service) stamped(u *User) time.Time {
	now := s.now()
	if !now.Truncate(time.Second).After(u.LastLogin) {
		return u.LastLogin.Truncate(time.Second).Add(time.Second)
	}
	return now
}
