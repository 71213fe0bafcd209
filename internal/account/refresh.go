package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"doorward/internal/token"
)

// Renew exchanges an access token for the next one of its chain. Codes: those of tokens,
// NotRefreshable, RefreshExpired.
func (s *Service) Renew(ctx context.Context, p *Policy, raw string) (Grant, error) {
	m := s.moment(p)
	who, err := s.Authenticate(ctx, p, raw)
	if err != nil {
		return Grant{}, err
	}
	mount := p
	p = p.renewing(who)
	first, ok := firstIssued(&p.Tokens, who.claims)
	if !ok || !p.Tokens.Renewable {
		return Grant{}, fail(NotRefreshable)
	}
	now := s.now()
	if now.Unix() > first+int64(p.Tokens.Refresh/time.Second) {
		return Grant{}, fail(RefreshExpired)
	}
	ses := who.Session
	if ses.ID == 0 {
		if ses, err = s.adopt(ctx, p, who); err != nil {
			return Grant{}, err
		}
	}
	g, err := s.grantUntil(p, &who.User, &ses, now.Add(p.Tokens.Access))
	if err != nil || p != mount { // what the mount reads otherwise than it was made is judged by its rows
		return g, err
	}
	return s.remember(p, &m, g), nil
}

// renewing is the policy by which who's token is renewed: where this mount's own tokens are not, one
// that another program made for it may be.
func (p *Policy) renewing(who *Principal) *Policy {
	if p.Tokens.Renewable || p.Tokens.ForeignFirst == "" || who.Session.ID != 0 {
		return p
	}
	q := *p
	q.Tokens.Renewable = true
	q.Tokens.Claims = append(slices.Clone(q.Tokens.Claims), Claim{Name: p.Tokens.ForeignFirst, Source: FromFirstIssued})
	who.mark = markOf(&q.Tokens, who.claims)
	return &q
}

// adopt opens the session of a token that was made by another program.
func (s *Service) adopt(ctx context.Context, p *Policy, who *Principal) (Session, error) {
	ses := s.adopted(p, who)
	var found Session
	err := s.store.Update(ctx, func(w Writer) error {
		inserted, err := w.InsertSession(ctx, &ses)
		if found = ses; err == nil && !inserted { // another request has just done it
			found, err = w.SessionByMark(ctx, who.User.ID, p.family(), who.mark)
		}
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("open a session for a foreign token of user %d: %w", who.User.ID, err)
	}
	if !found.Ended.IsZero() || found.Epoch != who.User.Epoch {
		return Session{}, fail(TokenEnded)
	}
	return found, nil
}

func (s *Service) adopted(p *Policy, who *Principal) Session {
	now := s.now()
	return Session{
		ID: newSessionID(), UserID: who.User.ID, Mount: p.family(), Mark: who.mark, Epoch: who.User.Epoch,
		Created: now, Rotated: now, Expires: foreignEnd(&p.Tokens, who, now),
	}
}

// foreignEnd is when the last foreign token of who's chain is dead: his own, or one renewed from
// it. Whoever signed it set its times, so they are held within a century.
func foreignEnd(t *Tokens, who *Principal, now time.Time) time.Time {
	most := now.AddDate(100, 0, 0)
	exp, state := who.claims.Time(t.claim(FromExpiry))
	if t.Typed != nil && state == token.Present { // its mark is no time
		return time.Unix(min(exp, most.Unix()), 0).Add(t.Typed.span(t))
	}
	if state != token.Present || who.mark == noMark {
		return most
	}
	end := t.lastUse(min(who.mark, most.Unix()))
	for _, other := range []time.Time{now, time.Unix(min(exp, most.Unix()), 0)} {
		if other.After(end) {
			end = other
		}
	}
	return end
}

// Refresh exchanges a rotating session's refresh token for a fresh pair. The last token but one
// answers with the same successor for the policy's grace (a lost reply, two tabs); an older one
// was copied by somebody, and ends the session. Codes: TokenForged, TokenEnded, TokenExpired, UserDisabled.
func (s *Service) Refresh(ctx context.Context, p *Policy, text string) (Grant, error) {
	id, generation, ok := s.refresh.Open(text)
	if !ok {
		return Grant{}, fail(TokenForged)
	}
	for {
		m := s.moment(p)
		u, ses, err := s.liveSession(ctx, p, id)
		if err != nil {
			return Grant{}, err
		}
		now := s.now()
		switch {
		case generation > ses.Generation:
			return Grant{}, fail(TokenForged)
		case generation < ses.Generation:
			if generation+1 == ses.Generation && now.Before(ses.Rotated.Add(p.Tokens.Grace)) {
				return s.grant(p, &u, &ses)
			}
			return Grant{}, s.reused(ctx, p, &ses)
		}
		first, err := s.rotate(ctx, p, &ses, now)
		if err != nil {
			return Grant{}, err
		}
		if first {
			g, err := s.grant(p, &u, &ses)
			return s.remember(p, &m, g), err
		}
	}
}

// liveSession reads a session and its user, and refuses one that is over.
func (s *Service) liveSession(ctx context.Context, p *Policy, id int64) (u User, ses Session, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		if ses, u, err = r.SessionUser(ctx, id); err != nil {
			return err
		}
		return loadRights(ctx, r, p, &u)
	})
	if errors.Is(err, ErrNotFound) {
		return u, ses, fail(TokenEnded)
	}
	if err != nil {
		return u, ses, fmt.Errorf("read session %d: %w", id, err)
	}
	now := s.now()
	switch {
	case ses.Mount != p.Mount || !ses.Ended.IsZero() || ses.Epoch != u.Epoch:
		err = fail(TokenEnded)
	case !now.Before(ses.Expires) || !now.Before(ses.Rotated.Add(p.Tokens.Idle)):
		err = fail(TokenExpired)
	case !u.IsActive:
		err = fail(UserDisabled)
	}
	return u, ses, err
}

func (s *Service) rotate(ctx context.Context, p *Policy, ses *Session, now time.Time) (first bool, err error) {
	until := ses.Expires
	if until.Before(now.Add(p.Tokens.Idle)) {
		until = p.Tokens.rowEnd(ses.Created, now)
	}
	return s.rotateUntil(ctx, ses, now, until)
}

// rotateUntil moves ses to its next generation, unless another request got there first.
func (s *Service) rotateUntil(ctx context.Context, ses *Session, now, until time.Time) (first bool, err error) {
	var moved time.Time
	if !until.Equal(ses.Expires) {
		moved = until
	}
	first, err = s.store.Rotate(ctx, ses.ID, ses.Generation, now, moved)
	if err != nil {
		return false, fmt.Errorf("rotate session %d: %w", ses.ID, err)
	}
	if first {
		ses.Generation++
		ses.Rotated, ses.Expires = now, until
	}
	return first, nil
}

// rowEnd is when the row of a session can go that was used last at t: once it has idled, or at its end.
// Half as long again as it may idle, so that few rotations move the row in the index of ends.
func (t *Tokens) rowEnd(created, used time.Time) time.Time {
	end := created.Add(t.Refresh)
	if idle := used.Add(t.Idle + t.Idle/2); t.Idle > 0 && idle.Before(end) {
		return idle
	}
	return end
}

// reused ends the session whose old refresh token was shown again.
func (s *Service) reused(ctx context.Context, p *Policy, ses *Session) error {
	err := s.store.Update(ctx, func(w Writer) error {
		_, err := s.endRow(ctx, w, p, ses.ID)
		return err
	})
	s.ended(p, ses.ID)
	if err != nil {
		return fmt.Errorf("end session %d after a reuse: %w", ses.ID, err)
	}
	s.log.Warn("an old refresh token was used again; its session is ended", "user", ses.UserID, "session", formatSessionID(ses.ID))
	return fail(TokenEnded)
}
